from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import DEFAULT_CONFIG
from tests.conftest import ROOT
from training.config import ConfigError, read_config

CONFIGS = sorted(set((ROOT / "configs").glob("*.yaml")) - {DEFAULT_CONFIG})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_loads(path: Path) -> None:
    assert read_config(path).export.name == path.stem


def test_all_errors_are_reported_at_once_each_with_its_path(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("max_tokens: 128", "max_tokens: 4").replace("dropout_prob: 0.1", "dropout: 2"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    message = str(caught.value)
    assert "windows.max_tokens" in message
    assert "heads.dropout_prob" in message
    assert "heads.dropout:" in message


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("start: {articles: 1.0}", "start: {later: 1.0}", r"stage refine starts from \['later'\]; before it come \['articles'\]"),
        ("epochs: 2\n", "epochs: 2\n    compared_with: refine\n", r"stage articles is compared with refine; before it come \[\]"),
    ],
)
def test_a_stage_names_only_stages_before_it(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    text = (ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_config(path)
