"""A released artifact's graphs → the torch model that they were exported from, with the same weights in float32.

What int8 rounding took away is gone, but every product has the shape and the values that the artifact's has. Reads graphs as
``training.export`` and ``training.quantize`` write them; the names of parameters are those of ``training.model``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from transformers import BertConfig, BertModel

from service.analysis.encoder import Encoder, Floats
from training.errors import TrainingError
from training.model import Mawaqif

_WORDS: Final = "encoder.embeddings.word_embeddings.weight"
_POSITIONS: Final = "encoder.embeddings.position_embeddings.weight"
_TYPES: Final = "encoder.embeddings.token_type_embeddings.weight"
_PRODUCTS: Final = ("MatMul", "MatMulIntegerToFloat")


class UnknownGraphError(TrainingError):
    """A graph is not one that this version of the code exports."""


class _Graph:
    """The constants and nodes of one ONNX file."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        self.path = path
        self.nodes = list(graph.node)
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._producers = {output: node for node in graph.node for output in node.output}

    def has(self, name: str) -> bool:
        return name in self.constants or f"{name}/bytes" in self.constants

    def table(self, name: str) -> npt.NDArray[np.generic]:
        """A constant by its name, whether it was quantised by rows or not."""
        if name in self.constants:
            return self.constants[name]
        values: npt.NDArray[np.float32] = self.constants[f"{name}/bytes"].astype(np.float32) * self.constants[f"{name}/scales"]
        return values

    def linear_weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """For each ``….bias`` that is added to a product with a constant, that constant as ``….weight``: (out, in)."""
        weights = {}
        for node in self.nodes:
            biases = [name for name in node.input if node.op_type == "Add" and name.endswith(".bias") and name in self.constants]
            for bias in biases:
                [other] = [name for name in node.input if name != bias]
                weights[f"{bias.removesuffix('.bias')}.weight"] = self._factor(other).T
        return weights

    def _factor(self, product: str) -> npt.NDArray[np.float32]:
        """The constant that makes ``product``, which may have been scaled by rows since."""
        node = self._producers[product]
        if node.op_type == "Mul":
            node = self._producers[node.input[0]]
        if node.op_type not in _PRODUCTS:
            raise UnknownGraphError(f"{self.path}: {product} comes from {node.op_type}, expected one of {', '.join(_PRODUCTS)}")
        values = self.constants[node.input[1]].astype(np.float32)
        return values * self.constants[node.input[3]] if node.op_type == "MatMulIntegerToFloat" else values

    def head_width(self) -> int:
        """Columns of one attention head: what the first product is split into, as (batch, tokens, heads, columns)."""
        for node in self.nodes:
            if node.op_type == "Concat" and len(node.input) == 4 and node.input[3] in self.constants:
                return int(self.constants[node.input[3]][0])
        raise UnknownGraphError(f"{self.path}: nothing is split into attention heads; export the artifact again")

    def layer_norm_eps(self) -> float:
        norm = next(node for node in self.nodes if node.op_type == "LayerNormalization")
        return float(next(attribute.f for attribute in norm.attribute if attribute.name == "epsilon"))


def _config(graph: _Graph, weights: dict[str, npt.NDArray[np.float32]]) -> BertConfig:
    vocabulary, width = graph.table(_WORDS).shape
    layers = {name.split(".")[3] for name in weights if name.startswith("encoder.encoder.layer.")}
    return BertConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=len(layers), num_attention_heads=width // graph.head_width(),
        intermediate_size=weights["encoder.encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=graph.table(_POSITIONS).shape[0], type_vocab_size=graph.table(_TYPES).shape[0],
        layer_norm_eps=graph.layer_norm_eps(),
    )  # fmt: skip


def _load(module: torch.nn.Module, graph: _Graph, weights: dict[str, npt.NDArray[np.float32]]) -> None:
    """Every parameter of ``module`` from the graph; one that is not there is an error."""
    names = list(module.state_dict())
    missing = [name for name in names if name not in weights and not graph.has(name)]
    if missing:
        raise UnknownGraphError(f"{graph.path} has no {', '.join(missing[:3])}; export the artifact again with this version")
    arrays = {name: weights[name] if name in weights else graph.table(name) for name in names}
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


def released_model(folder: Path) -> Mawaqif:
    """The model in artifact ``folder``, ready to answer, not to be trained.

    Raises:
        UnknownGraphError: when its graphs are not as this version of the code exports them.
    """
    tagger, relations = (_Graph(folder / f"{name}.onnx") for name in ("tagger", "relations"))
    weights = tagger.linear_weights()
    link_width = relations.table("link_query.weight").shape[0]
    pair_width = relations.table("pair_out.weight").shape[1]
    encoder = BertModel(_config(tagger, weights), add_pooling_layer=False)
    model = Mawaqif(encoder, link_width, pair_width, dropout_prob=0.0)
    _load(model.tagger, tagger, weights)
    _load(model.relations, relations, {})
    return model.eval()


class _TorchSession:
    """A module behind the one method that an encoder calls of its ONNX sessions."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module

    def run(self, names: Sequence[str], feeds: dict[str, npt.NDArray[Any]]) -> list[Floats]:
        """The outputs called ``names``; ``feeds``: arrays by the names of the module's arguments."""
        with torch.inference_mode():
            output: NamedTuple = self._module(**{name: torch.from_numpy(array) for name, array in feeds.items()})
        return [getattr(output, name).numpy() for name in names]


def torch_encoder(model: Mawaqif, pad: int, tokens_per_batch: int) -> Encoder:
    """``model`` in torch as the encoder of an analyzer: the batches, the padding and all the rest are those that are served."""
    return Encoder(_TorchSession(model.tagger), _TorchSession(model.relations), pad, tokens_per_batch)
