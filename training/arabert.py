"""AraBERT v02's own preprocessing, as rewrites inside of a tokenizer so that offsets are kept."""

from __future__ import annotations

from tokenizers import Tokenizer

from service.analysis.text import with_arabic_normalizer


def with_arabert_preprocessing(tokenizer: Tokenizer) -> Tokenizer:
    return with_arabic_normalizer(tokenizer)
