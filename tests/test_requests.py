from __future__ import annotations

import json
import time
from typing import Any

import pytest

from service.requests import (
    LIMITS,
    MAX_ARTICLES,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_VALUES,
    Article,
    Problem,
    RequestError,
    check_content_type,
    check_size,
    check_text,
    parse_article,
    parse_batch,
)


def problem_of(body: Any, *, batch: bool = False) -> Problem:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as caught:
        parse_batch(raw) if batch else parse_article(raw)
    return caught.value.problem


@pytest.mark.parametrize(
    ("body", "article"),
    [
        ({"text": "خبر"}, Article("خبر", None, "transformer")),
        ({"text": "خبر", "id": None}, Article("خبر", None, "transformer")),
        ({"text": "خبر", "id": "", "model": "baseline"}, Article("خبر", "", "baseline")),
        ({"text": "خبر", "model": "transformer", "tags": [1, {}]}, Article("خبر")),
        ({"text": "\n \u200f\nخ\n"}, Article("\n \u200f\nخ\n")),
        ({"text": "no Arabic at all"}, Article("no Arabic at all")),
        ({"text": "😀"}, Article("😀")),
        (b'\xef\xbb\xbf{"text": "x"}', Article("x")),
        (b'{"text": "a", "text": "b"}', Article("b")),
        (b'{"text": "a\\u0000b"}', Article("a\0b")),
        (b'{"text": "\\ud83d\\ude00"}', Article("😀")),
        (b'{"text": "x\\ud83d"}', Article("x\ud83d")),
        ({"text": "x" * MAX_CHARACTERS}, Article("x" * MAX_CHARACTERS)),
        ({"text": "😀" * MAX_CHARACTERS}, Article("😀" * MAX_CHARACTERS)),
    ],
)
def test_an_article_is_read(body: Any, article: Article) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert parse_article(raw) == article


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"", 400, "malformed_json", None),
        (b"{", 400, "malformed_json", None),
        (b'{"text": "x"} x', 400, "malformed_json", None),
        (b'{"text": "two\nlines"}', 400, "malformed_json", None),
        (b"\xff", 400, "malformed_json", None),
        ('{"text": "خبر"}'.encode("utf-16"), 400, "malformed_json", None),
        ('{"text": "خبر"}'.encode("windows-1256"), 400, "malformed_json", None),
        (b'{"text": "x", "id": NaN}', 400, "malformed_json", None),
        (b'{"text": "x", "weight": -Infinity}', 400, "malformed_json", None),
        (b'{"text": "x", "weight": ' + b"9" * 5000 + b"}", 400, "malformed_json", None),
        (b"[" * 200_000, 400, "nested_too_deeply", None),
        (b'{"text":' * 100_000, 400, "nested_too_deeply", None),
        (b'{"text": "x", "tags": [' + b"[]," * MAX_VALUES + b"[]]}", 413, "too_many_values", None),
        ([], 400, "wrong_type", None),
        ("خبر", 400, "wrong_type", None),
        (None, 400, "wrong_type", None),
        ({}, 400, "missing_text", "text"),
        ({"text": None}, 400, "wrong_type", "text"),
        ({"text": 7}, 400, "wrong_type", "text"),
        ({"text": ["خبر"]}, 400, "wrong_type", "text"),
        ({"text": "خبر", "id": 7}, 400, "wrong_type", "id"),
        ({"text": "خبر", "model": None}, 400, "wrong_type", "model"),
        ({"text": "خبر", "model": "gpt"}, 400, "unknown_model", "model"),
        ({"text": "خبر", "model": "Baseline"}, 400, "unknown_model", "model"),
        ({"text": ""}, 400, "blank_text", "text"),
        ({"text": " \t\r\n\u00a0\u2028\u200b\u200f\ufeff\u2067"}, 400, "blank_text", "text"),
        ({"text": "x" * (MAX_CHARACTERS + 1)}, 413, "text_too_long", "text"),
        ({"text": " " * (MAX_CHARACTERS + 1)}, 413, "text_too_long", "text"),
        (b" " * (LIMITS.article_bytes + 1), 413, "body_too_large", None),
    ],
)
def test_an_article_is_refused(body: Any, status: int, code: str, field: str | None) -> None:
    problem = problem_of(body)
    assert (problem.status, problem.code, problem.field) == (status, code, field)
    assert problem.to_json() == {"error": {"code": code, "message": problem.message, "field": field}}


@pytest.mark.parametrize("n_articles", [1, MAX_ARTICLES])
def test_a_batch_is_read_in_order(n_articles: int) -> None:
    body = {"articles": [{"text": f"خبر {i}", "id": str(i)} for i in range(n_articles)], "note": 1}
    assert [article.id for article in parse_batch(json.dumps(body).encode())] == [str(i) for i in range(n_articles)]


