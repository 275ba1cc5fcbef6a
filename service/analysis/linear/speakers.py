"""Who speaks in a paragraph: candidate phrases and what a linear model sees of each, and paragraphs that go on unnamed.

A candidate is a named mention or a run of words that the speech tagger takes for a speaker. Knows nothing about actors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.analysis.linear.features import Paragraph, around
from service.analysis.linear.model import EDGE, Features, Floats
from service.analysis.linear.words import QUOTE

SPEECH_TAGS: Final = ("O", "B-SPK", "I-SPK", "B-CUE", "I-CUE")
_BEGIN, _INSIDE, _CUE, _CUE_INSIDE = range(1, 5)
MIN_BEGIN: Final = 0.1
"""Probability of beginning a speaker from which a word that no mention covers begins a candidate."""
MIN_CUE: Final = 0.3
NOMINAL: Final = "nominal"
MAX_PHRASE: Final = 10
_SENTENCE_ENDS: Final = frozenset(".!؟?؛")
_THAT: Final = frozenset({"ان", "بان", "انه", "انها", "بانه", "بانها", "انهم"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words ``[start, end)`` of a paragraph. ``kind``: an actor type for a mention, else ``NOMINAL``."""

    start: int
    end: int
    kind: str
    mention: int | None = None
    """Index among the document's mentions."""

    def overlaps(self, other: Phrase) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Speech:
    """A paragraph with what the speech tagger says of its words. ``probabilities``: shape (words, ``SPEECH_TAGS``)."""

    paragraph: Paragraph
    probabilities: Floats
    mentions: Sequence[Phrase]

    @cached_property
    def cues(self) -> list[Phrase]:
        """The likely speech words: runs that start where the tagger sees a beginning."""
        rows = self.probabilities
        return list(_runs(rows[:, _CUE], rows[:, _CUE_INSIDE], MIN_CUE))

    @cached_property
    def candidates(self) -> list[Phrase]:
        """The mentions, and the likely speakers that are not just a mention; in text order."""
        rows = self.probabilities
        named = {(m.start, m.end) for m in self.mentions}
        nominal = [p for p in _runs(rows[:, _BEGIN], rows[:, _INSIDE], MIN_BEGIN) if (p.start, p.end) not in named]
        return sorted([*self.mentions, *nominal], key=lambda p: (p.start, p.end))


def _runs(begin: Floats, inside: Floats, threshold: float) -> Iterator[Phrase]:
    for start in range(len(begin)):
        if begin[start] >= threshold:
            end = start + 1
            while end < len(begin) and end - start < MAX_PHRASE and inside[end] > max(0.35, begin[end]):
                end += 1
            yield Phrase(start, end, NOMINAL)


def speaker_features(speech: Speech) -> list[Features]:
    """One dictionary per candidate of the paragraph."""
    cues, candidates = speech.cues, speech.candidates
    cue_starts, starts = [q.start for q in cues], [c.start for c in candidates]
    best = max((speech.probabilities[start, _BEGIN] for start in starts), default=0.0)
    rows = []
    for i, candidate in enumerate(candidates):
        features = _candidate_features(speech, candidate) | {
            "cues": str(min(len(cues), 3)), "best": str(speech.probabilities[candidate.start, _BEGIN] >= best),
            "over": str(any(candidates[j].overlaps(candidate) for j in (i - 1, i + 1) if 0 <= j < len(candidates))),
        }  # fmt: skip
        after = bisect_left(cue_starts, candidate.end)
        before = bisect_left(cue_starts, candidate.start) - 1
        if before >= 0:
            features |= _link(speech, cues[before], candidate, "<", starts)
        if after < len(cues):
            features |= _link(speech, candidate, cues[after], ">", starts)
        rows.append(features)
    return rows


def _candidate_features(speech: Speech, c: Phrase) -> Features:
    p, rows = speech.paragraph, speech.probabilities
    begin, inside = float(rows[c.start, _BEGIN]), float(rows[c.start : c.end, _BEGIN : _INSIDE + 1].sum(1).mean())
    return {
        "kind": c.kind, "n": str(min(c.end - c.start, 5)), "first": p.stems[c.start], "last": p.stems[c.end - 1],
        "q": str(p.quoted[c.start]), "at": str(min(c.start, 6)), "kn": f"{c.kind} {p.stems[c.start]}",
        "s-2": around(p.stems, c.start - 2), "s-1": around(p.stems, c.start - 1),
        "s1": around(p.stems, c.end), "s2": around(p.stems, c.end + 1),
        "clitic": p.forms[c.start].removesuffix(p.stems[c.start]), "B": begin, "B10": str(int(10 * begin)), "I": inside,
    }  # fmt: skip


