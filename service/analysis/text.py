"""Arabic text normalisation, twice: inside the tokenizer (offsets kept) and for comparing names.

Knows nothing about documents. The tokenizer's normaliser is written into ``tokenizer.json``, so that training and serving
cannot differ in it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from tokenizers import Regex, Tokenizer, normalizers

TASHKEEL: Final = "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
TATWEEL: Final = "\u0640"
FORMAT: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
"""Soft hyphens, zero-width characters and bidi controls: they change how text looks, not what it says."""
QUOTES: Final = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033'
_CONTROLS: Final = "\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffd"
_TRAILING_MARKS: Final = frozenset(
    chr(c) for c in (*range(0x0610, 0x061B), *range(0x064B, 0x0660), 0x0670, 0x0640, *range(0x06D6, 0x06DD))
)

_LETTERS: Final = {"\u06cc": "\u064a", "\u06a9": "\u0643", "\u06c0": "\u0647", "\u06d5": "\u0647"}
"""Persian and Kurdish letters that Arabic keyboards and web pages put for ي، ك and ه."""
_DIGITS: Final = {chr(base + d): str(d) for base in (0x0660, 0x06F0) for d in range(10)}
_FOLDED: Final = str.maketrans(
    {"\u0623": "\u0627", "\u0625": "\u0627", "\u0622": "\u0627", "\u0671": "\u0627", "\u0649": "\u064a", "\u0629": "\u0647",
     "\u0624": "\u0648", "\u0626": "\u064a", "_": " ", "-": " ", "\u2013": " ", **_LETTERS, **_DIGITS}
)  # fmt: skip
_DROPPED: Final = re.compile(f"[{TASHKEEL}{TATWEEL}{FORMAT}{QUOTES}'’‘.]")


def arabic_normalizer() -> normalizers.Normalizer:
    """Rewrites that keep what is said: marks, tatweel and format characters dropped; digits, quotes, look-alikes unified."""
    steps: list[normalizers.Normalizer] = [
        normalizers.NFC(),
        normalizers.Replace(Regex(f"[{TASHKEEL}{TATWEEL}{FORMAT}]"), ""),
        normalizers.Replace(Regex(f"[{_CONTROLS}_]"), " "),
        normalizers.Replace(Regex(f"[{QUOTES}]"), '"'),
    ]
    steps += [normalizers.Replace(old, new) for old, new in (_LETTERS | _DIGITS).items()]
    return normalizers.Sequence(steps)


def with_arabic_normalizer(tokenizer: Tokenizer) -> Tokenizer:
    """``tokenizer`` with the Arabic rewrites put before its own normaliser; truncation and padding switched off."""
    own = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([arabic_normalizer(), own] if own else [arabic_normalizer()])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def widen_over_marks(text: str, end: int) -> int:
    """Move ``end`` past tashkeel and tatweel, which the tokenizer drops and so leaves outside of its spans."""
    while end < len(text) and text[end] in _TRAILING_MARKS:
        end += 1
    return end


def fold(name: str) -> str:
    """A key under which spellings of one name meet: marks, hamza seats, ta marbuta, alef maqsura, punctuation folded."""
    kept = _DROPPED.sub("", unicodedata.normalize("NFKC", name)).translate(_FOLDED)
    return " ".join(kept.split()).casefold()


def without_li(name: str) -> str:
    """``name`` with the article as it is spelled when no «ل» (for) is merged with it: للصين → الصين."""
    return "ال" + name[2:] if name.startswith("لل") and len(name) > 4 else name


def name_key(name: str) -> str:
    """``fold``, and the same key whether or not «ل» is merged with the name."""
    return without_li(fold(name))


def words(name: str) -> list[str]:
    """The folded words of ``name`` without the article ال at their start."""
    return [strip_article(word) for word in fold(name).split()]


def strip_article(word: str) -> str:
    """``الكرملين`` → ``كرملين``; words of fewer than three further letters keep theirs (``الله``, ``الف``)."""
    return word[2:] if word.startswith("ال") and len(word) > 4 else word
