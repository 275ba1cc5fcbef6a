"""Annotated text → window examples: the features that serving computes, with the targets of every head beside them.

Knows nothing about torch. A target that a corpus does not annotate is ``IGNORE`` or absent and costs no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from service.analysis.document import Document, Span, read_document
from service.analysis.labels import ACTOR_TYPES, KINDS, MAX_PREFIX, STANCES, TOPICS
from service.analysis.text import name_key
from service.analysis.units import MENTION, SPEAKER, Unit, link_candidates, segment_units, targets_of
from service.analysis.windows import SpecialTokens, Window, WindowLimits, build_windows

IGNORE: Final = -100


@dataclass(frozen=True, slots=True)
class Mention:
    """A named mention: where, of which entity, of which type (index into ``ACTOR_TYPES``)."""

    span: Span
    entity: str
    actor_type: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What ``speaker`` says in a paragraph. ``span`` and ``cue`` may be unnamed; ``stances``: entity → label index."""

    paragraph: int
    speaker: str
    span: Span | None
    cue: Span | None
    kind: int | None
    stances: dict[str, int]


@dataclass(frozen=True)
class Annotated:
    """A document and what its annotators said, in its coordinates. ``topics`` is None where topics are not annotated."""

    document: Document
    mentions: list[Mention] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    topics: list[int] | None = None
    named: bool = True
    """Whether every mention is annotated, so that the other tokens are known to be outside."""
    spoken: bool = True
    """Whether every speaker, cue, reference and stance is annotated."""


@dataclass(frozen=True)
class WindowExample:
    """One window with its targets.

    ``mention``, ``speaker``, ``cue``, ``prefix``: (n_tokens,) tag indices. ``topic``, ``implicit``: (segments,).
    ``units``: spans then segments. ``links``: (query unit, its right candidates, all candidates).
    ``pairs``: (speaker unit, target unit); ``stance``: (pairs,). ``kinds``: (unit, kind).
    """

    window: Window
    mention: npt.NDArray[np.int64]
    speaker: npt.NDArray[np.int64]
    cue: npt.NDArray[np.int64]
    prefix: npt.NDArray[np.int64]
    topic: npt.NDArray[np.int64]
    implicit: npt.NDArray[np.int64]
    units: list[Unit]
    links: list[tuple[int, list[int], list[int]]]
    pairs: list[tuple[int, int]]
    stance: npt.NDArray[np.int64]
    kinds: list[tuple[int, int]]

    @property
    def n_tokens(self) -> int:
        return len(self.window.ids)

    @property
    def is_taught(self) -> bool:
        """Whether any head has a target here; a sentence whose targets were cut away by its tokens has none."""
        return bool(len(self.stance) or (self.mention != IGNORE).any())


def _moved(pair: list[int] | None, at: int) -> Span | None:
    return Span(at + pair[0], at + pair[1]) if pair else None


def annotated_article(record: dict[str, Any]) -> Annotated:
    """An article in the corpus format → ``Annotated``; offsets become those of its paragraphs joined by one newline."""
    texts = [p["text"] for p in record["paragraphs"]]
    starts = np.cumsum([0, *(len(t) + 1 for t in texts)]).tolist()
    mentions, statements = [], []
    for index, (paragraph, at) in enumerate(zip(record["paragraphs"], starts, strict=False)):
        for m in paragraph["mentions"]:
            actor_type = ACTOR_TYPES.index(record["entities"][m["entity"]]["type"])
            mentions.append(Mention(Span(at + m["start"], at + m["end"]), m["entity"], actor_type))
        for s in paragraph["statements"]:
            stances = {entity: STANCES.index(label) for entity, label in s["stances"].items()}
            kind = KINDS.index(s["kind"])
            words, cue = _moved(s["speaker_span"], at), _moved(s["cue_span"], at)
            statements.append(Statement(index, s["speaker"], words, cue, kind, stances))
    document = Document("\n".join(texts), tuple(Span(a, a + len(t)) for a, t in zip(starts, texts, strict=False)))
    return Annotated(document, mentions, statements, [TOPICS.index(p["topic"]) for p in record["paragraphs"]])


def annotated_sentence(text: str, targets: Sequence[tuple[Span, int]], pairs: Sequence[tuple[int, int, int]]) -> Annotated:
    """One sentence of a stance corpus: ``targets`` are (span, stance of the sentence itself or ``IGNORE``),

    ``pairs`` are (speaker, target, stance), indices into ``targets``.
    """
    document = read_document(text.replace("\n", " ").replace("\u2028", " ").replace("\u2029", " "))
    mentions = [Mention(span, f"E{i}", 0) for i, (span, _) in enumerate(targets)]
    statements = []
    voiced = {f"E{i}": stance for i, (_, stance) in enumerate(targets) if stance != IGNORE}
    if voiced:
        statements.append(Statement(0, "author", None, None, None, voiced))
    for speaker, target, stance in pairs:
        statements.append(Statement(0, f"E{speaker}", targets[speaker][0], None, None, {f"E{target}": stance}))
    return Annotated(document, mentions, statements, named=False, spoken=False)


def named_sentence(text: str, mentions: Sequence[tuple[Span, int]]) -> Annotated:
    """One sentence of a named-entity corpus: ``mentions`` are (span, index into ``ACTOR_TYPES``)."""
    named = [Mention(span, f"E{i}", actor_type) for i, (span, actor_type) in enumerate(mentions)]
    return Annotated(read_document(text), named, spoken=False)


def annotated_pair(target: str, text: str, stance: int) -> Annotated:
    """A text and what it takes a stance toward (a claim, a topic), as two paragraphs with the first as the actor meant."""
    first, second = (" ".join(part.split()) for part in (target, text))
    document = read_document(f"{first}\n{second}")
    mentions = [Mention(document.paragraphs[0], "E0", 0)]
    statements = [Statement(1, "author", None, None, None, {"E0": stance})]
    return Annotated(document, mentions, statements, named=False, spoken=False)


