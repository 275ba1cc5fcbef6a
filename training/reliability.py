"""Do scores mean what they say? Expected calibration error and reliability diagrams of topics and stances.

Measured on gold paragraphs and gold pairs, with the graphs and the calibration that are served. Knows nothing about decoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from service.analysis.decoding import softmax
from service.analysis.labels import STANCES
from service.analysis.transformer import Transformer
from training.calibrate import gold_logits
from training.examples import IGNORE

Floats = npt.NDArray[np.float64]
N_BINS: Final = 10


def binned(confidence: Floats, right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """Equal-width bins of (0, 1] that are not empty: mean confidence, share right, share of all; inputs of shape (n,)."""
    which = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    rows = []
    for i in range(N_BINS):
        inside = which == i
        if inside.any():
            rows.append(
                {
                    "confidence": float(confidence[inside].mean()),
                    "right": float(right[inside].mean()),
                    "share": float(inside.mean()),
                }
            )
    return rows


def expected_calibration_error(bins: Sequence[dict[str, float]]) -> float:
    """Mean distance of confidence and share right over the bins, by their size (Naeini et al. 2015; Guo et al. 2017)."""
    return sum(row["share"] * abs(row["confidence"] - row["right"]) for row in bins)


def _described(confidence: Floats, right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    bins = binned(confidence, right)
    return {"ece": round(expected_calibration_error(bins), 6), "n": len(confidence), "bins": bins}


def reliability(model: Transformer, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Per kind of score its ``ece``, how many there were, and the bins.

    ``topic``, ``stance``: the score of the likeliest label against whether it is right. ``favor``, ``against``: the score of that
    label over all pairs against whether it applies, which the many sure neutral pairs cannot hide; of these also the
    ``average_precision``: how well the scores alone rank the pairs, whatever weights decide.
    """
    found = gold_logits(model, records)
    calibration = model.calibration
    topic = softmax((np.concatenate([logits.topic for _, logits in found]) / calibration.topic_temperature).astype(np.float32))
    labels = np.concatenate([example.topic for example, _ in found])
    known = labels != IGNORE
    bias = np.array(calibration.stance_bias, np.float32)
    shifted = np.concatenate([logits.stance for _, logits in found]) / calibration.stance_temperature + bias
    stance = softmax(shifted.astype(np.float32))
    stances = np.concatenate([example.stance for example, _ in found])
    described = {
        "topic": _described(topic[known].max(-1), topic[known].argmax(-1) == labels[known]),
        "stance": _described(stance.max(-1), stance.argmax(-1) == stances),
    }
    for index, name in enumerate(STANCES):
        if index:
            applies = stances == index
            precision = float(average_precision_score(applies, stance[:, index])) if applies.any() else 0.0
            described[name] = _described(stance[:, index], applies) | {"average_precision": round(precision, 6)}
    return described


def plot(described: dict[str, Any], file: Path) -> None:
    """A reliability diagram of every kind of score, as SVG; the area of a point is its share of all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(described), 3.2), layout="constrained")
    for axes, (name, row) in zip(figure.subplots(1, len(described), sharey=True), described.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        confidence, right = ([b[key] for b in row["bins"]] for key in ("confidence", "right"))
        axes.plot(confidence, right, color="C0", linewidth=1)
        axes.scatter(confidence, right, s=[20 + 200 * b["share"] for b in row["bins"]], color="C0")
        axes.set(title=f"{name}: ECE {row['ece']:.3f}", xlabel="score", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.supylabel("share right")
    figure.savefig(file, metadata={"Date": None})
