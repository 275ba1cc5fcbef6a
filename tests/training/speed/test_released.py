"""The released weights in torch must be the released weights: a wrong layer, transposition or head count shows at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from service.analysis.decoding import softmax
from service.analysis.document import read_document
from service.analysis.encoder import Encoder
from service.analysis.labels import TOKEN_LOGITS
from service.analysis.units import candidate_pairs, relation_inputs, segment_units
from service.analysis.windows import Window, build_windows
from tests.conftest import ROOT
from training.model import Mawaqif
from training.scoring import article_text
from training.speed.contenders import Released
from training.speed.released import UnknownGraphError, released_model, torch_encoder

TOLERANCE = 0.01
"""Mean absolute difference in probability; int8 activations cost about a tenth of it."""


@pytest.fixture(scope="module")
def model(released: Released) -> Mawaqif:
    return released_model(released.folder)


@pytest.fixture(scope="module")
def in_torch(released: Released, model: Mawaqif) -> Encoder:
    return torch_encoder(model, released.transformer.special.pad, 1024)


@pytest.fixture(scope="module")
def windows(released: Released, seeds: list[dict[str, Any]]) -> list[Window]:
    t = released.transformer
    documents = [read_document(article_text(record)) for record in seeds[:3]]
    return [window for d in documents for window in build_windows(d, t.tokenizer, t.special, t.limits)]


def test_tokens_get_the_same_probabilities(released: Released, in_torch: Encoder, windows: list[Window]) -> None:
    for served, exact in zip(released.transformer.encoder.tag(windows), in_torch.tag(windows), strict=True):
        assert served.states.shape == exact.states.shape
        for part in TOKEN_LOGITS.values():
            difference = np.abs(softmax(served.token_logits[:, part]) - softmax(exact.token_logits[:, part]))
            assert difference.mean() < TOLERANCE


def test_relations_are_the_same_function(released: Released, in_torch: Encoder, windows: list[Window]) -> None:
    window = windows[0]
    units = segment_units(window.segments)
    mention = dataclasses.replace(units[0], kind=0, end=units[0].end - 1, name="x")
    units = [mention, *units]
    inputs = relation_inputs(units, len(window.ids), candidate_pairs(units))
    [tagged] = released.transformer.encoder.tag([window])
    served, exact = (encoder.relate(tagged.states, inputs) for encoder in (released.transformer.encoder, in_torch))
    assert len(served.stance) == len(units) - 1
    for name in ("topic", "implicit", "link", "kind", "stance"):
        np.testing.assert_allclose(getattr(served, name), getattr(exact, name), atol=1e-3, err_msg=name)


def test_a_layer_that_is_not_the_released_one_is_noticed(released: Released, windows: list[Window]) -> None:
    changed = released_model(released.folder)
    with torch.no_grad():
        layer: Any = changed.tagger.encoder.encoder.layer[5]  # type: ignore[union-attr, index]
        layer.output.dense.weight.mul_(-1)
    [served] = released.transformer.encoder.tag(windows[:1])
    [other] = torch_encoder(changed, released.transformer.special.pad, 1024).tag(windows[:1])
    part = TOKEN_LOGITS["mention"]
    assert np.abs(softmax(served.token_logits[:, part]) - softmax(other.token_logits[:, part])).mean() > TOLERANCE


def test_a_graph_without_a_weight_is_refused(tmp_path: Path) -> None:
    source = ROOT / "service" / "artifacts" / "compact"
    (tmp_path / "tagger.onnx").write_bytes((source / "tagger.onnx").read_bytes())
    graph = onnx.load(source / "relations.onnx")
    [kept] = [i for i, tensor in enumerate(graph.graph.initializer) if tensor.name == "kind_head.weight"]
    del graph.graph.initializer[kept]
    onnx.save(graph, tmp_path / "relations.onnx")
    with pytest.raises(UnknownGraphError, match=r"relations\.onnx has no kind_head\.weight"):
        released_model(tmp_path)