_Ints = npt.NDArray[np.int64]
_Tags = tuple[_Ints, _Ints, _Ints, _Ints]


class _Builder:
    """Collects the units and targets of one window."""

    def __init__(self, annotated: Annotated, window: Window) -> None:
        self.annotated, self.window = annotated, window
        self.spans: list[Unit] = []
        self.entities: list[str] = []
        self.speaker_units: list[tuple[Statement, int]] = []

    def add(self, span: Span, kind: int, entity: str) -> int | None:
        tokens = self.window.tokens_of(span)
        if tokens is None:
            return None
        name = name_key(self.annotated.document.slice(span))
        self.spans.append(Unit(*tokens, self.window.segment_of(tokens[0]), kind, name))
        self.entities.append(entity)
        return len(self.spans) - 1

    def build(self) -> WindowExample:
        tags = self._tags()
        for mention in self.annotated.mentions:
            self.add(mention.span, MENTION, mention.entity)
        unnamed = []
        for statement in self.annotated.statements:
            if statement.span is None:
                unnamed.append(statement)
            elif (unit := self.add(statement.span, SPEAKER, statement.speaker)) is not None:
                self.speaker_units.append((statement, unit))
        units = self.spans + segment_units(self.window.segments)
        self.entities += [""] * len(self.window.segments)
        for statement in unnamed:
            for i, segment in enumerate(self.window.segments):
                if segment.paragraph == statement.paragraph and not segment.context:
                    self.speaker_units.append((statement, len(self.spans) + i))
        pairs, stance = self._stances(units)
        return WindowExample(
            self.window, *tags, self._topics(), self._implicit(unnamed), units, self._links(units), pairs, stance,
            [(unit, s.kind) for s, unit in self.speaker_units if s.kind is not None],
        )  # fmt: skip

    def _tags(self) -> _Tags:
        n = len(self.window.ids)
        mention, speaker, cue, prefix = (np.full(n, IGNORE, np.int64) for _ in range(4))
        known = [mention] * self.annotated.named + [speaker, cue] * self.annotated.spoken
        for segment in self.window.segments:
            if not segment.context:
                for tags in known:
                    tags[segment.start : segment.end] = 0
        if self.annotated.named:
            for m in self.annotated.mentions:
                self._mark(mention, m.span, 1 + 2 * m.actor_type)
                self._mark_prefix(prefix, m.span)
        for s in self.annotated.statements if self.annotated.spoken else ():
            for tags, span in ((speaker, s.span), (cue, s.cue)):
                if span:
                    self._mark(tags, span, 1)
                    self._mark_prefix(prefix, span)
        return mention, speaker, cue, prefix

    def _mark(self, tags: npt.NDArray[np.int64], span: Span, begin: int) -> None:
        tokens = self.window.tokens_of(span)
        if tokens and tags[tokens[0]] != IGNORE:
            tags[tokens[0] : tokens[1]] = begin + 1
            tags[tokens[0]] = begin

    def _mark_prefix(self, prefix: npt.NDArray[np.int64], span: Span) -> None:
        tokens = self.window.tokens_of(span)
        if tokens:
            prefix[tokens[0]] = min(MAX_PREFIX, max(0, span.start - int(self.window.offsets[tokens[0], 0])))

    def _topics(self) -> npt.NDArray[np.int64]:
        topics = self.annotated.topics
        return np.array([IGNORE if topics is None or s.context else topics[s.paragraph] for s in self.window.segments], np.int64)

    def _implicit(self, unnamed: list[Statement]) -> npt.NDArray[np.int64]:
        continued = {s.paragraph for s in unnamed}
        return np.array(
            [IGNORE if not self.annotated.spoken or s.context else int(s.paragraph in continued)
             for s in self.window.segments], np.int64
        )  # fmt: skip

    def _links(self, units: list[Unit]) -> list[tuple[int, list[int], list[int]]]:
        if not self.annotated.spoken:
            return []
        queries = [(i, e) for i, e in enumerate(self.entities) if units[i].kind == MENTION]
        queries += [(unit, s.speaker) for s, unit in self.speaker_units if not self._is_named(units[unit], s.speaker)]
        links = []
        for query, entity in queries:
            candidates = link_candidates(query, units)
            links.append((query, [c for c in candidates if self.entities[c] == entity], candidates))
        return links

    def _is_named(self, speaker: Unit, entity: str) -> bool:
        """Whether a mention of the same entity covers the speaker span, which then needs no link."""
        return any(
            u.kind == MENTION and e == entity and u.start <= speaker.start and speaker.end <= u.end
            for u, e in zip(self.spans, self.entities, strict=False)
        )

    def _stances(self, units: list[Unit]) -> tuple[list[tuple[int, int]], npt.NDArray[np.int64]]:
        pairs, labels = [], []
        for statement, speaker in self.speaker_units:
            if self.window.segments[units[speaker].segment].context:
                continue
            for target in targets_of(units[speaker], units):
                entity = self.entities[target]
                known = self.annotated.spoken or entity in statement.stances
                if known and entity != statement.speaker:
                    pairs.append((speaker, target))
                    labels.append(statement.stances.get(entity, 0))
        return pairs, np.array(labels, np.int64)


def window_examples(
    annotated: Annotated, tokenizer: Tokenizer, special: SpecialTokens, limits: WindowLimits
) -> Iterator[WindowExample]:
    """The windows of a document, as serving cuts them, each with its targets."""
    for window in build_windows(annotated.document, tokenizer, special, limits):
        yield _Builder(annotated, window).build()
