"""The released tokenizer, pinned: a changed normaliser would feed the model what it was not trained on."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from tests.conftest import ROOT

GOLDEN = json.loads((ROOT / "tests" / "analysis" / "golden_encodings.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("golden", GOLDEN, ids=[golden["text"] for golden in GOLDEN])
def test_encodings_are_those_the_model_was_trained_on(golden: dict[str, list[str] | str]) -> None:
    tokenizer = Tokenizer.from_file(str(ROOT / "service" / "artifacts" / "compact" / "tokenizer.json"))
    assert tokenizer.encode(str(golden["text"]), add_special_tokens=False).tokens == golden["tokens"]
