"""A real ``mawaqif serve`` in a process of its own, on a free port of this machine: when it was ready, what memory it took."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from training.errors import TrainingError

ROOT: Final = Path(__file__).parents[2]
START_TIMEOUT_S: Final = 120
_POLL_S: Final = 0.02
_SAMPLE_S: Final = 0.25


class ServerError(TrainingError):
    """The service did not start or did not answer as it should."""


@dataclass
class Served:
    """A running service. ``ready_s``: from the start of its process to its first 200 on ``/readyz``.

    ``peak_bytes``: the most that all its processes held together, shared pages counted once (Linux: PSS).
    """

    address: str
    process: psutil.Process
    ready_s: float = 0.0
    peak_bytes: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def watch_memory(self) -> None:
        """Sample until ``stop_watching``; meant for a thread."""
        while not self._stopped.wait(_SAMPLE_S):
            self.peak_bytes = max(self.peak_bytes, held_bytes(self.process))

    def stop_watching(self) -> None:
        self._stopped.set()


def held_bytes(process: psutil.Process) -> int:
    """What ``process`` and its descendants hold; 0 where they have ended."""
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            memory = each.memory_full_info()
            total += getattr(memory, "pss", memory.uss)
    except psutil.NoSuchProcess:
        pass
    return total


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass(frozen=True)
class Launcher:
    """Starts servers. ``python``: the one of the environment that serves.

    It matters: where torch is installed, skops imports it, which costs a server seconds and hundreds of megabytes.
    """

    python: Path

    def command(self, port: int, folder: Path, settings: Mapping[str, Any]) -> list[str]:
        """``mawaqif serve`` of this very tree."""
        command = [str(self.python), "-m", "service.cli", "serve", "--port", str(port)]
        if not settings:
            return command
        config = folder / "service.yaml"
        config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        return [*command, "--config", str(config)]

    @contextmanager
    def serving(self, folder: Path, settings: Mapping[str, Any]) -> Iterator[Served]:
        """The service while the block runs; its log and BentoML's files go to ``folder``. No ``settings``: as released.

        Raises:
            ServerError: when it is not ready in ``START_TIMEOUT_S``; the message has the end of its log.
        """
        folder.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        command = self.command(port, folder, settings)
        environment = {**os.environ, "BENTOML_HOME": str(folder / "bentoml")}
        with (folder / "log").open("wb") as log:
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        served = Served(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        watcher = threading.Thread(target=served.watch_memory, daemon=True)
        try:
            _await_readiness(served, process, folder / "log")
            served.ready_s = time.perf_counter() - started
            watcher.start()
            yield served
        finally:
            served.stop_watching()
            _stop(process)


def _await_readiness(served: Served, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{served.address}/readyz", timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(_POLL_S)
    raise ServerError(f"the service did not become ready; its log ends with\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
