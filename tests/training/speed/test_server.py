from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from service.settings import read_settings
from training.speed.server import Launcher, ServerError, held_bytes
from training.speed.stress import UNBATCHED


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerError, match=r"(?s)its log ends with\n.*nonsense"),
        Launcher(Path(sys.executable)).serving(tmp_path, {"nonsense": 1}),
    ):
        pass


def test_only_a_server_with_settings_of_its_own_is_given_a_file(tmp_path: Path) -> None:
    launcher = Launcher(Path("/env/bin/python"))
    released = ["/env/bin/python", "-m", "service.cli", "serve", "--port", "3001"]
    assert launcher.command(3001, tmp_path, {}) == released
    assert launcher.command(3001, tmp_path, UNBATCHED) == [*released, "--config", str(tmp_path / "service.yaml")]
    assert read_settings(tmp_path / "service.yaml").batch.max_articles == 1


def test_memory_is_that_of_all_processes() -> None:
    inner = "import time; x = b'1' * 10**8; time.sleep(60)"
    process = psutil.Popen([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"])
    try:
        deadline = time.monotonic() + 20
        while held_bytes(process) < 10**8 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 10**8 < held_bytes(process) < 2 * 10**8
        assert len(process.children()) == 1
    finally:
        for each in [*process.children(), process]:
            each.kill()
        process.wait()
    assert held_bytes(process) == 0
