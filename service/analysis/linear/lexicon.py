"""What the baseline has learned to look up: word counts, names with their types, and speech words.

All keys are folded. Held in one JSON file; knows nothing about documents or models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.analysis.labels import ACTOR_TYPES
from service.analysis.linear.words import CLITICS

MAX_NAME_WORDS: Final = 8
MIN_STEM: Final = 3
"""Letters that must be left of a word whose attached letter is taken off («كان» is not ك + ان)."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """Words ``[start, end)`` are a known name; ``clitics`` letters stand attached before it in its first word."""

    start: int
    end: int
    actor_type: str
    clitics: int


@dataclass(frozen=True)
class Lexicon:
    """``counts``: word → times seen. ``names``: name, words joined by spaces → type.

    ``cues``: stem of a speech word → percent of its occurrences that were speech.
    """

    counts: Mapping[str, int]
    names: Mapping[str, str]
    cues: Mapping[str, int]

    @cached_property
    def _longest(self) -> dict[str, int]:
        """First word of a name → words of the longest name that starts so."""
        longest: dict[str, int] = {}
        for name in self.names:
            first, n = name.split(" ", 1)[0], name.count(" ") + 1
            longest[first] = max(longest.get(first, 0), min(n, MAX_NAME_WORDS))
        return longest

    def n_clitics(self, form: str) -> int:
        """How many letters are attached to the front of a word, judged by how often the rest is a word of its own."""
        taken = 0
        while taken < 2 and form[taken : taken + 1] in CLITICS and len(form) - taken > MIN_STEM:
            rest = form[taken + 1 :]
            if self.counts.get(rest, 0) < max(3, self.counts.get(form[taken:], 0) // 3):
                break
            taken += 1
        return taken

    def stem(self, form: str) -> str:
        return form[self.n_clitics(form) :]

    def match_names(self, forms: Sequence[str]) -> Iterator[NameMatch]:
        """The known names among the words of a paragraph, leftmost first, the longest at each place, none overlapping."""
        at = 0
        while at < len(forms):
            match = self.longest_name(forms, at)
            if match:
                yield match
            at = match.end if match else at + 1

    def longest_name(self, forms: Sequence[str], at: int) -> NameMatch | None:
        """The longest known name whose first word is ``forms[at]``, as it stands or without attached letters."""
        for taken in range(min(3, len(forms[at]))):
            if taken and forms[at][taken - 1] not in CLITICS:
                break
            first = forms[at][taken:]
            for n in range(min(self._longest.get(first, 0), len(forms) - at), 0, -1):
                kind = self.names.get(" ".join([first, *forms[at + 1 : at + n]]))
                if kind:
                    return NameMatch(at, at + n, kind, taken)
        return None


def read_lexicon(content: bytes) -> Lexicon:
    """Read a lexicon written as the JSON of its fields.

    Raises:
        ValueError: when a name has a type that is not one of ``ACTOR_TYPES``.
    """
    lexicon = Lexicon(**json.loads(content))
    unknown = set(lexicon.names.values()) - set(ACTOR_TYPES)
    if unknown:
        raise ValueError(f"names of the lexicon have types {sorted(unknown)}, expected one of {ACTOR_TYPES}")
    return lexicon
