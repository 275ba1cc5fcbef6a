"""Texts and requests that nobody would think of: whatever comes, the answer keeps the contract or says what is wrong, in time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from service.analysis.artifact import open_artifact
from service.models import ARTIFACTS, FOLDERS, TextAnalyzer
from service.requests import RequestError, check_text, parse_article, parse_batch
from tests.analysis.test_analyzer import check
from tests.servers import serving

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
ANY_TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=300)
"""Unicode with lone surrogates, controls and what is not assigned."""
BITS = st.sampled_from([
    "قال بوتين", "واشنطن", "«", "»", '"', "\n", "\u2028", "\r\n", "\r", " ", "\t", "\0", "\u202e", "\u200f", "\ufeff", "\ud800",
    "😀", "\u064b\u064c", "\u0640" * 9, "#كوريا_الشمالية", "https://t.co/x", "و", "ب", ".", "…", "،", "\u0301", "\U000e0001", "ﷺ",
    "ﻻ", "٣", "1",
])  # fmt: skip
NEWS_LIKE = st.lists(BITS, min_size=1, max_size=80).map("".join)


@pytest.fixture(scope="module", params=sorted(FOLDERS.values()))
def analyzer(request: pytest.FixtureRequest) -> TextAnalyzer:
    """On one thread: several would spend the processor's time on waiting for each other, and that is what is measured here."""
    return open_artifact(ARTIFACTS / str(request.param), n_threads=1).analyzer


def is_accepted(text: str) -> bool:
    try:
        check_text(text)
    except RequestError:
        return False
    return True


@settings(PATIENT, max_examples=60)
@given(text=ANY_TEXT | NEWS_LIKE)
@example(text="\ud800")
@example(text="ب" * 2_000)
@example(text="ب\n" * 400)
@example(text="\u064b" * 500 + "ب")
@example(text="قال" + "\u202e" * 100 + "بوتين")
def test_any_text_is_answered_with_valid_offsets(analyzer: TextAnalyzer, text: str) -> None:
    if is_accepted(text):
        [analysis] = analyzer.analyze([text])
        answer = analysis.to_json()
        check(text, answer)
        assert json.loads(json.dumps(answer)) == answer


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "id", "model", "articles"]), inner),
    max_leaves=12,
)


@settings(PATIENT, max_examples=400)
@given(body=st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for parse in (lambda body: [parse_article(body)], parse_batch):
        with suppress(RequestError):
            assert all(is_accepted(article.text) for article in parse(body))


@settings(PATIENT, max_examples=100)
@given(text=ANY_TEXT)
def test_text_comes_out_of_json_as_it_went_in(text: str) -> None:
    if is_accepted(text):
        assert parse_article(json.dumps({"text": text}).encode()).text == text


def _names(n: int) -> str:
    letters = "بتجدرسعفقلمنه"
    words = (f"{letters[i % 13]}{letters[i // 13 % 13]}{letters[i // 169 % 13]}{letters[i // 2197 % 13]}" for i in range(n))
    return " ".join(f"قال الرئيس {word} إن" for word in words)


ADVERSARIAL: dict[str, Callable[[int], str]] = {
    "one word": lambda n: "ب" * n,
    "one word of names": lambda n: ("والعقوباتالأمريكيةعلىروسيا" * n)[:n],
    "one-letter paragraphs": lambda n: "ب\n" * (n // 2),
    "names": lambda n: _names(n // 15)[:n],
    "names in lines": lambda n: _names(n // 15).replace(" إن", "\n")[:n],
    "marks": lambda n: "ب" + "\u064b" * n,
    "format characters": lambda n: "ب" + "\u202e" * n,
    "quotes": lambda n: "«" * n,
    "hashes": lambda n: ("#_" * n)[:n],
    "emoji": lambda n: "😀" * n,
    "lone surrogates": lambda n: "ب" + "\ud800" * n,
    "carriage returns": lambda n: "ب" + "\r" * n,
    "one speaker": lambda n: ("قال بوتين إن روسيا ترد على واشنطن " * n)[:n],
}
"""Texts of ``n`` characters, each to make one step do more than its share."""
SHORT = 2_000
GROWTH = 4


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_time_grows_as_length_does(analyzer: TextAnalyzer, name: str) -> None:
    """Four times the text takes about four times the processor's time; what grows with its square would take sixteen times."""
    seconds = [_cpu_seconds(analyzer, ADVERSARIAL[name](size)) for size in (SHORT, GROWTH * SHORT)]
    assert seconds[1] < 2 * GROWTH * seconds[0] + 1


def _cpu_seconds(analyzer: TextAnalyzer, text: str) -> float:
    began = time.process_time()
    analyzer.analyze([text])
    return time.process_time() - began


@pytest.fixture(scope="module")
def api_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serving("tests.served:Mawaqif", tmp_path_factory.mktemp("fuzzed")) as server:
        yield schemathesis.openapi.from_url(f"{server.address}/docs.json")


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [("/analyze", "POST"), ("/analyze_batch", "POST"), ("/model", "GET")]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("route", "method"), OPERATIONS)
def test_the_service_answers_as_it_documents(api_schema: Any, route: str, method: str, mode: GenerationMode) -> None:
    """To requests as its documentation has them, and to others."""

    @settings(PATIENT, max_examples=50)
    @given(case=api_schema[route][method].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    answers()
