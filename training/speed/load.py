"""Concurrent clients against a service: each sends its next article as soon as the one before is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from training.speed.server import ServerError
from training.speed.timing import percentile

_HEADERS: Final = {"Content-Type": "application/json"}
_TIMEOUT: Final = aiohttp.ClientTimeout(total=600)


@dataclass(frozen=True)
class Load:
    """What one run of clients saw: seconds from the first request to the last answer, and of each request."""

    seconds: float
    latencies: tuple[float, ...]


@dataclass(frozen=True)
class LoadFigures:
    """Over all rounds with ``clients`` concurrent clients: the median throughput, and percentiles of all requests."""

    articles: str
    clients: int
    batching: bool
    n_requests: int
    articles_per_s: float
    p50_ms: float
    p99_ms: float


def load_figures(articles: str, clients: int, batching: bool, rounds: Sequence[Load]) -> LoadFigures:
    rates = sorted(len(load.latencies) / load.seconds for load in rounds)
    latencies = [latency for load in rounds for latency in load.latencies]
    return LoadFigures(
        articles, clients, batching, len(latencies), rates[len(rates) // 2],
        1000 * percentile(latencies, 50), 1000 * percentile(latencies, 99),
    )  # fmt: skip


def run_clients(address: str, texts: Sequence[str], n_clients: int) -> Load:
    """Send each of ``texts`` once, over ``n_clients`` connections that are already open when the clock starts.

    Raises:
        ServerError: when anything but 200 is answered.
    """
    bodies = [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts]
    return asyncio.run(_run_clients(address, bodies, n_clients))


async def _run_clients(address: str, bodies: Sequence[bytes], n_clients: int) -> Load:
    latencies: list[float] = []
    connector = aiohttp.TCPConnector(limit=n_clients)
    async with aiohttp.ClientSession(address, connector=connector, headers=_HEADERS, timeout=_TIMEOUT) as session:
        await asyncio.gather(*(_open_connection(session) for _ in range(n_clients)))
        waiting = iter(bodies)
        started = time.perf_counter()
        await asyncio.gather(*(_client(session, waiting, latencies) for _ in range(n_clients)))
        return Load(time.perf_counter() - started, tuple(latencies))


async def _open_connection(session: aiohttp.ClientSession) -> None:
    async with session.get("/livez") as response:
        await response.read()


async def _client(session: aiohttp.ClientSession, waiting: Iterator[bytes], latencies: list[float]) -> None:
    for body in waiting:
        started = time.perf_counter()
        async with session.post("/analyze", data=body) as response:
            answer = await response.read()
            if response.status != 200:
                raise ServerError(f"the service answered {response.status}: {answer[:500]!r}")
        latencies.append(time.perf_counter() - started)
