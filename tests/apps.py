"""The service as an application in the test's own process, over stubs: how it is started, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient

from service import app
from service.models import Models
from service.settings import Settings
from tests.doubles import stub_models

SERVICE: Any = app.Mawaqif
JSON = {"Content-Type": "application/json"}


class Start(Protocol):
    def __call__(self, models: Models | None = None, settings: dict[str, Any] | None = None) -> TestClient: ...


@contextmanager
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """A function that starts the service with other models and settings; what it started stops at the end of the block."""
    clients: list[TestClient] = []
    # Prometheus knows one process, one application; the real server has its own test.
    monkeypatch.setitem(SERVICE.config, "metrics", {"enabled": False})

    def started(models: Models | None = None, settings: dict[str, Any] | None = None) -> TestClient:
        chosen = Settings.model_validate(settings or {})
        monkeypatch.setattr(app, "load_models", lambda n_threads: models or stub_models())
        monkeypatch.setattr(app, "SETTINGS", chosen)
        monkeypatch.setitem(SERVICE.config, "traffic", {"timeout": 60, "max_concurrency": chosen.server.max_requests})
        client = TestClient(SERVICE.to_asgi())
        client.__enter__()
        clients.append(client)
        return client

    yield started
    for client in clients:
        client.__exit__()


def error_of(response: Any) -> tuple[int, str, str | None]:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"code", "message", "field"}
    assert set(response.json()) == {"error"}
    return response.status_code, error["code"], error["field"]


def together(client: TestClient, bodies: list[Any], route: str = "/analyze") -> list[Any]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: client.post(route, json=body), bodies))