GOOD = {"text": "خبر"}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "malformed_json", None),
        ([GOOD], 400, "wrong_type", None),
        ({}, 400, "wrong_type", "articles"),
        ({"articles": GOOD}, 400, "wrong_type", "articles"),
        ({"articles": []}, 400, "empty_batch", "articles"),
        ({"articles": [GOOD] * (MAX_ARTICLES + 1)}, 413, "too_many_articles", "articles"),
        ({"articles": [GOOD, "خبر"]}, 400, "wrong_type", "articles[1]"),
        ({"articles": [GOOD, GOOD, GOOD, {"text": " "}]}, 400, "blank_text", "articles[3].text"),
        ({"articles": [GOOD, {}]}, 400, "missing_text", "articles[1].text"),
        ({"articles": [{"text": "خبر", "id": 1}]}, 400, "wrong_type", "articles[0].id"),
        ({"articles": [GOOD, {"text": "خبر", "model": "x"}]}, 400, "unknown_model", "articles[1].model"),
        ({"articles": [GOOD, {"text": "x" * (MAX_CHARACTERS + 1)}]}, 413, "text_too_long", "articles[1].text"),
    ],
)
def test_a_batch_is_refused(body: Any, status: int, code: str, field: str | None) -> None:
    problem = problem_of(body, batch=True)
    assert (problem.status, problem.code, problem.field) == (status, code, field)
    if field:
        assert field in problem.message


def test_the_largest_batch_fits_into_the_bytes_that_are_allowed() -> None:
    article = json.dumps({"text": "😀" * MAX_CHARACTERS, "model": "transformer"}).encode()
    assert len(article) * MAX_ARTICLES < LIMITS.batch_bytes


@pytest.mark.parametrize(("n_bytes", "allowed"), [(0, True), (10, True), (11, False)])
def test_bytes_are_limited(n_bytes: int, allowed: bool) -> None:
    if allowed:
        check_size(n_bytes, 10)
    else:
        with pytest.raises(RequestError, match="at most 10 bytes"):
            check_size(n_bytes, 10)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/JSON", "application/json; charset=utf-8", "application/ld+json", "application/json;"],
)
def test_json_is_accepted(content_type: str | None) -> None:
    check_content_type(content_type)
    check_content_type(content_type, "identity")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/plain", None),
        ("text/json", None),
        ("application/x-www-form-urlencoded", None),
        ("multipart/form-data; boundary=x", None),
        ("application/vnd.bentoml+pickle", None),
        ("application/jsonx", None),
        ("json", None),
        ("application/json", "gzip"),
    ],
)
def test_anything_else_is_not(content_type: str, encoding: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        check_content_type(content_type, encoding)
    assert caught.value.problem.status == 415


def nested(depth: int) -> bytes:
    """An article whose deepest value lies in ``depth`` objects and arrays."""
    return b'{"text": "[[{", "tags": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_nesting_is_limited_and_brackets_in_strings_are_no_nesting() -> None:
    assert parse_article(nested(MAX_DEPTH)).text == "[[{"
    assert problem_of(nested(MAX_DEPTH + 1)).code == "nested_too_deeply"
    assert parse_article(json.dumps({"text": "[" * 1000 + '"\\"' + "{" * 1000}).encode()).text.count("[") == 1000


def test_values_are_limited() -> None:
    """Counted by commas and opening brackets: the body, the array and every value after the first."""
    for n, fits in ((MAX_VALUES - 3, True), (MAX_VALUES - 1, False)):
        body = json.dumps({"tags": [1] * n, "text": "x"}).encode()
        assert parse_article(body).text == "x" if fits else problem_of(body).status == 413


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 300_000, b'"' * 300_001, b"\\" * 300_000, b'{"text": "' + b"x" * 600_000])
def test_what_is_no_json_is_refused_in_time_that_is_linear_in_its_length(body: bytes) -> None:
    """Any pattern that went back over what it has read would need hours here."""
    began = time.perf_counter()
    assert problem_of(body).code == "malformed_json"
    assert time.perf_counter() - began < 10


def test_no_message_repeats_what_was_posted() -> None:
    secret = "سرّ-4711"
    bodies = [
        {"text": 1, "id": secret}, {"text": secret, "model": secret}, {"text": secret, "id": [secret]}, [secret],
        {"text": secret * MAX_CHARACTERS}, {"text": secret, "id": 1},
    ]  # fmt: skip
    malformed = [f'{{"text": "{secret}'.encode(), f'{{"{secret}"}}'.encode(), f"{secret}".encode(), f'"\\x{secret}"'.encode()]
    messages = [problem_of(body).message for body in [*bodies, *malformed]]
    assert not [message for message in messages if secret in message]


def test_a_text_outside_of_json_is_checked_the_same_way() -> None:
    assert check_text("خبر", field=None) == "خبر"
    with pytest.raises(RequestError, match=r"^the text must not be empty$"):
        check_text("", field=None)
