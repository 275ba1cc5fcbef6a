"""Analyses of annotated articles and the scorer's figures for them.

The scorer is the one that lies beside the corpora (``../eval/score.py``), loaded from its path: figures come from nowhere else.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from service.analysis.actors import resolve_actors
from service.analysis.analyzer import Analyzer
from service.analysis.assemble import assemble
from service.analysis.document import read_document
from service.analysis.findings import Finder
from service.analysis.gazetteer import Gazetteer

ARTICLES_PER_CALL = 8
Figures = dict[str, float]


def default_scorer(data: Path) -> Path:
    return data.parent / "eval" / "score.py"


def load_scorer(path: Path) -> ModuleType:
    """The scorer at ``path`` as a module.

    Raises:
        FileNotFoundError: when there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no scorer at {path}; give one with --scorer")
    spec = importlib.util.spec_from_file_location("mawaqif_scorer", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def article_text(record: dict[str, Any]) -> str:
    return "\n".join(paragraph["text"] for paragraph in record["paragraphs"])


def predict(analyzer: Analyzer, records: Sequence[dict[str, Any]], quiet: bool = True) -> list[dict[str, Any]]:
    """The analysis of every record, in the service's response shape, by the code that serves."""
    answers = []
    for start in tqdm(range(0, len(records), ARTICLES_PER_CALL), disable=quiet, desc="analyse"):
        batch = records[start : start + ARTICLES_PER_CALL]
        analyses = analyzer.analyze([article_text(record) for record in batch])
        answers += [analysis.to_json(record["id"]) for analysis, record in zip(analyses, batch, strict=True)]
    return answers


class Found:
    """What a model finds in ``records``, found once: for choosing the weights with which it is answered."""

    def __init__(self, finder: Finder, gazetteer: Gazetteer, records: Sequence[dict[str, Any]]) -> None:
        self._records = records
        self._documents = [read_document(article_text(record)) for record in records]
        self._findings = finder.find(self._documents)
        self._resolved = [resolve_actors(d, f, gazetteer) for d, f in zip(self._documents, self._findings, strict=True)]

    def answers(self, finder: Finder) -> list[dict[str, Any]]:
        """The analyses that ``finder`` would give, which finds the same and differs in its stance weights at most."""
        found = zip(self._records, self._documents, self._findings, self._resolved, strict=True)
        return [assemble(d, f, actors, finder).to_json(record["id"]) for record, d, f, actors in found]


def figures(scorer: ModuleType, records: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> Figures:
    """The scorer's figures, each in 0..1."""
    result: Figures = scorer.score(records, answers)
    return result


def intervals(
    scorer: ModuleType, records: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]], draws: int
) -> dict[str, list[float]]:
    """The scorer's figures as [value, low, high]: 95 % over ``draws`` bootstrap samples of articles."""
    result: dict[str, list[float]] = scorer.score(records, answers, bootstrap=draws)
    return result
