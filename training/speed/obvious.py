"""What one would build at once: two ``transformers`` classifiers in torch, one forward pass for each question.

A question is a paragraph's topic, or one speaker's stance on one actor in one paragraph. Finding speakers and actors is not
even counted: the questions come from the analyzer's own answer. The encoder is the released one; the classifiers on it have
random weights, which cost the same as trained ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from service.analysis.labels import STANCES, TOPICS
from service.analysis.result import Analysis

MAX_TOKENS: Final = 512


@dataclass(frozen=True)
class Question:
    """``pair``: a speaker and an actor whose stance is asked, None where the paragraph's topic is."""

    paragraph: str
    pair: tuple[str, str] | None = None


def questions(analysis: Analysis) -> Iterator[Question]:
    """All that has to be asked to fill in the topics and stances of ``analysis``."""
    names = {actor.id: actor.name for actor in analysis.actors}
    for paragraph in analysis.paragraphs:
        text = analysis.document.slice(paragraph.span)
        yield Question(text)
        for statement in paragraph.statements:
            for stance in statement.stances:
                yield Question(text, (names[statement.speaker.actor], names[stance.actor]))


def _classifier(encoder: BertModel, n_labels: int) -> BertForSequenceClassification:
    """A sequence classifier with the weights of ``encoder`` and a random head."""
    shape = {name: value for name, value in encoder.config.to_dict().items() if name not in ("id2label", "label2id")}
    config = BertConfig.from_dict(shape | {"num_labels": n_labels})
    model = BertForSequenceClassification(config)
    model.bert.load_state_dict(encoder.state_dict(), strict=False)  # the pooler stays random
    model.train(False)
    return model


class ObviousStack:
    """Answers one question a forward pass."""

    def __init__(self, encoder: BertModel, tokenizer: Tokenizer) -> None:
        self._topic = _classifier(encoder, len(TOPICS))
        self._stance = _classifier(encoder, len(STANCES))
        self._tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer)  # type: ignore[no-untyped-call]

    def answer(self, asked: Sequence[Question]) -> list[int]:
        """The index of each question's label."""
        with torch.inference_mode():
            return [self._answer(question) for question in asked]

    def _answer(self, question: Question) -> int:
        model = self._stance if question.pair else self._topic
        second = " ".join(question.pair) if question.pair else None
        shortened = "only_first" if second else True
        features = self._tokenizer(question.paragraph, second, truncation=shortened, max_length=MAX_TOKENS, return_tensors="pt")
        logits = model(input_ids=features["input_ids"], attention_mask=features["attention_mask"]).logits
        return int(logits.argmax())
