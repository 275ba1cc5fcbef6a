"""This commit's report beside that of another commit, which is measured by its own bench in a temporary git worktree."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.speed.report import flat_figures, table
from training.speed.server import ROOT


class CompareError(TrainingError):
    """The other commit cannot be measured."""


def git(*arguments: str, root: Path) -> str:
    """What git prints in ``root``.

    Raises:
        CompareError: with what it complains about.
    """
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompareError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def worktree(ref: str, root: Path) -> Iterator[Path]:
    """The tree of commit ``ref`` of the repository ``root`` in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", str(tree), ref, root=root)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree), root=root)


def report_of(ref: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What ``python -m training bench ARGUMENTS`` reports in the tree of ``ref``; floors that it misses do not matter here.

    Raises:
        CompareError: when it writes no report, as commits before the bench do.
    """
    with worktree(ref, ROOT) as tree:
        output = tree.parent / "bench"
        command = [sys.executable, "-m", "training", "bench", *arguments, "--output", str(output)]
        done = subprocess.run(command, cwd=tree, stdout=sys.stderr, check=False)
        if not (output / "report.json").is_file():
            raise CompareError(f"`training bench` of {ref} wrote no report (exit status {done.returncode})")
        report: dict[str, Any] = json.loads((output / "report.json").read_text(encoding="utf-8"))
        return report


def side_by_side(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Every figure that both reports have, with the change from the first to the second in percent."""
    names = [report["conditions"]["commit"] for report in (first, second)]
    before, after = flat_figures(first), flat_figures(second)
    rows = [
        (name, f"{before[name]:,.2f}", f"{after[name]:,.2f}", f"{100 * (after[name] / before[name] - 1):+.0f} %")
        for name in after
        if name in before
    ]
    return table(("figure", *names, "change"), rows)
