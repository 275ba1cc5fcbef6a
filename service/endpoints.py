"""The two analysing routes and the model card: a request in, a response out, every refusal in the contract's shape.

Reads bodies itself, within limits. Everything is validated before anything is analysed, so that no article can fail another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from service.analysis.result import Analysis
from service.batching import MAX_BATCH_SIZE, Batcher, Failure
from service.envelope import error_response
from service.models import Models
from service.replies import encode_json
from service.requests import (
    DEFAULT_MODEL,
    MAX_ARTICLE_BYTES,
    MAX_BATCH_BYTES,
    Article,
    Problem,
    RequestError,
    check_content_type,
    check_model,
    check_size,
    parse_article,
    parse_batch,
)

MAX_HELD_BYTES: Final = 3 * MAX_BATCH_BYTES
"""The most bytes of bodies that the service holds at once, over all requests that it has not answered yet."""
MAX_DISCARDED_BYTES: Final = 64 * 2**20

_FAILURES: Final = {
    Failure.WAITED_TOO_LONG: Problem(503, "overloaded", "the article waited too long: try again shortly"),
    Failure.ANALYZER_FAILED: Problem(500, "analysis_failed", "the analysis of this text failed; the failure has been logged"),
}


@dataclass
class BodyBudget:
    """How many bytes of bodies may be held, and how many are."""

    limit: int = MAX_HELD_BYTES
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


class Endpoints:
    """The routes, over the models that could be opened and a batcher for each of them."""

    def __init__(self, models: Models, batchers: Mapping[str, Batcher], budget: BodyBudget) -> None:
        self._models = models
        self._batchers = batchers
        self._budget = budget

    async def analyze(self, request: Request) -> Response:
        """``POST /analyze``."""
        return await self._respond(request, MAX_ARTICLE_BYTES, self._analyze)

    async def analyze_batch(self, request: Request) -> Response:
        """``POST /analyze_batch``."""
        return await self._respond(request, MAX_BATCH_BYTES, self._analyze_batch)

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
                body = await _read(request, limit, take)
                return _json_response(await answer(body))
        except RequestError as error:
            return error_response(error.problem)
        except ClientDisconnect:
            return error_response(Problem(400, "incomplete_body", "the connection closed before the body was complete"))

    async def _analyze(self, body: bytes) -> bytes:
        article = await asyncio.to_thread(parse_article, body)
        self._check_opened([article.model])
        return await asyncio.to_thread(encode_json, await self._analysis(article, None))

    async def _analyze_batch(self, body: bytes) -> bytes:
        articles = await asyncio.to_thread(parse_batch, body)
        self._check_opened([article.model for article in articles])
        analyses: list[dict[str, Any]] = []
        # A call's worth at a time: articles of other requests get in between.
        for start in range(0, len(articles), MAX_BATCH_SIZE):
            part = enumerate(articles[start : start + MAX_BATCH_SIZE], start)
            analyses += await asyncio.gather(*(self._analysis(article, f"articles[{index}]") for index, article in part))
        return await asyncio.to_thread(encode_json, {"analyses": analyses})

    async def _analysis(self, article: Article, field: str | None) -> dict[str, Any]:
        outcome = await self._batchers[article.model].analyze(article.text)
        if isinstance(outcome, Analysis):
            return outcome.to_json(article.id)
        raise RequestError(replace(_FAILURES[outcome], field=field))

    def _check_opened(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._models.opened:
                _refuse(503, "model_unavailable", f"the {name} model is not available", "model")


async def _read(request: Request, limit: int, take: Callable[[int], None]) -> bytes:
    """The body of ``request``, if it is declared to be JSON and has at most ``limit`` bytes.

    Raises:
        RequestError: 415, 413 before more than ``limit`` bytes are held, or what ``take`` refuses with.
    """
    chunks, size, stream = [], 0, request.stream()
    try:
        check_content_type(request.headers.get("content-type"), request.headers.get("content-encoding"))
        check_size(int(request.headers.get("content-length", 0)), limit)
        async for chunk in stream:
            size += len(chunk)
            check_size(size, limit)
            take(len(chunk))
            chunks.append(chunk)
    except RequestError:
        await _discard(stream)
        raise
    return b"".join(chunks)


async def _discard(stream: AsyncIterator[bytes]) -> None:
    """Read on and keep nothing: who is cut off while sending never reads why. Up to a limit, which is nobody's mistake."""
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > MAX_DISCARDED_BYTES:
            return


def _json_response(content: bytes) -> Response:
    return Response(content, media_type="application/json")


def _refuse(status: int, code: str, message: str, field: str | None = None) -> NoReturn:
    raise RequestError(Problem(status, code, message, field))
