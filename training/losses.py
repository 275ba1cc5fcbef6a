"""The loss of every head on a batch of window examples.

Knows nothing about optimisers or files. A head without targets in a batch adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from service.analysis.labels import TOKEN_LOGITS
from service.analysis.units import MENTION, relation_inputs
from training.config import LossConfig
from training.examples import IGNORE, WindowExample
from training.model import Mawaqif, RelationsOutput

LAST_SPECIAL = 4
"""Both vocabulary conventions keep their special tokens at ids up to this one."""


def padded(examples: Sequence[WindowExample], pad: int) -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` of a batch, shapes (windows, longest window)."""
    longest = max(e.n_tokens for e in examples)
    ids = np.full((len(examples), longest), pad, np.int64)
    mask = np.zeros((len(examples), longest), np.int64)
    for row, example in enumerate(examples):
        ids[row, : example.n_tokens] = example.window.ids
        mask[row, : example.n_tokens] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def run_relations(model: Mawaqif, states: Tensor, example: WindowExample) -> RelationsOutput:
    """The relation heads on one window; ``states``: (tokens or more, width)."""
    inputs = relation_inputs(example.units, example.n_tokens, example.pairs)
    arrays = (
        inputs.span_pool,
        inputs.segment_pool,
        inputs.unit_segment,
        inputs.unit_kind,
        inputs.pair_speaker,
        inputs.pair_target,
    )
    tensors = [torch.from_numpy(a).to(states.device) for a in arrays]
    output: RelationsOutput = model.relations(states[: example.n_tokens], *tensors)
    return output


def _link_losses(link: Tensor, example: WindowExample) -> tuple[list[Tensor], list[Tensor]]:
    """Marginal likelihood of the right candidates, or of "none of them" (as in mention-ranking coreference).

    For the queries that are speakers, and for those that are named mentions.
    """
    losses: tuple[list[Tensor], list[Tensor]] = ([], [])
    for query, right, candidates in example.links:
        scores = torch.cat([link[query, candidates], link[query, -1:]])
        wanted = link[query, right] if right else link[query, -1:]
        is_mention = example.units[query].kind == MENTION
        losses[is_mention].append(scores.logsumexp(0) - wanted.logsumexp(0))
    return losses


def _mean(losses: list[Tensor], zero: Tensor) -> Tensor:
    return torch.stack(losses).mean() if losses else zero


def _masked(examples: Sequence[WindowExample], mask: Tensor, config: LossConfig) -> Tensor:
    """Which tokens to hide: single ones, and all tokens of some mentions. Shape (windows, tokens), bool."""
    hidden = (torch.rand(mask.shape) < config.mask_token_prob) & (mask.cpu() == 1)
    for row, example in zip(hidden, examples, strict=True):
        for unit in example.units:
            if unit.kind == MENTION and torch.rand(()) < config.mask_mention_prob:
                row[unit.start : unit.end] = True
    return hidden


def batch_losses(model: Mawaqif, examples: Sequence[WindowExample], pad: int, config: LossConfig) -> dict[str, Tensor]:
    """Mean loss of each head, weighted by ``config``; their sum is what is minimised."""
    device = model.tagger.token_head.weight.device
    ids, mask = (t.to(device) for t in padded(examples, pad))
    if model.training:
        ids = ids.masked_fill(_masked(examples, mask, config).to(device) & (ids > LAST_SPECIAL), config.mask_token)
    output = model.tagger(ids, mask)
    losses = _token_losses(output.token_logits, examples, config)
    weights = torch.tensor(config.stance_weights, device=device)
    stance, topic, implicit, kind, reference, alias = [], [], [], [], [], []
    for states, example in zip(output.states, examples, strict=True):
        relations = run_relations(model, states, example)
        stance.append((relations.stance, torch.from_numpy(example.stance)))
        topic.append((relations.topic, torch.from_numpy(example.topic)))
        implicit.append((relations.implicit, torch.from_numpy(example.implicit)))
        units = [unit for unit, _ in example.kinds]
        kind.append((relations.kind[units], torch.tensor([k for _, k in example.kinds], dtype=torch.int64)))
        of_speakers, of_mentions = _link_losses(relations.link, example)
        reference += of_speakers
        alias += of_mentions
    losses["stance"] = config.stance * _cross_entropy(stance, weights)
    losses["topic"] = config.topic * _cross_entropy(topic)
    losses["kind"] = config.kind * _cross_entropy(kind)
    losses["implicit"] = config.implicit * _binary(implicit)
    zero = output.states.sum() * 0
    losses["reference"] = config.reference * _mean(reference, zero)
    losses["alias"] = config.alias * _mean(alias, zero)
    return losses


def _token_losses(logits: Tensor, examples: Sequence[WindowExample], config: LossConfig) -> dict[str, Tensor]:
    losses = {}
    for name, part in TOKEN_LOGITS.items():
        targets = np.full(logits.shape[:2], IGNORE, np.int64)
        for row, example in enumerate(examples):
            targets[row, : example.n_tokens] = getattr(example, name)
        pair = (logits[..., part].flatten(0, 1), torch.from_numpy(targets).flatten())
        losses[name] = getattr(config, name) * _cross_entropy([pair])
    return losses


def _cross_entropy(parts: list[tuple[Tensor, Tensor]], weights: Tensor | None = None) -> Tensor:
    logits = torch.cat([logits for logits, _ in parts])
    targets = torch.cat([targets for _, targets in parts]).to(logits.device)
    if not (targets != IGNORE).any():
        return logits.sum() * 0
    return F.cross_entropy(logits, targets, weights, ignore_index=IGNORE)


def _binary(parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    logits = torch.cat([logits for logits, _ in parts])
    targets = torch.cat([targets for _, targets in parts]).to(logits.device)
    known = targets != IGNORE
    if not known.any():
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(logits[known], targets[known].float())
