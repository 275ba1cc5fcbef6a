"""Targets on an article written here, checked by what they say in words."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer

from service.analysis.document import Span
from service.analysis.labels import STANCES, TOPICS
from service.analysis.text import with_arabic_normalizer
from service.analysis.units import MENTION, SEGMENT, SPEAKER
from service.analysis.windows import WindowLimits
from training.encoders import special_tokens
from training.examples import (
    IGNORE,
    WindowExample,
    annotated_article,
    annotated_sentence,
    named_sentence,
    window_examples,
)
from training.tiny import tiny_tokenizer

LIMITS = WindowLimits(64, 24)
HEAD = "روسيا تنتقد واشنطن"
BODY = "قال بيسكوف إن لروسيا حقوقا."
MORE = "وأضاف أن واشنطن مخطئة."
ARTICLE: dict[str, Any] = {
    "id": "x",
    "topic": "politics",
    "entities": {
        "E1": {"name": "روسيا", "type": "GPE", "forms": ["روسيا"]},
        "E2": {"name": "الولايات المتحدة", "type": "GPE", "forms": ["واشنطن"]},
        "E3": {"name": "بيسكوف", "type": "PER", "forms": ["بيسكوف"]},
    },
    "paragraphs": [
        {
            "text": HEAD, "topic": "politics", "statements": [],
            "mentions": [{"start": 0, "end": 5, "entity": "E1"}, {"start": 12, "end": 18, "entity": "E2"}],
        },
        {
            "text": BODY, "topic": "politics",
            "mentions": [{"start": 4, "end": 10, "entity": "E3"}, {"start": 15, "end": 20, "entity": "E1"}],
            "statements": [
                {"speaker": "E3", "speaker_span": [4, 10], "cue_span": [0, 3], "kind": "indirect", "stances": {"E1": "favor"}}
            ],
        },
        {
            "text": MORE, "topic": "politics", "mentions": [{"start": 9, "end": 15, "entity": "E2"}],
            "statements": [
                {"speaker": "E3", "speaker_span": None, "cue_span": [1, 5], "kind": "indirect", "stances": {"E2": "against"}}
            ],
        },
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return with_arabic_normalizer(tiny_tokenizer([HEAD, BODY, MORE]))


@pytest.fixture(scope="module")
def example(tokenizer: Tokenizer) -> WindowExample:
    (example,) = window_examples(annotated_article(ARTICLE), tokenizer, special_tokens(tokenizer), LIMITS)
    return example


def words_of(example: WindowExample, tags: list[int]) -> str:
    text = "\n".join([HEAD, BODY, MORE])
    return " ".join(text[s:e] for (s, e), t in zip(example.window.offsets.tolist(), tags, strict=True) if t > 0)


def test_tags_mark_names_speakers_and_cues(example: WindowExample) -> None:
    assert words_of(example, example.speaker.tolist()) == "بيسكوف"
    assert words_of(example, example.cue.tolist()).replace(" ", "") in ("قالأضاف", "قالوأضاف")
    assert example.mention[0] == IGNORE


def test_topics_and_continuations_are_per_segment(example: WindowExample) -> None:
    assert example.topic.tolist() == [TOPICS.index("politics")] * 3
    assert example.implicit.tolist() == [0, 0, 1]


def test_units_are_mentions_speakers_and_segments(example: WindowExample) -> None:
    kinds = [unit.kind for unit in example.units]
    assert kinds == [MENTION] * 5 + [SPEAKER] + [SEGMENT] * 3


def test_a_continuation_links_to_its_speaker(example: WindowExample) -> None:
    by_query = {query: right for query, right, _ in example.links}
    assert by_query[8] == [2, 5]
    assert 5 not in by_query, "a speaker that is a mention needs no link"


def test_pairs_know_their_stance_and_the_rest_are_neutral(example: WindowExample) -> None:
    found = {
        (example.units[s].kind, example.units[t].name): STANCES[label]
        for (s, t), label in zip(example.pairs, example.stance.tolist(), strict=True)
    }
    assert found[SPEAKER, "روسيا"] == "favor"
    assert found[SEGMENT, "واشنطن"] == "against"
    assert found[SPEAKER, "واشنطن"] == "neutral"


def test_a_sentence_of_a_stance_corpus_has_no_other_targets(tokenizer: Tokenizer) -> None:
    from service.analysis.document import Span

    sentence = annotated_sentence("A blames B", [(Span(0, 1), IGNORE), (Span(9, 10), IGNORE)], [(0, 1, 2), (1, 0, 0)])
    (example,) = window_examples(sentence, tokenizer, special_tokens(tokenizer), LIMITS)
    assert sorted(example.stance.tolist()) == [0, 2]
    assert set(example.mention.tolist()) == {IGNORE}
    assert example.links == []


def test_a_named_entity_sentence_teaches_mentions_and_nothing_else() -> None:
    text = "زار بيسكوف واشنطن."
    annotated = named_sentence(text, [(Span(4, 10), 0), (Span(11, 17), 2)])
    tokenizer = with_arabic_normalizer(tiny_tokenizer([text]))
    (example,) = window_examples(annotated, tokenizer, special_tokens(tokenizer), LIMITS)
    assert example.is_taught
    assert {int(tag) for tag in example.mention if tag > 0} >= {1, 5}
    for targets in (example.speaker, example.cue, example.topic, example.implicit):
        assert (targets == IGNORE).all()
    assert not example.links
    assert not len(example.stance)
