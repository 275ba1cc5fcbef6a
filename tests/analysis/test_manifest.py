from __future__ import annotations

from pathlib import Path

import pytest

from service.analysis.manifest import ArtifactError, read_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights.bin").write_bytes(b"weights")
    (tmp_path / "README.md").write_text("card", encoding="utf-8")
    write_manifest(tmp_path, {"kind": "test"})
    return tmp_path


def test_an_unchanged_folder_is_read(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest["kind"] == "test"
    assert list(manifest["files"]) == ["weights.bin"]


def test_one_changed_byte_is_refused_with_the_file_and_the_remedy(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"weightz")
    with pytest.raises(ArtifactError, match=r"weights\.bin has SHA-256 .* restore it from version control"):
        read_manifest(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "weights.bin").unlink()
    with pytest.raises(ArtifactError, match=r"weights\.bin is missing"):
        read_manifest(folder)


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_without_a_readable_manifest_is_refused(folder: Path, content: str | None) -> None:
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_manifest(folder)
