"""Stance weights by what they are for: the scorer's stance figure of whole analyses of dev, as the transformer's are chosen.

Weights chosen on annotated statements alone are too bold, for found statements, names and actors are sometimes wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Final

from service.analysis.baseline import Baseline
from service.analysis.gazetteer import Gazetteer
from service.analysis.linear.parts import NAME, VERSION, Parts
from training.linear.fitting import best_of
from training.scoring import Found

Measure = Callable[[Sequence[dict[str, Any]]], dict[str, float]]
WEIGHTS: Final = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6)
MEANT_FACTORS: Final = (1.0, 0.7, 0.5, 0.35, 0.0)


def calibrate_stances(parts: Parts, gazetteer: Gazetteer, records: Sequence[dict[str, Any]], measure: Measure) -> Parts:
    """``parts`` with the weights that ``measure`` likes best for ``records`` (dev); what is found does not depend on them."""
    found = Found(Baseline(NAME, VERSION, parts), gazetteer, records)

    def stance_f1(tried: Parts) -> float:
        return measure(found.answers(Baseline(NAME, VERSION, tried)))["stance_f1"]

    def with_settings(base: Parts, **values: Any) -> Parts:
        return replace(base, settings=replace(base.settings, **values))

    named_only = with_settings(parts, meant_factor=0.0)
    pairs = product(WEIGHTS, repeat=2)
    best = best_of([with_settings(named_only, stance_weights=(1.0, favor, against)) for favor, against in pairs], stance_f1)
    return best_of([with_settings(best, meant_factor=factor) for factor in MEANT_FACTORS], stance_f1)
