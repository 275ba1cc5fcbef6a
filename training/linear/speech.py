"""Fitting what finds who speaks: the tagger of speakers and speech words, and the models of candidates and continuations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.analysis.baseline import YES, speeches_of
from service.analysis.linear.features import speech_features
from service.analysis.linear.model import Floats, LinearModel, Tagger
from service.analysis.linear.names import WordName, name_tags
from service.analysis.linear.parts import YES_NO
from service.analysis.linear.speakers import (
    NOMINAL,
    SPEECH_TAGS,
    Phrase,
    Speech,
    chosen_speakers,
    continuation_features,
    speaker_features,
)
from service.analysis.linear.words import word_range
from training.linear.fitting import Fit, Rows, TaggerRows, best_of, f1, fit_rows, fit_tagger
from training.linear.learned import Article, gold_mentions, speech_targets

FIRST: Final = Fit(c=0.3, min_count=4, max_features=16_000, max_iterations=50)
SECOND: Final = Fit(c=0.3, min_count=4, max_features=8_000, max_iterations=50)
SPEAKERS: Final = Fit(c=0.15, max_features=8_000)
CONTINUATIONS: Final = Fit(c=0.1, max_features=3_000)
THRESHOLDS: Final = tuple(np.arange(0.25, 0.6, 0.025).round(3).tolist())

Names = Sequence[Sequence[WordName]]


@dataclass(frozen=True)
class FittedSpeech:
    """``speaker`` and ``continuation``: least probabilities, chosen on dev."""

    tagger: Tagger
    speakers: LinearModel
    continuations: LinearModel
    speaker: float
    continuation: float


@dataclass(frozen=True, slots=True)
class SpokenBy:
    """An annotated statement: the words that denote its speaker, if any, and whether a mention is of that speaker."""

    start: int
    end: int
    own_mentions: frozenset[tuple[int, int]]

    def says(self, candidate: Phrase, exact: bool) -> bool:
        """Whether ``candidate`` is this speaker. ``exact``: another candidate has just the annotated words."""
        place = (candidate.start, candidate.end)
        if place == (self.start, self.end):
            return True
        if candidate.kind == NOMINAL:
            return not exact and candidate.start == self.start
        covered = self.start <= candidate.start and candidate.end <= self.end
        return (covered and place in self.own_mentions) or (candidate.start <= self.start and self.end <= candidate.end)


def spoken_by(article: Article) -> list[list[SpokenBy]]:
    """The statements of every paragraph whose speaker it denotes."""
    places: dict[tuple[int, str], set[tuple[int, int]]] = {}
    for m in gold_mentions(article.gold):
        places.setdefault((m.paragraph, m.mention.entity), set()).add((m.start, m.end))
    found: list[list[SpokenBy]] = [[] for _ in article.paragraphs]
    for s in article.gold.annotated.statements:
        words = word_range(article.gold.words[s.paragraph], s.span) if s.span else None
        if words:
            found[s.paragraph].append(SpokenBy(*words, frozenset(places.get((s.paragraph, s.speaker), ()))))
    return found


def fit_speech(
    train: Sequence[Article], names: Sequence[Names], dev: Sequence[Article], dev_names: Sequence[Names]
) -> FittedSpeech:
    """Fit on ``train`` and the ``names`` found there; choose thresholds on ``dev``."""
    tagger, answers = fit_tagger([_tagger_rows(a, n) for a, n in zip(train, names, strict=True)], SPEECH_TAGS, FIRST, SECOND)
    speeches = [speeches_of(a.paragraphs, rows, n) for a, rows, n in zip(train, answers, names, strict=True)]
    speakers, scores = fit_rows(_speaker_rows(train, speeches), YES_NO, SPEAKERS)
    continuations, _ = fit_rows(_continuation_rows(train, speeches, scores[:, YES]), YES_NO, CONTINUATIONS)

    dev_answers = [tagger.probabilities(_features(a, n), a.stems) for a, n in zip(dev, dev_names, strict=True)]
    dev_speeches = [speeches_of(a.paragraphs, rows, n) for a, rows, n in zip(dev, dev_answers, dev_names, strict=True)]
    dev_scores = speakers.probabilities(_speaker_rows(dev, dev_speeches).features)[:, YES]
    rows = _continuation_rows(dev, dev_speeches, dev_scores)
    goes_on = continuations.probabilities(rows.features)[:, YES]
    return FittedSpeech(
        tagger, speakers, continuations,
        best_of(THRESHOLDS, lambda value: speaker_f1(dev, dev_speeches, dev_scores, value)),
        best_of(THRESHOLDS, lambda value: _yes_f1(goes_on, rows.targets, value)),
    )  # fmt: skip


def _features(article: Article, names: Names) -> list[list[dict[str, str | float]]]:
    found = zip(article.paragraphs, names, strict=True)
    return [speech_features(p, name_tags(len(p.forms), of_paragraph), article.lexicon) for p, of_paragraph in found]


def _tagger_rows(article: Article, names: Names) -> TaggerRows:
    return TaggerRows(article.fold, _features(article, names), article.stems, speech_targets(article.gold))


def _speaker_rows(articles: Sequence[Article], speeches: Sequence[Sequence[Speech]]) -> Rows:
    rows = Rows()
    for article, of_article in zip(articles, speeches, strict=True):
        for speech, gold in zip(of_article, spoken_by(article), strict=True):
            places = {(c.start, c.end) for c in speech.candidates}
            targets = [any(s.says(c, (s.start, s.end) in places) for s in gold) for c in speech.candidates]
            rows.add(article.fold, speaker_features(speech), [YES_NO[target] for target in targets])
    return rows


def _continuation_rows(articles: Sequence[Article], speeches: Sequence[Sequence[Speech]], scores: Floats) -> Rows:
    rows, at = Rows(), 0
    for article, of_article in zip(articles, speeches, strict=True):
        unnamed = {s.paragraph for s in article.gold.annotated.statements if s.span is None}
        for i, speech in enumerate(of_article):
            end = at + len(speech.candidates)
            rows.add(article.fold, [continuation_features(speech, scores[at:end].tolist())], [YES_NO[i in unnamed]])
            at = end
    return rows


def speaker_f1(articles: Sequence[Article], speeches: Sequence[Sequence[Speech]], scores: Floats, threshold: float) -> float:
    """Speakers whose words overlap annotated ones, one to one. ``scores``: of all candidates, in order."""
    right = n_found = n_gold = at = 0
    for article, of_article in zip(articles, speeches, strict=True):
        for speech, gold in zip(of_article, spoken_by(article), strict=True):
            end = at + len(speech.candidates)
            chosen = [speech.candidates[i] for i in chosen_speakers(speech.candidates, scores[at:end].tolist(), threshold)]
            at = end
            met = {(s.start, s.end) for s in gold for c in chosen if c.start < s.end and s.start < c.end}
            right, n_found, n_gold = right + min(len(met), len(chosen)), n_found + len(chosen), n_gold + len(gold)
    return f1(right, n_found, n_gold)


def _yes_f1(scores: Floats, targets: Sequence[str], threshold: float) -> float:
    found, gold = scores >= threshold, np.array(targets) == YES_NO[YES]
    return f1(int((found & gold).sum()), int(found.sum()), int(gold.sum()))
