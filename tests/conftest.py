"""What several tests share: the seeds, a tiny trained artifact, and the corpora where they lie beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"


@pytest.fixture(scope="session")
def seeds() -> list[dict[str, Any]]:
    """The project's own annotated articles."""
    return [json.loads(line) for line in (ROOT / "seeds" / "articles.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The annotated corpora; skips where they are not."""
    if not CORPUS.is_dir():
        pytest.skip("the corpora are not beside the project")
    return CORPUS


@pytest.fixture(scope="session")
def seed_data(tmp_path_factory: pytest.TempPathFactory, seeds: list[dict[str, Any]]) -> Path:
    """A data folder as training takes it, made of the seeds."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "articles").mkdir()
    for split, records in {"train": seeds[:12], "dev": seeds[12:], "test": seeds[12:]}.items():
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
        (folder / "articles" / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def scorer_path() -> Path:
    """The scorer that lies beside the corpora; skips where it does not."""
    path = CORPUS.parent / "eval" / "score.py"
    if not path.is_file():
        pytest.skip("the scorer is not beside the project")
    return path
