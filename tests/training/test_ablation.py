"""Two stages of the tiny model on the seeds, set side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from training.ablation import FIGURES, as_markdown, measure
from training.config import TrainingConfig, read_config
from training.stages import Run, train


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    config = read_config(ROOT / "configs" / "tiny.yaml")
    first, second = config.stages
    second = second.model_copy(update={"start": {}, "subset": 0.25, "compared_with": first.name})
    return config.model_copy(update={"stages": (first.model_copy(update={"epochs": 1}), second)})


def test_a_stage_is_set_beside_another(config: TrainingConfig, seed_data: Path, scorer_path: Path, tmp_path: Path) -> None:
    run = Run(config, seed_data, tmp_path, tmp_path / "cache")
    train(run)
    rows = measure(run, ROOT / "service" / "artifacts" / "gazetteer", scorer_path)
    assert [row[:2] for row in rows] == [["refine", "articles"]]
    head, _, row = as_markdown(rows).splitlines()
    assert head.count("|") == row.count("|") == len(FIGURES) + 5
    assert all("[" in cell for cell in rows[0][2 : 2 + len(FIGURES)])
