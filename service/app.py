"""The HTTP service: ``bentoml serve service.app:Mawaqif``.

Says which route is answered by what, and when the service is ready. Imports neither torch nor transformers.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Final

import bentoml
from _bentoml_impl.server.app import ServiceAppFactory
from _bentoml_sdk import Service
from bentoml._internal.service.openapi.specification import OpenAPISpecification
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from service import journal
from service.batching import Batcher
from service.endpoints import Endpoints
from service.envelope import Envelope
from service.health import PROBE_TEXT, Readiness, drain_on_sigterm
from service.models import load_models
from service.openapi import with_contract
from service.page import read_page
from service.requests import DEFAULT_MODEL
from service.schema import AnalysisAnswer, ArticleBody, BatchAnswer, BatchBody
from service.settings import Settings, current_settings

SETTINGS: Final = current_settings()
"""Read when this module is imported, since BentoML wants limits and workers in the decorator."""


async def _page(request: Request) -> Response:
    return read_page()


async def _model(request: Request) -> Response:
    endpoints: Endpoints = bentoml.get_current_service().endpoints
    return endpoints.model(request)


class EnvelopedService(Service[Any]):
    """A BentoML service whose whole application is put into an envelope, and whose documentation says so."""

    @property
    def openapi_spec(self) -> OpenAPISpecification:
        return with_contract(super().openapi_spec, self.inner.__doc__ or "", SETTINGS.limits.of_bodies)

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        self.inject_config()
        factory = ServiceAppFactory(self, is_main=is_main)
        factory.timeout = None  # the envelope keeps the deadline
        return enveloped(factory(), SETTINGS)


def enveloped(app: ASGIApp, settings: Settings) -> ASGIApp:
    """``app`` as it meets the world."""
    origins = list(settings.access.cors_origins)
    envelope = Envelope(app, settings)
    if not origins:
        return envelope
    return CORSMiddleware(
        envelope,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "X-API-Key", "X-Request-ID"],
        expose_headers=["Retry-After", "X-Request-ID"],
    )


@bentoml.service(
    name="Mawaqif",
    service_class=EnvelopedService,
    workers=SETTINGS.server.workers,
    # BentoML divides the requests by the workers.
    traffic={"timeout": SETTINGS.server.deadline_s, "max_concurrency": SETTINGS.server.max_requests * SETTINGS.server.workers},
    # The journal has a line for each request; this one would also log whatever address is asked for.
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(Starlette(routes=[Route("/", _page), Route("/model", _model)]))
class Mawaqif:
    """Topics, actors, statements and stances of Arabic news articles."""

    def __init__(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        journal.open_journal()
        models = load_models(SETTINGS.models.threads)
        for reason in models.failures.values():
            journal.write(logging.ERROR, reason)
        deadline_s = SETTINGS.server.deadline_s
        self._batchers = {name: Batcher(name, m.analyzer, deadline_s, SETTINGS.batch) for name, m in models.opened.items()}
        self._readiness = Readiness(self._batchers.get(DEFAULT_MODEL), SETTINGS.readiness)
        self.endpoints: Final = Endpoints(models, self._batchers, SETTINGS)

    @bentoml.on_startup
    async def warm_up(self) -> None:
        """Analyse one line: ready is who has answered, not who has merely been loaded."""
        if DEFAULT_MODEL in self._batchers:
            await self._batchers[DEFAULT_MODEL].analyze(PROBE_TEXT)
        drain_on_sigterm(self._readiness.drain, SETTINGS.server.drain_s)

    @bentoml.on_shutdown
    def close(self) -> None:
        for batcher in self._batchers.values():
            batcher.close()

    async def __is_ready__(self) -> bool:
        return await self._readiness.check()

    @bentoml.api(route="/analyze", input_spec=ArticleBody, output_spec=AnalysisAnswer)
    async def analyze(self, body: ArticleBody, /) -> Response:
        """Analyse one article: ``{"text", "id", "model"}``. Requests that come together are analysed together."""
        return await self.endpoints.analyze(body.request)

    @bentoml.api(route="/analyze_batch", input_spec=BatchBody, output_spec=BatchAnswer)
    async def analyze_batch(self, body: BatchBody, /) -> Response:
        """Analyse articles: ``{"articles": [...]}`` → ``{"analyses": [...]}`` in the same order."""
        return await self.endpoints.analyze_batch(body.request)
