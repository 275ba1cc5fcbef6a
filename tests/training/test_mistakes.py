from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from training.mistakes import worst
from training.scoring import load_scorer


def answered(scorer: Any, record: dict[str, Any]) -> dict[str, Any]:
    """The gold labels of a record as a sure answer."""
    answer: dict[str, Any] = scorer.gold_as_prediction(record)
    for index, paragraph in enumerate(answer["paragraphs"]):
        paragraph["index"] = index
        paragraph["topic"]["score"] = 1.0
        for part in [*paragraph["mentions"], *(s["speaker"] for s in paragraph["statements"])]:
            part["score"] = 1.0
        for statement in paragraph["statements"]:
            for stance in statement["stances"]:
                stance["score"] = 0.9
    return answer


def test_a_right_answer_has_no_mistakes(scorer_path: Path, seeds: list[dict[str, Any]]) -> None:
    scorer = load_scorer(scorer_path)
    counts, shown = worst(scorer, seeds, [answered(scorer, record) for record in seeds])
    assert not any(counts.values())
    assert not shown


def test_each_kind_of_mistake_is_said_in_words(scorer_path: Path, seeds: list[dict[str, Any]]) -> None:
    scorer = load_scorer(scorer_path)
    record = next(r for r in seeds if any(s["stances"] for p in r["paragraphs"] for s in p["statements"]))
    answer = copy.deepcopy(answered(scorer, record))
    index = next(i for i, p in enumerate(record["paragraphs"]) if any(s["stances"] for s in p["statements"]))
    paragraph = answer["paragraphs"][index]
    for statement in paragraph["statements"]:
        for stance in statement["stances"]:
            stance["label"] = "favor" if stance["label"] == "against" else "against"
    paragraph["topic"]["label"] = "weather"
    answer["paragraphs"][0]["mentions"].pop()
    counts, shown = worst(scorer, [record], [answer])
    assert counts["topic"] == 1
    assert counts["stance"] >= 2
    assert counts["mention"] == 1
    assert {m["kind"] for m in shown} >= {"topic", "stance", "mention"}
    assert all(bool(m["expected"]) or bool(m["answered"]) for m in shown)
    assert any(": favor" in m["answered"] or ": against" in m["answered"] for m in shown)