def _link(speech: Speech, left: Phrase, right: Phrase, side: str, starts: Sequence[int]) -> Features:
    """The way from a cue to the candidate (``<``) or from the candidate to a cue (``>``)."""
    p = speech.paragraph
    cue = left if side == "<" else right
    between = p.forms[left.end : right.start][:12]
    distance = str(min(right.start - left.end, 8))
    rivals = str(min(bisect_left(starts, right.start) - bisect_left(starts, left.end), 3))
    stem, form = p.stems[cue.start], p.forms[cue.start]
    return {
        f"{side}cue": stem, f"{side}d": distance, f"{side}cue d": f"{stem} {distance}", f"{side}rivals": rivals,
        f"{side}rd": f"{rivals} {distance}", f"{side}end": form[-1:], f"{side}start": form[:1],
        f"{side}P": float(speech.probabilities[cue.start, _CUE]), f"{side}that": str(any(w in _THAT for w in between)),
        f"{side}stop": str(any(w in _SENTENCE_ENDS for w in between)), f"{side}comma": str("،" in between),
        f"{side}quote": str(QUOTE in between), f"{side}colon": str(":" in between),
        f"{side}next": between[0] if between else EDGE, f"{side}prev": between[-1] if between else EDGE,
        f"{side}gender": f"{form[-1:]} {form[:1]} {p.forms[right.start if side == '<' else left.start][-1:]}",
    }  # fmt: skip


def chosen_speakers(candidates: Sequence[Phrase], scores: Sequence[float], threshold: float) -> list[int]:
    """Indices of the candidates that speak, in order: the likeliest first, none overlapping one that is taken."""
    covered: set[int] = set()
    taken = []
    for i in sorted(range(len(candidates)), key=lambda i: (-scores[i], i)):
        words = range(candidates[i].start, candidates[i].end)
        if scores[i] >= threshold and covered.isdisjoint(words):
            covered.update(words)
            taken.append(i)
    return sorted(taken)


def continuation_features(speech: Speech, scores: Sequence[float]) -> Features:
    """What the model of unnamed speakers sees of a paragraph. ``scores``: of its candidates."""
    p, cues = speech.paragraph, speech.cues
    features: Features = {f"w{i}": around(p.stems, i) for i in range(3)}
    best = max(scores, default=0.0)
    features |= {
        "best": float(best), "best10": str(int(10 * best)), "cues": str(min(len(cues), 3)),
        "quotes": str(min(p.n_quotes, 4)),
        "opens": str(p.forms[0] == QUOTE if p.forms else False), "n": str(min(len(p.forms) // 10, 6)),
        "cue": str(max((int(10 * speech.probabilities[q.start, _CUE]) for q in cues), default=0)),
        "quoted": p.quoted_share,
    }  # fmt: skip
    if cues:
        first = cues[0]
        features |= {
            "c": p.stems[first.start], "c at": str(min(first.start, 3)), "c1": around(p.stems, first.end),
            "c best": f"{int(10 * best)} {min(len(cues), 2)}",
        }  # fmt: skip
    return features


def cues_of(speakers: Sequence[Phrase], cues: Sequence[Phrase]) -> dict[Phrase | None, Phrase | None]:
    """Each speaker's cue: of those that no other speaker is nearer to, the nearest. For None the first that is left over."""
    owned: dict[Phrase | None, Phrase | None] = dict.fromkeys(speakers)
    starts = [speaker.start for speaker in speakers]
    for cue in cues:
        at = bisect_left(starts, cue.start)
        nearest = min(speakers[max(0, at - 1) : at + 1], key=lambda s: _distance(s, cue), default=None)
        held = owned.get(nearest)
        if held is None or (nearest is not None and _distance(nearest, cue) < _distance(nearest, held)):
            owned[nearest] = cue
    taken = set(owned.values())
    owned.setdefault(None, next((cue for cue in cues if cue not in taken), None))
    return owned


def _distance(phrase: Phrase, cue: Phrase) -> int:
    return max(phrase.start - cue.end, cue.start - phrase.end, 0)
