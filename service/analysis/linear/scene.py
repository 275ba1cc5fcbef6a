"""A document as the models of relations see it: its words, named mentions and statements, found or annotated.

Training builds a scene from gold annotations and serving from what it found. Knows nothing about models.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.analysis.linear.features import Paragraph
from service.analysis.linear.speakers import Phrase
from service.analysis.linear.words import MIN_ROOT, root

_WORD_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody speaks in ``paragraph``; ``speaker`` is None where the paragraph does not say who."""

    paragraph: int
    speaker: Phrase | None
    cue: Phrase | None


@dataclass(frozen=True, slots=True)
class Named:
    """A mention: its paragraph, its words there, and the key of its name."""

    paragraph: int
    phrase: Phrase
    name: str


@dataclass(frozen=True)
class Scene:
    """``mentions`` and ``talks`` are in text order."""

    paragraphs: Sequence[Paragraph]
    mentions: Sequence[Named]
    talks: Sequence[Talk]

    @cached_property
    def in_paragraph(self) -> dict[int, list[int]]:
        """Paragraph → indices of its mentions."""
        found: dict[int, list[int]] = defaultdict(list)
        for i, mention in enumerate(self.mentions):
            found[mention.paragraph].append(i)
        return found

    @cached_property
    def starts_in(self) -> dict[int, list[int]]:
        """Paragraph → the words at which its mentions start."""
        return {p: [self.mentions[i].phrase.start for i in found] for p, found in self.in_paragraph.items()}

    @cached_property
    def of_name(self) -> dict[str, list[int]]:
        """Name → indices of its mentions."""
        found: dict[str, list[int]] = defaultdict(list)
        for i, mention in enumerate(self.mentions):
            found[mention.name].append(i)
        return found

    @cached_property
    def starts(self) -> list[int]:
        """Where each mention starts, as ``key`` counts."""
        return [self.key(m.paragraph, m.phrase.start) for m in self.mentions]

    def key(self, paragraph: int, word: int) -> int:
        """A number that orders positions; ``word`` -1 is before the first word."""
        return (paragraph << _WORD_BITS) + word + 1

    @cached_property
    def spoke(self) -> dict[str, list[int]]:
        """Name → paragraphs in which a mention of it speaks."""
        found: dict[str, list[int]] = defaultdict(list)
        for talk in self.talks:
            if talk.speaker is not None and talk.speaker.mention is not None:
                found[self.mentions[talk.speaker.mention].name].append(talk.paragraph)
        return found

    @cached_property
    def related(self) -> dict[str, list[str]]:
        """Root → one-word names that have it, each once."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.of_name:
            if " " not in name and len(root(name)) >= MIN_ROOT:
                found[root(name)].append(name)
        return found

    def nearest(self, name: str, paragraph: int) -> int:
        """The mention of ``name`` in or last before ``paragraph``, else the first."""
        mentions = self.of_name[name]
        at = bisect_right(mentions, paragraph, key=lambda i: self.mentions[i].paragraph)
        return mentions[max(0, at - 1)]

    def stems(self, paragraph: int, phrase: Phrase) -> Sequence[str]:
        return self.paragraphs[paragraph].stems[phrase.start : phrase.end]
