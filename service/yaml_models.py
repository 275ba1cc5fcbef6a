"""YAML files that are validated as a whole: every error is reported at once, each with its path.

Knows nothing about what the values mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class Part(BaseModel):
    """A part of a file: its values do not change, and it has no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Part)


def read_yaml(path: Path, model: type[Model], error_type: type[ValueError]) -> Model:
    """Read and validate one file; an empty one is one without keys.

    Raises:
        error_type: when it cannot be read, or with every wrong value and its path.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise error_type(f"{path} cannot be read: {error}") from error
    try:
        return model.model_validate({} if values is None else values)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or '(top)'}: {e['msg']}, got {_shown(e['input'])}" for e in error.errors()]
        raise error_type("\n".join([f"{path} has {len(lines)} error(s):", *lines])) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
