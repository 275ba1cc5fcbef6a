"""``python -m tests.behaviour`` and the floors, over a stub of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.behaviour import __main__ as command
from tests.behaviour.cases import Case, Expectation
from tests.behaviour.floors import raised, read_floors, write_floors


@dataclass(frozen=True)
class Sportive:
    """Takes every text for sport."""

    def analyze(self, texts: list[str]) -> list[Any]:
        answer = {"topic": {"label": "sport"}, "actors": [], "paragraphs": [], "stances": []}
        return [SimpleNamespace(to_json=lambda: answer) for _ in texts]


def case(name: str, topic: str) -> Case:
    return Case(name, f"نص {name}", Expectation(topic=topic))


FAMILIES = {"half": (case("half-1", "sport"), case("half-2", "arts")), "full": (case("full-1", "sport"),)}


@pytest.fixture
def floors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of floors, empty at first, of a command that runs over the stub."""
    path = tmp_path / "floors.json"
    monkeypatch.setattr(command, "open_artifact", lambda folder: SimpleNamespace(analyzer=Sportive()))
    monkeypatch.setattr(command, "read_families", lambda: FAMILIES)
    monkeypatch.setattr(command, "read_floors", lambda: read_floors(path))
    monkeypatch.setattr(command, "write_floors", lambda values: write_floors(values, path))
    return path


def test_floors_only_go_up() -> None:
    assert raised({"a": 0.5, "b": 0.5, "gone": 0.2}, {"a": 2 / 3, "b": 0.1, "new": 1.0}) == {
        "a": 0.666, "b": 0.5, "gone": 0.2, "new": 1.0,
    }  # fmt: skip


def test_the_table_shows_rates_beside_floors(floors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_floors({"half": 0.25}, floors)
    assert command.main([]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["family", "cases", "passed", "rate", "floor"],
        ["half", "2", "1", "0.500", "0.250"],
        ["full", "1", "1", "1.000", "-"],
        ["all", "3", "2", "0.667"],
    ]
    assert read_floors(floors) == {"half": 0.25}, "floors are left alone unless asked for"


def test_failures_are_printed_with_their_reasons(floors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--failures"]) == 0
    assert capsys.readouterr().out.startswith("half-2\n  نص half-2\n  - topic is sport, not arts\n\nfamily")


def test_a_family_below_its_floor_is_an_error(floors: Path) -> None:
    write_floors({"half": 0.75}, floors)
    assert command.main([]) == 1
    assert command.main(["--update-floors"]) == 1
    assert read_floors(floors) == {"full": 1.0, "half": 0.75}


@pytest.mark.parametrize("other", [["--model", "baseline"], ["--artifact", "elsewhere"]])
def test_floors_are_those_of_the_released_model(floors: Path, other: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main([*other, "--update-floors"])
    assert "release this one first" in capsys.readouterr().err
    assert not floors.exists()


def test_a_folder_without_a_model_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--artifact", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
