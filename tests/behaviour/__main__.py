"""``python -m tests.behaviour``: the rate of passed cases per family beside its floor, as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.analysis.artifact import open_artifact
from service.analysis.manifest import ArtifactError
from tests.behaviour.cases import CaseError, read_families
from tests.behaviour.evaluate import Outcome, run
from tests.behaviour.floors import raised, read_floors, write_floors
from tests.conftest import ROOT

ARTIFACTS = ROOT / "service" / "artifacts"
RELEASED = "compact"
"""The model whose floors are kept."""

Outcomes = Mapping[str, Sequence[Outcome]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.behaviour", description="Print the share of cases a model passes.")
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--model", choices=[RELEASED, "baseline"], default=RELEASED, help="a released model (%(default)s)")
    model.add_argument("--artifact", type=Path, metavar="DIR", help="the model in this folder, with a gazetteer beside it")
    parser.add_argument("--failures", action="store_true", help="also print every case that fails, and why")
    parser.add_argument("--update-floors", action="store_true", help="raise floors to the rates of today; never lowers any")
    return parser


def rate(outcomes: Sequence[Outcome]) -> float:
    """Share of ``outcomes`` that pass."""
    return sum(outcome.passed for outcome in outcomes) / len(outcomes)


def _row(name: str, outcomes: Sequence[Outcome], floor: str) -> str:
    return f"{name:20} {len(outcomes):5} {sum(o.passed for o in outcomes):6} {rate(outcomes):6.3f} {floor:>6}"


def table(results: Outcomes, floors: Mapping[str, float]) -> str:
    """Family, cases, passed, rate and floor, and all families together in the last row."""
    rows = [f"{'family':20} {'cases':>5} {'passed':>6} {'rate':>6} {'floor':>6}"]
    rows += [_row(name, outcomes, f"{floors[name]:.3f}" if name in floors else "-") for name, outcomes in results.items()]
    return "\n".join([*rows, _row("all", [outcome for outcomes in results.values() for outcome in outcomes], "")])


def failed(results: Outcomes) -> str:
    """Every case that fails: its id, its texts, and the reasons."""
    return "\n".join(
        "\n".join([outcome.case.id, *(f"  {text}" for text in outcome.case.texts), *(f"  - {why}" for why in outcome.failures)])
        for outcomes in results.values()
        for outcome in outcomes
        if not outcome.passed
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; the status is 1 when a family is below its floor, or something cannot be read."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    folder = arguments.artifact or ARTIFACTS / arguments.model
    if arguments.update_floors and folder != ARTIFACTS / RELEASED:
        parser.error(f"floors are those of the released model in {ARTIFACTS / RELEASED}: release this one first")
    try:
        analyzer = open_artifact(folder).analyzer
        results = {name: run(analyzer, cases) for name, cases in read_families().items()}
    except (ArtifactError, CaseError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    rates = {name: rate(outcomes) for name, outcomes in results.items()}
    floors = read_floors()
    if arguments.update_floors:
        floors = raised(floors, rates)
        write_floors(floors)
    if arguments.failures:
        print(failed(results), end="\n\n")
    print(table(results, floors))
    return int(any(rates[name] < floors.get(name, 0.0) for name in rates))


if __name__ == "__main__":
    sys.exit(main())
