"""Where a speaker stands on the others: the targets of a statement and what a linear model sees of each.

A target is a name, all of its mentions in the paragraph at once; or a name mentioned elsewhere to which a word of the
paragraph seems to belong («الحكومة السورية» for «سوريا»). Knows nothing about actors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.analysis.linear.features import Paragraph, around
from service.analysis.linear.model import Features, Floats
from service.analysis.linear.scene import Scene, Talk
from service.analysis.linear.speakers import Phrase
from service.analysis.linear.words import root

MANY_MENTIONS: Final = 48
"""A paragraph with more mentions, such as a text that is one line, has only the nearest ones of each speaker asked about."""
NEAREST_MENTIONS: Final = 12
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
    middle = bisect_left(scene.starts_in.get(talk.paragraph, []), anchor)
    near = inside if len(inside) <= MANY_MENTIONS else inside[max(0, middle - NEAREST_MENTIONS) : middle + NEAREST_MENTIONS]
    by_name: dict[str, list[int]] = {}
    for i in sorted(near, key=lambda i: (abs(scene.mentions[i].phrase.start - anchor), i)):
        if scene.mentions[i].name != own:
            by_name.setdefault(scene.mentions[i].name, []).append(i)
    named = [
        Target(tuple(sorted(found)), tuple(scene.mentions[i].phrase for i in sorted(found)), True)
        for found in by_name.values()
    ]
    return named + _meant(scene, talk, {scene.mentions[i].name for i in near} | {own or ""})


def _meant(scene: Scene, talk: Talk, excluded: set[str]) -> list[Target]:
    """Names that the paragraph does not show but one of its words is related to."""
    p = scene.paragraphs[talk.paragraph]
    anchor = anchor_of(talk)
    found: dict[str, list[int]] = {}
    for i in range(max(0, anchor - REACH), min(len(p.stems), anchor + REACH)):
        for name in scene.related.get(p.roots[i], ()) if p.stems[i].startswith("ال") else ():
            if name not in excluded:
                found.setdefault(name, []).append(i)
    return [
        Target((scene.nearest(name, talk.paragraph),), tuple(Phrase(i, i + 1, "meant") for i in at), False)
        for name, at in list(found.items())[:MAX_MEANT]
    ]


def stance_features(scene: Scene, talk: Talk, targets: Sequence[Target]) -> list[Features]:
    """One dictionary per target."""
    paragraph = scene.paragraphs[talk.paragraph]
    common = talk_features(scene, talk) | {"targets": str(min(len(targets), 5))}
    return [common | _target_features(scene, paragraph, talk, target) for target in targets]


def talk_features(scene: Scene, talk: Talk) -> Features:
    """What is the same for all targets: the cue and the words around it."""
    p, anchor = scene.paragraphs[talk.paragraph], anchor_of(talk)
    features: Features = {"speaker": talk.speaker.kind if talk.speaker else "-"}
    if talk.cue:
        cue = p.stems[talk.cue.start]
        after = around(p.stems, talk.cue.end)
        features |= {"cue": cue, "cue root": root(cue), "cue1": after, "cue next": f"{cue} {after}"}
        features |= {f"cue {cue[i : i + 3]}": 1.0 for i in range(len(cue) - 2)}
    for i in range(max(0, anchor - REACH), min(len(p.stems), anchor + REACH)):
        features[f"bag {p.roots[i]}"] = 1.0
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
            features[f"before {p.roots[i]}"] = 1.0
        for i in range(word.end, min(len(p.stems), word.end + NEAR)):
            features[f"after {p.roots[i]}"] = 1.0
    first, last = sorted((anchor, phrase.start))
    for i in range(max(first, phrase.start - REACH) + 1, min(last, phrase.start + REACH)):
        features[f"between {p.roots[i]}"] = 1.0
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


@dataclass(frozen=True)
class StanceAnswers:
    """What the first models say of one document. ``pairs``: (talk, target); ``scores``: (pairs, ``STANCES``) for each pair;
    ``talks``: (talks, ``STANCES``), whether a talk takes any such stance at all."""

    pairs: Sequence[tuple[int, Target]]
    scores: Floats
    talks: Floats


def stacked_stance_features(scene: Scene, answers: StanceAnswers) -> list[Features]:
    """What the second model sees of each pair: the first answers for it, its rivals, and the same names elsewhere."""
    odds = log_odds(answers.scores[:, 1:])
    talk_odds = log_odds(answers.talks[:, 1:])
    names = [(_speaker_name(scene, scene.talks[talk]), scene.mentions[target.mentions[0]].name) for talk, target in answers.pairs]
    best = _grouped([talk for talk, _ in answers.pairs], odds, np.max)
    pair_means, pair_sizes = _elsewhere(names, answers.scores)
    target_means, _ = _elsewhere([name for _, name in names], answers.scores)
    rows = []
    for i, (talk, target) in enumerate(answers.pairs):
        row: Features = {
            "named": str(target.named), "order": _order(scene.talks[talk], target.words[0]),
            "kind": scene.mentions[target.mentions[0]].phrase.kind, "paired": str(pair_sizes[i] > 1),
        }  # fmt: skip
        for k, label in enumerate(("favor", "against")):
            leads = odds[i, k] >= best[talk][k]
            row |= {
                f"{label} own": odds[i, k], f"{label} leads": str(leads), f"{label} lead": odds[i, k] if leads else 0.0,
                f"{label} best": float(best[talk][k]), f"{label} talk": talk_odds[talk, k],
                f"{label} pair": pair_means[i, k], f"{label} target": target_means[i, k],
            }  # fmt: skip
        rows.append(row)
    return rows


def log_odds(probabilities: Floats) -> Floats:
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(p / (1 - p)), np.float64)


def _grouped(keys: Sequence[Hashable], rows: Floats, reduce: Callable[..., Floats]) -> dict[Hashable, Floats]:
    groups: dict[Hashable, list[Floats]] = defaultdict(list)
    for key, row in zip(keys, rows, strict=True):
        groups[key].append(row)
    return {key: reduce(group, axis=0) for key, group in groups.items()}


def _elsewhere(keys: Sequence[Hashable], scores: Floats) -> tuple[Floats, list[int]]:
    """For each row the log odds of the mean of the other rows with its key, its own where there are none; and group sizes."""
    sizes = Counter(keys)
    totals = _grouped(keys, scores, np.sum)
    means = [(totals[key] - row) / (sizes[key] - 1) if sizes[key] > 1 else row for key, row in zip(keys, scores, strict=True)]
    return log_odds(np.array(means).reshape(-1, scores.shape[1])[:, 1:]), [sizes[key] for key in keys]
