"""What a run is checked for: ratios, since absolute times are the machine's.

Floors only go up. They are what a run of the short form gave on two cores that others were using too, less a quarter or more,
and for the start, an absolute time, less half: such a machine may be several times slower from one second to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_MEMORY_MB: Final = 600.0
MAX_START_S: Final = 5.0


@dataclass(frozen=True)
class Check:
    """``target``: what is wanted. ``floor``: under this the run fails. Larger is always better."""

    name: str
    meaning: str
    target: float
    floor: float


CHECKS: Final = (
    Check("obvious", "analyzer ÷ obvious stack, articles/s", 10.0, 3.5),
    Check("torch", "analyzer ÷ same weights in torch, articles/s", 2.5, 0.9),
    Check("saturation", "HTTP at saturation ÷ analyzer, articles/s", 0.85, 0.6),
    Check("batching", "batching ÷ no batching, short articles, 16 clients, articles/s", 1.3, 0.9),
    Check("memory", f"{MAX_MEMORY_MB:.0f} MB ÷ peak memory of the server", 1.0, 1.0),
    Check("start", f"{MAX_START_S:.0f} s ÷ start to ready", 1.0, 0.4),
    Check("linear", "cost of a token at 1,024 tokens ÷ in the longest article", 0.8, 0.5),
    Check("flat", "cost of a token without names ÷ with the most speakers × actors", 0.8, 0.5),
)


def failures(ratios: Mapping[str, float], checks: tuple[Check, ...] = CHECKS) -> list[str]:
    """A line for every ratio that is missing or under its floor."""
    lines = []
    for check in checks:
        value = ratios.get(check.name)
        if value is None or not value >= check.floor:
            shown = "not measured" if value is None else f"{value:.2f}"
            lines.append(f"{check.name} ({check.meaning}): {shown}, floor {check.floor:g}")
    return lines
