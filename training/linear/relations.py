"""Fitting what says whom speakers mean, how they are quoted, and where they stand, on annotated scenes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from service.analysis.labels import KINDS, STANCES
from service.analysis.linear.kinds import kind_features
from service.analysis.linear.model import Floats, LinearModel
from service.analysis.linear.names import key_of
from service.analysis.linear.parts import YES_NO
from service.analysis.linear.references import Candidate, candidates_of, reference_features
from service.analysis.linear.scene import Named, Scene, Talk
from service.analysis.linear.speakers import NOMINAL, Phrase
from service.analysis.linear.stances import (
    StanceAnswers,
    Target,
    stacked_stance_features,
    stance_features,
    talk_features,
    targets_of,
)  # fmt: skip
from service.analysis.linear.words import word_range
from training.examples import Statement
from training.linear.fitting import Fit, Rows, best_of, f1, fit_rows
from training.linear.learned import Article, gold_mentions, gold_names

REFERENCES: Final = Fit(c=0.5, max_features=6_000)
KINDS_FIT: Final = Fit(c=0.3, max_features=2_000)
TALK_STANCES: Final = Fit(c=0.03, max_features=8_000)
PAIR_STANCES: Final = Fit(c=0.05, max_features=14_000)
STANCES_FIT: Final = Fit(c=0.1, max_features=500, max_iterations=500)
WEIGHTS: Final = tuple((1.0, favor, against) for favor, against in product((1.0, 1.4, 2.0, 2.8, 4.0, 5.6), repeat=2))
MEANT_FACTORS: Final = (1.0, 0.7, 0.5, 0.35, 0.0)


@dataclass(frozen=True)
class GoldScene:
    """An annotated article as a scene. ``entities``: of each mention; ``statements``: of each talk."""

    scene: Scene
    entities: list[str]
    statements: list[Statement]
    fold: int

    def meant(self, candidate: Candidate) -> str | None:
        """The entity that a candidate reference is."""
        if candidate.mention is not None:
            return self.entities[candidate.mention]
        return None if candidate.talk is None else self.statements[candidate.talk].speaker

    def pairs(self) -> list[tuple[int, Target]]:
        """Every talk with every target but its own speaker."""
        found = ((i, t) for i, talk in enumerate(self.scene.talks) for t in targets_of(self.scene, talk))
        return [(i, t) for i, t in found if self.entities[t.mentions[0]] != self.statements[i].speaker]

    def stance(self, talk: int, target: Target) -> int:
        return self.statements[talk].stances.get(self.entities[target.mentions[0]], 0)


def gold_scene(article: Article) -> GoldScene:
    mentions: list[Named] = []
    entities: list[str] = []
    at: dict[tuple[int, int, int], Phrase] = {}
    names = iter([name for of_paragraph in gold_names(article.gold) for name in of_paragraph])
    for m in gold_mentions(article.gold):
        name = next(names)
        phrase = Phrase(m.start, m.end, name.kind, len(mentions))
        at[m.paragraph, m.start, m.end] = phrase
        mentions.append(Named(m.paragraph, phrase, key_of(article.paragraphs[m.paragraph], name)))
        entities.append(m.mention.entity)
    talks = sorted(_talks(article, at), key=lambda pair: (pair[0].paragraph, pair[0].speaker is None, _start(pair[0])))
    scene = Scene(article.paragraphs, mentions, [talk for talk, _ in talks])
    return GoldScene(scene, entities, [statement for _, statement in talks], article.fold)


def _start(talk: Talk) -> int:
    return talk.speaker.start if talk.speaker else 0


def _talks(article: Article, mentions: dict[tuple[int, int, int], Phrase]) -> Iterator[tuple[Talk, Statement]]:
    for s in article.gold.annotated.statements:
        words = article.gold.words[s.paragraph]
        said_by = word_range(words, s.span) if s.span else None
        cue = word_range(words, s.cue) if s.cue else None
        speaker = mentions.get((s.paragraph, *said_by), Phrase(*said_by, NOMINAL)) if said_by else None
        yield Talk(s.paragraph, speaker, Phrase(*cue, NOMINAL) if cue else None), s


@dataclass(frozen=True)
class FittedRelations:
    """``models``: keyed as in ``parts.LABELS``. The weights are chosen on dev and on held-out training articles."""

    models: dict[str, LinearModel]
    stance_weights: tuple[float, float, float]
    meant_factor: float


def fit_relations(train: Sequence[Article], dev: Sequence[Article]) -> FittedRelations:
    scenes, dev_scenes = [gold_scene(a) for a in train], [gold_scene(a) for a in dev]
    models = {
        "references": fit_rows(_reference_rows(scenes), YES_NO, REFERENCES)[0],
        "kinds": fit_rows(_kind_rows(scenes), KINDS, KINDS_FIT)[0],
    }
    stances, held_out = _fit_stances(scenes)
    models |= stances
    on_dev = stances["stances"].probabilities(row for s in dev_scenes for row in _stacked(s, _answers(stances, s)))
    # dev alone has few stances that are not neutral
    everything, answers = [*scenes, *dev_scenes], np.vstack([held_out, on_dev])
    weights = best_of(WEIGHTS, lambda value: stance_f1(everything, answers, value, 1.0))
    return FittedRelations(models, weights, best_of(MEANT_FACTORS, lambda value: stance_f1(everything, answers, weights, value)))


def _reference_rows(scenes: Sequence[GoldScene]) -> Rows:
    rows = Rows()
    for s in scenes:
        for i, talk in enumerate(s.scene.talks):
            if talk.speaker is None or talk.speaker.mention is None:
                candidates = candidates_of(s.scene, i)
                right = [s.meant(c) == s.statements[i].speaker for c in candidates[:-1]]
                rows.add(s.fold, reference_features(s.scene, i, candidates), [YES_NO[yes] for yes in (*right, not any(right))])
    return rows


def _kind_rows(scenes: Sequence[GoldScene]) -> Rows:
    rows = Rows()
    for s in scenes:
        for talk, statement in zip(s.scene.talks, s.statements, strict=True):
            if statement.kind is not None:
                rows.add(s.fold, [kind_features(s.scene, talk)], [KINDS[statement.kind]])
    return rows


def _fit_stances(scenes: Sequence[GoldScene]) -> tuple[dict[str, LinearModel], Floats]:
    """The two first models and the second, which learns from what the first say of held-out articles; and its own answers."""
    pairs, talks = Rows(), Rows()
    for s in scenes:
        pairs.add(s.fold, _pair_features(s), [STANCES[s.stance(talk, target)] for talk, target in s.pairs()])
        talks.add(s.fold, [talk_features(s.scene, talk) for talk in s.scene.talks], [_strongest(x) for x in s.statements])
    pair_model, pair_answers = fit_rows(pairs, STANCES, PAIR_STANCES)
    talk_model, talk_answers = fit_rows(talks, STANCES, TALK_STANCES)
    rows, pair_at, talk_at = Rows(), 0, 0
    for s in scenes:
        of_scene, n_talks = s.pairs(), len(s.statements)
        answers = StanceAnswers(
            of_scene, pair_answers[pair_at : pair_at + len(of_scene)], talk_answers[talk_at : talk_at + n_talks]
        )
        rows.add(s.fold, _stacked(s, answers), [STANCES[s.stance(talk, target)] for talk, target in of_scene])
        pair_at, talk_at = pair_at + len(of_scene), talk_at + n_talks
    model, held_out = fit_rows(rows, STANCES, STANCES_FIT)
    return {"pair stances": pair_model, "talk stances": talk_model, "stances": model}, held_out


def _pair_features(s: GoldScene) -> list[dict[str, str | float]]:
    by_talk: dict[int, list[Target]] = {}
    for talk, target in s.pairs():
        by_talk.setdefault(talk, []).append(target)
    return [row for talk, targets in by_talk.items() for row in stance_features(s.scene, s.scene.talks[talk], targets)]


def _strongest(statement: Statement) -> str:
    """Against before favor before neutral: the label that says most of a statement as a whole."""
    return STANCES[max(statement.stances.values(), default=0)]


def _answers(models: dict[str, LinearModel], s: GoldScene) -> StanceAnswers:
    return StanceAnswers(
        s.pairs(), models["pair stances"].probabilities(_pair_features(s)),
        models["talk stances"].probabilities(talk_features(s.scene, talk) for talk in s.scene.talks),
    )  # fmt: skip


def _stacked(s: GoldScene, answers: StanceAnswers) -> list[dict[str, str | float]]:
    return stacked_stance_features(s.scene, answers)


def stance_f1(scenes: Sequence[GoldScene], answers: Floats, weights: tuple[float, float, float], meant: float) -> float:
    """Micro F1 of (statement, entity, favor or against); ``answers``: of all pairs; ``meant``: the factor of those not named."""
    factors = np.array([[1.0, 1.0, 1.0] if target.named else [1.0, meant, meant] for s in scenes for _, target in s.pairs()])
    labels = iter((answers * weights * factors).argmax(1).tolist())
    right = n_found = n_gold = 0
    for s in scenes:
        found = {(talk, s.entities[target.mentions[0]], label) for talk, target in s.pairs() if (label := next(labels))}
        gold = {(i, entity, label) for i, said in enumerate(s.statements) for entity, label in said.stances.items() if label}
        right, n_found, n_gold = right + len(found & gold), n_found + len(found), n_gold + len(gold)
    return f1(right, n_found, n_gold)
