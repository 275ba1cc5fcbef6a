from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from training.benchmark import as_markdown, compare
from training.scoring import figures, load_scorer


def test_annotated_articles_score_one_against_themselves(scorer_path: Path, seeds: list[dict[str, Any]]) -> None:
    scorer = load_scorer(scorer_path)
    perfect = [scorer.gold_as_prediction(record) for record in seeds]
    assert set(figures(scorer, seeds, perfect).values()) == {1.0}


def test_a_comparison_is_paired_over_articles(scorer_path: Path, seeds: list[dict[str, Any]]) -> None:
    scorer = load_scorer(scorer_path)
    perfect = [scorer.gold_as_prediction(record) for record in seeds]
    empty = [{"id": record["id"], "actors": [], "paragraphs": []} for record in seeds]
    rows = compare(scorer, seeds, perfect, empty, n_draws=20, seed=0)
    assert rows["speaker_f1"]["difference"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    same = compare(scorer, seeds, perfect, perfect, n_draws=20, seed=0)
    assert same["stance_f1"]["difference"]["high"] == 0
    assert "| speaker_f1 | 1.000 [1.000, 1.000] | 0.000" in as_markdown(rows, "a", "b")


def test_a_scorer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give one with --scorer"):
        load_scorer(tmp_path / "score.py")
