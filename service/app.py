"""The HTTP service: ``bentoml serve service.app:Mawaqif``.

Says which route is answered by what, and when the service is ready. Imports neither torch nor transformers.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from service.analysis.result import Analysis
from service.batching import Batcher
from service.endpoints import BodyBudget, Endpoints
from service.envelope import EnvelopedService
from service.models import load_models
from service.requests import DEFAULT_MODEL
from service.schema import AnalysisAnswer, ArticleBody, BatchAnswer, BatchBody

DEADLINE_S: Final = 120
"""How long a request may take. The longest article alone takes some 20 seconds on two cores."""
MAX_CONCURRENCY: Final = 128
"""Requests in progress; the next one is told to come back."""
PAGE: Final = Path(__file__).with_name("page.html")
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_WARM_UP_TEXT: Final = "قال الرئيس إن بلاده تدعم السلام."
_logger = logging.getLogger("bentoml.mawaqif")


async def _page(request: Request) -> Response:
    return FileResponse(PAGE, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY})


async def _model(request: Request) -> Response:
    endpoints: Endpoints = bentoml.get_current_service().endpoints
    return endpoints.model(request)


@bentoml.service(
    name="Mawaqif",
    service_class=EnvelopedService,
    workers=1,
    traffic={"timeout": DEADLINE_S, "max_concurrency": MAX_CONCURRENCY},
    # The access log decodes this header as it comes, and fails on bytes that are not UTF-8.
    logging={"access": {"request_content_type": False}},
)
@bentoml.asgi_app(Starlette(routes=[Route("/", _page), Route("/model", _model)]))
class Mawaqif:
    """Topics, actors, statements and stances of Arabic news articles."""

    def __init__(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        models = load_models()
        for reason in models.failures.values():
            _logger.error("%s", reason)
        self._batchers = {name: Batcher(name, model.analyzer, DEADLINE_S) for name, model in models.opened.items()}
        self._works = False
        self.endpoints: Final = Endpoints(models, self._batchers, BodyBudget())

    @bentoml.on_startup
    async def warm_up(self) -> None:
        """Analyse one line: ready is who has answered, not who has merely been loaded."""
        if DEFAULT_MODEL in self._batchers:
            self._works = isinstance(await self._batchers[DEFAULT_MODEL].analyze(_WARM_UP_TEXT), Analysis)

    @bentoml.on_shutdown
    def close(self) -> None:
        for batcher in self._batchers.values():
            batcher.close()

    def __is_ready__(self) -> bool:
        return self._works

    @bentoml.api(route="/analyze", input_spec=ArticleBody, output_spec=AnalysisAnswer)
    async def analyze(self, body: ArticleBody, /) -> Response:
        """Analyse one article: ``{"text", "id", "model"}``. Requests that come together are analysed together."""
        return await self.endpoints.analyze(body.request)

    @bentoml.api(route="/analyze_batch", input_spec=BatchBody, output_spec=BatchAnswer)
    async def analyze_batch(self, body: BatchBody, /) -> Response:
        """Analyse 1 to 64 articles: ``{"articles": [...]}`` → ``{"analyses": [...]}`` in the same order."""
        return await self.endpoints.analyze_batch(body.request)
