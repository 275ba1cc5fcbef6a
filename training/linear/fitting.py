"""Features and labels → small fitted linear models. Knows nothing about text.

Everything here is deterministic: the solver starts from zero and features are ordered by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from service.analysis.linear.model import (
    Features,
    Floats,
    LinearModel,
    TaggedWords,
    Tagger,
    split_rows,
    stacked_features,
)  # fmt: skip

T = TypeVar("T")
N_FOLDS: Final = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """``c``: inverse strength of L2. ``min_count``: rows that must show a feature. ``max_features``: kept after a first fit."""

    c: float
    min_count: int = 3
    max_features: int = 20_000
    max_iterations: int = 80


def fold_numbers(n: int, seed: int) -> list[int]:
    """For each of ``n`` articles the fold that it is held out with; the folds are of equal size."""
    return [int(i) % N_FOLDS for i in np.random.default_rng(seed).permutation(n)]


@dataclass(frozen=True)
class Vectorized:
    """``matrix``: (rows, features), sparse float32, of the features that at least ``Fit.min_count`` rows show."""

    vectorizer: DictVectorizer
    matrix: Any


def vectorize(rows: Iterable[Features], fit: Fit) -> Vectorized:
    vectorizer = DictVectorizer(dtype=np.float32)
    matrix = vectorizer.fit_transform(rows)
    kept = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]) >= fit.min_count)
    vectorizer.restrict(kept, indices=True)
    return Vectorized(vectorizer, matrix[:, kept])


def fit_model(data: Vectorized, targets: Sequence[str], labels: Sequence[str], fit: Fit) -> LinearModel:
    """Fit on all features, keep those with the largest weights, and fit again on these.

    One label alone makes a constant model. ``labels``: the columns of the model's answers.
    """
    vectorizer, matrix = deepcopy(data.vectorizer), data.matrix
    classifier = _classifier(matrix, targets, fit)
    if isinstance(classifier, LogisticRegression) and matrix.shape[1] > fit.max_features:
        kept = _heaviest(classifier.coef_, fit.max_features)
        vectorizer.restrict(kept, indices=True)
        classifier = _classifier(matrix[:, kept], targets, fit)
    return LinearModel(vectorizer.vocabulary_, _compact(classifier), tuple(labels))


def held_out_probabilities(
    data: Vectorized, targets: Sequence[str], labels: Sequence[str], folds: Sequence[int], fit: Fit
) -> Floats:
    """For every row, shape (rows, labels), what a model says that was fitted on the rows of other folds."""
    answer = np.zeros((data.matrix.shape[0], len(labels)))
    fold_of_row, all_targets = np.array(folds), np.array(targets)
    for fold in range(N_FOLDS):
        inside = fold_of_row == fold
        if inside.any() and not inside.all():
            classifier = _classifier(data.matrix[~inside], all_targets[~inside], fit)
            columns = [labels.index(label) for label in classifier.classes_]
            answer[np.ix_(inside, columns)] = classifier.predict_proba(data.matrix[inside])
    return answer


def _classifier(matrix: Any, targets: Iterable[str], fit: Fit) -> Any:
    targets = list(map(str, targets))
    if len(set(targets)) == 1 or matrix.shape[1] == 0:
        return DummyClassifier(strategy="prior").fit(matrix, targets)
    return fitted(LogisticRegression(C=fit.c, max_iter=fit.max_iterations, tol=1e-3), matrix, targets)


def fitted(classifier: LogisticRegression, matrix: Any, targets: Any) -> LogisticRegression:
    """``classifier`` fitted; stopping at its iterations is meant, for early stopping costs nothing here and saves minutes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(matrix, targets)


def _heaviest(coefficients: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.int64]:
    """Columns of the ``n`` features with the largest weight for any label, in their old order."""
    weights = np.abs(coefficients).max(0)
    return np.sort(np.argsort(-weights, kind="stable")[:n])


def _compact(classifier: Any) -> Any:
    """Round weights to half precision: their file packs twice as small and no probability moves by a thousandth."""
    if isinstance(classifier, LogisticRegression):
        classifier.coef_ = classifier.coef_.astype(np.float16).astype(np.float32)
    return classifier


@dataclass(frozen=True)
class TaggerRows:
    """One article for a tagger: features and stems per paragraph and word; ``targets``: a label per word, in one list."""

    fold: int
    features: list[list[Features]]
    stems: list[Sequence[str]]
    targets: list[str]


def fit_tagger(
    articles: Sequence[TaggerRows], labels: Sequence[str], first: Fit, second: Fit
) -> tuple[Tagger, list[list[Floats]]]:
    """A tagger and, for every article, what it says of it when the article was held out (shapes as ``Tagger`` answers)."""
    folds = [article.fold for article in articles for _ in article.targets]
    targets = [target for article in articles for target in article.targets]
    data = vectorize((row for article in articles for part in article.features for row in part), first)
    answers = held_out_probabilities(data, targets, labels, folds, first)
    stacked = vectorize(_stacked(articles, answers, labels), second)
    finals = held_out_probabilities(stacked, targets, labels, folds, second)
    tagger = Tagger(fit_model(data, targets, labels, first), fit_model(stacked, targets, labels, second))
    return tagger, [split_rows(rows, article.features) for article, rows in _by_article(articles, finals)]


def _by_article(articles: Sequence[TaggerRows], rows: Floats) -> Iterator[tuple[TaggerRows, Floats]]:
    at = 0
    for article in articles:
        yield article, rows[at : at + len(article.targets)]
        at += len(article.targets)


def _stacked(articles: Sequence[TaggerRows], answers: Floats, labels: Sequence[str]) -> Iterator[Features]:
    for article, rows in _by_article(articles, answers):
        yield from stacked_features(TaggedWords(article.features, article.stems, split_rows(rows, article.features)), labels)


@dataclass(frozen=True)
class Rows:
    """Training rows of a model that sees each row once: features, labels, and the fold of the article of each."""

    features: list[Features] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)

    def add(self, fold: int, features: Sequence[Features], targets: Iterable[str]) -> None:
        self.features.extend(features)
        self.targets.extend(targets)
        self.folds.extend([fold] * len(features))


def fit_rows(rows: Rows, labels: Sequence[str], fit: Fit) -> tuple[LinearModel, Floats]:
    """A model and what it says of every row when its article was held out, shape (rows, labels)."""
    data = vectorize(rows.features, fit)
    answers = held_out_probabilities(data, rows.targets, labels, rows.folds, fit)
    return fit_model(data, rows.targets, labels, fit), answers


def best_of(values: Iterable[T], score: Callable[[T], float]) -> T:
    """The first of ``values`` with the highest score."""
    return max(list(values), key=score)


def f1(right: int, found: int, gold: int) -> float:
    return 2 * right / (found + gold) if found + gold else 0.0
