from __future__ import annotations

import numpy as np
import pytest

from service.analysis.labels import STANCES
from service.analysis.text import with_arabic_normalizer
from service.analysis.windows import WindowLimits
from tests.conftest import ROOT
from training.config import read_config
from training.encoders import special_tokens
from training.examples import annotated_pair, window_examples
from training.published import TASKS, favor_against_f1, macro_f1
from training.tiny import tiny_tokenizer

NEUTRAL, FAVOR, AGAINST = (STANCES.index(label) for label in ("neutral", "favor", "against"))
GOLD = np.array([FAVOR, FAVOR, AGAINST, AGAINST])
PREDICTED = np.array([FAVOR, AGAINST, AGAINST, NEUTRAL])


def test_macro_f1_is_over_the_labels_that_occur() -> None:
    assert macro_f1(GOLD, PREDICTED) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert macro_f1(np.append(GOLD, NEUTRAL), np.append(PREDICTED, NEUTRAL)) == pytest.approx((2 / 3 + 1 / 2 + 2 / 3) / 3)


def test_favor_and_against_alone_count_where_the_task_says_so() -> None:
    assert favor_against_f1(np.append(GOLD, NEUTRAL), np.append(PREDICTED, NEUTRAL)) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_pair_asks_one_stance_of_the_second_text_toward_the_first() -> None:
    texts = ("ارتفاع أسعار النفط", "أسعار النفط\nترتفع")
    tokenizer = with_arabic_normalizer(tiny_tokenizer(texts))
    (example,) = window_examples(annotated_pair(*texts, AGAINST), tokenizer, special_tokens(tokenizer), WindowLimits(64, 24))
    assert example.stance.tolist() == [AGAINST]
    assert len(example.window.segments) == 2
    assert (example.mention < 0).all()


@pytest.mark.parametrize("name", ["published", "ablation"])
def test_the_english_stages_are_those_of_the_released_model(name: str) -> None:
    other, compact = (read_config(ROOT / "configs" / f"{config}.yaml") for config in (name, "compact"))
    assert other.stages[:2] == compact.stages[:2]
    assert other.heads == compact.heads


def test_every_published_task_has_its_stage() -> None:
    assert {task.stage for task in TASKS} <= {stage.name for stage in read_config(ROOT / "configs" / "published.yaml").stages}
