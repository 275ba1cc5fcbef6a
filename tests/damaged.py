"""The service over the artifacts of a folder that the environment names, for ``bentoml serve tests.damaged:Mawaqif``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from service import app
from service.models import Models, load_models

FOLDER_VARIABLE: Final = "MAWAQIF_TEST_ARTIFACTS"


def _models(n_threads: int) -> Models:
    return load_models(n_threads, Path(os.environ[FOLDER_VARIABLE]))


app.load_models = _models  # type: ignore[assignment, attr-defined]
Mawaqif = app.Mawaqif
