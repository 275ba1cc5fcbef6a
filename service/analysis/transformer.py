"""The transformer model: documents → findings, through windows, one encoder pass, and the relation heads on its states.

Every decision here is a calibrated probability against a threshold from the artifact; who the actors are is decided later.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from service.analysis.decoding import (
    TagThresholds,
    TokenSpan,
    WindowSpans,
    actor_type,
    characters_of,
    consistent_mentions,
    mention_probabilities,
    softmax,
    window_spans,
)  # fmt: skip
from service.analysis.document import Document, Span
from service.analysis.encoder import Encoder, RelationLogits, Tagged
from service.analysis.findings import Findings, FoundMention, FoundStatement, Reference
from service.analysis.labels import KINDS, TOPICS
from service.analysis.text import name_key
from service.analysis.units import MENTION, SPEAKER, Unit, candidate_pairs, link_candidates, relation_inputs, segment_units
from service.analysis.windows import SpecialTokens, Window, WindowLimits, build_windows

MIN_ALIAS_SCORE: Final = 0.05
"""Alias pairs less likely than this are not reported."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted on dev: temperatures divide logits, biases are added to them after that.

    ``min_name``: probability, over all occurrences in the article, from which on a form is a name. ``min_uncued``: score from
    which on words are a speaker without a cue of their own.
    ``implicit``: log-odds above which a segment continues a speaker. ``stance_bias``: one value per stance label.
    ``stance_weights``: by these the calibrated stance scores are multiplied before the largest one decides the label, since
    the rule that finds most stances right is not the one that errs least over all the neutral pairs. ``meant_factor``: by this
    the weights of favor and against are multiplied toward actors that the paragraph does not name.
    """

    tags: TagThresholds
    min_name: float
    min_uncued: float
    implicit: float
    topic_temperature: float
    stance_temperature: float
    stance_bias: tuple[float, float, float]
    stance_weights: tuple[float, float, float]
    meant_factor: float


@dataclass(frozen=True, slots=True)
class _Speaker:
    """A speaker span of a window: its characters, score, and where it stands."""

    span: Span
    score: float


@dataclass
class _Draft:
    """What is gathered of one document, window by window."""

    topics: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    mentions: list[FoundMention]
    speakers: list[_Speaker]
    cue_of: dict[int, dict[Span | None, Span]]
    aliases: list[tuple[int, int, float]] = field(default_factory=list)
    explicit: dict[int, FoundStatement] = field(default_factory=dict)
    implicit: dict[int, FoundStatement] = field(default_factory=dict)


@dataclass(frozen=True)
class Transformer:
    """A loaded artifact. Implements ``Finder``."""

    name: str
    version: str
    tokenizer: Tokenizer
    special: SpecialTokens
    limits: WindowLimits
    encoder: Encoder
    calibration: Calibration

    @property
    def stance_weights(self) -> tuple[float, float, float]:
        return self.calibration.stance_weights

    @property
    def meant_factor(self) -> float:
        return self.calibration.meant_factor

    def find(self, documents: Sequence[Document]) -> list[Findings]:
        """One pass of the encoder over the windows of all ``documents``, then each document by itself."""
        windows = [build_windows(d, self.tokenizer, self.special, self.limits) for d in documents]
        tagged = iter(self.encoder.tag([w for of_document in windows for w in of_document]))
        return [
            self._findings(d, of_document, [next(tagged) for _ in of_document])
            for d, of_document in zip(documents, windows, strict=True)
        ]

    def _findings(self, document: Document, windows: list[Window], tagged: list[Tagged]) -> Findings:
        spans = [window_spans(w, t, self.calibration.tags, document) for w, t in zip(windows, tagged, strict=True)]
        draft = self._draft(document, windows, tagged, spans)
        for window, states in zip(windows, tagged, strict=True):
            _WindowReader(self, document, window, draft).read(states)
        return replace(_finished(draft), n_tokens=sum(len(window.ids) for window in windows))

    def _draft(self, document: Document, windows: list[Window], tagged: list[Tagged], spans: list[WindowSpans]) -> _Draft:
        mentions, speakers, cues = [], [], []
        for window, states, found in zip(windows, tagged, spans, strict=True):
            for span, s in _located(document, found.mentions, window, states):
                mentions.append(FoundMention(span, actor_type(s.label), s.score))
            speakers += [_Speaker(span, s.score) for span, s in _located(document, found.speakers, window, states)]
            cues += [span for span, _ in _located(document, found.cues, window, states)]
        cue_of = cues_of(document, [s.span for s in speakers], cues)
        with_cue = {span for found in cue_of.values() for span in found}
        speakers = [s for s in speakers if s.span in with_cue or s.score >= self.calibration.min_uncued]
        inside = mention_probabilities(document, windows, tagged)
        mentions = consistent_mentions(document, mentions, inside, self.calibration.min_name)
        n = len(document.paragraphs)
        return _Draft(np.zeros((n, len(TOPICS))), np.zeros((n, 1)), mentions, speakers, cue_of)


def _located(document: Document, spans: Sequence[TokenSpan], window: Window, tagged: Tagged) -> list[tuple[Span, TokenSpan]]:
    located = ((characters_of(s, window, tagged, document), s) for s in spans)
    return [(span, token_span) for span, token_span in located if span]


def _finished(draft: _Draft) -> Findings:
    """Statements in one list, those with a speaker's words first, so that references to them are indices into it."""
    explicit = [draft.explicit[i] for i in range(len(draft.speakers))]
    implicit = [draft.implicit[paragraph] for paragraph in sorted(draft.implicit)]
    topics = draft.topics / np.maximum(draft.weights, 1e-9)
    return Findings(topics, tuple(draft.mentions), tuple(draft.aliases), tuple(explicit + implicit))


