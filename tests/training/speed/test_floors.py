from __future__ import annotations

import pytest

from training.speed.floors import CHECKS, Check, failures

CHECK = Check("torch", "analyzer ÷ torch", 2.5, 2.0)


@pytest.mark.parametrize(("ratios", "says"), [({"torch": 1.99}, "1.99"), ({"torch": float("nan")}, "nan"), ({}, "not measured")])
def test_under_the_floor_is_a_failure(ratios: dict[str, float], says: str) -> None:
    [line] = failures(ratios, (CHECK,))
    assert line == f"torch (analyzer ÷ torch): {says}, floor 2"


@pytest.mark.parametrize("value", [2.0, 2.3, 9.0])
def test_the_floor_itself_is_enough(value: float) -> None:
    assert failures({"torch": value, "other": 0.0}, (CHECK,)) == []


def test_floors_are_not_above_their_targets() -> None:
    assert all(0 < check.floor <= check.target for check in CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
