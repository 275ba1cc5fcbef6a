from __future__ import annotations

import pytest

from tests.conftest import ROOT
from training.speed.contenders import Released


@pytest.fixture(scope="session")
def released() -> Released:
    return Released.open(ROOT / "service" / "artifacts")
