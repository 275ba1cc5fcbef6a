"""The released model passes at least the share of cases that its floors say, family by family."""

from __future__ import annotations

import pytest

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import open_artifact
from tests.behaviour.__main__ import ARTIFACTS, RELEASED, failed, rate
from tests.behaviour.cases import read_families
from tests.behaviour.evaluate import run
from tests.behaviour.floors import read_floors

FAMILIES = read_families()


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return open_artifact(ARTIFACTS / RELEASED).analyzer


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_is_below_its_floor(analyzer: Analyzer, family: str) -> None:
    outcomes = run(analyzer, FAMILIES[family])
    assert rate(outcomes) >= read_floors()[family], failed({family: outcomes})
