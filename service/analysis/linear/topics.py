"""What a paragraph is about: TF-IDF of its words and letters and of those of its article → probabilities of the topics.

Knows nothing about names or speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from service.analysis.document import Document
from service.analysis.labels import TOPICS
from service.analysis.linear.model import Floats
from service.analysis.text import fold

BLOCKS: Final[dict[str, dict[str, Any]]] = {
    "paragraph words": {"analyzer": "word", "ngram_range": (1, 2)},
    "paragraph letters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
    "article words": {"analyzer": "word", "ngram_range": (1, 1)},
    "article letters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
}
"""The blocks of columns, in order: what is read, and which n-grams of it."""


def block_vectorizer(block: str, vocabulary: Sequence[str] | None = None, **options: Any) -> TfidfVectorizer:
    """A vectorizer of one of ``BLOCKS``, not fitted yet. ``vocabulary``: its columns where they are known."""
    columns = None if vocabulary is None else {term: column for column, term in enumerate(vocabulary)}
    return TfidfVectorizer(sublinear_tf=True, lowercase=False, dtype=np.float32, vocabulary=columns, **BLOCKS[block], **options)


def restored_vectorizer(block: str, vocabulary: Sequence[str], idf: npt.NDArray[np.float32]) -> TfidfVectorizer:
    """A fitted vectorizer again, from its columns and their inverse document frequencies, shape (columns,)."""
    vectorizer = block_vectorizer(block, vocabulary)
    vectorizer.idf_ = idf
    return vectorizer


def block_texts(document: Document) -> list[list[str]]:
    """What each block reads: the folded paragraphs, or the article once."""
    paragraphs = [fold(document.slice(span)) for span in document.paragraphs]
    return [paragraphs if block.startswith("paragraph") else [" ".join(paragraphs)] for block in BLOCKS]


@dataclass(frozen=True)
class TopicModel:
    """``vectorizers``: one per block. ``classifier``: fitted logistic regression on all their columns, one after the other;
    its classes are indices into ``TOPICS``."""

    vectorizers: tuple[TfidfVectorizer, ...]
    classifier: Any

    def probabilities(self, document: Document) -> Floats:
        """Shape (paragraphs, topics)."""
        answer = np.zeros((len(document.paragraphs), len(TOPICS)))
        if len(answer):
            answer[:, self.classifier.classes_] = softmax(self._scores(document))
        return answer

    def _scores(self, document: Document) -> Floats:
        """Shape (paragraphs, classes). The article's part is computed once, for it is the same in every row."""
        weights, scores = self.classifier.coef_, self.classifier.intercept_.astype(np.float64)
        start = 0
        for vectorizer, texts in zip(self.vectorizers, block_texts(document), strict=True):
            end = start + len(vectorizer.vocabulary_)
            scores = scores + vectorizer.transform(texts) @ weights[:, start:end].T
            start = end
        # Two classes share one row of weights, for the second against the first.
        both = np.hstack([-scores / 2, scores / 2]) if len(weights) == 1 else scores
        return np.broadcast_to(both, (len(document.paragraphs), both.shape[1]))


def softmax(scores: Floats) -> Floats:
    exp = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(exp / exp.sum(-1, keepdims=True), np.float64)
