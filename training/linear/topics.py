"""Fitting the topics of paragraphs: n-grams chosen by a first fit, class weights, and a temperature chosen on dev."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from service.analysis.document import Document
from service.analysis.labels import TOPICS
from service.analysis.linear.topics import BLOCKS, TopicModel, block_texts, block_vectorizer
from training.linear.fitting import best_of, fitted
from training.linear.learned import Article

C: Final = 3.0
MAX_ITERATIONS: Final = 60
MIN_DOCUMENTS: Final = 3
MAX_TERMS: Final = 30_000
"""Per block in the first fit, the most frequent ones."""
KEPT_TERMS: Final = {"paragraph words": 5_000, "paragraph letters": 7_000, "article words": 4_000, "article letters": 5_000}
"""Per block in the artifact, those with the largest weights."""
TEMPERATURES: Final = tuple(np.arange(0.5, 1.6, 0.1).round(2).tolist())


def fit_topics(train: Sequence[Article], dev: Sequence[Article]) -> TopicModel:
    """Fit on ``train``; choose the temperature on ``dev`` by the likelihood of its labels."""
    documents = [article.gold.annotated.document for article in train]
    targets = _targets(train)
    wide = [
        block_vectorizer(block, min_df=min(MIN_DOCUMENTS, len(documents)), max_features=MAX_TERMS).fit(_texts(documents, i))
        for i, block in enumerate(BLOCKS)
    ]
    first = _classifier(_matrix(wide, documents), targets)
    kept = _kept_terms(first.coef_, wide)
    narrow = [block_vectorizer(block, kept[i]).fit(_texts(documents, i)) for i, block in enumerate(BLOCKS)]
    model = TopicModel(tuple(narrow), _classifier(_matrix(narrow, documents), targets))
    return _tempered(model, dev)


def _targets(articles: Sequence[Article]) -> npt.NDArray[np.int64]:
    return np.array([topic for article in articles for topic in article.gold.annotated.topics or ()], np.int64)


def _texts(documents: Sequence[Document], block: int) -> list[str]:
    return [text for document in documents for text in block_texts(document)[block]]


def _matrix(vectorizers: Sequence[TfidfVectorizer], documents: Sequence[Document]) -> Any:
    """The columns of all blocks, a row for each paragraph; those of an article are the same in all of its rows."""
    article = np.repeat(np.arange(len(documents)), [len(d.paragraphs) for d in documents])
    parts = []
    for i, (vectorizer, block) in enumerate(zip(vectorizers, BLOCKS, strict=True)):
        rows = vectorizer.transform(_texts(documents, i))
        parts.append(rows if block.startswith("paragraph") else rows[article])
    return sparse.hstack(parts, "csr")


def _classifier(matrix: Any, targets: npt.NDArray[np.int64]) -> LogisticRegression:
    """Rare topics weigh more, common ones less, by the root of what would make them all equal."""
    sizes = np.bincount(targets, minlength=len(TOPICS))
    weights = {topic: float((sizes.sum() / sizes[topic]) ** 0.5) for topic in np.flatnonzero(sizes).tolist()}
    scale = sizes.sum() / sum(weights[topic] * sizes[topic] for topic in weights)
    classifier = LogisticRegression(
        C=C, max_iter=MAX_ITERATIONS, tol=1e-3, class_weight={topic: weight * scale for topic, weight in weights.items()}
    )
    return fitted(classifier, matrix, targets)


def _kept_terms(weights: npt.NDArray[np.float32], vectorizers: Sequence[TfidfVectorizer]) -> list[list[str]]:
    kept, start = [], 0
    for vectorizer, block in zip(vectorizers, BLOCKS, strict=True):
        terms = vectorizer.get_feature_names_out()
        heaviest = np.argsort(-np.abs(weights[:, start : start + len(terms)]).max(0), kind="stable")[: KEPT_TERMS[block]]
        kept.append([str(terms[i]) for i in np.sort(heaviest)])
        start += len(terms)
    return kept


def _tempered(model: TopicModel, dev: Sequence[Article]) -> TopicModel:
    """``model`` with its weights divided by the temperature that makes dev's labels likeliest (Guo et al. 2017)."""
    logs = np.log(np.vstack([model.probabilities(article.gold.annotated.document) for article in dev]) + 1e-12)
    targets = _targets(dev)

    def likelihood(temperature: float) -> float:
        scaled = logs / temperature
        return float((scaled[np.arange(len(targets)), targets] - np.log(np.exp(scaled).sum(1))).mean())

    best = best_of(TEMPERATURES, likelihood)
    model.classifier.coef_ = (model.classifier.coef_ / best).astype(np.float16).astype(np.float32)
    model.classifier.intercept_ = model.classifier.intercept_ / best
    return model
