"""The released model on real articles: what must hold for every answer, whatever the model thinks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import open_artifact
from service.analysis.labels import STANCES, TOPICS
from tests.conftest import ROOT
from training.scoring import article_text

ARTIFACTS = ROOT / "service" / "artifacts"
ODD = [
    "Hello world, no Arabic here.",
    "كلمة",
    "😀\u200f\u0000 خبر \ud800 عاجل",
    "ب" * 3_000,
    "ب\n" * 300,
    "قال " * 400,
    '«“"»” — … #كوريا_الشمالية https://t.co/abc @user',
]


@pytest.fixture(scope="module", params=["compact", "baseline"])
def analyzer(request: pytest.FixtureRequest) -> Analyzer:
    return open_artifact(ARTIFACTS / str(request.param)).analyzer


@pytest.fixture(scope="module")
def texts(seeds: list[dict[str, Any]]) -> list[str]:
    one_line = " ".join(article_text(seed).replace("\n", " ") for seed in seeds[6:12])
    return [article_text(seed) for seed in seeds[:6]] + [one_line, *ODD]


def answers(analyzer: Analyzer, texts: list[str]) -> list[dict[str, Any]]:
    return [analysis.to_json() for analysis in analyzer.analyze(texts)]


def check_located(text: str, part: dict[str, Any]) -> None:
    if part["start"] is None:
        assert part["end"] is None
        assert part["text"] is None
    else:
        assert text[part["start"] : part["end"]] == part["text"]
        assert part["text"]


def check_scores(part: dict[str, Any], labels: tuple[str, ...]) -> None:
    assert tuple(part["scores"]) == labels
    assert sum(part["scores"].values()) == pytest.approx(1, abs=1e-6)
    assert part["score"] == part["scores"][part["label"]]


def check(text: str, answer: dict[str, Any]) -> None:
    ids = [actor["id"] for actor in answer["actors"]]
    assert ids == [f"A{n}" for n in range(1, len(ids) + 1)]
    check_scores(answer["topic"], TOPICS)
    for paragraph in answer["paragraphs"]:
        check_scores(paragraph["topic"], TOPICS)
        for mention in paragraph["mentions"]:
            check_located(text, mention)
            assert paragraph["start"] <= mention["start"] < mention["end"] <= paragraph["end"]
            assert mention["actor"] in ids
        speakers = [statement["speaker"]["actor"] for statement in paragraph["statements"]]
        assert len(speakers) == len(set(speakers))
        for statement in paragraph["statements"]:
            check_statement(text, paragraph, statement)
    pairs = [(row["speaker"], row["actor"]) for row in answer["stances"]]
    assert len(pairs) == len(set(pairs))


def check_statement(text: str, paragraph: dict[str, Any], statement: dict[str, Any]) -> None:
    check_located(text, statement["speaker"])
    if statement["cue"]:
        check_located(text, statement["cue"])
    targets = [stance["actor"] for stance in statement["stances"]]
    named = {mention["actor"] for mention in paragraph["mentions"]} - {statement["speaker"]["actor"]}
    assert named <= set(targets), "every other actor of the paragraph is listed"
    assert len(targets) == len(set(targets))
    assert statement["speaker"]["actor"] not in targets
    for stance in statement["stances"]:
        check_scores(stance, STANCES)


def test_answers_keep_the_contract(analyzer: Analyzer, texts: list[str]) -> None:
    for text, answer in zip(texts, answers(analyzer, texts), strict=True):
        check(text, answer)


def test_a_batch_answers_as_each_text_alone_in_the_same_order(analyzer: Analyzer, texts: list[str]) -> None:
    together = answers(analyzer, texts)
    assert together == [answers(analyzer, [text])[0] for text in texts]
    assert together[::-1] == answers(analyzer, texts[::-1])


def test_text_without_arabic_is_answered_with_a_warning(analyzer: Analyzer) -> None:
    (answer,) = answers(analyzer, ["No Arabic."])
    assert answer["warnings"] == ["not_arabic"]
    (answer,) = answers(analyzer, ["نص عربي"])
    assert "warnings" not in answer


def test_answers_are_json(analyzer: Analyzer, texts: list[str]) -> None:
    for answer in answers(analyzer, texts):
        assert json.loads(json.dumps(answer)) == answer


@pytest.fixture(scope="module")
def first_article(corpus: Path) -> dict[str, Any]:
    """The released model's answer on the article that the project was started from."""
    record = json.loads((corpus / "articles" / "seed.jsonl").read_text(encoding="utf-8"))
    (answer,) = answers(open_artifact(ARTIFACTS / "compact").analyzer, [article_text(record)])
    return answer


def test_a_capital_and_its_state_are_one_actor(first_article: dict[str, Any]) -> None:
    actor_of = {mention["text"]: mention["actor"] for p in first_article["paragraphs"] for mention in p["mentions"]}
    assert actor_of["واشنطن"] == actor_of["الولايات المتحدة"]
    assert actor_of["موسكو"] == actor_of["روسيا"]


STANCES_OF_THE_FIRST_ARTICLE = [
    ("أناتولي أنتونوف", "الولايات المتحدة", "against", 3),
    ("كيم جونغ أون", "روسيا", "favor", 1),
    ("يوكو كاميكاوا", "كوريا الشمالية", "against", 1),
    ("يوكو كاميكاوا", "روسيا", "against", 1),
]
"""Speaker, actor, label, and in how many paragraphs at least."""


@pytest.mark.parametrize(("speaker", "actor", "label", "at_least"), STANCES_OF_THE_FIRST_ARTICLE)
def test_stances_of_the_first_article(
    first_article: dict[str, Any], speaker: str, actor: str, label: str, at_least: int
) -> None:
    names = {a["id"]: a["name"] for a in first_article["actors"]}
    found = [
        paragraph["index"]
        for paragraph in first_article["paragraphs"]
        for statement in paragraph["statements"]
        for stance in statement["stances"]
        if (names[statement["speaker"]["actor"]], names[stance["actor"]], stance["label"]) == (speaker, actor, label)
    ]
    assert len(found) >= at_least
