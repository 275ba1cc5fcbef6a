"""All that the baseline has learned, as one value, and its folder: written once by training, read and checked by serving.

``models.skops`` holds the classifiers (skops, no type trusted beyond its own list of scikit-learn, SciPy and NumPy types),
``vocabularies.json`` their columns, ``lexicon.json`` words and names, ``settings.json`` thresholds, and ``manifest.json``
the SHA-256 of each. Knows nothing about documents.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import skops.io

from service.analysis.labels import KINDS, MENTION_TAGS, STANCES
from service.analysis.linear.lexicon import Lexicon, read_lexicon
from service.analysis.linear.model import LinearModel, Tagger
from service.analysis.linear.names import CLITIC_LABELS
from service.analysis.linear.speakers import SPEECH_TAGS
from service.analysis.linear.topics import BLOCKS, TopicModel, restored_vectorizer
from service.analysis.manifest import ArtifactError, read_manifest, write_manifest

NAME: Final = "baseline"
VERSION: Final = "1.0.0"
YES_NO: Final = ("no", "yes")
MODELS_FILE: Final = "models.skops"
VOCABULARIES_FILE: Final = "vocabularies.json"
LEXICON_FILE: Final = "lexicon.json"
SETTINGS_FILE: Final = "settings.json"
FILES: Final = (MODELS_FILE, VOCABULARIES_FILE, LEXICON_FILE, SETTINGS_FILE)
LABELS: Final[dict[str, tuple[str, ...]]] = {
    "names first": MENTION_TAGS,
    "names second": MENTION_TAGS,
    "clitics": CLITIC_LABELS,
    "speech first": SPEECH_TAGS,
    "speech second": SPEECH_TAGS,
    "speakers": YES_NO,
    "continuations": YES_NO,
    "references": YES_NO,
    "kinds": KINDS,
    "talk stances": STANCES,
    "pair stances": STANCES,
    "stances": STANCES,
}
"""Every linear model of feature dictionaries and the columns of its answers."""


@dataclass(frozen=True)
class Settings:
    """Chosen on dev.

    ``name_shift``: added to the log probability of every tag that is part of a name. ``transitions``: added to that of a tag
    after another, shape (``MENTION_TAGS``, ``MENTION_TAGS``). ``speaker``, ``continuation``: least probability of a statement.
    ``stance_weights``, ``meant_factor``: as ``Finder`` says.
    """

    name_shift: float
    transitions: list[list[float]]
    speaker: float
    continuation: float
    stance_weights: tuple[float, float, float]
    meant_factor: float


@dataclass(frozen=True)
class Parts:
    """``models``: keyed as ``LABELS``."""

    lexicon: Lexicon
    topics: TopicModel
    models: dict[str, LinearModel]
    settings: Settings

    def tagger(self, name: str) -> Tagger:
        return Tagger(self.models[f"{name} first"], self.models[f"{name} second"])


def save_parts(parts: Parts, folder: Path, seed: int) -> None:
    """Write the folder; an older baseline in it is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    classifiers = {name: model.classifier for name, model in parts.models.items()}
    classifiers["topics"] = parts.topics.classifier
    idf = {block: v.idf_.astype(np.float32) for block, v in zip(BLOCKS, parts.topics.vectorizers, strict=True)}
    trained = {"classifiers": classifiers, "idf": idf}
    skops.io.dump(trained, folder / MODELS_FILE, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
    columns = {name: sorted(model.columns, key=model.columns.__getitem__) for name, model in parts.models.items()}
    columns |= {block: list(v.get_feature_names_out()) for block, v in zip(BLOCKS, parts.topics.vectorizers, strict=True)}
    _write_json(folder / VOCABULARIES_FILE, columns)
    _write_json(folder / SETTINGS_FILE, asdict(parts.settings))
    _write_json(folder / LEXICON_FILE, asdict(parts.lexicon))
    libraries = {name: version(name) for name in ("scikit-learn", "skops", "numpy")}
    write_manifest(folder, {"name": NAME, "version": VERSION, "kind": "baseline", "libraries": libraries, "seed": seed})


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def load_parts(folder: Path) -> tuple[Parts, dict[str, Any]]:
    """What ``save_parts`` wrote to ``folder``, and its manifest.

    Raises:
        ArtifactError: when a file is missing, differs from its checksum, or holds a type that is not trusted.
    """
    manifest = read_manifest(folder)
    missing = set(FILES) - manifest["files"].keys()
    if missing:
        raise ArtifactError(f"{folder} lists no {', '.join(sorted(missing))} in its manifest; train the baseline again")
    contents = {name: (folder / name).read_bytes() for name in FILES}
    try:
        trained = skops.io.loads(contents[MODELS_FILE], trusted=[])
    except (TypeError, ValueError, zipfile.BadZipFile) as error:
        # skops names the offending types in the TypeError with which it refuses them
        raise ArtifactError(f"{folder / MODELS_FILE} is refused: {error}") from error
    columns = json.loads(contents[VOCABULARIES_FILE])
    settings = json.loads(contents[SETTINGS_FILE])
    settings["stance_weights"] = tuple(settings["stance_weights"])
    models = {
        name: LinearModel({feature: i for i, feature in enumerate(columns[name])}, trained["classifiers"][name], labels)
        for name, labels in LABELS.items()
    }
    vectorizers = tuple(restored_vectorizer(block, columns[block], trained["idf"][block]) for block in BLOCKS)
    topics = TopicModel(vectorizers, trained["classifiers"]["topics"])
    return Parts(read_lexicon(contents[LEXICON_FILE]), topics, models, Settings(**settings)), manifest
