"""Fitting what finds names: the tagger of words, the order of its tags, and the model of attached letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from service.analysis.labels import MENTION_TAGS
from service.analysis.linear.features import name_features
from service.analysis.linear.model import Floats, LinearModel, Tagger
from service.analysis.linear.names import CLITIC_LABELS, NameDecoder, WordName, clitic_features, mention_of, name_words
from training.linear.fitting import Fit, Rows, TaggerRows, best_of, f1, fit_rows, fit_tagger
from training.linear.learned import Article, gold_names, name_targets

FIRST: Final = Fit(c=0.3, min_count=4, max_features=24_000, max_iterations=50)
SECOND: Final = Fit(c=0.3, min_count=4, max_features=14_000, max_iterations=50)
CLITICS: Final = Fit(c=1.0, min_count=2, max_features=3_000)
TRANSITION_WEIGHT: Final = 0.2
"""How much the order of tags counts beside the tagger, which has already seen the words around."""
IMPOSSIBLE: Final = -20.0
SHIFTS: Final = (0.0, -0.3, 0.3, -0.6, 0.6)


@dataclass(frozen=True)
class FittedNames:
    """``held_out``: what the tagger says of each training article when it was held out."""

    tagger: Tagger
    decoder: NameDecoder
    held_out: list[list[Floats]]


def fit_names(train: Sequence[Article], dev: Sequence[Article]) -> FittedNames:
    """Fit on ``train``; choose the shift towards names on ``dev``."""
    rows = [TaggerRows(a.fold, [name_features(p, a.lexicon) for p in a.paragraphs], a.stems, name_targets(a.gold)) for a in train]
    tagger, held_out = fit_tagger(rows, MENTION_TAGS, FIRST, SECOND)
    decoder = NameDecoder(transitions([name_tags_of(a) for a in train]), 0.0, _fit_clitics(train))
    answers = [tag_names(tagger, a) for a in dev]
    shift = best_of(SHIFTS, lambda value: mention_f1(replace(decoder, inside_shift=value), dev, answers))
    return FittedNames(tagger, replace(decoder, inside_shift=shift), held_out)


def tag_names(tagger: Tagger, article: Article) -> list[Floats]:
    return tagger.probabilities([name_features(p, article.lexicon) for p in article.paragraphs], article.stems)


def name_tags_of(article: Article) -> list[list[str]]:
    """The gold tags of every paragraph."""
    tags = iter(name_targets(article.gold))
    return [[next(tags) for _ in p.forms] for p in article.paragraphs]


def transitions(tags: Sequence[Sequence[Sequence[str]]]) -> Floats:
    """What is added to the log probability of a tag after another: a part of their pointwise mutual information.

    The tagger's own probabilities hold the tag's frequency already, hence not its plain conditional probability. An inside
    tag follows only tags of its own class.
    """
    counts = np.ones((len(MENTION_TAGS), len(MENTION_TAGS)))
    for paragraph in (p for article in tags for p in article):
        numbers = [MENTION_TAGS.index(tag) for tag in ("O", *paragraph)]
        np.add.at(counts, (numbers[:-1], numbers[1:]), 1)
    together = counts / counts.sum()
    weights = TRANSITION_WEIGHT * np.log(together / (together.sum(1, keepdims=True) * together.sum(0)))
    for before, first in enumerate(MENTION_TAGS):
        for after, second in enumerate(MENTION_TAGS):
            if second.startswith("I-") and first[2:] != second[2:]:
                weights[before, after] = IMPOSSIBLE
    return np.asarray(weights.round(4), np.float64)


def _fit_clitics(train: Sequence[Article]) -> LinearModel:
    rows = Rows()
    for article in train:
        names = gold_names(article.gold)
        own = name_words(article.paragraphs, names)
        for paragraph, of_paragraph in zip(article.paragraphs, names, strict=True):
            features = [clitic_features(paragraph, name.start, article.lexicon, own) for name in of_paragraph]
            rows.add(article.fold, features, [CLITIC_LABELS[min(name.clitics, 2)] for name in of_paragraph])
    return fit_rows(rows, CLITIC_LABELS, CLITICS)[0]


def decoded(decoder: NameDecoder, article: Article, answers: Sequence[Floats]) -> list[list[WordName]]:
    return decoder.decode(article.paragraphs, answers, article.lexicon)


def mention_f1(decoder: NameDecoder, articles: Sequence[Article], answers: Sequence[Sequence[Floats]]) -> float:
    """Exact spans, over all ``articles``."""
    right = n_found = n_gold = 0
    for article, rows in zip(articles, answers, strict=True):
        names = zip(article.paragraphs, decoded(decoder, article, rows), strict=True)
        found = {mention_of(article.gold.annotated.document, p, name).span for p, of_p in names for name in of_p}
        gold = {mention.span for mention in article.gold.annotated.mentions}
        right, n_found, n_gold = right + len(found & gold), n_found + len(found), n_gold + len(gold)
    return f1(right, n_found, n_gold)
