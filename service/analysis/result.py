"""The analysis of one article, in the shape that the service answers.

Frozen values and their JSON; knows nothing about how they were found. Scores are probabilities, rounded to four places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.analysis.document import Document, Span

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """The best label of a paragraph or an article, its IPTC code (None for "none"), and the score of every label."""

    label: str
    code: str | None
    scores: dict[str, float]

    def to_json(self) -> Json:
        scores = rounded(self.scores)
        return {"label": self.label, "code": self.code, "score": scores[self.label], "scores": scores}


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor of the article, whatever forms name it. ``iso``: ISO 3166 alpha-2 code of a country."""

    id: str
    name: str
    type: str
    iso: str | None
    mentions: int
    speaks: bool

    def to_json(self) -> Json:
        return {
            "id": self.id, "name": self.name, "type": self.type, "iso": self.iso,
            "mentions": self.mentions, "speaks": self.speaks,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ActorSpan:
    """Where an actor is mentioned or speaks; ``span`` is None for a speaker that the paragraph does not name."""

    actor: str
    span: Span | None
    score: float

    def to_json(self, document: Document) -> Json:
        return {"actor": self.actor, **_located(document, self.span), "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class Stance:
    """Toward ``actor``: the best label and calibrated scores that sum to 1."""

    actor: str
    label: str
    scores: dict[str, float]

    def to_json(self) -> Json:
        scores = rounded(self.scores)
        return {"actor": self.actor, "label": self.label, "score": scores[self.label], "scores": scores}


@dataclass(frozen=True, slots=True)
class Statement:
    """What one speaker says in one paragraph and where he stands on the actors mentioned there."""

    speaker: ActorSpan
    cue: Span | None
    kind: str
    stances: tuple[Stance, ...]

    def to_json(self, document: Document) -> Json:
        cue = _located(document, self.cue) if self.cue else None
        stances = [stance.to_json() for stance in self.stances]
        return {"speaker": self.speaker.to_json(document), "cue": cue, "kind": self.kind, "stances": stances}


@dataclass(frozen=True, slots=True)
class Paragraph:
    index: int
    span: Span
    topic: Topic
    mentions: tuple[ActorSpan, ...]
    statements: tuple[Statement, ...]

    def to_json(self, document: Document) -> Json:
        return {
            "index": self.index, "start": self.span.start, "end": self.span.end, "topic": self.topic.to_json(),
            "mentions": [mention.to_json(document) for mention in self.mentions],
            "statements": [statement.to_json(document) for statement in self.statements],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of the article's stance table: ``paragraphs`` are the evidence."""

    speaker: str
    actor: str
    label: str
    score: float
    paragraphs: tuple[int, ...]

    def to_json(self) -> Json:
        return {
            "speaker": self.speaker, "actor": self.actor, "label": self.label,
            "score": round(self.score, 4), "paragraphs": list(self.paragraphs),
        }  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """``n_tokens``: what it cost, in tokens or words that the model read; not answered."""

    document: Document
    model_name: str
    model_version: str
    topic: Topic
    actors: tuple[Actor, ...]
    paragraphs: tuple[Paragraph, ...]
    relations: tuple[Relation, ...]
    warnings: tuple[str, ...] = ()
    n_tokens: int = 0

    def to_json(self, article_id: str | None = None) -> Json:
        """The contract's JSON; ``warnings`` only where there are any."""
        answer: Json = {
            "id": article_id,
            "model": {"name": self.model_name, "version": self.model_version},
            "topic": self.topic.to_json(),
            "actors": [actor.to_json() for actor in self.actors],
            "paragraphs": [paragraph.to_json(self.document) for paragraph in self.paragraphs],
            "stances": [relation.to_json() for relation in self.relations],
        }
        return answer | ({"warnings": list(self.warnings)} if self.warnings else {})


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """``scores`` to four places; what rounding leaves of 1 goes to the largest, so that they still sum to 1."""
    short = {label: round(score, 4) for label, score in scores.items()}
    largest = max(short, key=lambda label: short[label])
    others = sum(score for label, score in short.items() if label != largest)
    return short | {largest: round(1 - others, 4)}


def _located(document: Document, span: Span | None) -> Json:
    if span is None:
        return {"start": None, "end": None, "text": None}
    return {"start": span.start, "end": span.end, "text": document.slice(span)}
