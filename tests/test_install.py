"""What serving installs: small, and without the libraries that only training needs."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAX_MEGABYTES = 650


@pytest.mark.slow
def test_the_serving_environment_is_light(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-e", str(ROOT)], check=True)
    n_bytes = sum(path.lstat().st_size for path in (tmp_path / "venv").rglob("*") if path.is_file() and not path.is_symlink())
    assert n_bytes < MAX_MEGABYTES * 1_000_000
    listed = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "transformers", "datasets"} & set(listed)


def test_the_analysis_imports_no_training_library() -> None:
    # The baseline's skops looks for torch where it is installed, as it is not for serving; so the baseline is left out here.
    program = "import sys, service.analysis.artifact, service.analysis.transformer, service.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    heavy = {"torch", "transformers", "datasets", "onnx", "babel"} & set(done.stdout.split())
    assert not heavy
