"""The service's own Prometheus metrics, beside those that BentoML keeps of requests.

Made when first used: by then BentoML has told Prometheus where the worker processes share their numbers. Knows what is counted,
not when.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from service.analysis.labels import NEUTRAL
from service.analysis.result import Analysis

STAGES: Final = ("read", "parse", "queue", "analysis", "encode")
"""What a request goes through: its body arrives, is checked, its articles wait, are analysed, and the answer is written."""
_SECONDS: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
_TOKENS: Final = (16, 64, 256, 1024, 4096, 16_384, 65_536)


@cache
def queued_articles() -> Gauge:
    return Gauge("mawaqif_queue_articles", "Articles accepted and not yet answered", multiprocess_mode="livesum")


@cache
def batch_tokens() -> Histogram:
    return Histogram("mawaqif_batch_tokens", "Tokens in each call of a model", ["model"], buckets=_TOKENS)


@cache
def stage_seconds() -> Histogram:
    return Histogram("mawaqif_stage_seconds", f"Seconds in each stage: {', '.join(STAGES)}", ["stage"], buckets=_SECONDS)


@cache
def refusals() -> Counter:
    return Counter("mawaqif_refused", "Requests that were answered with an error, by its code", ["code"])


@cache
def decisions() -> Counter:
    return Counter("mawaqif_decisions", "Answered topics of articles and stances other than neutral", ["model", "kind"])


@cache
def low_confidence_decisions() -> Counter:
    return Counter("mawaqif_low_confidence_decisions", "Those of them with a low score", ["model", "kind"])


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Observe how long the block takes; ``stage`` is one of ``STAGES``."""
    began = time.perf_counter()
    try:
        yield
    finally:
        stage_seconds().labels(stage).observe(time.perf_counter() - began)


def count_decisions(model: str, analysis: Analysis, low: float) -> None:
    """Count the article's topic and its stances, and which of them score less than ``low``."""
    topic = analysis.topic.scores[analysis.topic.label]
    stances = [relation.score for relation in analysis.relations if relation.label != NEUTRAL]
    for kind, scores in (("topic", [topic]), ("stance", stances)):
        decisions().labels(model, kind).inc(len(scores))
        low_confidence_decisions().labels(model, kind).inc(sum(score < low for score in scores))
