"""Twenty thousand requests to one server: what a worker holds in memory does not grow with what it has answered."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.doubles import ARTICLE
from tests.servers import Server, serving

N_WARM_UP = 2_000
N_REQUESTS = 20_000
N_CLIENTS = 8
MAX_GROWTH = 0.05


def soak(server: Server, n_requests: int) -> None:
    """``n_requests`` in all, from clients that keep their connections; one in ten is refused."""

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for i in range(n_requests // N_CLIENTS):
            text = " " if i % 10 == 0 else f"{ARTICLE}{client} {i}"
            connection.request("POST", "/analyze", json.dumps({"text": text}), {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            assert response.status == (400 if i % 10 == 0 else 200)
        connection.close()

    with ThreadPoolExecutor(N_CLIENTS) as pool:
        list(pool.map(ask, range(N_CLIENTS)))


@pytest.mark.slow
@pytest.mark.parametrize("service", ["tests.served:Mawaqif", "service.app:Mawaqif"], ids=["stub", "transformer"])
def test_memory_does_not_grow(tmp_path: Path, service: str) -> None:
    with serving(service, tmp_path) as server:
        soak(server, N_WARM_UP)
        before = server.worker.memory_full_info().uss
        soak(server, N_REQUESTS)
        after = server.worker.memory_full_info().uss
    assert after < (1 + MAX_GROWTH) * before, f"{before / 1e6:.1f} MB grew to {after / 1e6:.1f} MB"
