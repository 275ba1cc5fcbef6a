"""Transformer beside baseline on the same articles: the scorer's figures, intervals, and the paired difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Records = Sequence[dict[str, Any]]
LOW, HIGH = 2.5, 97.5
"""Percentiles of a 95 % bootstrap interval."""


def _draws(scorer: ModuleType, records: Records, answers: Records, samples: npt.NDArray[np.int64]) -> dict[str, list[float]]:
    """figure → its value on each bootstrap sample of articles; ``samples``: (draws, articles), indices."""
    by_id = {answer["id"]: answer for answer in answers}
    counts = [scorer.counts(record, by_id.get(record["id"])) for record in records]
    rows = [scorer.figures(sum((counts[i] for i in sample), Counter())) for sample in samples]
    return {name: [row[name] for row in rows] for name in rows[0]}


def compare(
    scorer: ModuleType, records: Records, first: Records, second: Records, n_draws: int, seed: int
) -> dict[str, dict[str, Any]]:
    """figure → ``first``, ``second`` and ``difference``, each with value, low and high (95 %, paired over articles)."""
    samples = np.random.default_rng(seed).integers(len(records), size=(n_draws, len(records)))
    everything = np.arange(len(records))[None]
    values = [_draws(scorer, records, answers, everything) for answers in (first, second)]
    draws = [_draws(scorer, records, answers, samples) for answers in (first, second)]
    rows = {}
    for name, (value,) in values[0].items():
        other = values[1][name][0]
        a, b = np.array(draws[0][name]), np.array(draws[1][name])
        rows[name] = {
            "first": _interval(value, a), "second": _interval(other, b), "difference": _interval(value - other, a - b),
        }  # fmt: skip
    return rows


def _interval(value: float, draws: npt.NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(draws, [LOW, HIGH]).tolist()
    return {"value": round(value, 6), "low": round(low, 6), "high": round(high, 6)}


def _cell(row: dict[str, float]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def as_markdown(rows: dict[str, dict[str, Any]], first: str, second: str) -> str:
    """A table with one row per figure."""
    head = [f"| figure | {first} | {second} | difference |", "|---|---|---|---|"]
    body = [f"| {n} | {_cell(r['first'])} | {_cell(r['second'])} | {_cell(r['difference'])} |" for n, r in rows.items()]
    return "\n".join(head + body)
