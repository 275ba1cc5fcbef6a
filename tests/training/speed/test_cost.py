from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from service.analysis.analyzer import Analyzer
from training.speed import cost
from training.speed.contenders import Released
from training.speed.cost import CrowdCost, LengthCost, crowd_costs, fit, flatness, length_costs, linearity


def test_what_grows_with_the_length_is_linear() -> None:
    costs = [LengthCost(n, 5 + 0.5 * n) for n in (256, 1000, 4000)]
    assert linearity(costs) == pytest.approx(505 / 1000 / (2005 / 4000))
    slope, explained = fit(costs)
    assert slope == pytest.approx(500)
    assert explained == pytest.approx(1)


def test_what_grows_with_the_square_is_not() -> None:
    costs = [LengthCost(n, 1e-3 * n**2) for n in (256, 1000, 4000)]
    assert linearity(costs) == pytest.approx(0.25)
    assert fit(costs)[1] < 0.99


def test_flat_is_the_cost_of_a_token_without_pairs_over_that_with_the_most() -> None:
    costs = [CrowdCost(0, 0, 100, 0, 12, 50.0), CrowdCost(4, 6, 100, 480, 492, 100.0), CrowdCost(1, 1, 100, 12, 24, 10.0)]
    assert flatness(costs) == 0.5


def test_lengths_are_those_that_were_asked_for(released: Released) -> None:
    class Recorder:
        asked: list[str] = []

        def analyze(self, texts: Sequence[str]) -> list[Any]:
            self.asked += texts
            return []

    recorder = Recorder()
    rows = length_costs(cast(Analyzer, recorder), ["موسكو تنتقد واشنطن\nباريس"], (8, 64), 2, released.count_tokens)
    assert [row.n_tokens >= wanted for row, wanted in zip(rows, (8, 64), strict=True)] == [True, True]
    assert [released.count_tokens(text) for text in recorder.asked] == [row.n_tokens for row in rows] * 2


def test_more_names_mean_more_stances_in_as_many_tokens(released: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "CROWDS", ((0, 0), (1, 1), (2, 4)))
    monkeypatch.setattr(cost, "N_PARAGRAPHS", 3)
    rows = crowd_costs(released.analyzer, 1, released.count_tokens)
    assert rows[0].n_pairs < rows[1].n_pairs < rows[2].n_pairs
    assert [row.passes for row in rows] == [3 + row.n_pairs for row in rows]
    assert max(row.n_tokens for row in rows) <= 1.05 * min(row.n_tokens for row in rows)
