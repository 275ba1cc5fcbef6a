"""Clients against a small server in another thread, which knows how many it is answering at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from training.speed.load import Load, load_figures, run_clients
from training.speed.server import ServerError


@dataclass
class Seen:
    address: str = ""
    texts: list[str] = field(default_factory=list)
    status: int = 200
    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@pytest.fixture
def seen() -> Iterator[Seen]:
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with seen.lock:
                seen.texts.append(json.loads(body)["text"])
                seen.now += 1
                seen.most = max(seen.most, seen.now)
            time.sleep(0.01)
            with seen.lock:
                seen.now -= 1
            self._answer(seen.status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("n_clients", [1, 4])
def test_every_text_is_sent_once_by_so_many_clients(seen: Seen, n_clients: int) -> None:
    texts = [f"نص {i}" for i in range(20)]
    load = run_clients(seen.address, texts, n_clients)
    assert sorted(seen.texts) == sorted(texts)
    assert seen.most == n_clients
    assert len(load.latencies) == 20
    assert min(load.latencies) >= 0.01
    assert max(load.latencies) <= load.seconds <= sum(load.latencies) + 0.5


def test_a_refusal_is_not_counted_as_an_answer(seen: Seen) -> None:
    seen.status = 503
    with pytest.raises(ServerError, match="answered 503"):
        run_clients(seen.address, ["نص"], 1)


def test_figures_are_of_all_rounds() -> None:
    rounds = [Load(1.0, (0.1, 0.2)), Load(4.0, (0.3, 0.4)), Load(2.0, (0.5, 0.6))]
    figures = load_figures("whole", 2, True, rounds)
    assert figures.articles_per_s == 1.0
    assert figures.n_requests == 6
    assert figures.p50_ms == pytest.approx(400)
    assert figures.p99_ms == pytest.approx(600)
