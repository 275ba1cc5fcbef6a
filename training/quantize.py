"""ONNX graph → the same graph with int8 weights and dynamically quantised activations, one scale per row.

ONNX Runtime's own dynamic quantisation takes one activation scale per tensor, so that a row's result depends on its batch
mates and on padding. Here each token has its own scale: batches and single texts give the same answer, with smaller errors,
at nearly the same speed (docs/decisions/quantisation.md). Weights have 7 bits, since the AVX2 kernels for unsigned × signed
bytes add pairs in 16 bits and would saturate with 8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

WEIGHT_LIMIT: Final = 63
ACTIVATION_LIMIT: Final = 127
ACTIVATION_ZERO: Final = 128
MIN_COLUMNS: Final = 32
"""Matrices with fewer columns (the taggers' own) stay in float32: they cost nothing and decide everything."""


class _Rewriter:
    """Collects the nodes and constants of the rewritten graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.new: dict[str, onnx.TensorProto] = {}
        self.replaced: set[str] = set()
        self.quantised_rows: set[str] = set()

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.new[name] = numpy_helper.from_array(value, name)
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def rewrite(self) -> None:
        for node in self.graph.node:
            if node.op_type == "MatMul" and self._is_weight(node.input[1]):
                self._matmul(node)
            elif node.op_type == "Gather" and self._is_weight(node.input[0]) and self._rows(node.input[0]) > ACTIVATION_ZERO * 8:
                self._gather(node)
            else:
                self.nodes.append(node)
        kept = [t for name, t in self.weights.items() if name not in self.replaced]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend([*kept, *self.new.values()])

    def _rows(self, name: str) -> int:
        return int(self.weights[name].dims[0])

    def _is_weight(self, name: str) -> bool:
        return name in self.weights and len(self.weights[name].dims) == 2 and self.weights[name].dims[1] > MIN_COLUMNS

    def _quantised_rows(self, x: str) -> tuple[str, str]:
        """Names of ``x`` as unsigned bytes and of the scales of its rows."""
        bytes_name, scale_name = f"{x}/bytes", f"{x}/scale"
        if x not in self.quantised_rows:
            self.quantised_rows.add(x)
            one = self.constant("one", np.array(1, np.float32))
            zero = self.constant("activation_zero", np.array(ACTIVATION_ZERO, np.uint8))
            axes = self.constant("last_axis", np.array([-1], np.int64))
            limit = self.constant("limit", np.array(1 / ACTIVATION_LIMIT, np.float32))
            tiny = self.constant("tiny", np.array(1e-10, np.float32))
            largest = self.node("ReduceMax", [self.node("Abs", [x], f"{x}/abs"), axes], f"{x}/largest", keepdims=1)
            self.node("Add", [self.node("Mul", [largest, limit], f"{x}/ratio"), tiny], scale_name)
            scaled = self.node("Div", [x, scale_name], f"{x}/scaled")
            self.node("QuantizeLinear", [scaled, one, zero], bytes_name)
        return bytes_name, scale_name

    def _matmul(self, node: onnx.NodeProto) -> None:
        x, weight, output = node.input[0], node.input[1], node.output[0]
        values = numpy_helper.to_array(self.weights[weight])
        scales = np.maximum(np.abs(values).max(0), 1e-8) / WEIGHT_LIMIT
        self.replaced.add(weight)
        rows, row_scales = self._quantised_rows(x)
        inputs = [
            rows, self.constant(f"{weight}/bytes", np.round(values / scales).astype(np.int8)), "one",
            self.constant(f"{weight}/scales", scales.astype(np.float32)), "activation_zero",
            self.constant("weight_zero", np.array(0, np.int8)),
        ]  # fmt: skip
        product = self.node("MatMulIntegerToFloat", inputs, f"{output}/product", domain="com.microsoft")
        self.node("Mul", [product, row_scales], output)

    def _gather(self, node: onnx.NodeProto) -> None:
        """An embedding table as signed bytes with one scale per row."""
        table, indices, output = node.input[0], node.input[1], node.output[0]
        values = numpy_helper.to_array(self.weights[table])
        scales = np.maximum(np.abs(values).max(1, keepdims=True), 1e-8) / ACTIVATION_LIMIT
        self.replaced.add(table)
        table_bytes = self.constant(f"{table}/bytes", np.round(values / scales).astype(np.int8))
        table_scales = self.constant(f"{table}/scales", scales.astype(np.float32))
        rows = self.node("Gather", [table_bytes, indices], f"{output}/table_bytes")
        floats = self.node("Cast", [rows], f"{output}/floats", to=int(onnx.TensorProto.FLOAT))
        self.node("Mul", [floats, self.node("Gather", [table_scales, indices], f"{output}/table_scale")], output)


def quantize(source: Path, target: Path) -> None:
    """Write ``source`` to ``target`` with every weight matrix and large embedding table in int8."""
    model = onnx.load(source)
    _Rewriter(model.graph).rewrite()
    if not any(entry.domain == "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, target)
