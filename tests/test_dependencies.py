"""The environment that the tests vouch for is one that ``pyproject.toml`` allows, and its bounds are explained."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [Requirement(line) for line in PROJECT["dependencies"]]
EXPLAINED = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("requirement", DEPENDENCIES, ids=lambda requirement: requirement.name)
def test_what_is_installed_keeps_the_bounds(requirement: Requirement) -> None:
    assert requirement.specifier.contains(version(requirement.name), prereleases=True)


def test_the_bounds_that_are_explained_are_those_that_are_kept() -> None:
    bounds = {requirement.name: requirement.specifier for requirement in DEPENDENCIES}
    rows = re.findall(r"^\| ([a-z0-9-, ]+) \| ([0-9., ]+) \|", EXPLAINED, re.MULTILINE)
    explained = {n: b for names, limits in rows for n, b in zip(names.split(", "), limits.split(", "), strict=True)}
    assert len(explained) == 11
    for name, bound in explained.items():
        assert f">={bound}" in str(bounds[name]), name
