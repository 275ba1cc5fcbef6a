"""Words → features of words: the one function of training and serving that says what a linear model sees of a word.

Knows nothing about labels or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.analysis.linear.lexicon import Lexicon
from service.analysis.linear.model import EDGE, Features
from service.analysis.linear.words import QUOTE, Word, quoted_flags, root

LIKELY_CUE: Final = 20
"""Percent of a word's occurrences that must be speech for the words around it to be told of it."""
MAX_REACH: Final = 12
"""Words beyond which a speech word is not told of."""


@dataclass(frozen=True)
class Paragraph:
    """The words of one paragraph and what the lexicon says of each.

    ``stems``: without attached letters. ``known``: BIO tag of a known name, "O" outside. ``quoted``: in quotation marks.
    """

    words: Sequence[Word]
    forms: Sequence[str]
    stems: Sequence[str]
    known: Sequence[str]
    quoted: Sequence[bool]

    @cached_property
    def n_quotes(self) -> int:
        """How many quotation marks there are."""
        return self.forms.count(QUOTE)

    @cached_property
    def quoted_share(self) -> float:
        """The share of words in quotation marks, 0..1."""
        return sum(self.quoted) / max(1, len(self.quoted))

    @cached_property
    def roots(self) -> list[str]:
        return [root(stem) for stem in self.stems]


def read_paragraph(words: Sequence[Word], lexicon: Lexicon) -> Paragraph:
    forms = [word.form for word in words]
    known = ["O"] * len(words)
    for match in lexicon.match_names(forms):
        known[match.start : match.end] = [f"I-{match.actor_type}"] * (match.end - match.start)
        known[match.start] = f"B-{match.actor_type}"
    return Paragraph(words, forms, [lexicon.stem(form) for form in forms], known, quoted_flags(forms))


def around(values: Sequence[str], at: int) -> str:
    return values[at] if 0 <= at < len(values) else EDGE


def name_features(paragraph: Paragraph, lexicon: Lexicon) -> list[Features]:
    """What the name tagger sees: one dictionary per word."""
    return [_word_features(paragraph, i) | _known_features(paragraph, i, lexicon) for i in range(len(paragraph.forms))]


def _word_features(p: Paragraph, i: int) -> Features:
    form, stem = p.forms[i], p.stems[i]
    features: Features = {
        "w": form, "s": stem, "clitic": form[: len(form) - len(stem)], "shape": _shape(form),
        "len": str(min(len(form), 9)), "q": str(p.quoted[i]),
        "s-1s": f"{around(p.stems, i - 1)} {stem}", "ss1": f"{stem} {around(p.stems, i + 1)}",
        "s-2s-1": f"{around(p.stems, i - 2)} {around(p.stems, i - 1)}",
    }  # fmt: skip
    for n in (1, 2, 3):
        features[f"start {n}"], features[f"end {n}"] = stem[:n], form[-n:]
    for d in (-3, -2, -1, 1, 2):
        features[f"s{d}"] = around(p.stems, i + d)
    for d in (-2, -1, 1, 2):
        near = around(p.forms, i + d)
        features[f"end{d}"], features[f"start{d}"] = near[-2:], near[:2]
    return features


def _known_features(p: Paragraph, i: int, lexicon: Lexicon) -> Features:
    before, here, after = around(p.known, i - 1), p.known[i], around(p.known, i + 1)
    return {
        "k-1": before, "k": here, "k1": after, "kkk": f"{before} {here} {after}",
        "n": str(min(lexicon.counts.get(p.stems[i], 0).bit_length(), 10)),
    }  # fmt: skip


def speech_features(paragraph: Paragraph, names: Sequence[str], lexicon: Lexicon) -> list[Features]:
    """What the speech tagger sees: one dictionary per word. ``names``: BIO tags of the mentions that were found."""
    strengths = [lexicon.cues.get(stem, 0) for stem in paragraph.stems]
    left = _nearest_cues(paragraph.stems, strengths)
    right = _nearest_cues(paragraph.stems[::-1], strengths[::-1])[::-1]
    return [
        _word_features(paragraph, i) | _name_features(names, i) | _cue_features(strengths, left[i], right[i], i)
        for i in range(len(strengths))
    ]


def _name_features(names: Sequence[str], i: int) -> Features:
    features: Features = {f"m{d}": around(names, i + d) for d in (-2, -1, 0, 1, 2)}
    features["mmm"] = f"{features['m-1']} {features['m0']} {features['m1']}"
    return features


def _nearest_cues(stems: Sequence[str], strengths: Sequence[int]) -> list[tuple[str, int]]:
    """For each word, the last likely speech word before it and how many words ago that was, at most ``MAX_REACH``."""
    nearest, last, distance = [], EDGE, MAX_REACH
    for stem, strength in zip(stems, strengths, strict=True):
        nearest.append((last, distance))
        if strength >= LIKELY_CUE:
            last, distance = stem, 0
        distance = min(distance + 1, MAX_REACH)
    return [(cue if n < MAX_REACH else EDGE, n) for cue, n in nearest]


def _cue_features(strengths: Sequence[int], left: tuple[str, int], right: tuple[str, int], i: int) -> Features:
    return {
        "c": str(strengths[i] // 10), "cl": left[0], "cr": right[0], "dl": str(left[1]), "dr": str(right[1]),
        "cdl": f"{left[0]} {left[1]}", "cdr": f"{right[0]} {right[1]}", "first": str(min(i, 3)),
        "c-1": str(strengths[i - 1] // 10 if i else EDGE), "c1": str(strengths[i + 1] // 10 if i + 1 < len(strengths) else EDGE),
    }  # fmt: skip


def _shape(form: str) -> str:
    if form[0].isdigit():
        return "digits"
    if not form[0].isalpha():
        return form[0]
    return "latin" if form[0].isascii() else "al" if form.startswith("ال") else "letters"
