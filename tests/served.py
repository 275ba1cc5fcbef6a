"""The service over stubs, for ``bentoml serve tests.served:Mawaqif``: everything but the models is real."""

from __future__ import annotations

from service import app
from tests.doubles import stub_models

app.load_models = lambda n_threads: stub_models()  # type: ignore[assignment, attr-defined]
Mawaqif = app.Mawaqif
