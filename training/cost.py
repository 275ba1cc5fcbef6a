"""What a training run will cost: seconds per token measured on this machine, memory computed from the parameters.

Random weights and random tokens of the encoder's shape: neither a hub nor a corpus is needed to measure a step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import torch
from transformers import BertConfig, BertModel

from training.config import TrainingConfig

BYTES_PER_TRAINED: Final = 16
"""float32 weight, gradient, and the two moments of AdamW (Loshchilov and Hutter 2019)."""
BYTES_PER_FROZEN: Final = 4
ACTIVATIONS_PER_LAYER: Final = 34
"""Bytes per token, layer and unit of width that backpropagation keeps at 16 bits (Korthikanti et al. 2022), twice that at 32."""


@dataclass(frozen=True)
class Shape:
    """The shape of a BERT encoder. ``vocabulary`` counts pieces."""

    layers: int
    width: int
    heads: int
    vocabulary: int


SHAPES: Final = {
    "intfloat/multilingual-e5-small": Shape(12, 384, 12, 250_037),
    "aubmindlab/bert-base-arabertv02": Shape(12, 768, 12, 64_000),
}
"""From the models' own configuration files."""


@dataclass(frozen=True)
class Cost:
    """``memory``: bytes for weights, optimiser and one batch's activations. ``flops``: per trained token, without attention."""

    parameters: int
    memory: int
    flops: int
    tokens_per_second: float


def encoder_of(shape: Shape, frozen_embeddings: bool) -> BertModel:
    config = BertConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, intermediate_size=4 * shape.width,
    )  # fmt: skip
    encoder = BertModel(config, add_pooling_layer=False)
    encoder.embeddings.word_embeddings.weight.requires_grad_(not frozen_embeddings)
    return encoder


def measure(config: TrainingConfig, shape: Shape, n_steps: int = 3, window: int = 256) -> Cost:
    """Train ``n_steps`` steps of the last stage's size on random tokens, after one that is not counted."""
    stage = config.stages[-1]
    encoder = encoder_of(shape, config.encoder.freeze_word_embeddings).train()
    trained = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    parameters = sum(p.numel() for p in encoder.parameters())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder.to(device)
    optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad], stage.encoder_lr)
    ids = torch.randint(5, shape.vocabulary, (max(1, stage.tokens_per_step // window), window), device=device)
    started = 0.0
    for step in range(n_steps + 1):
        if step == 1:
            started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision != "no" and device.type != "cpu"):
            loss = encoder(input_ids=ids).last_hidden_state.float().square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    wide = 2 if config.precision == "no" else 1
    activations = wide * ACTIVATIONS_PER_LAYER * shape.layers * shape.width * stage.tokens_per_step
    embeddings = shape.vocabulary * shape.width
    return Cost(
        parameters,
        BYTES_PER_TRAINED * trained + BYTES_PER_FROZEN * (parameters - trained) + activations,
        6 * (parameters - embeddings),
        n_steps * ids.numel() / (time.perf_counter() - started),
    )


def report(cost: Cost, tokens_per_epoch: int, config: TrainingConfig) -> str:
    """Lines for a person: what one epoch and the last stage take on this machine."""
    stage = config.stages[-1]
    hours = tokens_per_epoch / cost.tokens_per_second / 3600
    total = cost.flops * tokens_per_epoch * stage.epochs
    return "\n".join(
        [
            f"encoder {config.encoder.name}: {cost.parameters / 1e6:.0f} M parameters, {cost.flops / 1e6:.0f} MFLOP per token",
            f"memory: {cost.memory / 2**30:.1f} GiB at {stage.tokens_per_step} tokens per batch, precision {config.precision}",
            f"this machine: {cost.tokens_per_second:.0f} tokens/s, an epoch of {tokens_per_epoch} tokens in {hours:.2f} h, "
            f"stage {stage.name} of {stage.epochs} epochs in {hours * stage.epochs:.2f} h",
            f"elsewhere: {total / 1e15:.1f} PFLOP in that stage, divided by what the device sustains",
        ]
    )
