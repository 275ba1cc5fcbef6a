"""The outermost layer of the service: every error leaves it in the shape that the contract promises.

BentoML and Starlette answer some requests themselves (unknown routes, wrong methods, too many requests, past the deadline),
each in its own way; their statuses are kept and their bodies replaced. Health probes and metrics pass as they are.
"""

from __future__ import annotations

from typing import Any, Final

from _bentoml_sdk import Service
from bentoml._internal.service.openapi.specification import OpenAPISpecification
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.openapi import with_contract
from service.replies import encode_json
from service.requests import Problem

RETRY_AFTER_S: Final = 5
_MARK: Final = b"x-mawaqif-error"
_UNTOUCHED_PATHS: Final = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
_FOREIGN: Final = {
    problem.status: problem
    for problem in (
        Problem(404, "not_found", "there is nothing at this address: see /docs.json"),
        Problem(405, "method_not_allowed", "this address does not answer this method"),
        Problem(415, "not_json", "the body must be JSON: send it with Content-Type: application/json"),
        Problem(429, "too_many_requests", "too many requests at once: try again shortly"),
        Problem(504, "deadline_exceeded", "the analysis took longer than the service may take: send less text at once"),
    )
}


def error_response(problem: Problem) -> Response:
    """``problem`` as the contract's error, marked so that the envelope leaves it as it is."""
    headers = {_MARK.decode(): problem.code}
    if problem.status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Response(encode_json(problem.to_json()), problem.status, headers, "application/json")


class Envelope:
    """An ASGI application with the bodies of its errors replaced."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTOUCHED_PATHS:
            await self._app(scope, receive, send)
            return
        replaced = False

        async def send_shaped(message: Message) -> None:
            nonlocal replaced
            if replaced:
                return
            if _is_foreign_error(message):
                replaced = True
                await _replacement(message)(scope, receive, send)
            else:
                await send(message)

        await self._app(scope, receive, send_shaped)


class EnvelopedService(Service[Any]):
    """A BentoML service whose whole application is put into an envelope, and whose documentation says so."""

    @property
    def openapi_spec(self) -> OpenAPISpecification:
        return with_contract(super().openapi_spec, self.inner.__doc__ or "")

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        return Envelope(super().to_asgi(is_main))


def _is_foreign_error(message: Message) -> bool:
    is_error = message["type"] == "http.response.start" and message["status"] >= 400
    return is_error and not any(name.lower() == _MARK for name, _ in message["headers"])


def _replacement(message: Message) -> Response:
    status = message["status"]
    response = error_response(_FOREIGN.get(status, Problem(status, "internal_error", "the service failed to answer")))
    kept = {b"allow", b"x-bentoml-request-id"}
    response.raw_headers += [(name, value) for name, value in message["headers"] if name.lower() in kept]
    return response
