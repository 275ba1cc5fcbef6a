"""Turns and what is made of them; what is timed only pretends to work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from training.speed import bench, timing
from training.speed.contenders import Contender
from training.speed.inputs import Inputs


def test_contenders_take_turns_with_the_same_few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SETTLE_S", 0)
    called: list[tuple[str, int]] = []

    def contender(name: str) -> Contender:
        def analyze(texts: Sequence[str]) -> None:
            called.append((name, len(texts)))

        return analyze

    rounds = bench._contend({"a": contender("a"), "b": contender("b")}, ["نص"] * 6, 2)
    assert called == [("a", 1), ("b", 1)] + [("a", 4), ("b", 4), ("a", 2), ("b", 2)] * 2
    assert [len(values) for values in rounds.values()] == [4, 4]


def test_throughput_is_that_of_the_median_of_each_turn() -> None:
    inputs = Inputs(("كلمة كلمتان",) * 6, (), "six")
    seconds = [2.0, 1.0, 20.0, 1.0, 2.0, 10.0]  # three rounds of two turns, one of each disturbed
    row = bench._throughput("analyzer", seconds, inputs, lambda text: len(text.split()))
    assert (row.articles_per_s, row.tokens_per_s) == (2.0, 4.0)
