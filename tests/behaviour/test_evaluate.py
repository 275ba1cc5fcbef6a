"""Every kind of expectation holds where it should, and can fail; shown on an analysis written by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.behaviour.cases import Case, Expectation, ExpectedStance, read_case
from tests.behaviour.evaluate import failures, outline

Json = dict[str, Any]
TEXT = "قال ديمتري بيسكوف إن الولايات المتحدة تكذب.\nوأضاف أن واشنطن تهدد فرنسا."


def mention(actor: str, text: str) -> Json:
    return {"actor": actor, "start": TEXT.index(text), "end": TEXT.index(text) + len(text), "text": text, "score": 0.9}


def statement(speaker: str | None, stances: dict[str, str]) -> Json:
    return {
        "speaker": {"actor": "A1", "start": None, "end": None, "text": speaker, "score": 0.9},
        "cue": {"start": 0, "end": 3, "text": "قال"},
        "kind": "indirect",
        "stances": [{"actor": actor, "label": label, "score": 0.8, "scores": {}} for actor, label in stances.items()],
    }


def actor(identifier: str, name: str, kind: str, speaks: bool = False) -> Json:
    return {"id": identifier, "name": name, "type": kind, "iso": None, "mentions": 1, "speaks": speaks}


@pytest.fixture
def answer() -> Json:
    topic: Json = {"label": "politics", "code": None, "score": 0.9, "scores": {}}
    return {
        "topic": topic,
        "actors": [
            actor("A1", "ديمتري بيسكوف", "PER", speaks=True),
            actor("A2", "الولايات المتحدة", "GPE"),
            actor("A3", "فرنسا", "GPE"),
        ],
        "paragraphs": [
            {
                "index": 0, "topic": topic, "mentions": [mention("A1", "ديمتري بيسكوف"), mention("A2", "الولايات المتحدة")],
                "statements": [statement("ديمتري بيسكوف", {"A2": "against"})],
            },
            {
                "index": 1, "topic": topic, "mentions": [mention("A2", "واشنطن"), mention("A3", "فرنسا")],
                "statements": [statement(None, {"A2": "against", "A3": "neutral"})],
            },
        ],
        "stances": [
            {"speaker": "A1", "actor": "A2", "label": "against", "score": 0.8, "paragraphs": [0, 1]},
            {"speaker": "A1", "actor": "A3", "label": "neutral", "score": 0.8, "paragraphs": [1]},
        ],
    }  # fmt: skip


def row(*fields: Any) -> tuple[ExpectedStance, ...]:
    return (ExpectedStance(*fields),)


HOLD = {
    "topic": Expectation(topic="politics"),
    "stance": Expectation(stances=row("ديمتري بيسكوف", "الولايات المتحدة", "against")),
    "stance by other names": Expectation(stances=row("بيسكوف", "واشنطن", "against")),
    "stance by one of two names": Expectation(stances=row("بوتين|بيسكوف", "واشنطن", "against")),
    "neutral stance": Expectation(stances=row("بيسكوف", "فرنسا", "neutral")),
    "stance of a paragraph": Expectation(stances=row("بيسكوف", "واشنطن", "against", 1)),
    "absent label": Expectation(absent=row("بيسكوف", "فرنسا", "against")),
    "absent direction": Expectation(absent=row("واشنطن", "بيسكوف", "against")),
    "speaker": Expectation(speakers=("بيسكوف",)),
    "speaker who is not named": Expectation(speakers_in=(("بيسكوف", 1),)),
    "same actor": Expectation(same_actor=(("واشنطن", "الولايات المتحدة"),)),
    "other actors": Expectation(other_actor=(("واشنطن", "فرنسا", "بيسكوف"),)),
    "spelling": Expectation(same_actor=(("الولايات المتحده", "وَاشنطن"),)),
}
FAIL = {
    "topic": (Expectation(topic="sport"), "topic is politics, not sport"),
    "label": (Expectation(stances=row("بيسكوف", "واشنطن", "favor")), "lacks بيسكوف → واشنطن: favor, has against"),
    "direction": (Expectation(stances=row("واشنطن", "بيسكوف", "against")), "lacks واشنطن → بيسكوف: against, has none"),
    "unknown name": (Expectation(stances=row("بوتين", "واشنطن", "against")), "lacks بوتين → واشنطن: against, has none"),
    "half a country's name": (
        Expectation(stances=row("بيسكوف", "المتحدة", "against")), "lacks بيسكوف → المتحدة: against, has none",
    ),
    "paragraph": (
        Expectation(stances=row("بيسكوف", "فرنسا", "neutral", 0)), "lacks بيسكوف → فرنسا: neutral in paragraph 0, has none",
    ),
    "absent": (Expectation(absent=row("بيسكوف", "واشنطن", "against")), "has بيسكوف → واشنطن: against"),
    "speaker": (Expectation(speakers=("فرنسا",)), "فرنسا does not speak"),
    "speaker's paragraph": (Expectation(speakers_in=(("فرنسا", 1),)), "فرنسا does not speak in paragraph 1"),
    "same actor": (Expectation(same_actor=(("واشنطن", "فرنسا"),)), "واشنطن and فرنسا are several actors"),
    "same actor not found": (Expectation(same_actor=(("أمريكا", "واشنطن"),)), "أمريكا is not found"),
    "other actors": (Expectation(other_actor=(("واشنطن", "الولايات المتحدة"),)), "واشنطن and الولايات المتحدة are one actor"),
    "other actor not found": (Expectation(other_actor=(("لندن", "واشنطن"),)), "لندن is not found"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOLD)
def test_expectation_holds(answer: Json, kind: str) -> None:
    assert failures(Case("c", TEXT, HOLD[kind]), [answer]) == ()


@pytest.mark.parametrize("kind", FAIL)
def test_expectation_fails_and_says_why(answer: Json, kind: str) -> None:
    expect, why = FAIL[kind]
    assert failures(Case("c", TEXT, expect), [answer]) == (why,)


def test_every_reason_is_given(answer: Json) -> None:
    expect = Expectation(topic="sport", speakers=("فرنسا",))
    assert len(failures(Case("c", TEXT, expect), [answer])) == 2


def change_topic(answer: Json) -> None:
    answer["paragraphs"][0]["topic"] = {"label": "sport"}


def change_type(answer: Json) -> None:
    answer["actors"][0]["type"] = "ORG"


def drop_mention(answer: Json) -> None:
    answer["paragraphs"][1]["mentions"].pop()


def drop_cue(answer: Json) -> None:
    answer["paragraphs"][0]["statements"][0]["cue"] = None


def change_kind(answer: Json) -> None:
    answer["paragraphs"][0]["statements"][0]["kind"] = "direct"


def flip_stance(answer: Json) -> None:
    answer["stances"][0]["label"] = "favor"


CHANGES = {
    "topics": change_topic, "actors": change_type, "mentions": drop_mention, "statements": drop_cue, "stances": flip_stance,
}  # fmt: skip


@pytest.mark.parametrize("part", CHANGES)
def test_a_variant_analysed_differently_fails(answer: Json, part: str) -> None:
    other = copy.deepcopy(answer)
    CHANGES[part](other)
    (why,) = failures(Case("c", TEXT, variant="other"), [answer, other])
    assert why.startswith(f"{part}: ")


def test_how_a_speaker_is_quoted_counts(answer: Json) -> None:
    other = copy.deepcopy(answer)
    change_kind(other)
    assert outline(answer)["statements"] != outline(other)["statements"]


def test_a_variant_with_other_names_offsets_and_scores_holds(answer: Json) -> None:
    other = copy.deepcopy(answer)
    other["actors"][0]["name"] = "ماريا زاخاروفا"
    other["paragraphs"][0]["mentions"][0] |= {"start": 5, "end": 9, "text": "ماريا", "score": 0.7}
    other["stances"][0]["score"] = 0.6
    other["stances"].reverse()
    assert failures(Case("c", TEXT, variant="other"), [answer, other]) == ()


def test_two_analyses_without_statements_prove_nothing(answer: Json) -> None:
    for paragraph in answer["paragraphs"]:
        paragraph["statements"] = []
    assert failures(Case("c", TEXT, variant="other"), [answer, answer]) == ("no statement is found in the text",)


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "c", "text": "نص"}',
        '{"id": "c", "text": "نص", "expect": {}}',
        '{"id": "c", "text": "نص", "variant": "نص", "expect": {"topic": "sport"}}',
        '{"id": "c", "text": "نص", "expect": {"topic": "gossip"}}',
        '{"id": "c", "text": "نص", "expect": {"stances": [["أ", "ب", "hostile"]]}}',
        '{"id": "c", "text": "نص", "expect": {"stances": [["أ", "ب"]]}}',
        '{"id": "c", "text": "نص", "expect": {"speaker": ["أ"]}}',
        '{"id": "c", "expect": {"topic": "sport"}}',
        "not JSON",
    ],
)
def test_what_is_not_a_case_is_refused(line: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_case(line)
