from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import CONFIG_VARIABLE, DEFAULT_CONFIG, Settings, SettingsError, current_settings, read_settings

TEXT = DEFAULT_CONFIG.read_text(encoding="utf-8")


def leaves(value: dict[str, Any], path: str = "") -> set[str]:
    return {
        leaf
        for key, child in value.items()
        for leaf in (leaves(child, f"{path}{key}.") if isinstance(child, dict) else {path + key})
    }


def test_the_file_holds_every_knob_at_its_default() -> None:
    assert read_settings(DEFAULT_CONFIG) == Settings()
    assert leaves(yaml.safe_load(TEXT)) == leaves(Settings().model_dump())


def test_every_knob_has_a_comment() -> None:
    lines = TEXT.splitlines()
    knobs = [i for i, line in enumerate(lines) if re.match(r"  \w+:", line)]
    assert knobs
    assert not [lines[i] for i in knobs if not lines[i - 1].startswith("  # ")]


def test_all_errors_are_reported_at_once_each_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "server: {deadline_s: -1, worker: 2}\nqueue: {max_articles: many}\nqueues: {}\n"
        "access: {api_keys_sha256: [secret], cors_origins: ['*']}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    message = str(caught.value)
    assert "has 6 error(s)" in message
    for where in ("server.deadline_s", "server.worker:", "queue.max_articles", "queues:", "api_keys_sha256.0", "cors_origins.0"):
        assert where in message


@pytest.mark.parametrize("content", ["[", "- 1", "server"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"bad\.yaml"):
        read_settings(path)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_settings(tmp_path / "none.yaml")


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("server: {deadline_s: 7}\n", encoding="utf-8")
    assert read_settings(path) == Settings.model_validate({"server": {"deadline_s": 7}})
    path.write_text("", encoding="utf-8")
    assert read_settings(path) == Settings()


def test_bodies_that_are_allowed_can_be_held() -> None:
    with pytest.raises(ValueError, match="max_held_megabytes must hold the largest batch"):
        Settings.model_validate({"limits": {"max_held_megabytes": 10}})


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("server: {workers: 3}\n", encoding="utf-8")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    current_settings.cache_clear()
    assert current_settings().server.workers == 3
    monkeypatch.delenv(CONFIG_VARIABLE)
    current_settings.cache_clear()
    assert current_settings() == Settings()
