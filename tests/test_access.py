"""Who may ask, what every answer carries, and what is written about a request."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.envelope import GUARDED, HEADERS, PROBES
from service.journal import JsonLines
from tests.apps import JSON, SERVICE, Start, error_of
from tests.conftest import ROOT
from tests.doubles import POISON

KEY = "a key"
KEYS = {"access": {"api_keys_sha256": [hashlib.sha256(b"another").hexdigest(), hashlib.sha256(KEY.encode()).hexdigest()]}}
ORIGIN = "https://news.example"


def ask(client: TestClient, route: str, headers: dict[str, str]) -> Any:
    if route == "/model":
        return client.get(route, headers=headers)
    body = {"text": "موسكو"} if route == "/analyze" else {"articles": [{"text": "موسكو"}]}
    return client.post(route, json=body, headers=headers)


@pytest.mark.parametrize("route", sorted(GUARDED))
def test_a_key_is_asked_for_where_keys_are_set(start: Start, route: str) -> None:
    client = start(settings=KEYS)
    assert ask(client, route, {"X-API-Key": KEY}).status_code == 200
    for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"X-API-Key": KEYS["access"]["api_keys_sha256"][0]}):
        response = ask(client, route, headers)
        assert error_of(response) == (401, "unauthorized", None)
        assert "WWW-Authenticate" in response.headers


def test_no_key_is_asked_for_otherwise_nor_for_probes_and_the_page(start: Start) -> None:
    assert all(ask(start(), route, {}).status_code == 200 for route in GUARDED)
    client = start(settings=KEYS)
    assert all(client.get(route).status_code == 200 for route in ("/", "/docs.json", *(PROBES - {"/metrics"})))


def test_pages_of_other_origins_are_let_in_where_they_are_named(start: Start) -> None:
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert "access-control-allow-origin" not in start().options("/analyze", headers=preflight).headers
    client = start(settings={"access": {"cors_origins": [ORIGIN]}})
    assert client.options("/analyze", headers=preflight).headers["access-control-allow-origin"] == ORIGIN
    assert ask(client, "/analyze", {"Origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    assert client.post("/analyze", json={}, headers={"Origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    other = ask(client, "/analyze", {"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("route", ["/", "/model", "/livez", "/docs.json", "/nowhere", "/static_content/x", "/analyze"])
def test_every_answer_carries_the_security_headers(start: Start, route: str) -> None:
    answered = start().get(route).headers
    assert {name: answered[name] for name in HEADERS} == HEADERS


def test_an_id_that_is_proposed_comes_back_and_any_other_request_gets_one(start: Start) -> None:
    client = start()
    assert ask(client, "/analyze", {"X-Request-ID": "trace-1.a_B"}).headers["x-request-id"] == "trace-1.a_B"
    given = [ask(client, "/model", {"X-Request-ID": bad}).headers["x-request-id"] for bad in ("", "a b", "x" * 65, "a;b")]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in given)
    assert len(set(given)) == len(given)
    assert len(client.get("/nowhere").headers.get_list("x-request-id")) == 1


def test_each_request_is_one_line_with_its_id(start: Start, log: pytest.LogCaptureFixture) -> None:
    client = start()
    log.clear()
    ask(client, "/analyze", {"X-Request-ID": "first"})
    client.post("/analyze", json={"text": POISON}, headers={"X-Request-ID": "second"})
    client.get("/livez")
    lines = [json.loads(JsonLines().format(record)) for record in log.records if record.name == "mawaqif"]
    assert [(line["message"], line.get("request_id"), line.get("status")) for line in lines if line["message"] == "request"] == [
        ("request", "first", 200), ("request", "second", 500),
    ]  # fmt: skip
    assert (lines[0]["articles"], lines[0]["characters"], lines[0]["route"]) == (1, 5, "/analyze")
    [failure] = [line for line in lines if line["level"] == "error"]
    assert failure["request_ids"] == ["second"]


def test_requests_are_not_logged_where_that_is_set(start: Start, log: pytest.LogCaptureFixture) -> None:
    client = start(settings={"logs": {"requests": False}})
    ask(client, "/analyze", {})
    assert not [record for record in log.records if record.name == "mawaqif" and record.levelno < logging.ERROR]


class _Trap:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("is_main", [True, False])
@pytest.mark.parametrize("content_type", ["application/vnd.bentoml+pickle", "application/json"])
def test_no_pickle_is_ever_read(start: Start, tmp_path: Path, is_main: bool, content_type: str) -> None:
    """Not even by what BentoML calls a service that is not the entry, which does read the pickles of its callers."""
    trap = tmp_path / "sprung"
    pickle.loads(pickle.dumps(_Trap(tmp_path / "works"))).close()
    assert (tmp_path / "works").exists()
    start()
    headers = {"Content-Type": content_type, "Payload-Container": "DefaultContainer", "Args-Number": "1", "Kwargs-Number": "0"}
    with TestClient(SERVICE.to_asgi(is_main=is_main)) as client:
        for route in ("/analyze", "/analyze_batch", "/", "/model", "/metrics", "/__pickle__"):
            response = client.post(route, content=pickle.dumps(_Trap(trap)), headers=headers)
            assert 400 <= response.status_code < 500
    assert not trap.exists()


def test_no_module_of_the_service_can_read_pickles() -> None:
    reads = re.compile(r"^\s*(import|from) (c?pickle|joblib|dill|marshal|shelve)\b", re.MULTILINE)
    assert not [path for path in (ROOT / "service").rglob("*.py") if reads.search(path.read_text(encoding="utf-8"))]


def test_a_body_that_is_refused_leaves_the_connection_usable(start: Start) -> None:
    client = start()
    for _ in range(3):
        assert client.post("/nowhere", content=io.BytesIO(b"x" * 300_000), headers=JSON).status_code == 404
    assert ask(client, "/analyze", {}).status_code == 200
