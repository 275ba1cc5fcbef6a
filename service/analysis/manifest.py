"""An artifact folder's manifest: what it holds, made by what, and the SHA-256 of every file.

Knows nothing about what the files mean. A folder with a changed, missing or unlisted file is refused before anything is read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "manifest.json"
UNLISTED: Final = frozenset({MANIFEST, "README.md"})


class ArtifactError(RuntimeError):
    """An artifact folder cannot be used; the message says which file and what to do."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write ``content`` and the hashes of all other files of ``folder`` (but its README) as the folder's manifest."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name not in UNLISTED}
    text = json.dumps(content | {"files": files}, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of ``folder``, after its files have been checked against it.

    Raises:
        ArtifactError: when the manifest is missing or not JSON, or a file is missing or differs.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}; restore the folder from version control") from error
    for name, expected in manifest["files"].items():
        if not (folder / name).is_file():
            raise ArtifactError(f"{folder / name} is missing; restore the folder from version control")
        if (found := sha256(folder / name)) != expected:
            raise ArtifactError(
                f"{folder / name} has SHA-256 {found}, its manifest says {expected}: the file was changed or is incomplete; "
                "restore it from version control or export the artifact again"
            )
    return manifest
