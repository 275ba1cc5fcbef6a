"""The units of a window: the spans that heads compare, and the (speaker, target) pairs whose stance is asked.

Shared by training (gold spans) and serving (decoded spans), so that both ask the same questions. Knows nothing about weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.analysis.labels import UNIT_KINDS
from service.analysis.windows import Segment

MENTION, SPEAKER, SEGMENT = range(len(UNIT_KINDS))
MAX_OUTSIDE: Final = 12


@dataclass(frozen=True, slots=True)
class Unit:
    """Tokens ``[start, end)`` of a window, the index of their segment there, their kind, and the folded name they show."""

    start: int
    end: int
    segment: int
    kind: int
    name: str = ""


@dataclass(frozen=True)
class RelationInputs:
    """The arrays that the relation graph takes besides the token states; shapes as in ``RelationsGraph.run``."""

    span_pool: npt.NDArray[np.float32]
    segment_pool: npt.NDArray[np.float32]
    unit_segment: npt.NDArray[np.int64]
    unit_kind: npt.NDArray[np.int64]
    pair_speaker: npt.NDArray[np.int64]
    pair_target: npt.NDArray[np.int64]


def segment_units(segments: Sequence[Segment]) -> list[Unit]:
    """Each segment with its separator as a unit: what stands for a speaker that the segment does not name."""
    return [Unit(s.start, s.end + 1, i, SEGMENT) for i, s in enumerate(segments)]


def mean_pool(units: Sequence[Unit], n_tokens: int) -> npt.NDArray[np.float32]:
    """Rows that average the tokens of each unit, shape (units, n_tokens)."""
    rows = np.zeros((len(units), n_tokens), np.float32)
    for row, unit in zip(rows, units, strict=True):
        row[unit.start : unit.end] = 1 / (unit.end - unit.start)
    return rows


def targets_of(speaker: Unit, units: Sequence[Unit]) -> list[int]:
    """Indices of the mentions toward which ``speaker`` may take a stance.

    All mentions in its own segment, and of the names that only other segments have the nearest occurrences of the nearest
    ``MAX_OUTSIDE``: a paragraph may mean an actor that it does not name («الحكومة السورية», «بلاده»).
    """
    inside = [i for i, u in enumerate(units) if u.kind == MENTION and u.segment == speaker.segment]
    named = {units[i].name for i in inside}
    outside = [i for i, u in enumerate(units) if u.kind == MENTION and u.name not in named]
    outside.sort(key=lambda i: (abs(units[i].segment - speaker.segment), i))
    nearest: dict[str, int] = {}
    for i in outside:
        nearest.setdefault(units[i].name, i)
    return inside + sorted(list(nearest.values())[:MAX_OUTSIDE])


def candidate_pairs(units: Sequence[Unit]) -> list[tuple[int, int]]:
    """Every (speaker unit, target unit) pair of a window; a segment stands for its own unnamed speaker."""
    speakers = [i for i, u in enumerate(units) if u.kind != MENTION]
    return [(s, t) for s in speakers for t in targets_of(units[s], units)]


def relation_inputs(units: Sequence[Unit], n_tokens: int, pairs: Sequence[tuple[int, int]]) -> RelationInputs:
    """Arrays for ``units`` (spans first, then all segments of the window) and ``pairs`` of their indices."""
    spans = [u for u in units if u.kind != SEGMENT]
    segments = [u for u in units if u.kind == SEGMENT]
    index = np.array(pairs, np.int64).reshape(-1, 2)
    return RelationInputs(
        span_pool=mean_pool(spans, n_tokens),
        segment_pool=mean_pool(segments, n_tokens),
        unit_segment=np.array([u.segment for u in units], np.int64),
        unit_kind=np.array([u.kind for u in units], np.int64),
        pair_speaker=index[:, 0],
        pair_target=index[:, 1],
    )


def link_candidates(query: int, units: Sequence[Unit]) -> list[int]:
    """Indices of the units that unit ``query`` may refer to.

    A nominal or unnamed speaker: any mention or other speaker span. A mention: the mentions that spell a different name.
    """
    asked = units[query]
    if asked.kind == MENTION:
        return [i for i, u in enumerate(units) if u.kind == MENTION and u.name != asked.name]
    return [i for i, u in enumerate(units) if u.kind != SEGMENT and i != query]
