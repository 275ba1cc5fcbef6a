"""The body of a request → articles that can be analysed, or what is wrong with it.

The service and the command line share these rules. Knows nothing about HTTP servers, and about models only their names.
No message repeats anything that was posted, so that a message may be logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NoReturn

from service.analysis.document import is_blank

MODEL_NAMES: Final = ("transformer", "baseline")
DEFAULT_MODEL: Final = "transformer"
MAX_CHARACTERS: Final = 100_000
"""The most code points of one article's text."""
MAX_ARTICLES: Final = 64
"""The most articles of one batch."""
MAX_DEPTH: Final = 32
"""How deep arrays and objects may be nested."""
MAX_VALUES: Final = 10_000
"""The most values of a body: a byte or two of it can take fifty in memory."""

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A JSON string, or what there is of one that is not closed; possessive, so that nothing is ever read twice."""
_BRACKETS: Final = re.compile(rb"[][{}]")
_JSON_TYPES: Final[dict[type, str]] = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number",
    type(None): "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What a body may hold; the defaults are those of the contract."""

    max_characters: int = MAX_CHARACTERS
    max_articles: int = MAX_ARTICLES
    max_depth: int = MAX_DEPTH
    max_values: int = MAX_VALUES

    @property
    def article_bytes(self) -> int:
        """The most bytes of one article's body: every character as a pair of ``\\uXXXX`` escapes, and room for the rest. So no
        text within ``max_characters`` is refused for how it was written."""
        return 12 * self.max_characters + 65_536

    @property
    def batch_bytes(self) -> int:
        return self.max_articles * self.article_bytes


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: an HTTP status, a code for programs, a message for people and the field that it is about."""

    status: int
    code: str
    message: str
    field: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message, "field": self.field}}


class RequestError(Exception):
    """A request that cannot be answered; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem: Final = problem


@dataclass(frozen=True, slots=True)
class Article:
    """A checked article: ``text`` is not blank and not too long, ``model`` is one of ``MODEL_NAMES``."""

    text: str
    id: str | None = None
    model: str = DEFAULT_MODEL


def check_content_type(content_type: str | None, content_encoding: str | None = None) -> None:
    """Refuse a body that is declared to be something else than plain JSON; one that is not declared at all may be JSON.

    Raises:
        RequestError: 415.
    """
    media_type = (content_type or "application/json").split(";")[0].strip().lower()
    is_json = media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
    if not is_json:
        _refuse(415, "not_json", "the body must be JSON: send it with Content-Type: application/json")
    if (content_encoding or "identity").strip().lower() != "identity":
        _refuse(415, "encoded_body", "the body must be sent as it is, without Content-Encoding")


def check_size(n_bytes: int, limit: int) -> None:
    """Refuse a body of more than ``limit`` bytes.

    Raises:
        RequestError: 413.
    """
    if n_bytes > limit:
        _refuse(413, "body_too_large", f"the body must be at most {limit:,} bytes")


def parse_article(body: bytes, default_model: str = DEFAULT_MODEL, limits: Limits = LIMITS) -> Article:
    """The article of a ``POST /analyze`` body, or of one line of a JSONL file.

    Raises:
        RequestError: 400 or 413.
    """
    check_size(len(body), limits.article_bytes)
    return _article(_parse(body, limits), "", default_model, limits)


def parse_batch(body: bytes, limits: Limits = LIMITS) -> tuple[Article, ...]:
    """The articles, at least one, of a ``POST /analyze_batch`` body, all of them checked.

    Raises:
        RequestError: 400 or 413; its field names the article that is wrong, as in ``articles[3].text``.
    """
    check_size(len(body), limits.batch_bytes)
    articles = _object(_parse(body, limits), None).get("articles")
    if not isinstance(articles, list):
        _refuse_type(articles, "an array", "articles")
    if not articles:
        _refuse(400, "empty_batch", "articles must hold at least one article", "articles")
    if len(articles) > limits.max_articles:
        _refuse(413, "too_many_articles", f"articles must hold at most {limits.max_articles}, got {len(articles)}", "articles")
    return tuple(_article(value, f"articles[{index}]", DEFAULT_MODEL, limits) for index, value in enumerate(articles))


def check_text(text: str, field: str | None = "text", max_characters: int = MAX_CHARACTERS) -> str:
    """``text`` itself where it can be analysed.

    Raises:
        RequestError: 400 for an empty or blank text, 413 for one that is too long.
    """
    name = field or "the text"
    if len(text) > max_characters:
        _refuse(413, "text_too_long", f"{name} must be at most {max_characters:,} characters, got {len(text):,}", field)
    if is_blank(text):
        _refuse(400, "blank_text", f"{name} must not be {'blank' if text else 'empty'}", field)
    return text


def check_model(name: str, field: str | None = "model") -> str:
    """``name`` itself where it is one of ``MODEL_NAMES``.

    Raises:
        RequestError: 400.
    """
    if name not in MODEL_NAMES:
        known = " or ".join(f'"{known}"' for known in MODEL_NAMES)
        _refuse(400, "unknown_model", f"{field or 'the model'} must be {known}", field)
    return name


def check_structure(body: bytes, limits: Limits) -> None:
    """Refuse a body before it is parsed that would take far more memory than it has bytes, or whose nesting is too deep.

    Raises:
        RequestError: 400 or 413.
    """
    skeleton = _STRING.sub(b"", body)
    depth = 0
    for bracket in islice(_BRACKETS.finditer(skeleton), 2 * limits.max_values):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > limits.max_depth:
            _refuse(400, "nested_too_deeply", f"the body must be nested at most {limits.max_depth} deep")
    if skeleton.count(b",") + skeleton.count(b"[") + skeleton.count(b"{") > limits.max_values:
        _refuse(413, "too_many_values", f"the body must hold at most {limits.max_values:,} values")


def _parse(body: bytes, limits: Limits) -> Any:
    check_structure(body, limits)
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        _refuse(400, "malformed_json", f"the body must be UTF-8: byte {error.start} cannot be read")
    except json.JSONDecodeError as error:
        _refuse(400, "malformed_json", f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except ValueError:
        # JSON has no NaN, and Python reads no integer of more than a few thousand digits.
        _refuse(400, "malformed_json", "the body holds a number that cannot be read")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _article(value: Any, path: str, default_model: str, limits: Limits) -> Article:
    fields = _object(value, path or None)
    prefix = f"{path}." if path else ""
    if "text" not in fields:
        _refuse(400, "missing_text", f"{prefix}text is required", f"{prefix}text")
    text = fields["text"]
    if not isinstance(text, str):
        _refuse_type(text, "a string", f"{prefix}text")
    article_id = fields.get("id")
    if not isinstance(article_id, str | None):
        _refuse_type(article_id, "a string or null", f"{prefix}id")
    model = fields.get("model", default_model)
    if not isinstance(model, str):
        _refuse_type(model, "a string", f"{prefix}model")
    checked = check_text(text, f"{prefix}text", limits.max_characters)
    return Article(checked, article_id, check_model(model, f"{prefix}model"))


def _object(value: Any, field: str | None) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _refuse_type(value, "an object", field)
    return value


def _refuse_type(value: Any, expected: str, field: str | None) -> NoReturn:
    _refuse(400, "wrong_type", f"{field or 'the body'} must be {expected}, got {_JSON_TYPES[type(value)]}", field)


def _refuse(status: int, code: str, message: str, field: str | None = None) -> NoReturn:
    raise RequestError(Problem(status, code, message, field))
