"""A real ``bentoml serve`` in a process of its own: what only shows there, such as logs, metrics and large bodies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles import POISON

SECRET = "سرّي-zqxjkv"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    address: str
    log: Path

    def send(self, route: str, body: object = None, content_type: str = "application/json") -> tuple[int, bytes]:
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.address + route, content, {"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = Server(f"http://127.0.0.1:{port}", folder / "log")
    environment = {**os.environ, "BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True", "BENTOML_DEBUG": "True"}
    command = [sys.executable, "-m", "bentoml", "serve", "tests.served:Mawaqif", "--host", "127.0.0.1", "--port", str(port)]
    with started.log.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _await_readiness(started, process)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_readiness(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if server.send("/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{server.log.read_text()}")


def test_what_bentoml_serves_is_served(server: Server) -> None:
    assert [server.send(route)[0] for route in ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json")] == [200] * 5
    assert "مواقف" in server.send("/")[1].decode()


def test_batches_show_in_the_metrics(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = [status for status, _ in pool.map(lambda i: server.send("/analyze", {"text": f"موسكو {i}"}), range(40))]
    assert statuses == [200] * 40
    metrics = server.send("/metrics")[1].decode().splitlines()
    [n_articles] = [line for line in metrics if line.startswith("bentoml_service_adaptive_batch_size_sum{")]
    assert float(n_articles.split()[-1]) >= 40


@pytest.mark.parametrize("n_bytes", [2_000_000, 20_000_000])
def test_a_body_that_is_far_too_large_is_answered(server: Server, n_bytes: int) -> None:
    status, answer = server.send("/analyze", b'{"text": "' + b"x" * n_bytes + b'"}')
    assert (status, json.loads(answer)["error"]["code"]) == (413, "body_too_large")


def test_posted_text_reaches_no_log(server: Server) -> None:
    article = {"text": SECRET}
    sent = [
        server.send("/analyze", article),
        server.send("/analyze", {"text": [SECRET]}),
        server.send("/analyze", {"text": SECRET, "model": SECRET}),
        server.send("/analyze", {**article, "id": {SECRET: 1}}),
        server.send("/analyze", f'{{"text": "{SECRET}'.encode()),
        server.send("/analyze", SECRET.encode(), "text/plain"),
        server.send("/analyze", SECRET.encode(), "application/vnd.bentoml+pickle"),
        server.send("/analyze", SECRET.encode(), "multipart/form-data; boundary=x"),
        server.send("/analyze", {"text": SECRET * 100_000}),
        server.send("/analyze", {"text": f"{SECRET} {POISON}"}),
        server.send("/analyze_batch", {"articles": [article, {"text": f"{SECRET} {POISON}"}]}),
        server.send("/analyze_batch", {"articles": [article, SECRET]}),
        server.send("/nowhere", article),
    ]
    assert [status for status, _ in sent] == [200, 400, 400, 400, 400, 415, 415, 415, 413, 500, 500, 400, 404]
    assert not any(b"Traceback" in answer for _, answer in sent)
    log = server.log.read_text()
    assert "analysis of 1 article(s) failed: ValueError" in log
    assert not [form for form in (SECRET, "zqxjkv", ascii(SECRET)[1:-1]) if form in log]