def _between(mentions: Sequence[FoundMention], start: int, end: int) -> range:
    """Indices of those of ``mentions``, in text order and not overlapping, that overlap ``[start, end)``."""
    first = bisect_right(mentions, start, key=lambda mention: mention.span.end)
    return range(first, bisect_left(mentions, end, first, key=lambda mention: mention.span.start))


class _WindowReader:
    """Adds what the relation heads say of one window to the draft of its document."""

    def __init__(self, model: Transformer, document: Document, window: Window, draft: _Draft) -> None:
        self.model, self.document, self.window, self.draft = model, document, window, draft
        self.units: list[Unit] = []
        self.sources: list[int] = []
        """Per span unit, its index among the draft's mentions or speakers."""
        for i in _between(draft.mentions, *window.extent):
            self._add(draft.mentions[i].span, MENTION, i)
        for i, speaker in enumerate(draft.speakers):
            self._add(speaker.span, SPEAKER, i)
        self.n_spans = len(self.units)
        self.units += segment_units(window.segments)

    def _add(self, span: Span, kind: int, source: int) -> None:
        tokens = self.window.tokens_of(span)
        if tokens:
            segment = self.window.segment_of(tokens[0])
            self.units.append(Unit(*tokens, segment, kind, name_key(self.document.slice(span))))
            self.sources.append(source)

    def read(self, tagged: Tagged) -> None:
        pairs = candidate_pairs(self.units)
        logits = self.model.encoder.relate(tagged.states, relation_inputs(self.units, len(self.window.ids), pairs))
        self._read_topics(logits)
        self._read_aliases(logits)
        stances = self._stances(logits, pairs)
        kinds = logits.kind.argmax(-1)
        for i, unit in enumerate(self.units):
            segment = self.window.segments[unit.segment]
            if unit.kind == MENTION or segment.context:
                continue
            references, unnamed = self._references(i, logits)
            cue_of = self.draft.cue_of.get(segment.paragraph, {})
            common = (KINDS[kinds[i]], references, unnamed, stances.get(i, ()))
            if unit.kind == SPEAKER:
                speaker = self.draft.speakers[self.sources[i]]
                self.draft.explicit[self.sources[i]] = FoundStatement(
                    segment.paragraph, speaker.span, speaker.score, cue_of.get(speaker.span), *common
                )
            elif (odds := float(logits.implicit[unit.segment])) > self.model.calibration.implicit:
                score = 1 / (1 + np.exp(-odds))
                statement = FoundStatement(segment.paragraph, None, score, cue_of.get(None), *common)
                self.draft.implicit.setdefault(segment.paragraph, statement)

    def _read_topics(self, logits: RelationLogits) -> None:
        probabilities = softmax(logits.topic / self.model.calibration.topic_temperature)
        for segment, row in zip(self.window.segments, probabilities, strict=True):
            if not segment.context:
                weight = segment.end - segment.start + 1
                self.draft.topics[segment.paragraph] += weight * row
                self.draft.weights[segment.paragraph] += weight

    def _read_aliases(self, logits: RelationLogits) -> None:
        for query in range(self.n_spans):
            if self.units[query].kind == MENTION:
                candidates, scores = self._link_scores(query, logits)
                for candidate, score in zip(candidates, scores, strict=False):
                    if score >= MIN_ALIAS_SCORE:
                        self.draft.aliases.append((self.sources[query], self.sources[candidate], float(score)))

    def _link_scores(self, query: int, logits: RelationLogits) -> tuple[list[int], npt.NDArray[np.float64]]:
        """Candidates of a query and their probabilities, with that of "none of them" last."""
        candidates = link_candidates(query, self.units)
        return candidates, softmax(logits.link[query, [*candidates, -1]])

    def _references(self, query: int, logits: RelationLogits) -> tuple[tuple[Reference, ...], float]:
        candidates, scores = self._link_scores(query, logits)
        references = [
            Reference(self.sources[c], self.units[c].kind == SPEAKER, float(score))
            for c, score in zip(candidates, scores, strict=False)
        ]
        return tuple(references), float(scores[-1])

    def _stances(
        self, logits: RelationLogits, pairs: list[tuple[int, int]]
    ) -> dict[int, tuple[tuple[int, npt.NDArray[np.float64]], ...]]:
        calibration = self.model.calibration
        shifted = logits.stance / calibration.stance_temperature + np.array(calibration.stance_bias, np.float32)
        found: dict[int, list[tuple[int, npt.NDArray[np.float64]]]] = {}
        for (speaker, target), row in zip(pairs, softmax(shifted), strict=True):
            found.setdefault(speaker, []).append((self.sources[target], row))
        return {speaker: tuple(rows) for speaker, rows in found.items()}


