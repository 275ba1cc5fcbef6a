"""Servers under load: with and without batching, at rising numbers of clients, beside the analyzer alone on the same articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

from service.requests import MAX_CHARACTERS
from training.speed.contenders import Contender
from training.speed.inputs import Inputs
from training.speed.load import Load, LoadFigures, load_figures, run_clients
from training.speed.server import Launcher, Served
from training.speed.timing import median_ratio, seconds

UNBATCHED: Final = {"batch": {"max_articles": 1}}
SHORT_CLIENTS: Final = 16
WHOLE: Final = "whole"
OPENINGS: Final = "short"
MB: Final = 1_000_000


@dataclass(frozen=True)
class HttpPlan:
    """``saturated``: clients that keep the service full, with ``n_whole`` articles. ``clients``: other numbers of them.

    ``n_short``: short articles that ``SHORT_CLIENTS`` send. ``n_starts``: how often a server is started, at least twice.
    ``longest``: also send the longest text that is allowed.
    """

    clients: tuple[int, ...]
    saturated: int
    n_whole: int
    n_short: int
    n_rounds: int
    n_starts: int
    longest: bool

    def cells(self) -> list[Cell]:
        """What is measured in each round, but for batching: short articles, then whole ones from few clients to many."""
        whole = [Cell(WHOLE, n, self.n_requests(n)) for n in sorted({*self.clients, self.saturated})]
        return [Cell(OPENINGS, SHORT_CLIENTS, self.n_short), *whole]

    def loads(self) -> list[tuple[Cell, bool]]:
        """Each cell with and without batching; where only the full service is asked for, that one with batching alone."""
        single = self.cells() if self.clients else self.cells()[:1]
        return [(cell, batched) for cell in self.cells() for batched in (True, False) if batched or cell in single]

    def n_requests(self, n_clients: int) -> int:
        return self.n_whole if n_clients == self.saturated else max(16, 2 * n_clients)


class Cell(NamedTuple):
    """A load: which articles, from how many clients, how many requests."""

    articles: str
    clients: int
    n_requests: int


@dataclass(frozen=True)
class HttpFigures:
    """``saturation``: throughput of the full service over that of the analyzer alone. ``batching``: with over without it."""

    loads: tuple[LoadFigures, ...]
    saturation: float
    batching: float
    ready_s: tuple[float, ...]
    peak_mb: float
    peak_longest_mb: float | None


Loads = dict[tuple[Cell, bool], list[Load]]


def measure_http(plan: HttpPlan, inputs: Inputs, analyzer: Contender, launcher: Launcher, folder: Path) -> HttpFigures:
    """Start a server with and one without batching, and load them in turns.

    Raises:
        ServerError: when a server does not start, or answers anything but 200.
    """
    ready = [_start_once(launcher, folder / str(i)) for i in range(plan.n_starts - 2)]
    with launcher.serving(folder / "batching", {}) as batching, launcher.serving(folder / "single", UNBATCHED) as single:
        loads, alone = _rounds(plan, inputs, analyzer, {True: batching, False: single})
        peak = batching.peak_bytes / MB
        longest = _peak_of_longest(batching, inputs) if plan.longest else None
        ready += [batching.ready_s, single.ready_s]
    return HttpFigures(
        loads=tuple(load_figures(cell.articles, cell.clients, batched, rounds) for (cell, batched), rounds in loads.items()),
        saturation=_saturation(plan, loads, alone), batching=_batching(plan, loads),
        ready_s=tuple(ready), peak_mb=peak, peak_longest_mb=longest,
    )  # fmt: skip


def _start_once(launcher: Launcher, folder: Path) -> float:
    with launcher.serving(folder, {}) as served:
        return served.ready_s


def _repeated(texts: Sequence[str], n: int) -> list[str]:
    return list(islice(cycle(texts), n))


def _rounds(plan: HttpPlan, inputs: Inputs, analyzer: Contender, servers: dict[bool, Served]) -> tuple[Loads, list[float]]:
    """Every load of every server in every round, and the seconds of the analyzer alone on what saturates the service."""
    texts = {WHOLE: inputs.articles, OPENINGS: inputs.openings}
    loads: Loads = {load: [] for load in plan.loads()}
    alone = []
    for _ in range(plan.n_rounds):
        alone.append(seconds(lambda: analyzer(_repeated(inputs.articles, plan.n_whole))))
        for cell, batched in loads:
            sent = _repeated(texts[cell.articles], cell.n_requests)
            loads[cell, batched].append(run_clients(servers[batched].address, sent, cell.clients))
    return loads, alone


def _peak_of_longest(server: Served, inputs: Inputs) -> float:
    """Megabytes after one more article that is as long as is allowed."""
    text = "\n".join(_repeated(inputs.articles, MAX_CHARACTERS // min(map(len, inputs.articles)) + 1))
    run_clients(server.address, [text[:MAX_CHARACTERS]], 1)
    return server.peak_bytes / MB


def _seconds(loads: Loads, cell: Cell, batched: bool) -> list[float]:
    return [load.seconds for load in loads[cell, batched]]


def _saturation(plan: HttpPlan, loads: Loads, alone: Sequence[float]) -> float:
    full = _seconds(loads, Cell(WHOLE, plan.saturated, plan.n_whole), True)
    return median_ratio(alone, full)


def _batching(plan: HttpPlan, loads: Loads) -> float:
    cell = Cell(OPENINGS, SHORT_CLIENTS, plan.n_short)
    return median_ratio(_seconds(loads, cell, False), _seconds(loads, cell, True))
