"""Articles of concurrent requests → calls of one analyzer, through BentoML's adaptive batching.

A batchable BentoML API would be a public route of its own, and one of its articles that fails would fail the others. So the
dispatcher behind such APIs is used directly, in front of the analyzer. Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Final

from bentoml._internal.context import server_context
from bentoml._internal.marshal.dispatcher import CorkDispatcher, Optimizer
from prometheus_client import Histogram

from service.analysis.result import Analysis
from service.models import TextAnalyzer

MAX_BATCH_SIZE: Final = 16
"""The most articles of one call. More gain nothing, and whoever comes next waits for the whole call."""

_LABELS: Final = ("runner_name", "worker_index", "method_name", "service_version", "service_name")
_logger = logging.getLogger("bentoml.mawaqif")


class Failure(Enum):
    """Why there is no analysis. Not an exception: the dispatcher raises those that it is given as answers."""

    WAITED_TOO_LONG = auto()
    ANALYZER_FAILED = auto()


Outcome = Analysis | Failure


@dataclass
class _Job:
    """One article in the queue. ``abandoned``: whoever asked has gone, so the work can be saved."""

    text: str
    abandoned: bool = False


class _NeverWait(Optimizer):
    """Calls the analyzer as soon as it is free, with all that came meanwhile.

    BentoML's own estimate holds an article back as long as articles have waited lately: after a burst of 64 articles it kept
    single ones waiting five times as long as their analysis took, with the analyzer idle. Nor do its estimates per item
    suit articles, which differ a hundredfold in length: it sheds those that it thinks will come too late.
    """

    def __init__(self) -> None:
        super().__init__(max_latency=0)
        self.wait = self.o_a = self.o_b = 0

    def log_outbound(self, n: int, wait: float, duration: float) -> None:
        """Learn nothing."""


class Batcher:
    """One analyzer, called off the event loop with at most ``MAX_BATCH_SIZE`` articles, one call at a time."""

    def __init__(self, name: str, analyzer: TextAnalyzer, max_wait_s: float) -> None:
        """``name``: the model, for the metrics. ``max_wait_s``: an article that has queued for longer is dropped."""
        self._name = name
        self._analyzer = analyzer
        self._dispatcher = CorkDispatcher[_Job, Outcome](
            max_latency_in_ms=round(max_wait_s * 1000),
            max_batch_size=MAX_BATCH_SIZE,
            fallback=lambda: Failure.WAITED_TOO_LONG,
            get_batch_size=lambda job: 1,
        )
        self._dispatcher.optimizer = _NeverWait()
        self._dispatch = self._dispatcher(self._run)

    async def analyze(self, text: str) -> Outcome:
        """The analysis of a non-blank ``text``, or why there is none."""
        job = _Job(text)
        # The dispatcher would turn a cancellation into an answer, and the deadline of a request is a cancellation.
        answer = asyncio.ensure_future(self._dispatch(job))
        try:
            return await asyncio.shield(answer) or Failure.WAITED_TOO_LONG
        except asyncio.CancelledError:
            job.abandoned = True
            raise

    def close(self) -> None:
        self._dispatcher.shutdown()

    async def _run(self, jobs: Sequence[_Job]) -> list[Outcome]:
        wanted = [job for job in jobs if not job.abandoned]
        outcomes = dict(zip(map(id, wanted), await self._outcomes([job.text for job in wanted]), strict=True))
        return [outcomes.get(id(job), Failure.WAITED_TOO_LONG) for job in jobs]

    async def _outcomes(self, texts: list[str]) -> Sequence[Outcome]:
        if not texts:
            return []
        batch_sizes().labels(
            self._name, server_context.worker_index, "analyze", server_context.bento_version, server_context.bento_name
        ).observe(len(texts))
        [together] = await asyncio.gather(asyncio.to_thread(self._analyzer.analyze, texts), return_exceptions=True)
        if not isinstance(together, BaseException):
            return together
        _log_failure(together, len(texts))
        if len(texts) == 1:
            return [Failure.ANALYZER_FAILED]
        # One text that breaks the analyzer must not cost its batch mates their answers.
        return [outcome for text in texts for outcome in await self._outcomes([text])]


def _log_failure(error: BaseException, n_texts: int) -> None:
    """Log what failed and where, without the message and the values of the exception: they may quote the text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    _logger.error("analysis of %d article(s) failed: %s at %s", n_texts, type(error).__name__, where)


@cache
def batch_sizes() -> Histogram:
    """The metric that BentoML keeps for its batchable APIs. Made when first used: by then BentoML has set Prometheus up."""
    return Histogram(
        "bentoml_service_adaptive_batch_size",
        "Articles in each call of an analyzer",
        _LABELS,
        buckets=(1, 2, 4, 8, MAX_BATCH_SIZE),
    )
