from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BENTO = yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))


def test_a_bento_installs_what_the_package_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert BENTO["python"]["packages"] == project["dependencies"]


def test_a_bento_holds_the_service_and_its_models() -> None:
    assert BENTO["service"] == "service.app:Mawaqif"
    assert "service/" in BENTO["include"]
