"""What stages show, and what they train."""

from __future__ import annotations

import random
from pathlib import Path

from tests.conftest import ROOT
from training import stages
from training.config import read_config
from training.corpus import SOURCES


def test_a_source_is_shown_as_often_as_the_stage_says(seed_data: Path) -> None:
    documents = list(SOURCES["articles"](seed_data, "train"))
    stage = read_config(ROOT / "configs" / "tiny.yaml").stages[0].model_copy(update={"sources": {"articles": 2.5}})
    shown = [[id(d) for d in stages._drawn({"articles": documents}, stage, random.Random(seed))] for seed in (1, 2)]
    assert all(len(ids) == round(2.5 * len(documents)) for ids in shown)
    assert all(ids.count(id(d)) in (2, 3) for ids in shown for d in documents)
    assert sorted(shown[0]) != sorted(shown[1])


def test_articles_may_be_shown_as_single_paragraphs(seed_data: Path) -> None:
    documents = list(SOURCES["articles"](seed_data, "train"))
    stage = read_config(ROOT / "configs" / "tiny.yaml").stages[0].model_copy(update={"paragraph_prob": 1.0})
    rng = random.Random(3)
    shown = [stages._varied(d, stage, {}, rng) for d in documents * 3]
    assert all(len(d.document.paragraphs) == len(d.topics or ()) == 1 for d in shown)
    assert {s.paragraph for d in shown for s in d.statements} == {0}
    assert len({d.document.paragraphs for d in shown}) > len(documents)
