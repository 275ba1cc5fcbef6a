"""The order of the steps of one run: inputs → contenders in turns → servers under load → costs → settings → report."""

from __future__ import annotations

import logging
import math
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

import torch

from training.errors import TrainingError
from training.speed import contenders as names
from training.speed.choices import Choice, batch_choices, worker_choices
from training.speed.compare import CompareError, git
from training.speed.contenders import Contender, Released, open_contenders
from training.speed.cost import crowd_costs, flatness, length_costs, linearity
from training.speed.floors import MAX_MEMORY_MB, MAX_START_S, failures
from training.speed.inputs import CountTokens, Inputs, read_inputs
from training.speed.report import Conditions, Report, Throughput
from training.speed.server import ROOT, Launcher
from training.speed.stress import HttpFigures, HttpPlan, measure_http
from training.speed.timing import Rounds, Task, in_turns, median_ratio

log = logging.getLogger(__name__)
TEXTS_PER_TURN: Final = 4
ARTIFACTS: Final = Path("service/artifacts")


class TooSlowError(TrainingError):
    """A ratio is under its floor."""


@dataclass(frozen=True)
class Form:
    """How much is measured. ``lengths``: tokens of articles whose cost is compared. ``settings``: also compare settings."""

    name: str
    n_seeds: int
    n_dev: int
    n_rounds: int
    lengths: tuple[int, ...]
    http: HttpPlan
    settings: bool


SHORT: Final = Form("short", 4, 0, 3, (256, 1024, 4096), HttpPlan((), 32, 32, 96, 2, 2, False), settings=False)
FULL: Final = Form(
    "full", 16, 12, 3, (128, 256, 512, 1024, 2048, 4096, 8192), HttpPlan((1, 4, 16, 64), 64, 128, 192, 2, 4, True), settings=True
)


def measure(form: Form, data: Path | None, launcher: Launcher) -> Report:
    """One run; ``launcher``: of the servers that are loaded.

    Raises:
        TrainingError: when inputs are missing or the service does not answer as it should.
    """
    inputs = read_inputs(data, form.n_seeds, form.n_dev)
    released = Released.open(ARTIFACTS)
    count = released.count_tokens
    log.info("contenders on %s", inputs.source)
    contenders = open_contenders(released, inputs.articles)
    rounds = _contend(contenders, inputs.articles, form.n_rounds)
    log.info("servers")
    with tempfile.TemporaryDirectory() as folder:
        http = measure_http(form.http, inputs, contenders[names.ANALYZER], launcher, Path(folder))
    log.info("costs")
    lengths = length_costs(released.analyzer, inputs.articles, form.lengths, form.n_rounds, count)
    crowds = crowd_costs(released.analyzer, form.n_rounds, count)
    choices: list[Choice] = []
    if form.settings:
        log.info("settings")
        choices = batch_choices(released, inputs, form.n_rounds) + worker_choices(released, inputs, form.n_rounds)
    ratios = _ratios(rounds, http) | {"linear": linearity(lengths), "flat": flatness(crowds)}
    return Report(
        conditions=_conditions(form, inputs, count),
        throughput=tuple(_throughput(name, seconds, inputs, count) for name, seconds in rounds.items()),
        http=http.loads, ready_s=http.ready_s, peak_mb=http.peak_mb, peak_longest_mb=http.peak_longest_mb,
        lengths=tuple(lengths), crowds=tuple(crowds), choices=tuple(choices), ratios=ratios,
    )  # fmt: skip


def check(report: Report) -> None:
    """Raises TooSlowError with every ratio that is under its floor."""
    lines = failures(report.ratios)
    if lines:
        raise TooSlowError("\n  ".join(["under the floor of training/speed/floors.py:", *lines]))


def _contend(contenders: dict[str, Contender], texts: Sequence[str], n_rounds: int) -> Rounds:
    """Seconds of every contender for each call of ``TEXTS_PER_TURN`` texts: the machine's speed changes within seconds."""

    def task(contender: Contender, turn: Sequence[str]) -> Task:
        return lambda: contender(turn)

    for contender in contenders.values():
        contender(texts[:1])  # what is only made on first use is not counted
    turns = [texts[start : start + TEXTS_PER_TURN] for start in range(0, len(texts), TEXTS_PER_TURN)]
    rounds: Rounds = {name: [] for name in contenders}
    for _ in range(n_rounds):
        for turn in turns:
            for name, values in in_turns({name: task(c, turn) for name, c in contenders.items()}, 1).items():
                rounds[name] += values
    return rounds


def _ratios(rounds: Rounds, http: HttpFigures) -> dict[str, float]:
    analyzer = rounds[names.ANALYZER]
    return {
        "obvious": median_ratio(rounds[names.OBVIOUS], analyzer),
        "torch": median_ratio(rounds[names.TORCH], analyzer),
        "saturation": http.saturation,
        "batching": http.batching,
        "memory": MAX_MEMORY_MB / max(http.peak_mb, http.peak_longest_mb or 0),
        "start": MAX_START_S / median(http.ready_s),
    }


def _throughput(name: str, seconds: list[float], inputs: Inputs, count: CountTokens) -> Throughput:
    """From the median of each turn over the rounds, since turns differ in length."""
    n_turns = math.ceil(len(inputs.articles) / TEXTS_PER_TURN)
    total = sum(median(seconds[turn::n_turns]) for turn in range(n_turns))
    return Throughput(name, len(inputs.articles) / total, sum(map(count, inputs.articles)) / total, tuple(seconds))


def _commit() -> str:
    try:
        commit = git("rev-parse", "--short", "HEAD", root=ROOT)
        return f"{commit} with changes" if git("status", "--porcelain", "--untracked-files=no", root=ROOT) else commit
    except (CompareError, OSError):
        return "unknown"


def _conditions(form: Form, inputs: Inputs, count: CountTokens) -> Conditions:
    libraries = ("onnxruntime", "torch", "transformers", "scikit-learn", "bentoml")
    machine = {"cores": str(os.cpu_count()), "torch threads": str(torch.get_num_threads()), "Python": platform.python_version()}
    return Conditions(
        form=form.name, commit=_commit(), source=inputs.source, n_articles=len(inputs.articles),
        n_tokens=sum(map(count, inputs.articles)), n_rounds=form.n_rounds,
        machine=machine | {name: version(name) for name in libraries},
    )  # fmt: skip
