"""Another commit's tree, in a repository made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.speed import compare
from training.speed.compare import CompareError, git, report_of, worktree

BENCH = """
import json, sys, pathlib
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
output.mkdir()
(output / "report.json").write_text(json.dumps({"asked": sys.argv[1:-2], "content": pathlib.Path("content").read_text()}))
sys.exit(1)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "training").mkdir(parents=True)
    git("init", "--quiet", root=root)
    for name, bench in (("first", ""), ("second", BENCH), ("third", BENCH)):
        (root / "content").write_text(name)
        (root / "training" / "__main__.py").write_text(bench)
        git("add", ".", root=root)
        git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", name, root=root)
    return root


def test_the_tree_of_another_commit_is_there_and_then_gone(repository: Path) -> None:
    with worktree("HEAD~1", repository) as tree:
        assert (tree / "content").read_text() == "second"
    assert not tree.exists()
    assert len(git("worktree", "list", root=repository).splitlines()) == 1
    assert (repository / "content").read_text() == "third"


def test_an_unknown_commit_is_named(repository: Path) -> None:
    with pytest.raises(CompareError, match="nowhere"), worktree("nowhere", repository):
        pass


def test_the_other_commit_runs_its_own_bench_and_may_miss_its_floors(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "ROOT", repository)
    assert report_of("HEAD~1", ["--short"]) == {"asked": ["bench", "--short"], "content": "second"}


def test_a_commit_without_a_bench_cannot_be_compared(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "ROOT", repository)
    with pytest.raises(CompareError, match="of HEAD~2 wrote no report"):
        report_of("HEAD~2", [])
