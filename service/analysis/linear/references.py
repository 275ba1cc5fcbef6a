"""Whom a speaker means that a paragraph does not name: candidates, and what a linear model sees of each.

«المتحدث», «الوزارة», or nothing at all («وأضاف»): an actor named before or shortly after, or the speaker of an earlier
statement, or nobody who is named. Knows nothing about actors; two candidates may turn out to be one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.analysis.linear.model import Features, Floats
from service.analysis.linear.scene import Named, Scene, Talk
from service.analysis.linear.words import root

MAX_NAMES_BEFORE: Final = 12
MAX_NAMES_AFTER: Final = 3
MAX_TALKS: Final = 4
LABELS: Final = ("no", "yes")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Index of a mention, or of a talk, of the scene; both None for nobody who is named."""

    mention: int | None = None
    talk: int | None = None


NOBODY: Final = Candidate()


def candidates_of(scene: Scene, talk: int) -> list[Candidate]:
    """Names nearest before and after, the last talks before this one, and nobody; bounded in number."""
    at = _position(scene.talks[talk])
    before, after = _nearest_names(scene, at, scene.talks[talk])
    talks = range(max(0, talk - MAX_TALKS), talk)
    return [*map(Candidate, before + after), *(Candidate(talk=i) for i in talks), NOBODY]


def _position(talk: Talk) -> tuple[int, int]:
    return talk.paragraph, talk.speaker.start if talk.speaker else -1


def _nearest_names(scene: Scene, at: tuple[int, int], talk: Talk) -> tuple[list[int], list[int]]:
    """Mentions of the last distinct names before ``at``, nearest first, and of the first ones after it in the paragraph."""
    first_after = bisect_left(scene.starts, scene.key(*at))
    before: dict[str, int] = {}
    for i in range(first_after - 1, max(-1, first_after - 1 - 4 * MAX_NAMES_BEFORE), -1):
        if len(before) < MAX_NAMES_BEFORE:
            before.setdefault(scene.mentions[i].name, i)
    after: dict[str, int] = {}
    for i in range(first_after, min(len(scene.mentions), first_after + MAX_NAMES_AFTER)):
        if scene.mentions[i].paragraph == talk.paragraph:
            after.setdefault(scene.mentions[i].name, i)
    return list(before.values()), list(after.values())


def reference_features(scene: Scene, talk: int, candidates: Sequence[Candidate]) -> list[Features]:
    """One dictionary per candidate."""
    asked = scene.talks[talk]
    stems = list(scene.stems(asked.paragraph, asked.speaker)) if asked.speaker else []
    head, last = (stems[0], stems[-1]) if stems else ("", "")
    nobody: Features = {
        "what": "none", "none head": head, "none al": str(head.startswith("ال")), "none n": str(min(len(stems), 4)), "last": last,
    }  # fmt: skip
    rows: list[Features] = []
    rank = {True: 0, False: 0}
    for candidate in candidates:
        if candidate.mention is not None:
            named = scene.mentions[candidate.mention]
            later = (named.paragraph, named.phrase.start) >= _position(asked)
            rows.append(_mention_features(scene, asked, stems, named, rank[later]))
            rank[later] += 1
        elif candidate.talk is not None:
            rows.append(_talk_features(scene, asked, stems, scene.talks[candidate.talk], talk - candidate.talk))
        else:
            rows.append(nobody)
    return rows


def _mention_features(scene: Scene, asked: Talk, stems: Sequence[str], named: Named, rank: int) -> Features:
    words = scene.stems(named.paragraph, named.phrase)
    head = stems[0] if stems else "-"
    later = (named.paragraph, named.phrase.start) >= _position(asked)
    inside = asked.speaker is not None and named.paragraph == asked.paragraph and named.phrase.overlaps(asked.speaker)
    distance = str(min(abs(asked.paragraph - named.paragraph), 4))
    side, kind = "inside" if inside else "later" if later else "before", named.phrase.kind
    titles = scene.paragraphs[named.paragraph].stems[max(0, named.phrase.start - 3) : named.phrase.start]
    roots = {root(stem) for stem in stems}
    return {
        "what": side, "kind": f"{side} {kind}", "head kind": f"{head} {kind}", "rank": f"{side} {min(rank, 6)}",
        "d": f"{side} {distance}", "kr": f"{kind} {min(rank, 6)} {distance}", "hs": f"{head} {side}",
        "often": str(min(len(scene.of_name[named.name]), 5)), "spoke": str(_spoke(scene, asked, named)),
        "titled": str(not roots.isdisjoint(root(title) for title in titles)), "headline": str(named.paragraph == 0),
        "shared": str(min(len(roots & {root(word) for word in words}), 2)), "nominal": f"{bool(stems)} {side} {min(rank, 3)}",
        "mentions": str(min(len(scene.in_paragraph.get(asked.paragraph, ())), 3)), "inside head": f"{inside} {head}",
        "al": f"{head.startswith('ال')} {kind} {side}",
    }  # fmt: skip


def _spoke(scene: Scene, asked: Talk, named: Named) -> int:
    """How many paragraphs ago this name last spoke; 5 when it was more than 4 ago or never."""
    spoke = scene.spoke.get(named.name, [])
    last = bisect_right(spoke, asked.paragraph) - 1
    return min(asked.paragraph - spoke[last], 5) if last >= 0 else 5


def _talk_features(scene: Scene, asked: Talk, stems: Sequence[str], earlier: Talk, rank: int) -> Features:
    words = scene.stems(earlier.paragraph, earlier.speaker) if earlier.speaker else []
    head, first = stems[0] if stems else "-", words[0] if words else "-"
    distance = str(min(asked.paragraph - earlier.paragraph, 4))
    n_shared = min(len({root(stem) for stem in stems} & {root(word) for word in words}), 2)
    kind = earlier.speaker.kind if earlier.speaker else "-"
    return {
        "what": "talk", "t rank": f"{rank} {distance}", "t kind": f"{bool(stems)} {kind} {distance}", "t head": head,
        "t hh": f"{head} {first}", "t shared": f"{n_shared} {min(len(stems), 3)}", "t same": str(list(words) == list(stems)),
        "t root": str(bool(stems and words) and root(head) == root(first)), "t d": f"{bool(stems)} {rank}",
    }  # fmt: skip


def shares(yes: Floats) -> Floats:
    """Probabilities of the candidates, shape (candidates,), that sum to 1, from that of each taken alone."""
    odds = np.clip(yes, 1e-6, 1 - 1e-6)
    odds = odds / (1 - odds)
    return np.asarray(odds / odds.sum(), np.float64)
