"""The outermost layer of the service: what holds for every request, whoever answers it.

Every error leaves in the shape that the contract promises. BentoML and Starlette answer some requests themselves (unknown
routes, wrong methods, too many requests), each in its own way; their statuses are kept and their bodies replaced. The deadline is
kept here, for BentoML's holds every request in memory until it has passed. Addresses that the contract does not have never get
as far as BentoML, whose metrics remember each of them for ever. Knows nothing about articles.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import journal, metrics
from service.replies import encode_json
from service.requests import Problem
from service.settings import Settings

PROBES: Final = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
GUARDED: Final = frozenset({"/analyze", "/analyze_batch", "/model"})
"""What an API key is asked for, where keys are set."""
PATHS: Final = PROBES | GUARDED | {"/", "/docs.json", "/schema.json"}
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}  # fmt: skip
MAX_DISCARDED_BYTES: Final = 64 * 2**20
MAX_DISCARDING_S: Final = 10
_MARK: Final = b"x-mawaqif-error"
_FOREIGN: Final = {
    problem.status: problem
    for problem in (
        Problem(401, "unauthorized", "this service asks for a key in the header X-API-Key"),
        Problem(404, "not_found", "there is nothing at this address: see /docs.json"),
        Problem(405, "method_not_allowed", "this address does not answer this method"),
        Problem(415, "not_json", "the body must be JSON: send it with Content-Type: application/json"),
        Problem(429, "too_many_requests", "too many requests at once: try again shortly"),
        Problem(504, "deadline_exceeded", "the analysis took longer than the service may take: send less text at once"),
    )
}


def error_response(problem: Problem) -> Response:
    """``problem`` as the contract's error, marked so that the envelope leaves it as it is."""
    return Response(encode_json(problem.to_json()), problem.status, {_MARK.decode(): problem.code}, "application/json")


class Envelope:
    """An ASGI application with what holds for all of its answers put around it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            exchange = _Exchange(scope, receive, send, self._settings)
            try:
                await self._answer(exchange)
            finally:
                exchange.close()
        else:
            await self._app(scope, receive, send)

    async def _answer(self, exchange: _Exchange) -> None:
        """Have the request answered within the deadline, by the application or with what is wrong."""
        scope = exchange.scope
        try:
            async with exchange.deadline:
                await (self._refusal(scope) or self._app)(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if not exchange.deadline.expired():
                raise
            await error_response(_FOREIGN[504])(scope, exchange.receive, exchange.send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] not in PATHS:
            return error_response(_FOREIGN[404])
        accepted = self._settings.access.api_keys_sha256
        if accepted and scope["path"] in GUARDED and not _is_known(_header(scope, b"x-api-key"), accepted):
            response = error_response(_FOREIGN[401])
            response.headers["WWW-Authenticate"] = 'X-API-Key realm="mawaqif"'
            return response
        return None


def _is_known(key: bytes | None, accepted: tuple[str, ...]) -> bool:
    given = hashlib.sha256(key or b"").hexdigest()
    # All are compared, each in a time that does not depend on where they differ.
    matches = [hmac.compare_digest(given, known) for known in accepted]
    return key is not None and any(matches)


def _header(scope: Scope, name: bytes) -> bytes | None:
    found: bytes | None = dict(scope["headers"]).get(name)
    return found


@dataclass
class _Exchange:
    """One request and its answer: ``receive`` and ``send`` stand in for those of the server."""

    scope: Scope
    _receive: Receive
    _send: Send
    _settings: Settings
    _began: float = field(default_factory=time.perf_counter)
    _all_read: bool = False
    _status: int = 0
    _code: str | None = None
    _replaced: bool = False

    def __post_init__(self) -> None:
        proposed = _header(self.scope, b"x-request-id")
        self._entry = journal.begin(proposed.decode("latin-1") if proposed else None)
        self.deadline = asyncio.timeout(self._settings.server.deadline_s)
        """Until the answer begins."""

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body"):
            self._all_read = True
        return message

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if self._is_foreign_error(message):
                self._replaced = True
                await self._replace(message)
            else:
                await self._start(message)
        else:
            await self._body(message)

    def close(self) -> None:
        """Write the request's line into the journal, once it is answered."""
        if not self._settings.logs.requests or self.scope["path"] in PROBES:
            return
        facts = {
            "request_id": self._entry.request_id, "method": self.scope["method"],
            "route": self.scope["path"] if self.scope["path"] in PATHS else None, "status": self._status, "code": self._code,
            "ms": round(1000 * (time.perf_counter() - self._began), 1), **self._entry.facts,
        }  # fmt: skip
        journal.write(logging.INFO, "request", **facts)

    def _is_foreign_error(self, message: Message) -> bool:
        marked = any(name.lower() == _MARK for name, _ in message["headers"])
        return message["status"] >= 400 and not marked and self.scope["path"] not in PROBES

    async def _replace(self, message: Message) -> None:
        status = message["status"]
        response = error_response(_FOREIGN.get(status, Problem(status, "internal_error", "the service failed to answer")))
        response.raw_headers += [(name, value) for name, value in message["headers"] if name.lower() == b"allow"]
        await self._start({"type": message["type"], "status": status, "headers": response.raw_headers})
        await self._body({"type": "http.response.body", "body": response.body})

    async def _start(self, message: Message) -> None:
        headers = [(name, value) for name, value in message["headers"] if name.lower() not in (_MARK, b"x-bentoml-request-id")]
        self._code = next((value.decode() for name, value in message["headers"] if name.lower() == _MARK), None)
        if self._code:
            metrics.refusals().labels(self._code).inc()
        if not self.deadline.expired():
            self.deadline.reschedule(None)
        present = {name.lower() for name, _ in headers}
        own = HEADERS | {"X-Request-ID": self._entry.request_id}
        if self._status in (429, 503) and self.scope["path"] not in PROBES:
            own["Retry-After"] = str(self._settings.server.retry_after_s)
        added = [(name.lower().encode(), value.encode()) for name, value in own.items()]
        await self._send({**message, "headers": headers + [pair for pair in added if pair[0] not in present]})

    async def _body(self, message: Message) -> None:
        """An error may be answered before the body of its request has been read. It is sent at once, and then the rest is read
        and thrown away, within limits: who is cut off while sending never reads why."""
        if self._status < 400 or self._all_read or message.get("more_body"):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._discard()
        await self._send({"type": "http.response.body", "body": b""})

    async def _discard(self) -> None:
        size = 0
        try:
            async with asyncio.timeout(MAX_DISCARDING_S):
                while not self._all_read and size <= MAX_DISCARDED_BYTES:
                    size += len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass
