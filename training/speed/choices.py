"""What the analyzer's settings are worth: tokens a batch, sorting by length, and threads against worker processes.

``docs/decisions/speed.md`` records what came of it.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import TOKENS_PER_BATCH, analyzer_of
from service.analysis.encoder import Encoder
from service.analysis.windows import Window
from training.speed.contenders import Contender, Released, in_calls
from training.speed.inputs import Inputs
from training.speed.timing import Task, in_turns

TOKEN_BUDGETS: Final = (1, 512, 1024, 2048, 4096, 8192)
"""1: every window in a call of its own, without any padding."""


@dataclass(frozen=True)
class Choice:
    """``padding``: share of the encoder's input that stands for nothing; None where it was not counted."""

    setting: str
    articles: str
    articles_per_s: float
    tokens_per_s: float
    padding: float | None = None


class InOrder(Encoder):
    """Batches windows as they come, instead of those of like length."""

    def _batches(self, windows: Sequence[Window]) -> Iterator[list[int]]:
        batch: list[int] = []
        longest = 0
        for i, window in enumerate(windows):
            longest = max(longest, len(window.ids))
            if batch and longest * (len(batch) + 1) > self.tokens_per_batch:
                yield batch
                batch, longest = [], len(window.ids)
            batch.append(i)
        if batch:
            yield batch


class CountingSession:
    """Passes calls of the tagger graph on and counts what it is given: all cells, and those that are tokens."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.n_cells = self.n_tokens = 0

    def run(self, names: list[str], feeds: dict[str, Any]) -> Any:
        self.n_cells += feeds["attention_mask"].size
        self.n_tokens += int(feeds["attention_mask"].sum())
        return self._session.run(names, feeds)

    @property
    def padding(self) -> float:
        return 1 - self.n_tokens / self.n_cells


def _encoders(encoder: Encoder) -> dict[str, Encoder]:
    """Setting → the encoder with it."""
    budgets = {f"{n:,} tokens a batch" if n > 1 else "every window by itself": n for n in TOKEN_BUDGETS}
    sorted_ones = {setting: dataclasses.replace(encoder, tokens_per_batch=n) for setting, n in budgets.items()}
    in_order = InOrder(encoder.tagger, encoder.relations, encoder.pad, TOKENS_PER_BATCH)
    return sorted_ones | {f"{TOKENS_PER_BATCH:,} tokens a batch, in order of arrival": in_order}


def _with(released: Released, encoder: Encoder) -> Analyzer:
    return analyzer_of(dataclasses.replace(released.transformer, encoder=encoder), released.gazetteer)


def _padding(released: Released, encoder: Encoder, texts: Sequence[str]) -> float:
    counted = CountingSession(encoder.tagger)
    in_calls(_with(released, dataclasses.replace(encoder, tagger=counted)))(texts)
    return counted.padding


def _timed(contenders: Mapping[str, Contender], texts: Sequence[str], n_rounds: int) -> dict[str, float]:
    """Median seconds of each over ``texts``."""

    def task(contender: Contender) -> Task:
        return lambda: contender(texts)

    rounds = in_turns({name: task(contender) for name, contender in contenders.items()}, n_rounds)
    return {name: median(values) for name, values in rounds.items()}


def batch_choices(released: Released, inputs: Inputs, n_rounds: int) -> list[Choice]:
    """Every token budget, and one of them without sorting, on whole articles and on short ones."""
    encoders = _encoders(released.transformer.encoder)
    choices = []
    for name, texts in {"whole": inputs.articles, "short": inputs.openings}.items():
        paddings = {setting: _padding(released, encoder, texts) for setting, encoder in encoders.items()}
        contenders = {setting: in_calls(_with(released, encoder)) for setting, encoder in encoders.items()}
        n_tokens = sum(map(released.count_tokens, texts))
        for setting, seconds in _timed(contenders, texts, n_rounds).items():
            choices.append(Choice(setting, name, len(texts) / seconds, n_tokens / seconds, paddings[setting]))
    return choices


_worker: Contender


def _open_worker(artifacts: Path, n_threads: int) -> None:
    global _worker
    _worker = in_calls(Released.open(artifacts, n_threads=n_threads).analyzer)


def _work(texts: Sequence[str]) -> None:
    _worker(texts)


def _pool(released: Released, n_workers: int, n_threads: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(n_workers, context, _open_worker, (released.folder.parent, n_threads))


def worker_choices(released: Released, inputs: Inputs, n_rounds: int) -> list[Choice]:
    """One process with a thread for each core, against a process for each core with one thread."""
    n_cores = os.cpu_count() or 1
    texts = inputs.articles
    shares = {n: [texts[i::n] for i in range(n)] for n in (1, n_cores)}
    with _pool(released, 1, n_cores) as one, _pool(released, n_cores, 1) as many:
        contenders: dict[str, Contender] = {
            f"1 worker × {n_cores} threads": lambda texts: list(one.map(_work, shares[1])),
            f"{n_cores} workers × 1 thread": lambda texts: list(many.map(_work, shares[n_cores])),
        }
        _timed(contenders, texts, 1)  # opens the artifact in every process
        n_tokens = sum(map(released.count_tokens, texts))
        seconds = _timed(contenders, texts, n_rounds)
    return [Choice(name, "whole", len(texts) / s, n_tokens / s) for name, s in seconds.items()]
