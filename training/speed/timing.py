"""Times of things that are compared, taken in turns so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

import numpy as np

Task = Callable[[], object]
SETTLE_S: Final = 0.1
"""Pause before each measurement: threads of the libraries that worked before spin for a while before they sleep."""
Rounds = dict[str, list[float]]
"""Name of what was measured → one value for each round."""


def seconds(task: Task) -> float:
    """How long one call of ``task`` takes."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def in_turns(tasks: Mapping[str, Task], n_rounds: int) -> Rounds:
    """Seconds of every task in every round, in the order A B C, A B C, …"""
    rounds: Rounds = {name: [] for name in tasks}
    for _ in range(n_rounds):
        for name, task in tasks.items():
            time.sleep(SETTLE_S)
            rounds[name].append(seconds(task))
    return rounds


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over rounds of the ratio within a round, which what disturbs a whole round does not change.

    Raises:
        ValueError: when they are not of as many rounds.
    """
    return median(a / b for a, b in zip(numerators, denominators, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """With so few values that no other can be told, the largest."""
    return float(np.percentile(values, percent, method="higher"))
