"""Training shared by several processes, as on several GPUs; here two on one CPU."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tests.conftest import ROOT

SCRIPT = """
import sys, torch
from pathlib import Path
from tests.training.test_loop import loop, weights
from training.loop import processes
rank = processes().process_index
run = loop(Path(sys.argv[1]) / "run" / str(processes().num_processes))
run.run()
torch.save(weights(run), Path(sys.argv[1]) / f"{rank}.pt")
"""


def in_processes(arguments: Sequence[str], n_processes: int) -> None:
    """Run Python with ``arguments`` in so many processes, as `accelerate launch` does on several devices."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"OMP_NUM_THREADS": "1", "WORLD_SIZE": str(n_processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env=os.environ | shared | {"ACCELERATE_USE_CPU": "true", "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(n_processes)
    ]  # fmt: skip
    try:
        errors = [process.communicate(timeout=300)[1][-2000:] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0] * n_processes, errors


def train(data: Path, run: Path, n_processes: int) -> dict[str, Any]:
    """The last checkpoint of each stage of the tiny model, trained by so many processes."""
    arguments: tuple[str, ...] = ("-m", "training", "train", "--config", "configs/tiny.yaml", "--data", str(data))
    arguments += ("--run", str(run), "--cache", str(run.parent / "cache"))  # runs that are compared share one vocabulary
    in_processes(arguments, n_processes)
    return {p.parent.name: torch.load(p, weights_only=True) for p in run.glob("*/checkpoint.pt")}


def test_two_processes_share_the_batches(seed_data: Path, tmp_path: Path) -> None:
    alone, shared = train(seed_data, tmp_path / "alone", 1), train(seed_data, tmp_path / "shared", 2)
    assert shared.keys() == alone.keys() == {"articles", "refine"}
    for name, checkpoint in alone.items():
        assert 0.4 * checkpoint["step"] <= shared[name]["step"] <= 0.5 * checkpoint["step"]


def test_gradients_are_those_of_both_processes(tmp_path: Path) -> None:
    """Each process sees another batch; both end with the same weights, which no process ends with that learns from its own."""
    script = ("-c", SCRIPT, str(tmp_path))
    in_processes(script, 2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    in_processes(script, 1)
    alone = torch.load(tmp_path / "0.pt", weights_only=True)
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, alone)
