"""One encoder and the heads on its token states.

Two graphs, as they are exported: ``Tagger`` (token ids → token states and token logits, batched over windows) and
``Relations`` (the token states of one window → topics, links, statement kinds and stances). Knows nothing about text.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from service.analysis.labels import KINDS, N_TOKEN_LOGITS, STANCES, TOPICS, UNIT_KINDS

N_DISTANCES = 7
"""Buckets of the distance between two units in segments: −3 or less, −2 … 2, 3 or more."""


class TaggerOutput(NamedTuple):
    """``states``: (batch, tokens, width). ``token_logits``: (batch, tokens, ``N_TOKEN_LOGITS``)."""

    states: Tensor
    token_logits: Tensor


class RelationsOutput(NamedTuple):
    """Logits for the ``g`` segments, ``u`` units (spans first, then the segments) and ``p`` pairs of one window.

    ``topic``: (g, topics). ``implicit``: (g,), log-odds that the segment continues a speaker it does not name.
    ``link``: (u, u + 1), row = query, column = the unit it refers to, last column = none of them.
    ``kind``: (u, kinds). ``stance``: (p, stances).
    """

    topic: Tensor
    implicit: Tensor
    link: Tensor
    kind: Tensor
    stance: Tensor


class Tagger(nn.Module):
    """Encoder, LayerNorm (without which the heads learn several times more slowly) and one linear tagger."""

    def __init__(self, encoder: PreTrainedModel, dropout_prob: float) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        self.encoder = encoder
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout_prob)
        self.token_head = nn.Linear(width, N_TOKEN_LOGITS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> TaggerOutput:
        """``input_ids``, ``attention_mask``: (batch, tokens), int64."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        states = self.norm(hidden)
        return TaggerOutput(states, self.token_head(self.dropout(states)))


class Relations(nn.Module):
    """Heads on pooled states. Cost: a few small products per window, whatever the number of speakers and actors."""

    def __init__(self, width: int, link_width: int, pair_width: int, dropout_prob: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout_prob)
        self.topic_head = nn.Linear(width, len(TOPICS))
        self.implicit_head = nn.Linear(width, 1)
        self.unit_kind = nn.Embedding(len(UNIT_KINDS), width)
        self.link_query = nn.Linear(width, link_width)
        self.link_key = nn.Linear(width, link_width)
        self.link_null = nn.Linear(width, 1)
        self.link_distance = nn.Embedding(N_DISTANCES, 1)
        self.kind_head = nn.Linear(2 * width, len(KINDS))
        self.pair_query = nn.Linear(2 * width, link_width)
        self.pair_key = nn.Linear(width, link_width)
        self.pair_flags = nn.Embedding(4, pair_width)
        self.pair_hidden = nn.Linear(4 * width, pair_width)
        self.pair_out = nn.Linear(pair_width, len(STANCES))
        for table in (self.unit_kind, self.link_distance, self.pair_flags):
            nn.init.zeros_(table.weight)

    def forward(
        self, states: Tensor, span_pool: Tensor, segment_pool: Tensor, unit_segment: Tensor, unit_kind: Tensor,
        pair_speaker: Tensor, pair_target: Tensor,
    ) -> RelationsOutput:  # fmt: skip
        """Shapes, for ``t`` tokens, ``s`` spans, ``g`` segments, ``u = s + g`` units, ``p`` pairs:

        ``states``: (t, width). ``span_pool``: (s, t) and ``segment_pool``: (g, t), rows of weights that sum to 1.
        ``unit_segment``, ``unit_kind``: (u,) int64. ``pair_speaker``, ``pair_target``: (p,) int64, indices of units.
        """
        states = self.dropout(states)
        segments = segment_pool @ states
        units = torch.cat([span_pool @ states, segments])
        return RelationsOutput(
            topic=self.topic_head(segments),
            implicit=self.implicit_head(segments).squeeze(-1),
            link=self._link(units, unit_segment, unit_kind),
            kind=self.kind_head(torch.cat([units, segments[unit_segment]], -1)),
            stance=self._stance(states, units, segment_pool, unit_segment, unit_kind, pair_speaker, pair_target),
        )

    def _link(self, units: Tensor, unit_segment: Tensor, unit_kind: Tensor) -> Tensor:
        typed = units + self.unit_kind(unit_kind)
        query, key = self.link_query(typed), self.link_key(typed)
        distance = (unit_segment[None, :] - unit_segment[:, None]).clamp(-3, 3) + 3
        scores = query @ key.T / math.sqrt(query.shape[-1]) + self.link_distance(distance).squeeze(-1)
        return torch.cat([scores, self.link_null(typed)], -1)

    def _stance(
        self, states: Tensor, units: Tensor, segment_pool: Tensor, unit_segment: Tensor, unit_kind: Tensor,
        pair_speaker: Tensor, pair_target: Tensor,
    ) -> Tensor:  # fmt: skip
        speaker, target = units[pair_speaker], units[pair_target]
        query = self.pair_query(torch.cat([speaker, target], -1))
        scores = query @ self.pair_key(states).T / math.sqrt(query.shape[-1])
        segment = unit_segment[pair_speaker]
        context = scores.masked_fill(segment_pool[segment] <= 0, -1e9).softmax(-1) @ states
        outside = (unit_segment[pair_target] != segment).long()
        implicit = (unit_kind[pair_speaker] == UNIT_KINDS.index("segment")).long()
        hidden = self.pair_hidden(torch.cat([speaker, target, speaker * target, context], -1))
        hidden = nn.functional.gelu(hidden + self.pair_flags(2 * outside + implicit))
        logits: Tensor = self.pair_out(self.dropout(hidden))
        return logits


class Mawaqif(nn.Module):
    """Both graphs together, as they are trained and as a checkpoint holds them."""

    def __init__(self, encoder: PreTrainedModel, link_width: int, pair_width: int, dropout_prob: float) -> None:
        super().__init__()
        self.tagger = Tagger(encoder, dropout_prob)
        self.relations = Relations(int(encoder.config.hidden_size), link_width, pair_width, dropout_prob)
