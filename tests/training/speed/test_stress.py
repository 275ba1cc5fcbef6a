"""The plan of the loads and what is made of them, with servers and clients that only pretend."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training.speed import stress
from training.speed.inputs import Inputs
from training.speed.load import Load
from training.speed.server import Launcher
from training.speed.stress import Cell, HttpPlan, measure_http

LAUNCHER = Launcher(Path("python"))
PLAN = HttpPlan(clients=(1, 4), saturated=32, n_whole=48, n_short=96, n_rounds=2, n_starts=3, longest=True)
INPUTS = Inputs(("مقال طويل", "مقال آخر"), ("قصير",), "two")


def test_a_round_has_short_articles_and_rising_numbers_of_clients() -> None:
    assert PLAN.cells() == [Cell("short", 16, 96), Cell("whole", 1, 16), Cell("whole", 4, 16), Cell("whole", 32, 48)]


def test_the_full_service_alone_is_measured_with_batching_alone() -> None:
    plan = dataclasses.replace(PLAN, clients=())
    short, whole = Cell("short", 16, 96), Cell("whole", 32, 48)
    assert plan.loads() == [(short, True), (short, False), (whole, True)]
    assert len(PLAN.loads()) == 2 * len(PLAN.cells())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    started: list[Mapping[str, Any]] = []

    @contextmanager
    def serving(launcher: Launcher, folder: Path, settings: Mapping[str, Any]) -> Iterator[Any]:
        started.append(settings)
        yield SimpleNamespace(address="single" if settings else "batching", ready_s=2.0, peak_bytes=450_000_000)

    def run_clients(address: str, texts: Sequence[str], n_clients: int) -> Load:
        assert all(len(text) <= 100_000 for text in texts)
        seconds = len(texts) * (2.0 if address == "single" else 1.0)
        return Load(seconds, (seconds / len(texts),) * len(texts))

    monkeypatch.setattr(Launcher, "serving", serving)
    monkeypatch.setattr(stress, "run_clients", run_clients)
    monkeypatch.setattr(stress, "seconds", lambda task: task() or 36.0)
    return started


def test_ratios_are_of_the_full_service_and_of_short_articles(started: list[Mapping[str, Any]], tmp_path: Path) -> None:
    sent: list[Sequence[str]] = []
    figures = measure_http(PLAN, INPUTS, lambda texts: sent.append(texts), LAUNCHER, tmp_path)
    assert [len(texts) for texts in sent] == [48, 48]
    assert figures.saturation == 36.0 / 48.0
    assert figures.batching == 2.0
    assert figures.ready_s == (2.0, 2.0, 2.0)
    assert figures.peak_mb == figures.peak_longest_mb == 450
    assert [(load.articles, load.clients, load.batching) for load in figures.loads] == [
        (cell.articles, cell.clients, batching) for cell in PLAN.cells() for batching in (True, False)
    ]


def test_one_server_is_as_released_and_one_without_batching(started: list[Mapping[str, Any]], tmp_path: Path) -> None:
    measure_http(PLAN, INPUTS, lambda texts: None, LAUNCHER, tmp_path)
    assert started == [{}, {}, {"batch": {"max_articles": 1}}]
