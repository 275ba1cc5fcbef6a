"""Where a speaker stands on the others: the targets of a statement and what a linear model sees of each.

A target is a name, all of its mentions in the paragraph at once; or a name mentioned elsewhere to which a word of the
paragraph seems to belong («الحكومة السورية» for «سوريا»). Knows nothing about actors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.analysis.linear.features import Paragraph, around
from service.analysis.linear.model import Features, Floats
from service.analysis.linear.scene import Scene, Talk, root
from service.analysis.linear.speakers import Phrase

MAX_TARGETS: Final = 24
MAX_MEANT: Final = 6
REACH: Final = 40
"""Words on either side of the cue (or speaker) that the model sees."""
NEAR: Final = 6
"""Words on either side of a target that it sees apart from the others."""


@dataclass(frozen=True, slots=True)
class Target:
    """``mentions``: indices, all of one name. ``words``: where the paragraph shows it, by name or by a related word."""

    mentions: tuple[int, ...]
    words: tuple[Phrase, ...]
    named: bool


def anchor_of(talk: Talk) -> int:
    """The word from which distances are counted."""
    phrase = talk.cue or talk.speaker
    return phrase.start if phrase else 0


def targets_of(scene: Scene, talk: Talk) -> list[Target]:
    """The nearest names of the paragraph but the speaker's own, and names of the article that it seems to mean."""
    inside = scene.in_paragraph.get(talk.paragraph, [])
    own = scene.mentions[talk.speaker.mention].name if talk.speaker and talk.speaker.mention is not None else None
    anchor = anchor_of(talk)
    middle = bisect_left([scene.mentions[i].phrase.start for i in inside], anchor)
    near = inside[max(0, middle - MAX_TARGETS) : middle + MAX_TARGETS]
    by_name: dict[str, list[int]] = {}
    for i in sorted(near, key=lambda i: (abs(scene.mentions[i].phrase.start - anchor), i)):
        if scene.mentions[i].name != own:
            by_name.setdefault(scene.mentions[i].name, []).append(i)
    named = [
        Target(tuple(sorted(found)), tuple(scene.mentions[i].phrase for i in sorted(found)), True)
        for found in list(by_name.values())[:MAX_TARGETS]
    ]
    return named + _meant(scene, talk, {scene.mentions[i].name for i in near} | {own or ""})


def _meant(scene: Scene, talk: Talk, excluded: set[str]) -> list[Target]:
    """Names that the paragraph does not show but one of its words is related to."""
    stems = scene.paragraphs[talk.paragraph].stems
    anchor = anchor_of(talk)
    found: dict[str, list[int]] = {}
    for i in range(max(0, anchor - REACH), min(len(stems), anchor + REACH)):
        for name in scene.related.get(root(stems[i]), ()) if stems[i].startswith("ال") else ():
            if name not in excluded:
                found.setdefault(name, []).append(i)
    return [
        Target((scene.nearest(name, talk.paragraph),), tuple(Phrase(i, i + 1, "meant") for i in at), False)
        for name, at in list(found.items())[:MAX_MEANT]
    ]


def stance_features(scene: Scene, talk: Talk, targets: Sequence[Target]) -> list[Features]:
    """One dictionary per target."""
    paragraph = scene.paragraphs[talk.paragraph]
    common = _statement_features(paragraph, talk, targets)
    return [common | _target_features(scene, paragraph, talk, target) for target in targets]


def _statement_features(p: Paragraph, talk: Talk, targets: Sequence[Target]) -> Features:
    """What is the same for all targets: the cue and the words around it."""
    anchor = anchor_of(talk)
    features: Features = {"targets": str(min(len(targets), 5)), "speaker": talk.speaker.kind if talk.speaker else "-"}
    if talk.cue:
        cue = p.stems[talk.cue.start]
        features |= {"cue": cue, "cue root": root(cue), "cue1": around(p.stems, talk.cue.end), "cue next": f"{cue} {around(p.stems, talk.cue.end)}"}
        features |= {f"cue {cue[i:i + 3]}": 1.0 for i in range(len(cue) - 2)}
    for i in range(max(0, anchor - REACH), min(len(p.stems), anchor + REACH)):
        features[f"bag {root(p.stems[i])}"] = 1.0
    return features


def _target_features(scene: Scene, p: Paragraph, talk: Talk, target: Target) -> Features:
    anchor = anchor_of(talk)
    phrase = min(target.words, key=lambda w: abs(w.start - anchor))
    named = scene.mentions[target.mentions[0]]
    order = _order(talk, phrase)
    cue = p.stems[talk.cue.start] if talk.cue else "-"
    features: Features = {
        "named": str(target.named), "order": order, "cue order": f"{cue} {order}", "kind": named.phrase.kind,
        "name": named.name, "d": f"{order} {min(abs(phrase.start - anchor) // 3, 6)}", "times": str(min(len(target.words), 3)),
        "q": str(p.quoted[phrase.start]), "often": str(min(len(scene.of_name[named.name]), 5)), "clitic": _clitic(p, phrase),
        "headline": str(talk.paragraph == 0), "who": f"{_speaker_name(scene, talk)} {named.name}",
        "cue kind": f"{root(cue)} {named.phrase.kind} {order}",
    }  # fmt: skip
    for d in (1, 2, 3):
        features[f"-{d}"], features[f"+{d}"] = around(p.stems, phrase.start - d), around(p.stems, phrase.end + d - 1)
    for word in target.words:
        for i in range(max(0, word.start - NEAR), word.start):
            features[f"before {root(p.stems[i])}"] = 1.0
        for i in range(word.end, min(len(p.stems), word.end + NEAR)):
            features[f"after {root(p.stems[i])}"] = 1.0
    for i in range(max(min(anchor, phrase.start), phrase.start - REACH) + 1, min(max(anchor, phrase.start), phrase.start + REACH)):
        features[f"between {root(p.stems[i])}"] = 1.0
    return features


def _order(talk: Talk, phrase: Phrase) -> str:
    """The order of speaker (s), cue (c) and target (t)."""
    places = [(phrase.start, "t")]
    if talk.cue:
        places.append((talk.cue.start, "c"))
    if talk.speaker:
        places.append((talk.speaker.start, "s"))
    return "".join(name for _, name in sorted(places))


def _clitic(p: Paragraph, phrase: Phrase) -> str:
    return p.forms[phrase.start].removesuffix(p.stems[phrase.start])


def _speaker_name(scene: Scene, talk: Talk) -> str:
    named = talk.speaker is not None and talk.speaker.mention is not None
    return scene.mentions[talk.speaker.mention].name if named else "-"  # type: ignore[union-attr, index]


def shifted(probabilities: Floats, factors: Sequence[float]) -> Floats:
    """Probabilities over ``STANCES``, shape (targets, 3), each label's odds multiplied by its factor, summing to 1 again."""
    weighted = probabilities * np.asarray(factors)
    return np.asarray(weighted / weighted.sum(-1, keepdims=True), np.float64)
