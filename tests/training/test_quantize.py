from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.quantize import quantize

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(64, 48)).astype(np.float32)
TABLE = RNG.normal(size=(2000, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[ort.InferenceSession, ort.InferenceSession]:
    """ids → rows of a table → matrix product, in float32 and quantised."""
    folder = tmp_path_factory.mktemp("graphs")
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x"]), helper.make_node("MatMul", ["x", "weight"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["b", "t"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "t", 48])],
        [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(WEIGHT, "weight")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "exact.onnx")
    quantize(folder / "exact.onnx", folder / "int8.onnx")
    exact, small = (ort.InferenceSession(str(folder / f"{name}.onnx")) for name in ("exact", "int8"))
    return exact, small


def run(session: ort.InferenceSession, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    (y,) = session.run(None, {"ids": ids})
    return np.asarray(y, np.float32)


def test_products_are_close_to_the_exact_ones(graphs: tuple[ort.InferenceSession, ort.InferenceSession]) -> None:
    ids = RNG.integers(0, 2000, (3, 11))
    exact, small = (run(g, ids) for g in graphs)
    assert np.abs(exact - small).mean() < 0.03 * np.abs(exact).mean()


def test_a_row_does_not_depend_on_the_rows_beside_it(graphs: tuple[ort.InferenceSession, ort.InferenceSession]) -> None:
    ids = RNG.integers(0, 2000, (5, 11))
    together = run(graphs[1], ids)
    for i in range(5):
        np.testing.assert_array_equal(run(graphs[1], ids[i : i + 1]), together[i : i + 1])


def test_weights_are_bytes(tmp_path: Path, graphs: tuple[ort.InferenceSession, ort.InferenceSession]) -> None:
    source = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 48])],
        [numpy_helper.from_array(WEIGHT, "weight")],
    )  # fmt: skip
    onnx.save(helper.make_model(source), tmp_path / "a.onnx")
    quantize(tmp_path / "a.onnx", tmp_path / "b.onnx")
    types = {t.name: t.data_type for t in onnx.load(tmp_path / "b.onnx").graph.initializer}
    assert types["weight/bytes"] == TensorProto.INT8
    assert "weight" not in types
