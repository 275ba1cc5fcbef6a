"""What several tests share: the seeds, a tiny trained artifact, and the corpora where they lie beside the project."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service import journal

if TYPE_CHECKING:
    from tests.apps import Start

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


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the service over stubs, in this process."""
    from tests.apps import starting  # BentoML takes a second to import

    with starting(monkeypatch) as started:
        yield started


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.LogCaptureFixture]:
    """All that is logged, BentoML's own records and the service's journal too."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("bentoml"), "propagate", True)
    journal.LOGGER.addHandler(caplog.handler)
    yield caplog
    journal.LOGGER.removeHandler(caplog.handler)
