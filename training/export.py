"""A run's last checkpoint → the artifact that is served.

Graphs to ONNX, int8, compared with the checkpoint on real windows and refused beyond the stated drift; then calibrated on
dev, measured on dev and test, and written with labels, card and manifest.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import LABELS, TOKENS_PER_BATCH, analyzer_of, open_transformer
from service.analysis.baseline import Baseline
from service.analysis.decoding import softmax
from service.analysis.encoder import Encoder, open_session
from service.analysis.gazetteer import read_gazetteer
from service.analysis.labels import TOKEN_LOGITS
from service.analysis.manifest import read_manifest, write_manifest
from service.analysis.transformer import Calibration
from service.analysis.units import MENTION, SEGMENT, SPEAKER, Unit, relation_inputs
from training.calibrate import NEUTRAL_CALIBRATION, calibrate
from training.card import baseline_card, baseline_model_card, card, model_card
from training.config import Source
from training.corpus import annotated_articles, read_articles
from training.encoders import Base, pruned, special_tokens
from training.errors import TrainingError
from training.examples import WindowExample, window_examples
from training.losses import padded
from training.model import Mawaqif
from training.quantize import quantize
from training.reliability import plot, reliability
from training.scoring import figures, load_scorer, predict
from training.stages import Run, article_texts, checkpoint_of, limits, trained

log = logging.getLogger(__name__)
N_DRIFT_WINDOWS = 16
TAGGER_OPSET = 23
"""The first in which attention is one operator: nearly half as fast again on long windows, and its scores are kept once."""
GRAPHS = ("tagger", "relations")


class ExportError(TrainingError):
    """What would be exported is not what was trained."""


def trained_model(run: Run) -> tuple[Mawaqif, Base]:
    """The model of the run's last stage, in evaluation mode, its vocabulary pruned as configured, and its base.

    Raises:
        ExportError: when the run has no checkpoint of its last stage.
    """
    last = run.config.stages[-1]
    checkpoint = checkpoint_of(run, last)
    if not checkpoint.is_file():
        raise ExportError(f"{checkpoint} is missing; run `python -m training train` with the same --config and --run first")
    model, base = trained(run, last)
    if run.config.encoder.max_pieces:
        base = pruned(base, article_texts(run), run.config.encoder.max_pieces)
    return model, base


def _example_inputs(width: int) -> dict[str, Tensor]:
    """Inputs of the relation graph from which its shapes are traced."""
    units = [Unit(1, 3, 0, MENTION), Unit(4, 6, 1, SPEAKER), Unit(1, 4, 0, SEGMENT), Unit(4, 9, 1, SEGMENT)]
    arrays = relation_inputs(units, 9, [(1, 0), (2, 0), (3, 0)])
    tensors = {f.name: torch.from_numpy(getattr(arrays, f.name)) for f in dataclasses.fields(arrays)}
    return {"states": torch.zeros(9, width)} | tensors


def _without_traces(path: Path) -> None:
    """Take out where in the source each node comes from, which names folders of the machine that exported it."""
    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
    onnx.save(model, path)


def export_graphs(model: Mawaqif, folder: Path) -> None:
    """Write ``tagger.onnx`` (int8) and ``relations.onnx`` (float32)."""
    dynamic = torch.export.Dim.DYNAMIC
    ids = torch.full((2, 9), 5, dtype=torch.int64)
    exact = folder / "tagger.float32.onnx"
    axes: dict[int, Any] = {0: dynamic, 1: dynamic}
    torch.onnx.export(
        model.tagger, (ids, torch.ones_like(ids)), exact, dynamo=True, external_data=False, verbose=False,
        input_names=["input_ids", "attention_mask"], output_names=["states", "token_logits"], dynamic_shapes=(axes, axes),
        opset_version=TAGGER_OPSET,
    )  # fmt: skip
    quantize(exact, folder / "tagger.onnx")
    exact.unlink()
    inputs = _example_inputs(model.relations.topic_head.in_features)
    shapes = tuple({0: dynamic} if name == "states" else dict.fromkeys(range(t.ndim), dynamic) for name, t in inputs.items())
    torch.onnx.export(
        model.relations, tuple(inputs.values()), folder / "relations.onnx", dynamo=True, external_data=False, verbose=False,
        input_names=list(inputs), output_names=["topic", "implicit", "link", "kind", "stance"], dynamic_shapes=shapes,
    )  # fmt: skip
    for graph in GRAPHS:
        _without_traces(folder / f"{graph}.onnx")


@dataclass(frozen=True)
class Drift:
    """Mean absolute difference in probability between checkpoint and artifact, per head."""

    tokens: float
    topic: float
    stance: float

    @property
    def largest(self) -> float:
        return max(self.tokens, self.topic, self.stance)


def measure_drift(model: Mawaqif, encoder: Encoder, examples: Sequence[WindowExample]) -> Drift:
    """Compare both on ``examples``, each window by itself."""
    tokens, topic, stance = [], [], []
    for example in examples:
        ids, mask = padded([example], encoder.pad)
        inputs = relation_inputs(example.units, example.n_tokens, example.pairs)
        with torch.no_grad():
            exact = model.tagger(ids, mask)
            arrays = [torch.from_numpy(getattr(inputs, f.name)) for f in dataclasses.fields(inputs)]
            relations = model.relations(exact.states[0], *arrays)
        (tagged,) = encoder.tag([example.window])
        served = encoder.relate(tagged.states, inputs)
        for part in TOKEN_LOGITS.values():
            tokens.append(np.abs(softmax(exact.token_logits[0, :, part].numpy()) - softmax(tagged.token_logits[:, part])).mean())
        topic.append(np.abs(softmax(relations.topic.numpy()) - softmax(served.topic)).mean())
        if len(example.stance):
            stance.append(np.abs(softmax(relations.stance.numpy()) - softmax(served.stance)).mean())
    return Drift(float(np.mean(tokens)), float(np.mean(topic)), float(np.mean(stance)) if stance else 0.0)


def _versions() -> dict[str, str]:
    names = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Measured:
    """What is known of a model after calibration: per split the scorer's figures, and the reliability of its scores."""

    calibration: Calibration
    figures: dict[str, Any]
    reliability: dict[str, Any]


