from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.speed import bench, command
from training.speed.bench import TooSlowError, check
from training.speed.choices import Choice
from training.speed.compare import side_by_side
from training.speed.cost import CrowdCost, LengthCost
from training.speed.floors import CHECKS
from training.speed.load import LoadFigures
from training.speed.report import Conditions, Report, Throughput, as_markdown, flat_figures, table, write_report
from training.speed.server import Launcher


def report(commit: str = "abc1234", analyzer: float = 5.0, ratio: float | None = None) -> Report:
    return Report(
        conditions=Conditions("short", commit, "6 seeds", 6, 2345, 3, {"cores": "2"}),
        throughput=(Throughput("analyzer", analyzer, 1800.0, (1.2, 1.3)), Throughput("torch", 2.0, 750.0, (3.0, 3.1))),
        http=(LoadFigures("short", 16, True, 96, 20.0, 700.0, 900.0), LoadFigures("short", 16, False, 96, 15.0, 950.0, 1200.0)),
        ready_s=(2.1, 2.3), peak_mb=480.4, peak_longest_mb=None,
        lengths=(LengthCost(256, 150.0), LengthCost(1024, 600.0)), crowds=(CrowdCost(1, 4, 960, 48, 60, 512.0),),
        choices=(Choice("every window by itself", "whole", 4.0, 1500.0, 0.0),),
        ratios={c.name: c.target if ratio is None else ratio for c in CHECKS},
    )  # fmt: skip


def test_a_table_has_a_line_for_each_row() -> None:
    assert table(("a", "b"), [("1", "2"), ("3", "4")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"


def test_what_is_written_is_what_was_measured(tmp_path: Path) -> None:
    write_report(report(), tmp_path / "new" / "bench")
    values = json.loads((tmp_path / "new" / "bench" / "report.json").read_text(encoding="utf-8"))
    assert values["throughput"][0] == {"name": "analyzer", "articles_per_s": 5.0, "tokens_per_s": 1800.0, "seconds": [1.2, 1.3]}
    assert values["conditions"]["commit"] == "abc1234"
    assert values["ratios"]["torch"] == 2.5
    assert (tmp_path / "new" / "bench" / "report.md").read_text(encoding="utf-8") == as_markdown(report()) + "\n"


def test_every_figure_is_in_the_tables() -> None:
    shown = as_markdown(report())
    for row in (
        "| this analyzer (released artifact) | 5.00 | 1,800 |",
        "| short | 16 | no | 15.00 | 950 | 1,200 | 96 |",
        "Ready 2.1, 2.3 s after the start of the process. Peak memory of its processes 480 MB.",
        "| 1,024 | 600 | 586 |",
        "| 1 × 4 | 960 | 48 | 60 | 512 | 533 |",
        "| every window by itself | whole | 4.00 | 1,500 | 0 % |",
        "| analyzer ÷ same weights in torch, articles/s | 2.50 | 2.5 | met |",
    ):
        assert row in shown
    assert "missed" not in shown
    assert as_markdown(report(ratio=0.5)).count("missed") == len(CHECKS)


def test_figures_of_two_commits_stand_side_by_side(tmp_path: Path) -> None:
    rows = []
    for name, figures in (("old", report("0000001", analyzer=4.0)), ("new", report("0000002", analyzer=5.0))):
        write_report(figures, tmp_path / name)
        rows.append(json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8")))
    shown = side_by_side(*rows)
    assert shown.startswith("| figure | 0000001 | 0000002 | change |")
    assert "| analyzer: articles/s | 4.00 | 5.00 | +25 % |" in shown
    assert "| HTTP, short, 16 clients, no batching: p50 ms | 950.00 | 950.00 | +0 % |" in shown
    assert len(shown.splitlines()) == 2 + len(flat_figures(rows[0]))


def test_a_ratio_under_its_floor_fails_the_run() -> None:
    check(report())
    with pytest.raises(TooSlowError, match=r"saturation .*: 0\.01, floor") as caught:
        check(report(ratio=0.01))
    assert len(str(caught.value).splitlines()) == 1 + len(CHECKS)


@pytest.mark.parametrize("short", [True, False])
def test_the_command_writes_and_prints_before_it_fails(
    short: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def measure(*arguments: Any) -> Report:
        asked.append(arguments)
        return report(ratio=0.01)

    monkeypatch.setattr(command, "measure", measure)
    with pytest.raises(TooSlowError):
        command.run_bench(None, short, None, Path("python"), tmp_path / "bench")
    assert asked == [(bench.SHORT if short else bench.FULL, None, Launcher(Path.cwd() / "python"))]
    assert (tmp_path / "bench" / "report.json").is_file()
    assert capsys.readouterr().out.startswith("# Speed, short form, commit abc1234")


def test_the_other_commit_is_measured_in_the_same_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(report("0000001", analyzer=4.0), tmp_path)
    asked: list[Any] = []

    def report_of(*arguments: Any) -> Any:
        asked.append(arguments)
        return json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))

    monkeypatch.setattr(command, "report_of", report_of)
    monkeypatch.setattr(command, "measure", lambda *arguments: report("0000002"))
    command.run_bench(tmp_path, True, "main~3", Path("/env/python"), tmp_path / "bench")
    assert asked == [("main~3", ["--data", str(tmp_path), "--short", "--server-python", "/env/python"])]
    assert "| analyzer: articles/s | 4.00 | 5.00 | +25 % |" in capsys.readouterr().out
