"""The worst mistakes on annotated articles, to be read one by one.

A mistake is what the scorer counts against an answer; the worst are those of which the model was surest. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, Final

Record = dict[str, Any]
QUOTA: Final = {"stance": 20, "speaker": 12, "topic": 10, "mention": 8}
"""How many of each kind are shown: fifty together."""


@dataclass(frozen=True)
class Mistake:
    """``expected``, ``answered``: in words; empty for nothing. ``confidence``: of the answer, 1 where nothing was answered."""

    kind: str
    article: str
    paragraph: int
    text: str
    expected: str
    answered: str
    confidence: float


def _names(record: Record, answer: Record, to: dict[str, str]) -> dict[Any, str]:
    """The scorer's names of actors → words: gold entities by name, actors that match none as answered."""
    names: dict[Any, str] = {key: entity["name"] for key, entity in record["entities"].items()}
    return names | {("?", actor["id"]): f"{actor['name']} (unmatched)" for actor in answer["actors"] if actor["id"] not in to}


def _aligned(scorer: ModuleType, record: Record, answer: Record) -> Iterator[Mistake]:
    gold_spans, gold_mentions, gold_speakers, gold_stances, topics = scorer.gold_view(record)
    spans, mentions, speakers, stances, answered_topics = scorer.predicted_view(answer, record)
    to = scorer.align(gold_spans, spans)
    names = _names(record, answer, to)
    texts = [p["text"] for p in record["paragraphs"]]
    whole, bounds = "\n".join(texts), scorer.offsets(record["paragraphs"])

    def gold(actor: str) -> Any:
        return to.get(actor, ("?", actor))

    def mistake(kind: str, paragraph: int, expected: str, answered: str, confidence: float) -> Mistake:
        return Mistake(kind, record["id"], paragraph, texts[paragraph], expected, answered, round(confidence, 3))

    sure = _confidences(answer)
    for i, (right, given) in enumerate(zip(topics, answered_topics, strict=True)):
        if right not in ("none", given):
            yield mistake("topic", i, right, str(given), sure["topic", i])
    found = {(i, gold(a)): sure.get(("speaker", i, a), 1.0) for i, a in speakers}
    for i, entity in sorted(gold_speakers - set(found), key=str):
        yield mistake("speaker", i, names[entity], "", 1.0)
    for (i, entity), confidence in found.items():
        if (i, entity) not in gold_speakers:
            yield mistake("speaker", i, "", names[entity], confidence)
    tuples = {(i, gold(a), gold(b), label): sure.get(("stance", i, a, b), 1.0) for i, a, b, label in stances}
    for i, a, b, label in sorted(gold_stances - set(tuples), key=str):
        yield mistake("stance", i, f"{names[a]} → {names[b]}: {label}", "", 1.0)
    for (i, a, b, label), confidence in tuples.items():
        if (i, a, b, label) not in gold_stances:
            yield mistake("stance", i, "", f"{names[a]} → {names[b]}: {label}", confidence)
    for start, end in sorted(gold_mentions ^ mentions):
        paragraph = next(i for i, (first, last) in enumerate(bounds) if first <= start <= last)
        missed = (start, end) in gold_mentions
        confidence = 1.0 if missed else sure.get(("mention", start, end), 1.0)
        yield mistake("mention", paragraph, whole[start:end] if missed else "", "" if missed else whole[start:end], confidence)


def _confidences(answer: Record) -> dict[tuple[Any, ...], float]:
    sure: dict[tuple[Any, ...], float] = {}
    for p in answer["paragraphs"]:
        sure["topic", p["index"]] = p["topic"]["score"]
        for m in p["mentions"]:
            sure["mention", m["start"], m["end"]] = m["score"]
        for s in p["statements"]:
            sure["speaker", p["index"], s["speaker"]["actor"]] = s["speaker"]["score"]
            for t in s["stances"]:
                sure["stance", p["index"], s["speaker"]["actor"], t["actor"]] = t["score"]
    return sure


def worst(scorer: ModuleType, records: Sequence[Record], answers: Sequence[Record]) -> tuple[dict[str, int], list[Record]]:
    """How many mistakes there are of each kind, and the worst of each up to ``QUOTA``.

    Half of those shown are what was missed, in the order of the articles, half are what was answered wrongly, surest first.
    """
    by_id = {answer["id"]: answer for answer in answers}
    mistakes = [m for record in records for m in _aligned(scorer, record, by_id[record["id"]])]
    shown: list[Record] = []
    for kind, quota in QUOTA.items():
        of_kind = [m for m in mistakes if m.kind == kind]
        wrong = sorted((m for m in of_kind if m.answered), key=lambda m: -m.confidence)
        missed = [m for m in of_kind if not m.answered]
        step = max(1, len(missed) // max(1, quota // 2))
        taken = missed[::step][: quota // 2]
        shown += [asdict(m) for m in wrong[: quota - len(taken)] + taken]
    return {kind: sum(m.kind == kind for m in mistakes) for kind in QUOTA}, shown
