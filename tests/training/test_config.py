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


def test_a_stage_starts_only_from_stages_before_it(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("start: {articles: 1.0}", "start: {later: 1.0}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"stage refine starts from \['later'\]; before it come \['articles'\]"):
        read_config(path)
