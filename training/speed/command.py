"""What ``python -m training bench`` does with its arguments."""

from __future__ import annotations

import json
from pathlib import Path

from training.speed.bench import FULL, SHORT, check, measure
from training.speed.compare import report_of, side_by_side
from training.speed.report import as_markdown, write_report
from training.speed.server import Launcher


def run_bench(data: Path | None, short: bool, compare: str | None, server_python: Path, output: Path) -> None:
    """Measure, write ``report.json`` and ``report.md`` to ``output``, print the tables, and check ratios against their floors.

    ``compare``: a commit that is measured first, whose figures are then printed beside these.

    Raises:
        TrainingError: when something is missing, or last of all when a ratio is under its floor.
    """
    python = server_python.absolute()  # not resolved: it is by its path that Python finds its environment
    other = report_of(compare, _arguments(data, short, python)) if compare else None
    report = measure(SHORT if short else FULL, data, Launcher(python))
    write_report(report, output)
    print(as_markdown(report))
    if other is not None:
        written = json.loads((output / "report.json").read_text(encoding="utf-8"))
        print("\n## Compared\n\n" + side_by_side(other, written))
    check(report)


def _arguments(data: Path | None, short: bool, python: Path) -> list[str]:
    shared = [*(["--data", str(data.resolve())] if data else []), *(["--short"] if short else [])]
    return [*shared, "--server-python", str(python)]
