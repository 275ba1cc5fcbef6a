"""Calibration and thresholds, fitted on dev with the graphs that will be served.

Temperatures and biases minimise the log-loss on gold paragraphs and pairs; thresholds are chosen one after the other by the
scorer's own figures. The encoder runs once; everything is tried on its kept states.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from service.analysis.decoding import TagThresholds, softmax
from service.analysis.encoder import Encoder, RelationLogits, Tagged
from service.analysis.gazetteer import Gazetteer
from service.analysis.transformer import Calibration, Transformer
from service.analysis.units import RelationInputs, relation_inputs
from service.analysis.windows import Window
from training.examples import IGNORE, WindowExample, annotated_article, window_examples
from training.scoring import Found

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
Measure = Callable[[Sequence[dict[str, Any]]], dict[str, float]]

NEUTRAL_CALIBRATION = Calibration(TagThresholds(0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 1.0, 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 1.0)
SHIFTS = (0.0, 0.5, 1.0, 1.5, 2.0)
MENTION_SHIFTS = (0.5, 1.0, 1.5, 2.0, 3.0)
MIN_NAMES = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7)
MIN_UNCUED = (0.0, 0.5, 0.6, 0.65, 0.7, 0.8)
IMPLICIT = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
WEIGHTS = (1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
MEANT_FACTORS = (0.0, 0.5, 1.0)
MIN_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE = -2.0, 2.0


@dataclass(frozen=True)
class KeptStates(Encoder):
    """An encoder that tags each window once and then answers from memory."""

    kept: dict[bytes, Tagged]

    def tag(self, windows: Sequence[Window]) -> list[Tagged]:
        new = [w for w in windows if w.ids.tobytes() not in self.kept]
        for window, tagged in zip(new, super().tag(new), strict=True):
            self.kept[window.ids.tobytes()] = tagged
        return [self.kept[w.ids.tobytes()] for w in windows]


def keeping_states(model: Transformer) -> Transformer:
    """``model`` with an encoder that tags each window once; one that has such an encoder keeps it with all that it knows."""
    encoder = model.encoder
    if isinstance(encoder, KeptStates):
        return model
    kept = KeptStates(encoder.tagger, encoder.relations, encoder.pad, encoder.tokens_per_batch, {})
    return replace(model, encoder=kept)


def gold_logits(model: Transformer, records: Sequence[dict[str, Any]]) -> list[tuple[WindowExample, RelationLogits]]:
    """Relation logits on the gold units of ``records``."""
    found = []
    for record in records:
        for example in window_examples(annotated_article(record), model.tokenizer, model.special, model.limits):
            inputs: RelationInputs = relation_inputs(example.units, example.n_tokens, example.pairs)
            (tagged,) = model.encoder.tag([example.window])
            found.append((example, model.encoder.relate(tagged.states, inputs)))
    return found


def log_loss(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood, nats; ``logits``: (n, classes), ``labels``: (n,)."""
    return float(-np.log(np.clip(softmax(logits.astype(np.float32))[np.arange(len(labels)), labels], 1e-9, 1)).mean())


def fit_temperature(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """The temperature that minimises the log-loss (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
    grid = np.exp(np.linspace(MIN_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE, 81))
    return float(min(grid, key=lambda t: log_loss(logits / t, labels)))


def fit_temperature_and_bias(logits: Floats, labels: npt.NDArray[np.int64]) -> tuple[float, tuple[float, float, float]]:
    """Temperature and one bias per class, that of the first class being 0; undoes the class weights of training too."""

    def loss(parameters: Floats) -> float:
        return log_loss(logits / np.exp(parameters[0]) + np.array([0, *parameters[1:]]), labels) + 1e-4 * float(
            (parameters**2).sum()
        )

    best = minimize(loss, np.zeros(logits.shape[1]), method="Nelder-Mead").x
    log_temperature = float(np.clip(best[0], MIN_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE))
    return float(np.exp(log_temperature)), (0.0, float(best[1]), float(best[2]))


def _fit_scores(model: Transformer, records: Sequence[dict[str, Any]], calibration: Calibration) -> Calibration:
    pairs = gold_logits(model, records)
    topic = np.concatenate([logits.topic for _, logits in pairs]).astype(np.float64)
    topic_labels = np.concatenate([example.topic for example, _ in pairs])
    stance = np.concatenate([logits.stance for _, logits in pairs]).astype(np.float64)
    stance_labels = np.concatenate([example.stance for example, _ in pairs])
    known = topic_labels != IGNORE
    temperature, bias = fit_temperature_and_bias(stance, stance_labels)
    return replace(
        calibration, topic_temperature=fit_temperature(topic[known], topic_labels[known]),
        stance_temperature=temperature, stance_bias=bias,
    )  # fmt: skip


def calibrate(model: Transformer, gazetteer: Gazetteer, records: Sequence[dict[str, Any]], measure: Measure) -> Calibration:
    """Fit everything on ``records`` (dev); ``measure`` gives the scorer's figures for analyses of them."""
    model = keeping_states(model)
    calibration = _fit_scores(model, records, NEUTRAL_CALIBRATION)

    def choose(options: Sequence[Calibration], *names: str, found: Found | None = None) -> Calibration:
        models = [replace(model, calibration=o) for o in options]
        figures = [measure((found or Found(m, gazetteer, records)).answers(m)) for m in models]
        scored = [(sum(of_option[name] for name in names), o) for of_option, o in zip(figures, options, strict=True)]
        best = max(scored, key=lambda pair: pair[0])
        log.info("%s: %.4f with %s", " + ".join(names), best[0], best[1])
        return best[1]

    def with_tags(c: Calibration, **shift: float) -> Calibration:
        return replace(c, tags=replace(c.tags, **shift))

    named = [replace(with_tags(calibration, mention=s), min_name=m) for s in MENTION_SHIFTS for m in MIN_NAMES]
    calibration = choose(named, "mention_f1")
    voiced = [replace(with_tags(calibration, speaker=s), min_uncued=m) for s in SHIFTS for m in MIN_UNCUED]
    calibration = choose(voiced, "speaker_f1")
    calibration = choose([replace(calibration, implicit=i) for i in IMPLICIT], "speaker_f1")
    weighted = [
        replace(calibration, stance_weights=(1.0, f, a), meant_factor=m) for f in WEIGHTS for a in WEIGHTS for m in MEANT_FACTORS
    ]
    found = Found(replace(model, calibration=calibration), gazetteer, records)
    return choose(weighted, "stance_f1", "relation_f1", found=found)
