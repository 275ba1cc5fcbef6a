"""The lines of a JSONL file → their analyses, in order and a batch at a time; a bad line does not stop the others.

Knows nothing about terminals, nor where the lines come from and the analyses go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from service.analysis.result import Analysis
from service.models import Model, TextAnalyzer
from service.requests import Article, RequestError, parse_article

BATCH_SIZE: Final = 16
"""Lines that are analysed together."""


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of line ``number`` (from 1) of ``n_bytes``: either its ``answer`` or the ``failure``."""

    number: int
    n_bytes: int
    answer: dict[str, Any] | None = None
    failure: str | None = None


def analyze_lines(lines: Iterable[bytes], default_model: str, load: Callable[[str], Model]) -> Iterator[LineReport]:
    """One report per line that is not empty. A line may name its model; ``load`` is asked for it in every batch.

    Raises:
        ModelUnavailableError: when a model that is asked for cannot be opened.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    with ThreadPoolExecutor(max_workers=1) as worker:
        while batch := list(islice(numbered, BATCH_SIZE)):
            articles = [_read(line, default_model) for _, line in batch]
            outcomes = _outcomes(articles, lambda name: load(name).analyzer, worker)
            for (number, line), article, outcome in zip(batch, articles, outcomes, strict=True):
                yield _report(number, len(line), article, outcome)


def _read(line: bytes, default_model: str) -> Article | str:
    """The article of ``line``, or what is wrong with it."""
    try:
        return parse_article(line, default_model)
    except RequestError as error:
        return str(error)


def _outcomes(
    articles: Sequence[Article | str], analyzer: Callable[[str], TextAnalyzer], worker: Executor
) -> list[Analysis | str]:
    """What each of ``articles`` comes to; those of one model are analysed together."""
    found: dict[int, Analysis | str] = {i: failure for i, failure in enumerate(articles) if isinstance(failure, str)}
    good = {i: article for i, article in enumerate(articles) if isinstance(article, Article)}
    for name in sorted({article.model for article in good.values()}):
        chosen = {i: article.text for i, article in good.items() if article.model == name}
        found |= zip(chosen, _analyses(analyzer(name), list(chosen.values()), worker), strict=True)
    return [found[i] for i in range(len(articles))]


def _analyses(analyzer: TextAnalyzer, texts: list[str], worker: Executor) -> Sequence[Analysis | str]:
    """The analyses of ``texts``; where one of them breaks the analyzer, the others are analysed without it."""
    together = worker.submit(analyzer.analyze, texts)
    error = together.exception()
    if error is None:
        return together.result()
    if len(texts) == 1:
        return [f"its analysis failed: {type(error).__name__}"]
    return [outcome for text in texts for outcome in _analyses(analyzer, [text], worker)]


def _report(number: int, n_bytes: int, article: Article | str, outcome: Analysis | str) -> LineReport:
    if isinstance(outcome, str):
        return LineReport(number, n_bytes, failure=outcome)
    return LineReport(number, n_bytes, answer=outcome.to_json(article.id if isinstance(article, Article) else None))
