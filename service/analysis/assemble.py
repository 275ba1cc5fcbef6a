"""Findings and their actors → the analysis that is answered.

Averages what was found per mention over each actor, and lays out paragraphs and the article's stance table.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt

from service.analysis.actors import ResolvedActors
from service.analysis.document import Document
from service.analysis.findings import Finder, Findings, FoundStatement
from service.analysis.labels import NEUTRAL, NO_TOPIC, STANCES, TOPIC_CODES, TOPICS
from service.analysis.result import Actor, ActorSpan, Analysis, Paragraph, Relation, Stance, Statement, Topic

Floats = npt.NDArray[np.float64]
FAR: Final[Floats] = np.array([0.938, 0.006, 0.056])
"""Scores of ``STANCES`` toward an actor whose mentions are all so far away in a long paragraph that the model was not asked:
how often each holds in the training articles where at least five mentions lie between (355 pairs, one added to each count)."""
NOT_ARABIC: Final = "not_arabic"


def assemble(document: Document, findings: Findings, resolved: ResolvedActors, finder: Finder) -> Analysis:
    """The analysis of ``document``; actors are numbered in the order in which the article first shows them."""
    return _Assembly(document, findings, resolved, finder).analysis()


def _topic(scores: Floats) -> Topic:
    label = TOPICS[int(scores.argmax())]
    return Topic(label, TOPIC_CODES[label], dict(zip(TOPICS, scores.tolist(), strict=True)))


def article_scores(paragraph_scores: Floats, lengths: Floats) -> Floats:
    """The article's topic scores: its paragraphs' by length, those without content counting as little as they have."""
    content = 1 - paragraph_scores[:, TOPICS.index(NO_TOPIC)]
    weights = lengths * content + 1e-6
    return np.asarray(weights @ paragraph_scores / weights.sum(), np.float64)


def mean_stance(rows: list[Floats]) -> Floats:
    """One distribution from those of an actor's mentions: the normalised geometric mean."""
    mean = np.exp(np.log(np.clip(np.array(rows), 1e-9, 1)).mean(0))
    return np.asarray(mean / mean.sum(), np.float64)


