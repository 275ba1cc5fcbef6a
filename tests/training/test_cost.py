from __future__ import annotations

from tests.conftest import ROOT
from training.config import read_config
from training.cost import Shape, measure, report


def test_a_larger_encoder_costs_more() -> None:
    config = read_config(ROOT / "configs" / "tiny.yaml")
    small, large = (measure(config, Shape(2, width, 2, 100), n_steps=2, window=64) for width in (32, 256))
    assert large.memory > 8 * small.memory
    assert large.flops > 30 * small.flops
    assert large.tokens_per_second > 0
    assert "tokens/s" in report(large, 1000, config)


def test_frozen_embeddings_need_no_optimiser() -> None:
    config = read_config(ROOT / "configs" / "tiny.yaml")
    whole = config.model_copy(update={"encoder": config.encoder.model_copy(update={"freeze_word_embeddings": False})})
    shape = Shape(1, 16, 2, 10_000)
    difference = measure(whole, shape, 1, 64).memory - measure(config, shape, 1, 64).memory
    assert difference == 12 * 16 * 10_000
