"""Text as posted → paragraphs with code-point offsets.

Knows nothing about tokens or models. Every span in this package is half open and counts code points of the posted text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

LINE_END: Final = re.compile("\r?\n|\u2028|\u2029")
ARABIC: Final = re.compile("[\u0620-\u064a\u066e-\u06d3\u0750-\u077f\u08a0-\u08c7\ufb50-\ufdff\ufe70-\ufefc]")
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of code points, ``0 <= start < end``."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def covers(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True)
class Document:
    """One article: its text exactly as posted and the spans of its paragraphs (non-blank lines, in order)."""

    text: str
    paragraphs: tuple[Span, ...]

    @cached_property
    def readable(self) -> str:
        """The text with lone surrogates replaced one to one by U+FFFD, so that it can be encoded; offsets are unchanged."""
        return _SURROGATES.sub("\ufffd", self.text)

    @property
    def has_arabic(self) -> bool:
        return ARABIC.search(self.text) is not None

    def slice(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def paragraph_at(self, offset: int) -> int:
        """The index of the paragraph that holds the code point at ``offset``.

        Raises:
            ValueError: when ``offset`` lies in no paragraph.
        """
        index = bisect_right(self.paragraphs, offset, key=lambda span: span.start) - 1
        if index < 0 or offset >= self.paragraphs[index].end:
            raise ValueError(f"offset {offset} lies in no paragraph")
        return index


def is_blank(line: str) -> bool:
    """Whether nothing in ``line`` can be seen: only spaces, controls and format characters."""
    return all(unicodedata.category(char) in _INVISIBLE_CATEGORIES for char in line)


def read_document(text: str) -> Document:
    """Split ``text`` into paragraphs; a line ends at ``\\n``, ``\\r\\n``, U+2028 or U+2029."""
    paragraphs, start = [], 0
    for match in [*LINE_END.finditer(text), None]:
        end = match.start() if match else len(text)
        if not is_blank(text[start:end]):
            paragraphs.append(Span(start, end))
        start = match.end() if match else end
    return Document(text, tuple(paragraphs))
