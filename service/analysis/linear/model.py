"""Feature dictionaries → probabilities: a linear classifier, and a tagger of two of them in a row.

Knows nothing about what the features or labels mean. A row's probabilities depend on that row alone.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Features = dict[str, str | float]
EDGE: Final = "^"
"""What stands for the words before the first and after the last of a paragraph."""


@dataclass(frozen=True)
class LinearModel:
    """``columns``: feature → column, named as scikit-learn's ``DictVectorizer`` names them: ``name=word`` for words, ``name``
    for numbers. ``classifier``: fitted on those columns. ``labels``: the columns of the answer; one that was never seen in
    training has probability 0.
    """

    columns: Mapping[str, int]
    classifier: Any
    labels: tuple[str, ...]

    def probabilities(self, rows: Iterable[Features]) -> Floats:
        """Shape (rows, labels)."""
        matrix = sparse_rows(rows, self.columns)
        answer = np.zeros((matrix.shape[0], len(self.labels)))
        if len(answer):
            classes = [self.labels.index(label) for label in self.classifier.classes_]
            answer[:, classes] = self.classifier.predict_proba(matrix)
        return answer


def sparse_rows(rows: Iterable[Features], columns: Mapping[str, int]) -> sparse.csr_matrix:
    """Shape (rows, columns), float32: what ``DictVectorizer.transform`` answers, several times as fast."""
    values, indices, ends = array("f"), array("i"), array("q", [0])
    for row in rows:
        for name, value in row.items():
            word = isinstance(value, str)
            column = columns.get(f"{name}={value}" if word else name)
            if column is not None:
                indices.append(column)
                values.append(1.0 if word else value)  # type: ignore[arg-type]
        ends.append(len(indices))
    shape = (len(ends) - 1, len(columns))
    return sparse.csr_matrix((np.array(values, np.float32), np.array(indices, np.int32), np.array(ends)), shape)


@dataclass(frozen=True)
class TaggedWords:
    """What the second step of a tagger sees of one document: per paragraph, its words' features, stems and first answers.

    ``probabilities``: one array per paragraph, shape (words, labels).
    """

    features: Sequence[Sequence[Features]]
    stems: Sequence[Sequence[str]]
    probabilities: Sequence[Floats]


@dataclass(frozen=True)
class Tagger:
    """Tags words twice: by their own features, then knowing the first answers around them and elsewhere in the document.

    Wolpert's stacked generalisation (1992): in training, the first answers come from models that did not see the article.
    """

    first: LinearModel
    second: LinearModel

    def probabilities(self, features: Sequence[Sequence[Features]], stems: Sequence[Sequence[str]]) -> list[Floats]:
        """Per paragraph an array of shape (words, labels)."""
        first = split_rows(self.first.probabilities(row for paragraph in features for row in paragraph), features)
        rows = stacked_features(TaggedWords(features, stems, first), self.first.labels)
        return split_rows(self.second.probabilities(rows), features)


def split_rows(rows: Floats, like: Sequence[Sequence[object]]) -> list[Floats]:
    """``rows`` in consecutive pieces as long as those of ``like``."""
    return np.split(rows, np.cumsum([len(part) for part in like])[:-1]) if like else []


def stacked_features(tagged: TaggedWords, labels: Sequence[str]) -> Iterator[Features]:
    """The features of every word with the first answers near it and for the same stem elsewhere; ``labels[0]`` is outside."""
    totals: dict[str, Floats] = defaultdict(lambda: np.zeros(len(labels)))
    seen: dict[str, int] = defaultdict(int)
    for stems, rows in zip(tagged.stems, tagged.probabilities, strict=True):
        for stem, row in zip(stems, rows, strict=True):
            totals[stem] += row
            seen[stem] += 1
    for features, stems, rows in zip(tagged.features, tagged.stems, tagged.probabilities, strict=True):
        best = [labels[i] for i in rows.argmax(1)]
        inside = [_tenths(1 - row[0]) for row in rows]
        for i, (own, stem) in enumerate(zip(features, stems, strict=True)):
            elsewhere = (totals[stem] - rows[i]) / (seen[stem] - 1) if seen[stem] > 1 else None
            yield own | _near(best, inside, i, stem) | _elsewhere(elsewhere, labels, best[i]) | _own(rows[i], labels)


def _tenths(probability: float) -> str:
    return str(round(10 * float(probability)))


def _near(best: Sequence[str], inside: Sequence[str], i: int, stem: str) -> Features:
    near: Features = {}
    for d in (-2, -1, 0, 1, 2):
        known = 0 <= i + d < len(best)
        near[f"t{d}"] = best[i + d] if known else EDGE
        near[f"i{d}"] = inside[i + d] if known else EDGE
    near["ttt"] = f"{near['t-1']} {near['t0']} {near['t1']}"
    near["ts"] = f"{near['t-1']} {stem}"
    return near


def _elsewhere(mean: Floats | None, labels: Sequence[str], own: str) -> Features:
    if mean is None:
        return {}
    label = labels[int(mean.argmax())]
    return {"d": label, "di": _tenths(1 - mean[0]), "dt": f"{label} {own}"}


def _own(row: Floats, labels: Sequence[str]) -> Features:
    return {f"P {label}": float(value) for label, value in zip(labels, row, strict=True)}
