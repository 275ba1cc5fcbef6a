from __future__ import annotations

import numpy as np
import pytest

from training.reliability import binned, expected_calibration_error


def test_scores_that_mean_what_they_say_have_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 100)
    right = np.r_[np.arange(100) < 25, np.arange(100) < 75]
    assert expected_calibration_error(binned(confidence, right)) == pytest.approx(0)


def test_the_error_is_the_mean_distance_by_size() -> None:
    confidence = np.array([0.95] * 30 + [0.15] * 10)
    right = np.array([True] * 15 + [False] * 15 + [False] * 10)
    bins = binned(confidence, right)
    assert [round(row["share"], 2) for row in bins] == [0.25, 0.75]
    assert expected_calibration_error(bins) == pytest.approx(0.75 * 0.45 + 0.25 * 0.15)


def test_the_edges_belong_to_a_bin() -> None:
    assert sum(row["share"] for row in binned(np.array([0.0, 0.1, 1.0]), np.array([True, True, True]))) == pytest.approx(1)
