"""Where the models lie and which of them could be opened.

The one place that says which folder holds which model. Knows nothing about requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from service.analysis.manifest import ArtifactError
from service.analysis.result import Analysis

ARTIFACTS: Final = Path(__file__).parent / "artifacts"
FOLDERS: Final[dict[str, str]] = {"transformer": "compact", "baseline": "baseline"}
"""Model name as requests give it → folder below ``ARTIFACTS``."""


class TextAnalyzer(Protocol):
    """What the service asks of a model; ``service.analysis.analyzer.Analyzer`` is one."""

    def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        """The analyses of non-blank ``texts``, in order; none depends on the others."""


@dataclass(frozen=True)
class Model:
    """A model that can be used. ``card``: what ``GET /model`` answers."""

    analyzer: TextAnalyzer
    card: dict[str, Any]


@dataclass(frozen=True)
class Models:
    """The models that could be opened, by name, and for each of the others why it could not."""

    opened: Mapping[str, Model]
    failures: Mapping[str, str]


class ModelUnavailableError(Exception):
    """A model's artifact is missing or cannot be read."""


def load_model(name: str, root: Path = ARTIFACTS, n_threads: int = 0) -> Model:
    """The model called ``name``, one of ``FOLDERS``; ``n_threads`` 0 means one per core.

    Raises:
        ModelUnavailableError: when its artifact cannot be opened.
    """
    # Opening an artifact imports the runtime of its model, which nobody needs who only asks for help or is refused.
    from service.analysis.artifact import open_artifact

    try:
        artifact = open_artifact(root / FOLDERS[name], n_threads)
    except ArtifactError as error:
        raise ModelUnavailableError(f"the {name} model cannot be opened: {error}") from error
    return Model(artifact.analyzer, artifact.card)


def load_models(n_threads: int = 0, root: Path = ARTIFACTS) -> Models:
    """Every model, as far as it can be opened: one that is broken does not take the others with it."""
    opened, failures = {}, {}
    for name in FOLDERS:
        try:
            opened[name] = load_model(name, root, n_threads)
        except ModelUnavailableError as error:
            failures[name] = str(error)
    return Models(opened, failures)
