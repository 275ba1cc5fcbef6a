"""The two analysing routes and the model card: a request in, a response out, every refusal in the contract's shape.

Reads bodies itself, within limits. Everything is validated before anything is analysed, so that no article can fail another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from service import journal, metrics
from service.analysis.result import Analysis
from service.batching import Batcher, Failure
from service.envelope import error_response
from service.models import Models
from service.replies import encode_json
from service.requests import (
    DEFAULT_MODEL,
    Article,
    Problem,
    RequestError,
    check_content_type,
    check_model,
    check_size,
    parse_article,
    parse_batch,
)
from service.settings import QueueSettings, Settings

_FAILURES: Final = {
    Failure.WAITED_TOO_LONG: Problem(503, "overloaded", "the article waited too long: try again shortly"),
    Failure.ANALYZER_FAILED: Problem(500, "analysis_failed", "the analysis of this text failed; the failure has been logged"),
}


@dataclass
class BodyBudget:
    """How many bytes of bodies may be held at once, over all requests that are not answered yet, and how many are."""

    limit: int
    held: int = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """A function that takes bytes for one request, and refuses it (503) when there are none left; they return at the end."""
        taken = 0

        def take(n_bytes: int) -> None:
            nonlocal taken
            taken += n_bytes
            self.held += n_bytes
            if self.held > self.limit:
                _refuse(503, "overloaded", "the service holds as much text as it can: try again shortly")

        try:
            yield take
        finally:
            self.held -= taken


@dataclass
class Queue:
    """How many articles and characters are accepted and not yet answered, and how many may be."""

    limits: QueueSettings
    n_articles: int = 0
    n_characters: int = 0

    @contextmanager
    def place(self, articles: Sequence[Article]) -> Iterator[None]:
        """Room for all ``articles`` of a request while the block runs. A request that comes to an empty queue always has it.

        Raises:
            RequestError: 503.
        """
        n_articles, n_characters = len(articles), sum(len(article.text) for article in articles)
        too_many = self.n_articles + n_articles > self.limits.max_articles
        if self.n_articles and (too_many or self.n_characters + n_characters > self.limits.max_characters):
            _refuse(503, "overloaded", "the queue is full: try again shortly")
        self._add(n_articles, n_characters)
        try:
            yield
        finally:
            self._add(-n_articles, -n_characters)

    def _add(self, n_articles: int, n_characters: int) -> None:
        self.n_articles += n_articles
        self.n_characters += n_characters
        metrics.queued_articles().set(self.n_articles)


class Endpoints:
    """The routes, over the models that could be opened and a batcher for each of them."""

    def __init__(self, models: Models, batchers: Mapping[str, Batcher], settings: Settings) -> None:
        self._models = models
        self._batchers = batchers
        self._limits = settings.limits.of_bodies
        self._low_confidence = settings.metrics.low_confidence
        self._max_articles_at_once = settings.batch.max_articles
        self._budget = BodyBudget(settings.limits.max_held_bytes)
        self._queue = Queue(settings.queue)

    async def analyze(self, request: Request) -> Response:
        """``POST /analyze``."""
        return await self._respond(request, self._limits.article_bytes, self._analyze)

    async def analyze_batch(self, request: Request) -> Response:
        """``POST /analyze_batch``."""
        return await self._respond(request, self._limits.batch_bytes, self._analyze_batch)

    def model(self, request: Request) -> Response:
        """``GET /model``: the card of the transformer, or of the baseline with ``?model=baseline``."""
        try:
            name = check_model(request.query_params.get("model", DEFAULT_MODEL))
            self._check_opened([name])
        except RequestError as error:
            return error_response(error.problem)
        return _json_response(encode_json(self._models.opened[name].card))

    async def _respond(self, request: Request, limit: int, answer: Callable[[bytes], Awaitable[bytes]]) -> Response:
        try:
            with self._budget.share() as take:
                with metrics.timed("read"):
                    body = await _read(request, limit, take)
                return _json_response(await answer(body))
        except RequestError as error:
            return error_response(error.problem)
        except ClientDisconnect:
            return error_response(Problem(400, "incomplete_body", "the connection closed before the body was complete"))

    async def _analyze(self, body: bytes) -> bytes:
        with metrics.timed("parse"):
            article = await asyncio.to_thread(parse_article, body, limits=self._limits)
        self._accept([article])
        with self._queue.place([article]):
            outcome = await self._outcome(article)
        if isinstance(outcome, Failure):
            raise RequestError(_FAILURES[outcome])
        return await _encoded(lambda: outcome.to_json(article.id))

    async def _analyze_batch(self, body: bytes) -> bytes:
        with metrics.timed("parse"):
            articles = await asyncio.to_thread(parse_batch, body, limits=self._limits)
        self._accept(articles)
        outcomes: list[Analysis | Failure] = []
        with self._queue.place(articles):
            # A call's worth at a time: articles of other requests get in between.
            for start in range(0, len(articles), self._max_articles_at_once):
                part = articles[start : start + self._max_articles_at_once]
                outcomes += await asyncio.gather(*map(self._outcome, part))
        entries = enumerate(zip(articles, outcomes, strict=True))
        return await _encoded(lambda: {"analyses": [_entry(*pair, index) for index, pair in entries]})

    def _accept(self, articles: Sequence[Article]) -> None:
        self._check_opened([article.model for article in articles])
        journal.note(articles=len(articles), characters=sum(len(article.text) for article in articles))

    async def _outcome(self, article: Article) -> Analysis | Failure:
        outcome = await self._batchers[article.model].analyze(article.text)
        if isinstance(outcome, Analysis):
            metrics.count_decisions(article.model, outcome, self._low_confidence)
        return outcome

    def _check_opened(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._models.opened:
                _refuse(503, "model_unavailable", f"the {name} model is not available", "model")


def _entry(article: Article, outcome: Analysis | Failure, index: int) -> dict[str, Any]:
    """What a batch answers for one of its articles: one that failed has its id and the error, and costs no other its analysis."""
    if isinstance(outcome, Analysis):
        return outcome.to_json(article.id)
    problem = _FAILURES[outcome]
    return {"id": article.id} | Problem(problem.status, problem.code, problem.message, f"articles[{index}]").to_json()


async def _encoded(answer: Callable[[], dict[str, Any]]) -> bytes:
    with metrics.timed("encode"):
        return await asyncio.to_thread(lambda: encode_json(answer()))


async def _read(request: Request, limit: int, take: Callable[[int], None]) -> bytes:
    """The body of ``request``, if it is declared to be JSON and has at most ``limit`` bytes.

    Raises:
        RequestError: 415, 413 before more than ``limit`` bytes are held, or what ``take`` refuses with.
    """
    chunks, size = [], 0
    check_content_type(request.headers.get("content-type"), request.headers.get("content-encoding"))
    check_size(int(request.headers.get("content-length", 0)), limit)
    async for chunk in request.stream():
        size += len(chunk)
        check_size(size, limit)
        take(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def _json_response(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _refuse(status: int, code: str, message: str, field: str | None = None) -> NoReturn:
    raise RequestError(Problem(status, code, message, field))
