"""The service over stubs, for ``bentoml serve tests.served:Mawaqif``: everything but the models is real."""

from __future__ import annotations

from service import app
from service.models import Models
from tests.doubles import stub_models


def _models(n_threads: int) -> Models:
    return stub_models()


app.load_models = _models  # type: ignore[assignment, attr-defined]
Mawaqif = app.Mawaqif