def _write_parts(run: Run, base: Base, folder: Path, drift: Drift, measured: Measured) -> None:
    """Everything of the artifact but the graphs; the manifest last."""
    calibration = dataclasses.asdict(measured.calibration)
    base.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    _write_json(folder / "labels.json", LABELS)
    _write_json(folder / "calibration.json", calibration)
    errors = {split: {name: row["ece"] for name, row in rows.items()} for split, rows in measured.reliability.items()}
    described = card(run.config, calibration, measured.figures, errors)
    if "test" in measured.reliability:
        plot(measured.reliability["test"], folder / "reliability.svg")
    _write_json(folder / "card.json", described)
    (folder / "README.md").write_text(model_card(run.config, described, dataclasses.asdict(drift)), encoding="utf-8")
    content = {
        "kind": "transformer", "name": run.config.export.name, "version": run.config.export.version,
        "base_encoder": run.config.encoder.name, "seed": run.config.seed,
        "special_tokens": dataclasses.asdict(special_tokens(base.tokenizer)), "windows": run.config.windows.model_dump(),
        "drift": dataclasses.asdict(drift), "libraries": _versions(),
    }  # fmt: skip
    write_manifest(folder, content)


def _checked_drift(run: Run, model: Mawaqif, base: Base, folder: Path) -> Drift:
    """The drift of the graphs in ``folder`` on windows of dev.

    Raises:
        ExportError: when it is more than ``export.max_drift``.
    """
    special = special_tokens(base.tokenizer)
    tagger, relations = (open_session(folder / f"{name}.onnx", 0) for name in GRAPHS)
    encoder = Encoder(tagger, relations, special.pad, TOKENS_PER_BATCH)
    documents = list(annotated_articles(run.data, "dev"))[:N_DRIFT_WINDOWS]
    examples = [e for d in documents for e in window_examples(d, base.tokenizer, special, limits(run.config))]
    drift = measure_drift(model, encoder, examples[:N_DRIFT_WINDOWS])
    log.info("drift: %s", drift)
    if drift.largest > run.config.export.max_drift:
        raise ExportError(
            f"the int8 artifact's probabilities differ from the checkpoint's by {drift} on average, more than "
            f"export.max_drift = {run.config.export.max_drift}; raise that value or train longer"
        )
    return drift


