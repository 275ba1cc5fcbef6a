from __future__ import annotations

from typing import Any

import pytest
from transformers import BertModel

from service.analysis.labels import STANCES, TOPICS
from training.scoring import article_text
from training.speed.contenders import Released
from training.speed.obvious import MAX_TOKENS, ObviousStack, Question, questions
from training.speed.released import released_model


@pytest.fixture(scope="module")
def stack(released: Released) -> ObviousStack:
    encoder = released_model(released.folder).tagger.encoder
    assert isinstance(encoder, BertModel)
    return ObviousStack(encoder, released.transformer.tokenizer)


def test_each_topic_and_each_stance_is_one_question(released: Released, seeds: list[dict[str, Any]]) -> None:
    [analysis] = released.analyzer.analyze([article_text(seeds[0])])
    asked = list(questions(analysis))
    stances = [stance for p in analysis.paragraphs for s in p.statements for stance in s.stances]
    assert stances
    assert len(asked) == len(analysis.paragraphs) + len(stances)
    assert [q.paragraph for q in asked if q.pair is None] == [analysis.document.slice(p.span) for p in analysis.paragraphs]
    names = {actor.name for actor in analysis.actors}
    assert {name for q in asked if q.pair for name in q.pair} <= names


def test_every_question_gets_a_label(stack: ObviousStack) -> None:
    text = "قال بيسكوف إن العقوبات الأميركية غير قانونية."
    topic, stance = stack.answer([Question(text), Question(text, ("بيسكوف", "الولايات المتحدة"))])
    assert topic in range(len(TOPICS))
    assert stance in range(len(STANCES))


def test_a_question_is_a_forward_pass_of_its_own(stack: ObviousStack, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    forward = BertModel.forward

    def counted(self: BertModel, *args: Any, **kwargs: Any) -> Any:
        shapes.append(tuple(args[0].shape))
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(BertModel, "forward", counted)
    stack.answer([Question("موسكو"), Question("موسكو " * 2000, ("بوتين", "فرنسا")), Question("باريس", ("بوتين", "فرنسا"))])
    assert [rows for rows, _ in shapes] == [1, 1, 1]
    assert max(tokens for _, tokens in shapes) == MAX_TOKENS
