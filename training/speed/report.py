"""What one run measured, as JSON and as Markdown tables.

Knows nothing about how it was measured.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.speed.choices import Choice
from training.speed.cost import CrowdCost, LengthCost, fit
from training.speed.floors import CHECKS, Check
from training.speed.load import LoadFigures

TITLES = {
    "analyzer": "this analyzer (released artifact)",
    "torch": "same weights, dequantised, in torch float32, same code",
    "obvious": "obvious stack: transformers, torch float32, one pass for each topic and each stance",
    "baseline": "baseline (scikit-learn)",
}


@dataclass(frozen=True)
class Throughput:
    """Over the same articles in every round; ``seconds``: of each call, round after round."""

    name: str
    articles_per_s: float
    tokens_per_s: float
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Conditions:
    """``form``: short or full. ``machine``: cores and versions."""

    form: str
    commit: str
    source: str
    n_articles: int
    n_tokens: int
    n_rounds: int
    machine: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """``ready_s``: of each start. ``peak_mb``: real articles; ``peak_longest_mb``: with the longest text allowed among them."""

    conditions: Conditions
    throughput: tuple[Throughput, ...]
    http: tuple[LoadFigures, ...]
    ready_s: tuple[float, ...]
    peak_mb: float
    peak_longest_mb: float | None
    lengths: tuple[LengthCost, ...]
    crowds: tuple[CrowdCost, ...]
    choices: tuple[Choice, ...]
    ratios: Mapping[str, float]


def write_report(report: Report, folder: Path) -> None:
    """``report.json`` and ``report.md`` in ``folder``, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    values = json.dumps(dataclasses.asdict(report), ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(values + "\n", encoding="utf-8")
    (folder / "report.md").write_text(as_markdown(report) + "\n", encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def as_markdown(report: Report) -> str:
    """Every figure, under headings; the checked ratios first."""
    parts = [
        f"# Speed, {report.conditions.form} form, commit {report.conditions.commit}", _conditions(report.conditions),
        "## Checked", _checks(report.ratios),
        "## Analysis", _throughput(report.throughput),
        "## HTTP", _http(report.http), _server(report),
        "## Cost against length", _lengths(report.lengths),
        "## Cost against speakers × actors", _crowds(report.crowds),
    ]  # fmt: skip
    if report.choices:
        parts += ["## Settings", _choices(report.choices)]
    return "\n\n".join(parts)


def _conditions(conditions: Conditions) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in conditions.machine.items())
    return (
        f"{conditions.source}: {conditions.n_articles} articles, {conditions.n_tokens:,} tokens; medians of "
        f"{conditions.n_rounds} rounds, taken in turns. {machine}."
    )


def _checks(ratios: Mapping[str, float]) -> str:
    def row(check: Check) -> tuple[str, ...]:
        value = ratios[check.name]
        state = "met" if value >= check.target else "missed"
        return check.meaning, f"{value:.2f}", f"{check.target:g}", state, f"{check.floor:g}"

    return table(("ratio", "measured", "target", "", "floor"), (row(check) for check in CHECKS if check.name in ratios))


def _throughput(rows: Sequence[Throughput]) -> str:
    return table(
        ("", "articles/s", "tokens/s"),
        ((TITLES.get(row.name, row.name), f"{row.articles_per_s:.2f}", f"{row.tokens_per_s:,.0f}") for row in rows),
    )


def _http(rows: Sequence[LoadFigures]) -> str:
    head = ("articles", "clients", "batching", "articles/s", "p50 ms", "p99 ms", "requests")
    return table(
        head,
        (
            (r.articles, f"{r.clients}", "yes" if r.batching else "no", f"{r.articles_per_s:.2f}", f"{r.p50_ms:,.0f}",
             f"{r.p99_ms:,.0f}", f"{r.n_requests}")
            for r in rows
        ),
    )  # fmt: skip


def _server(report: Report) -> str:
    starts = ", ".join(f"{s:.1f}" for s in report.ready_s)
    longest = "" if report.peak_longest_mb is None else f", {report.peak_longest_mb:.0f} MB with the longest text allowed"
    return f"Ready {starts} s after the start of the process. Peak memory of its processes {report.peak_mb:.0f} MB{longest}."


def _lengths(rows: Sequence[LengthCost]) -> str:
    slope, explained = fit(rows)
    cells = ((f"{r.n_tokens:,}", f"{r.ms:,.0f}", f"{1000 * r.ms_per_token:.0f}") for r in rows)
    line = f"A straight line of {slope:.0f} ms per 1,000 tokens explains {explained:.4f} of the variance (R²)."
    return table(("tokens", "ms", "ms per 1,000 tokens"), cells) + f"\n\n{line}"


def _crowds(rows: Sequence[CrowdCost]) -> str:
    head = ("speakers × actors a paragraph", "tokens", "stances", "passes of the obvious stack", "ms", "ms per 1,000 tokens")
    return table(
        head,
        (
            (f"{r.n_speakers} × {r.n_actors}", f"{r.n_tokens:,}", f"{r.n_pairs}", f"{r.passes}", f"{r.ms:,.0f}",
             f"{1000 * r.ms_per_token:.0f}")
            for r in rows
        ),
    )  # fmt: skip


def _choices(rows: Sequence[Choice]) -> str:
    def padding(row: Choice) -> str:
        return "" if row.padding is None else f"{100 * row.padding:.0f} %"

    cells = ((r.setting, r.articles, f"{r.articles_per_s:.2f}", f"{r.tokens_per_s:,.0f}", padding(r)) for r in rows)
    return table(("setting", "articles", "articles/s", "tokens/s", "padding"), cells)


def flat_figures(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a ``report.json`` that can be set beside those of another, by name."""
    figures = {f"ratio: {name}": value for name, value in report["ratios"].items()}
    figures |= {f"{row['name']}: articles/s": row["articles_per_s"] for row in report["throughput"]}
    for row in report["http"]:
        name = f"HTTP, {row['articles']}, {row['clients']} clients, {'' if row['batching'] else 'no '}batching"
        figures |= {f"{name}: articles/s": row["articles_per_s"], f"{name}: p50 ms": row["p50_ms"]}
    return figures | {"peak memory MB": report["peak_mb"]}
