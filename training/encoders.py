"""Base encoders and their tokenizers: from PyPI wheels, from a hub name or folder, or tiny and built in code.

Knows nothing about heads or corpora. Every tokenizer leaves here with the Arabic rewrites inside of its ``tokenizer.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedModel

from service.analysis.text import with_arabic_normalizer
from service.analysis.windows import SpecialTokens
from training.arabert import with_arabert_preprocessing
from training.config import EncoderConfig
from training.tiny import tiny_tokenizer
from training.wheels import write_checkpoint

_SPECIAL_NAMES = {"cls": ("<s>", "[CLS]"), "sep": ("</s>", "[SEP]"), "pad": ("<pad>", "[PAD]"), "mask": ("<mask>", "[MASK]")}


@dataclass(frozen=True)
class Base:
    """A pretrained encoder and the tokenizer that fits it."""

    encoder: PreTrainedModel
    tokenizer: Tokenizer


def special_id(tokenizer: Tokenizer, role: str) -> int:
    """The id of the special token for ``role`` (cls, sep, pad or mask) under either naming convention.

    Raises:
        ValueError: when the vocabulary has neither.
    """
    for name in _SPECIAL_NAMES[role]:
        if (token := tokenizer.token_to_id(name)) is not None:
            return token
    raise ValueError(f"the vocabulary has no {role} token: looked for {' and '.join(_SPECIAL_NAMES[role])}")


def special_tokens(tokenizer: Tokenizer) -> SpecialTokens:
    return SpecialTokens(*(special_id(tokenizer, role) for role in ("cls", "sep", "pad")))


def _prepared(tokenizer: Tokenizer, config: EncoderConfig) -> Tokenizer:
    if config.preprocessing == "arabert":
        return with_arabert_preprocessing(tokenizer)
    return with_arabic_normalizer(tokenizer)


def _load_encoder(name: str) -> PreTrainedModel:
    encoder: PreTrainedModel = AutoModel.from_pretrained(name)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment]
    return encoder


def tiny_encoder(vocabulary: int) -> BertModel:
    """A two-layer encoder with random weights, for tests."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=130,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False)


def load_base(config: EncoderConfig, cache: Path, texts: Iterable[str]) -> Base:
    """The base encoder of ``config``; wheels are read once into ``cache``; ``texts`` train the tiny tokenizer only."""
    if config.source == "tiny":
        file = cache / f"{config.name}.json"
        if not file.exists():  # its training does not give the same vocabulary twice
            cache.mkdir(parents=True, exist_ok=True)
            with_arabic_normalizer(tiny_tokenizer(texts)).save(str(file))
        tokenizer = Tokenizer.from_file(str(file))
        return Base(tiny_encoder(tokenizer.get_vocab_size()), tokenizer)
    if config.source == "wheels":
        folder = cache / config.name.replace("/", "--")
        if not (folder / "source.json").exists():
            write_checkpoint(folder)
        return Base(_load_encoder(str(folder)), _prepared(Tokenizer.from_file(str(folder / "tokenizer.json")), config))
    tokenizer = Tokenizer.from_str(AutoTokenizer.from_pretrained(config.name).backend_tokenizer.to_str())
    return Base(_load_encoder(config.name), _prepared(tokenizer, config))


def pruned(base: Base, texts: Iterable[str], max_pieces: int) -> Base:
    """``base`` with at most ``max_pieces`` pieces: single characters, the most used in ``texts``, other Arabic ones.

    Only Unigram vocabularies are pruned; the word embeddings are sliced to match.
    """
    description = json.loads(base.tokenizer.to_str())
    keep = pieces_to_keep(description, base.tokenizer, texts, max_pieces)
    model, old_ids = description["model"], {piece: i for i, (piece, _) in enumerate(description["model"]["vocab"])}
    special = {token["content"]: token for token in description["added_tokens"]}
    pieces = [piece for piece, _ in model["vocab"] if piece in keep or piece in special]
    pieces += [name for name in special if name not in old_ids]
    new_ids = {piece: i for i, piece in enumerate(pieces)}
    scores = dict(map(tuple, model["vocab"]))
    rows = [old_ids.get(piece, special[piece]["id"] if piece in special else -1) for piece in pieces]
    model["vocab"] = [[piece, scores.get(piece, 0.0)] for piece in pieces]
    model["unk_id"] = new_ids["<unk>"]
    for name, token in special.items():
        token["id"] = new_ids[name]
    _renumber_template(description, new_ids)
    _slice_embeddings(base.encoder, rows)
    return Base(base.encoder, Tokenizer.from_str(json.dumps(description, ensure_ascii=False)))


def _renumber_template(description: dict[str, Any], new_ids: dict[str, int]) -> None:
    for name, token in (description.get("post_processor") or {}).get("special_tokens", {}).items():
        token["ids"] = [new_ids[name]]


def _slice_embeddings(encoder: PreTrainedModel, rows: list[int]) -> None:
    old: torch.nn.Embedding = encoder.get_input_embeddings()  # type: ignore[assignment]
    new = torch.nn.Embedding(len(rows), old.embedding_dim)
    new.weight.data = old.weight.data[rows].clone()
    new.weight.requires_grad_(old.weight.requires_grad)
    encoder.set_input_embeddings(new)
    encoder.config.vocab_size = len(rows)


def pieces_to_keep(description: dict[str, Any], tokenizer: Tokenizer, texts: Iterable[str], max_pieces: int) -> set[str]:
    """Single characters first (so that nothing becomes unknown), then pieces by use in ``texts``, then other Arabic ones."""
    used: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        used.update(encoding.ids)
    vocabulary = [piece for piece, _ in description["model"]["vocab"]]
    arabic = [piece for piece in vocabulary if _is_arabic(piece)]
    single = [piece for piece in vocabulary if len(piece.lstrip("▁")) <= 1 and (piece in arabic or piece.isascii())]
    frequent = [vocabulary[i] for i, _ in used.most_common() if i < len(vocabulary)]
    return set(list(dict.fromkeys(["▁", *single, *frequent, *arabic]))[:max_pieces])


def _is_arabic(piece: str) -> bool:
    """Wholly of Arabic letters, ASCII digits and punctuation, and general punctuation."""
    return all(
        "\u0600" <= c <= "\u06ff" or "\u2000" <= c <= "\u206f" or c == "▁" or c.isascii() and not c.isalpha() for c in piece
    )