def cues_of(document: Document, speakers: Sequence[Span], cues: Sequence[Span]) -> dict[int, dict[Span | None, Span]]:
    """Per paragraph that has any, the cue of each speaker's words; under None one that is nearest to nobody's."""
    by_paragraph: dict[int, tuple[list[Span], list[Span]]] = {}
    for kind, spans in enumerate((speakers, cues)):
        for span in spans:
            by_paragraph.setdefault(document.paragraph_at(span.start), ([], []))[kind].append(span)
    return {paragraph: _nearest(*found) for paragraph, found in by_paragraph.items()}


def _nearest(speakers: Sequence[Span], cues: Sequence[Span]) -> dict[Span | None, Span]:
    """The cue of each speaker's words in a paragraph: the nearest; under None the first that is nearest to nobody's."""
    found: dict[Span | None, Span] = {}
    for cue in cues:
        speaker = min(speakers, key=lambda s: _distance(s, cue), default=None)
        if speaker not in found or (speaker and _distance(speaker, cue) < _distance(speaker, found[speaker])):
            found[speaker] = cue
    left = [cue for cue in cues if cue not in found.values()]
    return found if None in found or not left else found | {None: left[0]}


def _distance(first: Span, second: Span) -> int:
    return max(first.start - second.end, second.start - first.end, 0)
