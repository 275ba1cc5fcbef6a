"""Artifact folder → a model that is ready to analyse, and the card that describes it.

Reads only what its manifest lists and vouches for; loads neither torch nor anything pickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from service.analysis.analyzer import Analyzer
from service.analysis.decoding import TagThresholds
from service.analysis.encoder import Encoder, open_session
from service.analysis.findings import Finder
from service.analysis.gazetteer import read_gazetteer
from service.analysis.labels import ACTOR_TYPES, KINDS, STANCES, TOPICS
from service.analysis.manifest import ArtifactError, read_manifest
from service.analysis.transformer import Calibration, Transformer
from service.analysis.windows import SpecialTokens, WindowLimits

GAZETTEER: Final = "gazetteer"
"""The folder beside a model's folder that holds the names both models share."""
TOKENS_PER_BATCH: Final = 2048
LABELS: Final = {"topics": list(TOPICS), "actor_types": list(ACTOR_TYPES), "kinds": list(KINDS), "stances": list(STANCES)}


@dataclass(frozen=True)
class Artifact:
    """``card``: what ``GET /model`` answers, written when the artifact was made."""

    analyzer: Analyzer
    card: dict[str, Any]


def _read_json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def read_calibration(values: dict[str, Any]) -> Calibration:
    """``calibration.json`` as a value."""
    fields = dict(values)
    tags = TagThresholds(**fields.pop("tags"))
    return Calibration(tags=tags, **(fields | {"stance_bias": tuple(fields["stance_bias"])}))


def open_transformer(folder: Path, n_threads: int = 0) -> Transformer:
    """The transformer in ``folder``; ``n_threads`` 0 means one per core.

    Raises:
        ArtifactError: when a file differs from the manifest or the labels are not those of this code.
    """
    manifest = read_manifest(folder)
    if _read_json(folder / "labels.json") != LABELS:
        raise ArtifactError(f"{folder / 'labels.json'} has other labels than this version of the code; export the artifact again")
    tagger, relations = (open_session(folder / f"{graph}.onnx", n_threads) for graph in ("tagger", "relations"))
    special = SpecialTokens(**manifest["special_tokens"])
    return Transformer(
        name=manifest["name"], version=manifest["version"],
        tokenizer=Tokenizer.from_file(str(folder / "tokenizer.json")), special=special,
        limits=WindowLimits(**manifest["windows"]), encoder=Encoder(tagger, relations, special.pad, TOKENS_PER_BATCH),
        calibration=read_calibration(_read_json(folder / "calibration.json")),
    )  # fmt: skip


def _open_baseline(folder: Path) -> Finder:
    from service.analysis.baseline import Baseline  # scikit-learn takes a second to import, which not everyone needs

    return Baseline.load(folder)


def analyzer_of(finder: Finder, gazetteer_folder: Path) -> Analyzer:
    """``finder`` with the gazetteer in ``gazetteer_folder``."""
    read_manifest(gazetteer_folder)
    return Analyzer(finder, read_gazetteer(gazetteer_folder / "gazetteer.json"))


def open_artifact(folder: Path, n_threads: int = 0) -> Artifact:
    """The model in ``folder``, transformer or baseline as its manifest says; ``n_threads`` 0 means one per core.

    Raises:
        ArtifactError: when it cannot be used; the message names the file and the remedy.
    """
    manifest = read_manifest(folder)
    finder = _open_baseline(folder) if manifest["kind"] == "baseline" else open_transformer(folder, n_threads)
    return Artifact(analyzer_of(finder, folder.parent / GAZETTEER), _read_json(folder / "card.json"))