def write_uncalibrated(run: Run, folder: Path) -> tuple[Base, Drift]:
    """Graphs of the run's last checkpoint, checked against it, with all the rest and a calibration that changes nothing.

    Raises:
        ExportError: when there is no checkpoint or the graphs differ from it too much; ``folder`` is then removed.
    """
    model, base = trained_model(run)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        export_graphs(model, folder)
        drift = _checked_drift(run, model, base, folder)
    except ExportError:
        shutil.rmtree(folder)
        raise
    _write_parts(run, base, folder, drift, Measured(NEUTRAL_CALIBRATION, {}, {}))
    return base, drift


def export(run: Run, folder: Path, gazetteer_folder: Path, scorer: Path) -> dict[str, Any]:
    """Write the artifact to ``folder``, in place of what is there, and return its figures on dev and test.

    Raises:
        ExportError: when there is no checkpoint, or the int8 graphs differ from it by more than ``export.max_drift``.
    """
    part = folder.with_name(folder.name + ".part")
    base, drift = write_uncalibrated(run, part)
    measured = _calibrated(run, part, gazetteer_folder, scorer)
    _write_parts(run, base, part, drift, measured)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return measured.figures


def _calibrated(run: Run, part: Path, gazetteer_folder: Path, scorer_path: Path) -> Measured:
    """Calibration fitted on dev, and with it what is measured on dev and test."""
    scorer = load_scorer(scorer_path)
    gazetteer = read_gazetteer(gazetteer_folder / "gazetteer.json")
    model = open_transformer(part)
    dev = read_articles(run.data, "dev")
    calibration = calibrate(model, gazetteer, dev, lambda answers: figures(scorer, dev, answers))
    model = dataclasses.replace(model, calibration=calibration)
    errors = {split: reliability(model, read_articles(run.data, split)) for split in ("dev", "test")}
    return Measured(calibration, split_figures(Analyzer(model, gazetteer), run.data, scorer), errors)


def split_figures(analyzer: Analyzer, data: Path, scorer: ModuleType) -> dict[str, Any]:
    """The scorer's figures on dev and on test, unrounded enough to be shown to three places."""
    metrics = {}
    for split in ("dev", "test"):
        records = read_articles(data, split)
        metrics[split] = {k: round(v, 6) for k, v in figures(scorer, records, predict(analyzer, records)).items()}
    return metrics


def describe_baseline(
    data: Path, folder: Path, gazetteer_folder: Path, scorer: Path, sources: Sequence[Source]
) -> dict[str, Any]:
    """Measure the baseline in ``folder``, fitted on ``sources``, and put its card beside it; gives its figures."""
    manifest = read_manifest(folder)
    baseline = Baseline.load(folder)
    metrics = split_figures(analyzer_of(baseline, gazetteer_folder), data, load_scorer(scorer))
    described = baseline_card(baseline.version, metrics, sources)
    _write_json(folder / "card.json", described)
    (folder / "README.md").write_text(baseline_model_card(described), encoding="utf-8")
    write_manifest(folder, {key: value for key, value in manifest.items() if key != "files"})
    return metrics