class _Assembly:
    def __init__(self, document: Document, findings: Findings, resolved: ResolvedActors, finder: Finder) -> None:
        self.document, self.findings, self.resolved, self.finder = document, findings, resolved, finder
        self.named_weights = np.array(finder.stance_weights)
        self.meant_weights = self.named_weights * np.where(np.array(STANCES) == NEUTRAL, 1, finder.meant_factor)
        self.paragraph_of = [document.paragraph_at(m.span.start) for m in findings.mentions]
        self.mentions_in: dict[int, list[int]] = defaultdict(list)
        for mention, paragraph in enumerate(self.paragraph_of):
            self.mentions_in[paragraph].append(mention)
        self.statements = self._kept_statements()
        self.statements_in: dict[int, list[tuple[FoundStatement, int]]] = defaultdict(list)
        for statement, actor in self.statements:
            self.statements_in[statement.paragraph].append((statement, actor))
        self.ids = self._ids()
        self.actors_in: dict[int, dict[int, None]] = {}
        self.far_stances: dict[int, Stance] = {}

    def _kept_statements(self) -> list[tuple[FoundStatement, int]]:
        """One statement per speaker and paragraph: the likeliest, one with the speaker's words before one without."""
        best: dict[tuple[int, int], FoundStatement] = {}
        for statement, actor in zip(self.findings.statements, self.resolved.of_statement, strict=True):
            if actor is None:
                continue
            key = (statement.paragraph, actor)
            if key not in best or _rank(statement) > _rank(best[key]):
                best[key] = statement
        return [(statement, actor) for (_, actor), statement in best.items()]

    def _ids(self) -> dict[int, str]:
        first: dict[int, int] = {}
        for mention, actor in zip(self.findings.mentions, self.resolved.of_mention, strict=True):
            first[actor] = min(first.get(actor, mention.span.start), mention.span.start)
        for statement, actor in self.statements:
            at = statement.speaker.start if statement.speaker else self.document.paragraphs[statement.paragraph].start
            first[actor] = min(first.get(actor, at), at)
        return {actor: f"A{n}" for n, actor in enumerate(sorted(first, key=lambda a: (first[a], a)), 1)}

    def analysis(self) -> Analysis:
        lengths = np.array([len(p) for p in self.document.paragraphs], np.float64)
        paragraphs = tuple(self._paragraph(i) for i in range(len(self.document.paragraphs)))
        return Analysis(
            self.document, self.finder.name, self.finder.version, _topic(article_scores(self.findings.topics, lengths)),
            self._actors(), paragraphs, _relations(paragraphs), () if self.document.has_arabic else (NOT_ARABIC,),
            self.findings.n_tokens,
        )  # fmt: skip

    def _actors(self) -> tuple[Actor, ...]:
        speakers = {actor for _, actor in self.statements}
        found = []
        for index, identifier in self.ids.items():
            actor = self.resolved.actors[index]
            found.append(Actor(identifier, actor.name, actor.type, actor.iso, len(actor.mentions), index in speakers))
        return tuple(found)

    def _paragraph(self, index: int) -> Paragraph:
        found = [(self.resolved.of_mention[i], self.findings.mentions[i]) for i in self.mentions_in[index]]
        mentions = tuple(ActorSpan(self.ids[actor], mention.span, mention.score) for actor, mention in found)
        statements = [self._statement(s, actor) for s, actor in self.statements_in[index]]
        statements.sort(key=lambda s: s.speaker.span.start if s.speaker.span else len(self.document.text))
        return Paragraph(index, self.document.paragraphs[index], _topic(self.findings.topics[index]), mentions, tuple(statements))

    def _statement(self, statement: FoundStatement, actor: int) -> Statement:
        speaker = ActorSpan(self.ids[actor], statement.speaker, statement.score)
        return Statement(speaker, statement.cue, statement.kind, self._stances(statement, actor))

    def _stances(self, statement: FoundStatement, speaker: int) -> tuple[Stance, ...]:
        """Toward every other actor that the paragraph names, and toward those only meant in it when not neutral.

        What it costs is in proportion to what it answers.
        """
        inside: dict[int, list[Floats]] = defaultdict(list)
        outside: dict[int, list[Floats]] = defaultdict(list)
        for mention, scores in statement.stances:
            actor = self.resolved.of_mention[mention]
            group = inside if self.paragraph_of[mention] == statement.paragraph else outside
            if actor != speaker:
                group[actor].append(scores)
        stances = {actor: self._stance(actor, rows, self.named_weights) for actor, rows in inside.items()}
        for actor, rows in outside.items():
            stance = self._stance(actor, rows, self.meant_weights)
            if actor not in stances and stance.label != NEUTRAL:
                stances[actor] = stance
        for actor in self._actors_in(statement.paragraph):
            if actor != speaker and actor not in inside:
                stances[actor] = self._far_stance(actor)
        return tuple(stances.values())

    def _actors_in(self, paragraph: int) -> dict[int, None]:
        """The actors that a paragraph names, in order."""
        if paragraph not in self.actors_in:
            self.actors_in[paragraph] = dict.fromkeys(self.resolved.of_mention[i] for i in self.mentions_in[paragraph])
        return self.actors_in[paragraph]

    def _far_stance(self, actor: int) -> Stance:
        if actor not in self.far_stances:
            self.far_stances[actor] = self._stance(actor, [FAR], self.named_weights)
        return self.far_stances[actor]

    def _stance(self, actor: int, rows: list[Floats], weights: Floats) -> Stance:
        scores = mean_stance(rows)
        label = STANCES[int((scores * weights).argmax())]
        return Stance(self.ids[actor], label, dict(zip(STANCES, scores.tolist(), strict=True)))


def _rank(statement: FoundStatement) -> tuple[bool, float]:
    return statement.speaker is not None, statement.score


def _relations(paragraphs: tuple[Paragraph, ...]) -> tuple[Relation, ...]:
    """Each speaker → actor pair once, with the label that its paragraphs speak for most; neutral if they are all neutral."""
    found: dict[tuple[str, str], dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for paragraph in paragraphs:
        for statement in paragraph.statements:
            for stance in statement.stances:
                evidence = (paragraph.index, stance.scores[stance.label])
                found[statement.speaker.actor, stance.actor][stance.label].append(evidence)
    return tuple(_relation(speaker, actor, labels) for (speaker, actor), labels in found.items())


def _relation(speaker: str, actor: str, labels: dict[str, list[tuple[int, float]]]) -> Relation:
    taken = {label: rows for label, rows in labels.items() if label != NEUTRAL} or labels
    label = max(taken, key=lambda name: sum(score for _, score in taken[name]))
    rows = taken[label]
    return Relation(speaker, actor, label, max(score for _, score in rows), tuple(sorted({p for p, _ in rows})))
