"""Articles of concurrent requests → calls of one analyzer, through BentoML's adaptive batching.

A batchable BentoML API would be a public route of its own, and one of its articles that fails would fail the others. So the
dispatcher behind such APIs is used directly, in front of the analyzer. Knows nothing about HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any, Final

from bentoml._internal.context import server_context
from bentoml._internal.marshal.dispatcher import CorkDispatcher, Optimizer
from prometheus_client import Histogram

from service import journal, metrics
from service.analysis.result import Analysis
from service.models import TextAnalyzer
from service.settings import BatchSettings

_LABELS: Final = ("runner_name", "worker_index", "method_name", "service_version", "service_name")


class Failure(Enum):
    """Why there is no analysis. Not an exception: the dispatcher raises those that it is given as answers."""

    WAITED_TOO_LONG = auto()
    ANALYZER_FAILED = auto()


Outcome = Analysis | Failure


@dataclass
class _Job:
    """One article in the queue. ``abandoned``: whoever asked has gone, so the work can be saved."""

    text: str
    request_id: str | None = field(default_factory=journal.request_id)
    came: float = field(default_factory=time.monotonic)
    abandoned: bool = False

    def abandon(self) -> None:
        """Free the text too: while the analyzer hangs, what nobody waits for any more stays in the queue."""
        self.text, self.abandoned = "", True


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


class _Dispatcher(CorkDispatcher[_Job, Outcome]):
    """Fills a call by characters as well as by articles: sixteen of the longest articles would take minutes."""

    def __init__(self, limits: BatchSettings, max_wait_s: float) -> None:
        super().__init__(
            max_latency_in_ms=round(max_wait_s * 1000),
            max_batch_size=limits.max_articles,
            fallback=lambda: Failure.WAITED_TOO_LONG,
            get_batch_size=lambda job: 1,
        )
        self.optimizer = _NeverWait()
        self._max_characters = limits.max_characters

    def _get_inputs(self, num_batches: int | None = None) -> Iterator[Any]:
        n_articles = n_characters = 0
        while self._queue and n_articles < self.max_batch_size:
            n_characters += len(self._queue[0].data.text)
            if n_articles and n_characters > self._max_characters:
                return
            n_articles += 1
            yield self._queue.popleft()


class Batcher:
    """One analyzer, called off the event loop, one call at a time. ``pulse``: how it is doing."""

    def __init__(self, name: str, analyzer: TextAnalyzer, max_wait_s: float, limits: BatchSettings) -> None:
        """``name``: the model, for the metrics. ``max_wait_s``: an article that has queued for longer is dropped."""
        self._name = name
        self._analyzer = analyzer
        self._dispatcher = _Dispatcher(limits, max_wait_s)
        self._dispatch = self._dispatcher(self._run)
        self.pulse: Final = Pulse()

    async def analyze(self, text: str) -> Outcome:
        """The analysis of a non-blank ``text``, or why there is none."""
        job = _Job(text)
        # The dispatcher would turn a cancellation into an answer, and the deadline of a request is a cancellation.
        answer = asyncio.ensure_future(self._dispatch(job))
        try:
            return await asyncio.shield(answer) or Failure.WAITED_TOO_LONG
        except asyncio.CancelledError:
            job.abandon()
            raise

    def close(self) -> None:
        self._dispatcher.shutdown()

    async def _run(self, jobs: Sequence[_Job]) -> list[Outcome]:
        wanted = [job for job in jobs if not job.abandoned]
        for job in wanted:
            metrics.stage_seconds().labels("queue").observe(time.monotonic() - job.came)
        outcomes = dict(zip(map(id, wanted), await self._outcomes(wanted), strict=True))
        return [outcomes.get(id(job), Failure.WAITED_TOO_LONG) for job in jobs]

    async def _outcomes(self, jobs: Sequence[_Job]) -> Sequence[Outcome]:
        if not jobs:
            return []
        batch_sizes().labels(
            self._name, server_context.worker_index, "analyze", server_context.bento_version, server_context.bento_name
        ).observe(len(jobs))
        together = await self._call([job.text for job in jobs])
        if not isinstance(together, BaseException):
            metrics.batch_tokens().labels(self._name).observe(sum(analysis.n_tokens for analysis in together))
            return together
        _log_failure(together, jobs)
        if len(jobs) == 1:
            return [Failure.ANALYZER_FAILED]
        # One text that breaks the analyzer must not cost its batch mates their answers.
        return [outcome for job in jobs for outcome in await self._outcomes([job])]

    async def _call(self, texts: Sequence[str]) -> list[Analysis] | BaseException:
        self.pulse.begin()
        with metrics.timed("analysis"):
            [together] = await asyncio.gather(asyncio.to_thread(self._analyzer.analyze, texts), return_exceptions=True)
        self.pulse.end(worked=not isinstance(together, BaseException))
        return together


@dataclass
class Pulse:
    """When the analyzer was last called and last answered, in seconds of ``time.monotonic``."""

    called: float | None = None
    answered: float | None = None
    failed_last: bool = False

    def begin(self) -> None:
        self.called = time.monotonic()

    def end(self, *, worked: bool) -> None:
        self.called, self.failed_last = None, not worked
        if worked:
            self.answered = time.monotonic()

    @property
    def busy_s(self) -> float | None:
        """For how long the present call has been running; None when there is none."""
        return None if self.called is None else time.monotonic() - self.called

    def answered_within(self, seconds: float) -> bool:
        return self.answered is not None and time.monotonic() - self.answered < seconds


def _log_failure(error: BaseException, jobs: Sequence[_Job]) -> None:
    """Log what failed and where, without the message and the values of the exception: they may quote the text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    message = f"analysis of {len(jobs)} article(s) failed: {type(error).__name__} at {where}"
    journal.write(logging.ERROR, message, request_ids=[job.request_id for job in jobs])


@cache
def batch_sizes() -> Histogram:
    """The metric that BentoML keeps for its batchable APIs. Made when first used: by then BentoML has set Prometheus up."""
    return Histogram(
        "bentoml_service_adaptive_batch_size", "Articles in each call of an analyzer", _LABELS, buckets=(1, 2, 4, 8, 16, 32)
    )
