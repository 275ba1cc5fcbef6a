from __future__ import annotations

import numpy as np

from service.analysis.units import (
    MAX_OUTSIDE,
    MENTION,
    SEGMENT,
    SPEAKER,
    Unit,
    candidate_pairs,
    link_candidates,
    mean_pool,
    relation_inputs,
    targets_of,
)  # fmt: skip

UNITS = [
    Unit(1, 3, 0, MENTION, "روسيا"),
    Unit(6, 7, 1, MENTION, "واشنطن"),
    Unit(8, 9, 1, MENTION, "روسيا"),
    Unit(6, 7, 1, SPEAKER, "واشنطن"),
    Unit(1, 5, 0, SEGMENT),
    Unit(5, 10, 1, SEGMENT),
]


def test_targets_are_those_of_the_segment_and_other_names_nearby() -> None:
    assert targets_of(UNITS[3], UNITS) == [1, 2]
    assert targets_of(UNITS[4], UNITS) == [0, 1]


def test_targets_outside_of_the_segment_are_limited() -> None:
    many = [Unit(i, i + 1, i, MENTION, str(i)) for i in range(1, 60)]
    speaker = Unit(0, 1, 0, SPEAKER, "x")
    assert [many[i].segment for i in targets_of(speaker, many)] == list(range(1, MAX_OUTSIDE + 1))


def test_speakers_and_segments_are_asked_about_mentions_only() -> None:
    pairs = candidate_pairs(UNITS)
    assert {speaker for speaker, _ in pairs} == {3, 4, 5}
    assert {target for _, target in pairs} <= {0, 1, 2}


def test_a_mention_may_refer_to_other_names_and_a_speaker_to_any() -> None:
    assert link_candidates(0, UNITS) == [1]
    assert link_candidates(3, UNITS) == [0, 1, 2]


def test_pools_average_the_tokens_of_each_unit() -> None:
    rows = mean_pool(UNITS, 10)
    np.testing.assert_allclose(rows.sum(1), 1)
    np.testing.assert_allclose(rows[0, :4], [0, 0.5, 0.5, 0])


def test_arrays_keep_spans_before_segments() -> None:
    inputs = relation_inputs(UNITS, 10, [(3, 2)])
    assert inputs.span_pool.shape == (4, 10)
    assert inputs.segment_pool.shape == (2, 10)
    assert inputs.pair_speaker.tolist() == [3]
    assert relation_inputs(UNITS[4:], 10, []).pair_target.shape == (0,)
