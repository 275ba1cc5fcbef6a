"""AraBERT v02's own preprocessing, as rewrites inside of the tokenizer so that offsets into the posted text are kept.

After ``ArabertPreprocessor`` (Antoun, Baly and Hajj 2020, https://github.com/aub-mind/arabert): links, addresses and user names
become the vocabulary's placeholders, mark-up goes, digits stand apart from letters. No Farasa: v02 reads whole words. Its cut
of letters repeated more than twice is left out, since a rewrite here cannot refer back to what it matched.
"""

from __future__ import annotations

from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers

from service.analysis.text import with_arabic_normalizer

PLACEHOLDERS: Final = {"link": "[رابط]", "address": "[بريد]", "user": "[مستخدم]"}
_PATTERNS: Final = {
    "link": r"https?://[^\s<>]+|www\.[^\s<>]+|pic\.twitter\.com/\w+",
    "address": r"[\w.+-]+@[\w-]+\.[\w.-]+",
    "user": r"@\w+",
}
_MARK_UP: Final = r"<[^<>]{1,200}>"


def _rewrites(tokenizer: Tokenizer) -> list[normalizers.Normalizer]:
    """Placeholders for what the vocabulary has one for; else the text stays as it is."""
    known = {kind: token for kind, token in PLACEHOLDERS.items() if tokenizer.token_to_id(token) is not None}
    steps = [normalizers.Replace(Regex(_PATTERNS[kind]), f" {token} ") for kind, token in known.items()]
    return [normalizers.Replace(Regex(_MARK_UP), " "), *steps]


def with_arabert_preprocessing(tokenizer: Tokenizer) -> Tokenizer:
    """``tokenizer`` (a WordPiece one, as AraBERT's) with that preprocessing inside."""
    rewrites = _rewrites(tokenizer)
    prepared = with_arabic_normalizer(tokenizer)
    prepared.normalizer = normalizers.Sequence([*rewrites, prepared.normalizer])
    # Placeholders are matched after the rewrites that make them, and are not cut at their brackets.
    prepared.add_tokens([AddedToken(t, normalized=True) for t in PLACEHOLDERS.values() if prepared.token_to_id(t) is not None])
    prepared.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=False), prepared.pre_tokenizer])
    return prepared
