"""What must hold when too much comes at once, and when something breaks: done to a real server process on a loopback port.

The model is a stub, which takes as long as a text says; everything else is what runs in production.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import shutil
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from service.models import ARTIFACTS
from service.requests import Limits
from tests.doubles import POISON, lasting
from tests.servers import Reply, Server, serving

SERVICE = "tests.served:Mawaqif"
ARTIFACTS_VARIABLE = "MAWAQIF_TEST_ARTIFACTS"
"""What ``tests/damaged.py`` reads; importing that module would change the service in this process too."""
MAX_REFUSAL_S = 0.05
N_CROWD = 2000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def asked(pool: ThreadPoolExecutor, server: Server, texts: list[str]) -> list[Future[Reply]]:
    return [pool.submit(server.ask, "/analyze", {"text": text}) for text in texts]


def counted(server: Server, metric: str) -> float:
    """The sum over all lines of the metrics that start so."""
    lines = server.ask("/metrics").body.decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


@pytest.mark.parametrize(
    ("settings", "status"),
    [({"server": {"max_requests": 4}}, 429), ({"queue": {"max_articles": 4}}, 503)],
    ids=["requests", "queue"],
)
def test_who_is_one_too_many_is_told_so_at_once_while_the_others_are_answered(
    folder: Path, settings: dict[str, Any], status: int
) -> None:
    with serving(SERVICE, folder, settings) as server, ThreadPoolExecutor(4) as pool:
        accepted = asked(pool, server, [lasting(600)])
        time.sleep(0.4)  # the long one is being answered before the others come
        accepted += asked(pool, server, ["موسكو"] * 3)
        time.sleep(0.4)
        seconds, probes = [], []
        for _ in range(15):
            began = time.perf_counter()
            reply = server.ask("/analyze", {"text": "موسكو"})
            seconds.append(time.perf_counter() - began)
            assert (reply.status, reply.headers["Retry-After"]) == (status, "5")
            probes += [server.ask(probe).status for probe in ("/livez", "/readyz", "/healthz", "/metrics")]
        assert not any(answer.done() for answer in accepted), "all of this came while the analyzer was at work"
        assert statistics.quantiles(seconds)[0] < MAX_REFUSAL_S, "the machine may be busy, so the quickest quarter counts"
        assert set(probes) == {200}
        assert [answer.result().status for answer in accepted] == [200] * 4
        assert server.ask("/analyze", {"text": "موسكو"}).status == 200
        assert counted(server, "mawaqif_refused_total{") == 15


async def _exchange(port: int, body: bytes) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /analyze HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    head, _, content = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.split()[1], json.loads(content)


def _crowd() -> list[str]:
    """Texts that differ in their length and in where the one name stands."""
    return ["خ " * i + "واشنطن" for i in range(N_CROWD)]


def test_answers_never_cross(folder: Path) -> None:
    n_files = 4 * N_CROWD
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n_files:
        pytest.skip(f"needs {n_files} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n_files), hard))
    settings = {
        "server": {"max_requests": N_CROWD}, "queue": {"max_articles": N_CROWD, "max_characters": 10**8},
        "limits": {"max_held_megabytes": 1000},
    }  # fmt: skip
    texts = _crowd()
    assert len({len(text) for text in texts}) == N_CROWD

    async def all_at_once(port: int) -> list[Any]:
        bodies = [json.dumps({"text": text, "id": str(i)}).encode() for i, text in enumerate(texts)]
        return await asyncio.gather(*(_exchange(port, body) for body in bodies))

    with serving(SERVICE, folder, settings) as server:
        answers = asyncio.run(all_at_once(server.port))
    for i, (text, (status, answer)) in enumerate(zip(texts, answers, strict=True)):
        assert status == b"200"
        [paragraph] = answer["paragraphs"]
        [mention] = paragraph["mentions"]
        assert (answer["id"], paragraph["end"], mention["start"]) == (str(i), len(text), text.index("واشنطن"))


def test_one_bad_text_among_many_fails_alone(folder: Path) -> None:
    with serving(SERVICE, folder) as server, ThreadPoolExecutor(32) as pool:
        answers = asked(pool, server, [POISON if i == 17 else f"موسكو {i}" for i in range(32)])
        assert [answer.result().status for answer in answers] == [500 if i == 17 else 200 for i in range(32)]


def test_on_sigterm_readiness_goes_first_and_what_was_accepted_is_answered(folder: Path) -> None:
    with serving(SERVICE, folder, {"server": {"drain_s": 1.5}}) as server, ThreadPoolExecutor(24) as pool:
        accepted = asked(pool, server, [lasting(250)])
        time.sleep(0.5)  # the long one is being answered before the others come
        accepted += asked(pool, server, [f"{lasting(10)} {i}" for i in range(11)])
        time.sleep(0.5)
        assert not any(answer.done() for answer in accepted)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.ask("/readyz").status == 503
        assert server.ask("/livez").status == 200
        late = asked(pool, server, ["موسكو"] * 3)
        assert [answer.result().status for answer in accepted + late] == [200] * 15
        assert server.process.wait(timeout=20) == 0


def test_on_sigterm_what_takes_longer_than_the_drain_is_answered_too(folder: Path) -> None:
    with serving(SERVICE, folder) as server, ThreadPoolExecutor(2) as pool:
        accepted = asked(pool, server, [lasting(150), "موسكو"])
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert [answer.result().status for answer in accepted] == [200, 200]
        assert server.process.wait(timeout=20) == 0


def test_after_a_worker_is_killed_the_next_request_is_served(folder: Path) -> None:
    """By a new worker: BentoML's supervisor looks for dead ones every ten seconds, and the connection waits for it."""
    with serving(SERVICE, folder) as server:
        first = server.worker
        first.kill()
        first.wait()
        assert server.ask("/analyze", {"text": "موسكو"}).status == 200
        assert server.worker.pid != first.pid


