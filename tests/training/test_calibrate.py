from __future__ import annotations

import numpy as np
import pytest

from service.analysis.decoding import softmax
from training.calibrate import fit_temperature, fit_temperature_and_bias, log_loss

RNG = np.random.default_rng(5)


def sampled(logits: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Labels drawn from the probabilities that ``logits`` mean."""
    probabilities = softmax(logits.astype(np.float32))
    return np.array([RNG.choice(logits.shape[1], p=row / row.sum()) for row in probabilities])


def test_the_temperature_undoes_overconfidence() -> None:
    true = RNG.normal(size=(3000, 3)) * 2
    assert fit_temperature(true * 3, sampled(true)) == pytest.approx(3, rel=0.15)


def test_the_bias_undoes_class_weights() -> None:
    true = RNG.normal(size=(4000, 3))
    labels = sampled(true)
    shifted = true + np.array([0, 1.0, 0.7])
    temperature, bias = fit_temperature_and_bias(shifted, labels)
    assert temperature == pytest.approx(1, abs=0.2)
    assert bias == pytest.approx((0, -1.0, -0.7), abs=0.25)
    assert log_loss(shifted / temperature + np.array(bias), labels) < log_loss(shifted, labels)
