"""How the cost of one article grows: with its length, and with the speakers and actors in an article of fixed length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from service.analysis.analyzer import Analyzer
from training.speed.inputs import CountTokens, Crowded, crowded, of_length
from training.speed.timing import Rounds, Task, in_turns

CROWDS: Final = ((0, 0), (1, 1), (1, 4), (2, 4), (4, 6))
"""Speakers and other actors in each paragraph."""
N_PARAGRAPHS: Final = 12
TOKENS_PER_PARAGRAPH: Final = 80
REFERENCE_TOKENS: Final = 1024
"""Length of more than one window, from which on the cost of a token should stay the same."""


@dataclass(frozen=True)
class LengthCost:
    """Median time of an article of ``n_tokens``."""

    n_tokens: int
    ms: float

    @property
    def ms_per_token(self) -> float:
        return self.ms / self.n_tokens


@dataclass(frozen=True)
class CrowdCost:
    """Median time of an article with so many speakers and actors a paragraph; ``n_pairs``: stances that were answered.

    ``passes``: forward passes that one for each topic and each stance would take.
    """

    n_speakers: int
    n_actors: int
    n_tokens: int
    n_pairs: int
    passes: int
    ms: float

    @property
    def ms_per_token(self) -> float:
        return self.ms / self.n_tokens


def _times(analyzer: Analyzer, texts: Sequence[str], n_rounds: int) -> list[float]:
    """Median ms of each text by itself."""

    def alone(text: str) -> Task:
        return lambda: analyzer.analyze([text])

    rounds: Rounds = in_turns({str(i): alone(text) for i, text in enumerate(texts)}, n_rounds)
    return [1000 * median(rounds[str(i)]) for i in range(len(texts))]


def length_costs(
    analyzer: Analyzer, articles: Sequence[str], lengths: Sequence[int], n_rounds: int, count: CountTokens
) -> list[LengthCost]:
    """One row for each of ``lengths``, which are reached with paragraphs of ``articles``."""
    texts = [of_length(articles, length, count) for length in lengths]
    return [LengthCost(count(text), ms) for text, ms in zip(texts, _times(analyzer, texts, n_rounds), strict=True)]


def crowd_costs(analyzer: Analyzer, n_rounds: int, count: CountTokens) -> list[CrowdCost]:
    """One row for each of ``CROWDS``."""
    articles = [crowded(s, a, N_PARAGRAPHS, TOKENS_PER_PARAGRAPH, count) for s, a in CROWDS]
    times = _times(analyzer, [article.text for article in articles], n_rounds)
    return [_crowd_cost(analyzer, article, ms, count) for article, ms in zip(articles, times, strict=True)]


def _crowd_cost(analyzer: Analyzer, article: Crowded, ms: float, count: CountTokens) -> CrowdCost:
    [analysis] = analyzer.analyze([article.text])
    n_pairs = sum(len(statement.stances) for paragraph in analysis.paragraphs for statement in paragraph.statements)
    passes = len(analysis.paragraphs) + n_pairs
    return CrowdCost(article.n_speakers, article.n_actors, count(article.text), n_pairs, passes, ms)


def linearity(costs: Sequence[LengthCost]) -> float:
    """Cost of a token at about ``REFERENCE_TOKENS`` over that in the longest article: 1 is linear, less grows faster."""
    reference = min(costs, key=lambda cost: abs(cost.n_tokens - REFERENCE_TOKENS))
    return reference.ms_per_token / max(costs, key=lambda cost: cost.n_tokens).ms_per_token


def flatness(costs: Sequence[CrowdCost]) -> float:
    """Cost of a token without names over that with the most pairs: 1 is flat, less grows with speakers × actors."""
    fewest, most = (pick(costs, key=lambda cost: cost.n_pairs) for pick in (min, max))
    return fewest.ms_per_token / most.ms_per_token


def fit(costs: Sequence[LengthCost]) -> tuple[float, float]:
    """Least squares: ms per 1,000 tokens, and the share of the variance (R²) that a straight line explains."""
    tokens, ms = np.array([cost.n_tokens for cost in costs]), np.array([cost.ms for cost in costs])
    slope, constant = np.polyfit(tokens, ms, 1)
    rest = ((ms - slope * tokens - constant) ** 2).sum()
    return 1000 * float(slope), 1 - float(rest / ((ms - ms.mean()) ** 2).sum())
