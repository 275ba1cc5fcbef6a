"""Paragraphs → words with code-point offsets, for the linear models.

A word is a run of letters with their marks, a run of digits, or another visible character. Cost is linear in the text's
length, and no word gives more than ``MAX_LETTERS`` letters to a feature. Knows nothing about lexicons or models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.analysis.document import Document, Span
from service.analysis.text import FORMAT, QUOTES, TASHKEEL, fold

MAX_LETTERS: Final = 24
MAX_MARKS: Final = 4
"""Signs in a row that are words; the last one takes in what follows, such as the rest of a line of underscores."""
CLITICS: Final = "وفبلك"
"""The letters و ف ب ل ك, which Arabic writes attached before a word: and, so, in, for, like."""
QUOTE: Final = '"'
MIN_ROOT: Final = 3
MAX_ROOT: Final = 6
_WORD: Final = re.compile(f"(?:[^\\W\\d_]|[{TASHKEEL}])+|\\d+|[^\\s{FORMAT}]")
_QUOTES: Final = frozenset(QUOTES)
_SUFFIXES: Final = ("يين", "يون", "يات", "يه", "يا", "ات", "ها", "هم", "ه", "ي", "ا")


@dataclass(frozen=True, slots=True)
class Word:
    """``text[start:end]`` of the document. ``form``: folded, at most ``MAX_LETTERS`` letters, never empty."""

    start: int
    end: int
    form: str

    @property
    def is_text(self) -> bool:
        """Whether this is letters or digits rather than punctuation."""
        return self.form[0].isalnum()


def folded_form(surface: str) -> str:
    """What features see of a word; quotation marks of all shapes are one, and what folds to nothing stands for itself."""
    if surface in _QUOTES:
        return QUOTE
    head = surface[: 2 * MAX_LETTERS]
    return (fold(head).replace(" ", "") or head)[:MAX_LETTERS]


def read_words(document: Document) -> list[list[Word]]:
    """The words of every paragraph of ``document``, in order; offsets are the document's."""
    folded: dict[str, str] = {}
    paragraphs = []
    for span in document.paragraphs:
        words: list[Word] = []
        n_marks = 0
        for match in _WORD.finditer(document.readable, span.start, span.end):
            surface = match.group()
            beside = bool(words) and words[-1].end == match.start()
            n_marks = 0 if surface[0].isalnum() else n_marks + 1 if beside else 1
            if n_marks > MAX_MARKS:
                words[-1] = replace(words[-1], end=match.end())
                continue
            if surface not in folded:
                folded[surface] = folded_form(surface)
            words.append(Word(match.start(), match.end(), folded[surface]))
        paragraphs.append(words)
    return paragraphs


def word_range(words: Sequence[Word], span: Span) -> tuple[int, int] | None:
    """The half-open range of ``words`` that ``span`` overlaps, or None when it overlaps none."""
    inside = [i for i, word in enumerate(words) if word.start < span.end and span.start < word.end]
    return (inside[0], inside[-1] + 1) if inside else None


def quoted_flags(forms: Sequence[str]) -> list[bool]:
    """Whether each word stands between quotation marks, by counting them from the start of the paragraph."""
    flags, inside = [], False
    for form in forms:
        if form == QUOTE:
            inside = not inside
        flags.append(inside)
    return flags


def root(stem: str) -> str:
    """The letters that related words share, roughly: without ال, one ending, and what lies beyond ``MAX_ROOT``.

    ``السوريه`` and ``سوريا`` meet in ``سور``.
    """
    short = stem.removeprefix("ال") if len(stem) > MIN_ROOT + 1 else stem
    for suffix in _SUFFIXES:
        if short.endswith(suffix) and len(short) - len(suffix) >= MIN_ROOT:
            short = short.removesuffix(suffix)
            break
    return short[:MAX_ROOT]
