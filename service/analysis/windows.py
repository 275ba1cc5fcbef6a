"""Document → windows of tokens: the one text-to-features function, used by training and by serving.

Knows nothing about models beyond how many tokens a window may hold. Every character of every paragraph is read by exactly
one segment that counts; paragraphs are cut only when one alone is longer than a window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from service.analysis.document import Document, Span

_SENTENCE_ENDS: Final = frozenset(".!?؟؛…\n")
CHARACTERS_PER_CALL: Final = 8_000
"""A paragraph longer than this is tokenized in parts, so that one text without spaces cannot hold the tokenizer for long."""


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids that frame a window: ``cls`` first, ``sep`` after each segment, ``pad`` to fill a batch's row."""

    cls: int
    sep: int
    pad: int


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """``max_tokens``: tokens per window with its special ones. ``context_tokens``: the longest paragraph repeated as context."""

    max_tokens: int
    context_tokens: int

    def __post_init__(self) -> None:
        if self.context_tokens > self.max_tokens // 2 or self.max_tokens < 16:
            raise ValueError(f"a window needs 16 tokens and context in at most half of it, got {self}")


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens ``[start, end)`` of a window that belong to one paragraph; token ``end`` is the separator that closes them.

    ``context`` segments were already read by the window before; they are there to be looked at, not to be decoded.
    """

    paragraph: int
    start: int
    end: int
    context: bool = False


@dataclass(frozen=True)
class Window:
    """``ids``: shape (n_tokens,). ``offsets``: shape (n_tokens, 2), code points into the text; (0, 0) for special tokens."""

    ids: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    segments: tuple[Segment, ...]

    @cached_property
    def extent(self) -> tuple[int, int]:
        """The code points from the first to the last that a token of this window stands for."""
        real = self.offsets[self.offsets[:, 1] > 0]
        return (int(real[:, 0].min()), int(real[:, 1].max())) if len(real) else (0, 0)

    def tokens_of(self, span: Span) -> tuple[int, int] | None:
        """The range of tokens that overlap ``span``, or None when it is not in this window."""
        starts, ends = self.offsets[:, 0], self.offsets[:, 1]
        if span.end <= self.extent[0] or span.start >= self.extent[1]:
            return None
        inside = np.flatnonzero((starts < span.end) & (ends > span.start) & (ends > starts))
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else None

    def segment_of(self, token: int) -> int:
        """The index of the segment that holds ``token`` or is closed by it.

        Raises:
            ValueError: for the token that opens the window.
        """
        for index, segment in enumerate(self.segments):
            if segment.start <= token <= segment.end:
                return index
        raise ValueError(f"token {token} belongs to no segment")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A paragraph, or a part of one that is too long for a window, as tokens."""

    paragraph: int
    ids: list[int]
    offsets: list[tuple[int, int]]

    @property
    def cost(self) -> int:
        return len(self.ids) + 1


def _character_parts(text: str, span: Span) -> list[Span]:
    """``span`` cut after at most ``CHARACTERS_PER_CALL`` characters, at a space where there is one."""
    parts, start = [], span.start
    while span.end - start > CHARACTERS_PER_CALL:
        limit = start + CHARACTERS_PER_CALL
        space = text.rfind(" ", start + CHARACTERS_PER_CALL // 2, limit)
        cut = limit if space < 0 else space
        parts.append(Span(start, cut))
        start = cut
    return [*parts, Span(start, span.end)]


def tokenize(tokenizer: Tokenizer, text: str, span: Span) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids of ``text[span]`` and, per token, its code points in ``text`` without surrounding white space."""
    ids, offsets = [], []
    for part in _character_parts(text, span):
        encoding = tokenizer.encode(text[part.start : part.end], add_special_tokens=False)
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            start, end = start + part.start, end + part.start
            while start < end and text[start].isspace():
                start += 1
            ids.append(token)
            offsets.append((start, end))
    return ids, offsets


def _cut(piece: _Piece, text: str, capacity: int) -> list[_Piece]:
    """``piece`` in parts of at most ``capacity`` tokens: after a sentence if possible, else before a word, else anywhere."""
    parts, start = [], 0
    while len(piece.ids) - start > capacity:
        cut = start + capacity
        candidates = range(cut, start + capacity // 2, -1)
        word_starts = [i for i in candidates if piece.offsets[i][0] > piece.offsets[i - 1][1]]
        sentences = [i for i in word_starts if text[piece.offsets[i - 1][1] - 1] in _SENTENCE_ENDS]
        cut = next(iter(sentences or word_starts), cut)
        parts.append(_Piece(piece.paragraph, piece.ids[start:cut], piece.offsets[start:cut]))
        start = cut
    return [*parts, _Piece(piece.paragraph, piece.ids[start:], piece.offsets[start:])]


def _pieces(document: Document, tokenizer: Tokenizer, capacity: int) -> list[_Piece]:
    pieces = []
    for index, span in enumerate(document.paragraphs):
        ids, offsets = tokenize(tokenizer, document.readable, span)
        pieces += _cut(_Piece(index, ids, offsets), document.readable, capacity)
    return pieces


def _grouped(pieces: list[_Piece], capacity: int) -> list[list[_Piece]]:
    """Consecutive pieces in groups of at most ``capacity`` tokens and of about the same size."""
    total = sum(piece.cost for piece in pieces)
    target = total / max(1, math.ceil(total / capacity))
    groups: list[list[_Piece]] = [[]]
    filled = 0
    for piece in pieces:
        if groups[-1] and (filled + piece.cost > capacity or filled + piece.cost / 2 > target):
            groups.append([])
            filled = 0
        groups[-1].append(piece)
        filled += piece.cost
    return [group for group in groups if group]


def _window(context: _Piece | None, group: list[_Piece], special: SpecialTokens) -> Window:
    ids, offsets, segments = [special.cls], [(0, 0)], []
    for piece in [*([context] if context else []), *group]:
        segments.append(Segment(piece.paragraph, len(ids), len(ids) + len(piece.ids), context=piece is context))
        ids += [*piece.ids, special.sep]
        offsets += [*piece.offsets, (0, 0)]
    return Window(np.array(ids, np.int64), np.array(offsets, np.int64), tuple(segments))


def build_windows(document: Document, tokenizer: Tokenizer, special: SpecialTokens, limits: WindowLimits) -> list[Window]:
    """Windows that together read every paragraph of ``document`` once, in order.

    From the second on, a window starts with the paragraph before it as context where that is short enough.
    """
    capacity = limits.max_tokens - 1
    pieces = _pieces(document, tokenizer, capacity - 1)
    if sum(piece.cost for piece in pieces) > capacity:
        pieces = _pieces(document, tokenizer, capacity - limits.context_tokens - 1)
        capacity -= limits.context_tokens
    windows: list[Window] = []
    before: _Piece | None = None
    for group in _grouped(pieces, capacity):
        context = before if before and before.cost <= limits.context_tokens else None
        windows.append(_window(context, group, special))
        before = group[-1]
    return windows