def test_readiness_is_red_while_the_model_is_stuck(folder: Path) -> None:
    with serving(SERVICE, folder, {"readiness": {"stall_after_s": 0.3}}) as server, ThreadPoolExecutor(1) as pool:
        [answer] = asked(pool, server, [lasting(150)])
        time.sleep(0.8)
        assert server.ask("/readyz").status == 503
        assert answer.result().status == 200
        assert server.ask("/readyz").status == 200


def test_readiness_is_red_and_the_reason_logged_while_the_model_is_not_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte of a file of the transformer differs from its manifest."""
    shutil.copytree(ARTIFACTS / "compact", folder / "artifacts" / "compact")
    changed = folder / "artifacts" / "compact" / "tokenizer.json"
    changed.write_bytes(changed.read_bytes()[:-1] + b" ")
    monkeypatch.setenv(ARTIFACTS_VARIABLE, str(folder / "artifacts"))
    with serving("tests.damaged:Mawaqif", folder, probe="/livez") as server:
        assert server.ask("/readyz").status == 503
        reply = server.ask("/analyze", {"text": "موسكو"})
        assert (reply.status, reply.json["error"]["code"], reply.headers["Retry-After"]) == (503, "model_unavailable", "5")
        assert f"{changed} has SHA-256" in server.log.read_text()


SMALL = {"max_characters": 1000, "max_articles": 2}
SMALL_LIMITS = Limits(**SMALL)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits and a short deadline."""
    with serving(SERVICE, tmp_path_factory.mktemp("small"), {"server": {"deadline_s": 1}, "limits": SMALL}) as server:
        yield server


@pytest.mark.parametrize(("seconds", "status"), [(0.2, 200), (1.6, 504)])
def test_the_deadline(small: Server, seconds: float, status: int) -> None:
    reply = small.ask("/analyze", {"text": lasting(round(seconds * 100))})
    assert reply.status == status
    assert status == 200 or reply.json["error"]["code"] == "deadline_exceeded"
    wait_until_idle(small)


def wait_until_idle(server: Server) -> None:
    """What is past its deadline goes on in the model."""
    while server.ask("/analyze", {"text": "موسكو"}).status != 200:
        pass


@pytest.mark.parametrize(("n", "status"), [(1000, 200), (1001, 413)])
def test_characters(small: Server, n: int, status: int) -> None:
    assert small.ask("/analyze", {"text": "😀" * n}).status == status


@pytest.mark.parametrize(("n", "status"), [(2, 200), (3, 413)])
def test_articles(small: Server, n: int, status: int) -> None:
    assert small.ask("/analyze_batch", {"articles": [{"text": "موسكو"}] * n}).status == status


@pytest.mark.parametrize(
    ("route", "limit", "article"),
    [
        ("/analyze", SMALL_LIMITS.article_bytes, '{"text": "x"}'),
        ("/analyze_batch", SMALL_LIMITS.batch_bytes, '{"articles": [{"text": "x"}]}'),
    ],
)
def test_bytes(small: Server, route: str, limit: int, article: str) -> None:
    assert small.ask(route, article.encode().ljust(limit)).status == 200
    reply = small.ask(route, article.encode().ljust(limit + 1))
    assert (reply.status, reply.json["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_before_it_has_all_come(small: Server, declared: bool) -> None:
    """The client has announced, or begun, ten megabytes and is still waiting to send most of them when it reads the refusal."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=10) as connection:
        length = b"Content-Length: 10000000" if declared else b"Transfer-Encoding: chunked"
        connection.sendall(b"POST /analyze HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n\r\n")
        connection.sendall(b"x" * 1000 if declared else b"15f90\r\n" + b"x" * 90_000 + b"\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 413
        assert json.loads(response.read())["error"]["code"] == "body_too_large"


def test_what_is_no_request_at_all_disturbs_nobody(small: Server) -> None:
    no_length = b"POST /analyze HTTP/1.1\r\nContent-Length: x\r\n\r\n"
    for noise in (b"\x16\x03\x01", b"GET / HTTP/9\r\n\r\n", no_length, b"\0" * 70_000):
        with socket.create_connection(("127.0.0.1", small.port), timeout=10) as connection:
            connection.sendall(noise)
    assert small.ask("/readyz").status == 200


def test_two_workers_share_the_work(folder: Path) -> None:
    with serving(SERVICE, folder, {"server": {"workers": 2}}) as server, ThreadPoolExecutor(16) as pool:
        answers = asked(pool, server, [f"موسكو {i}" for i in range(64)])
        wait(answers)
        assert {answer.result().status for answer in answers} == {200}
        assert counted(server, 'mawaqif_decisions_total{kind="topic"') == 64
