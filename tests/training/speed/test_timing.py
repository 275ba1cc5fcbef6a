from __future__ import annotations

import pytest

from training.speed import timing
from training.speed.timing import in_turns, median_ratio, percentile


def test_the_ratio_is_taken_within_each_round() -> None:
    # The second round was disturbed: the ratio of the medians would be 4 / 1.5.
    assert median_ratio([2.0, 20.0, 4.0], [1.0, 10.0, 1.5]) == 2.0


def test_rounds_must_match() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([1.0, 2.0], [1.0])


def test_tasks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SETTLE_S", 0)
    called: list[str] = []
    rounds = in_turns({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert called == ["a", "b"] * 3
    assert {name: len(seconds) for name, seconds in rounds.items()} == {"a": 3, "b": 3}
    assert all(second > 0 for seconds in rounds.values() for second in seconds)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(i) for i in range(1, 101)]
    assert percentile(values, 50) == 51.0
    assert percentile(values, 99) == 100.0
    assert percentile([3.0], 99) == 3.0
