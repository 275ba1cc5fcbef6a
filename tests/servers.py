"""A real ``bentoml serve`` in a process of its own, on a free port of this machine."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psutil
import yaml

from service.settings import CONFIG_VARIABLE
from tests.conftest import ROOT

QUICK_END: dict[str, Any] = {"drain_s": 0}
"""Tests stop many servers, and nobody waits to be told that they are not ready."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Message

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    address: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    @property
    def worker(self) -> psutil.Process:
        """The process that holds the models."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        [worker] = [child for child in children if "_bentoml_impl.worker.service" in child.cmdline()]
        return worker

    def ask(self, route: str, body: object = None, headers: Mapping[str, str] | None = None, timeout: float = 60) -> Reply:
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.address + route, content, sent)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Reply(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read(), error.headers)

    def send(self, route: str, body: object = None, content_type: str = "application/json") -> tuple[int, bytes]:
        reply = self.ask(route, body, {"Content-Type": content_type})
        return reply.status, reply.body


@contextmanager
def serving(
    service: str, folder: Path, settings: Mapping[str, Mapping[str, Any]] | None = None, probe: str = "/readyz"
) -> Iterator[Server]:
    """``service`` (``module:Class``) while the block runs, from when ``probe`` answers; what it writes goes to ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = dict(settings or {})
    config = folder / "service.yaml"
    config.write_text(yaml.safe_dump({**chosen, "server": {**QUICK_END, **chosen.get("server", {})}}), encoding="utf-8")
    environment = {
        **os.environ, "BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True", "BENTOML_DEBUG": "True",
        CONFIG_VARIABLE: str(config),
    }  # fmt: skip
    command = [sys.executable, "-m", "bentoml", "serve", service, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    started = Server(f"http://127.0.0.1:{port}", folder / "log", process)
    try:
        _await(started, probe)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(server: Server, probe: str) -> None:
    """Raises RuntimeError with the server's log when it ends or does not answer ``probe`` with 200 within a minute."""
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            if server.send(probe)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()}")
