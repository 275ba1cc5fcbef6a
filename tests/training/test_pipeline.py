"""Train → export → load → analyse, whole, on the tiny model and the seeds."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from service.analysis.artifact import analyzer_of, open_artifact, open_transformer
from service.analysis.document import read_document
from service.analysis.manifest import ArtifactError
from service.analysis.windows import build_windows
from tests.conftest import ROOT
from training.config import TrainingConfig, read_config
from training.encoders import special_tokens
from training.export import ExportError, export, trained_model, write_uncalibrated
from training.scoring import article_text, predict
from training.stages import Run, limits, train

pytestmark = pytest.mark.filterwarnings("ignore")  # the ONNX exporter warns about its own insides


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, seed_data: Path) -> Run:
    folder = tmp_path_factory.mktemp("run")
    run = Run(read_config(ROOT / "configs" / "tiny.yaml"), seed_data, folder, folder / "cache")
    train(run)
    return run


@pytest.fixture(scope="module")
def artifact(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    write_uncalibrated(run, folder)
    return folder


def test_training_learns_something(run: Run) -> None:
    rows = [json.loads(line) for line in (run.folder / "articles" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["mention"] < rows[0]["mention"]


def test_the_artifact_analyses_articles(artifact: Path, seeds: list[dict[str, Any]]) -> None:
    analyzer = analyzer_of(open_transformer(artifact), ROOT / "service" / "artifacts" / "gazetteer")
    answers = predict(analyzer, seeds[:3])
    for record, answer in zip(seeds, answers, strict=False):
        assert len(answer["paragraphs"]) == len(record["paragraphs"])
        assert answer["model"] == {"name": "tiny", "version": "0.0.0"}


def test_attention_is_one_operator_a_layer(artifact: Path) -> None:
    operators = [node.op_type for node in onnx.load(artifact / "tagger.onnx").graph.node]
    assert operators.count("Attention") == 2
    assert not {"Softmax", "IsNaN", "MatMulInteger"} & set(operators)


@pytest.mark.parametrize("graph", ["tagger", "relations"])
def test_a_graph_says_nothing_of_the_machine_that_exported_it(artifact: Path, graph: str) -> None:
    content = (artifact / f"{graph}.onnx").read_bytes()
    assert len(content) > 10_000
    assert not [trace for trace in (str(ROOT), "site-packages", "stack_trace") if trace.encode() in content]


def test_training_and_serving_see_the_same_tokens(run: Run, artifact: Path, seeds: list[dict[str, Any]]) -> None:
    _, base = trained_model(run)
    served = open_transformer(artifact)
    for record in seeds:
        document = read_document(article_text(record))
        trained_on = build_windows(document, base.tokenizer, special_tokens(base.tokenizer), limits(run.config))
        fed = build_windows(document, served.tokenizer, served.special, served.limits)
        assert [w.segments for w in trained_on] == [w.segments for w in fed]
        for first, second in zip(trained_on, fed, strict=True):
            np.testing.assert_array_equal(first.ids, second.ids)
            np.testing.assert_array_equal(first.offsets, second.offsets)


def test_a_changed_byte_of_the_artifact_is_refused(artifact: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(artifact, copy)
    weights = bytearray((copy / "relations.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (copy / "relations.onnx").write_bytes(bytes(weights))
    with pytest.raises(ArtifactError, match=r"relations\.onnx has SHA-256"):
        open_transformer(copy)


def test_without_a_checkpoint_there_is_nothing_to_export(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="python -m training train"):
        trained_model(Run(run.config, run.data, tmp_path, tmp_path))


def test_a_whole_export_has_figures_and_a_card(run: Run, scorer_path: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "service" / "artifacts" / "gazetteer", tmp_path / "gazetteer")
    metrics = export(run, tmp_path / "tiny", tmp_path / "gazetteer", scorer_path)
    assert set(metrics) == {"dev", "test"}
    artifact = open_artifact(tmp_path / "tiny")
    assert artifact.card["figures"] == metrics
    card = (tmp_path / "tiny" / "README.md").read_text(encoding="utf-8")
    assert f"| mention_f1 | {metrics['dev']['mention_f1']:.3f} |" in card
    assert not list(tmp_path.glob("*.part"))


def test_an_artifact_that_differs_from_its_checkpoint_is_refused(run: Run, tmp_path: Path) -> None:
    strict: TrainingConfig = run.config.model_copy(update={"export": run.config.export.model_copy(update={"max_drift": 1e-9})})
    with pytest.raises(ExportError, match="differ from the checkpoint"):
        write_uncalibrated(dataclasses.replace(run, config=strict), tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()
