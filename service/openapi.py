"""``/docs.json`` as the contract has it: BentoML's own specification with this service's errors, bodies and model card."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import attrs
from bentoml._internal.service.openapi.specification import Info, OpenAPISpecification, PathItem, Schema

from service.requests import MODEL_NAMES, Limits
from service.schema import AnalysisAnswer, ArticleBody, BatchAnswer, BatchBody, Error

_BODIES: Final = {"/analyze": (ArticleBody, AnalysisAnswer), "/analyze_batch": (BatchBody, BatchAnswer)}
_ERRORS: Final = {
    HTTPStatus.BAD_REQUEST: "Malformed JSON, a wrong type, an empty or blank text, an unknown model.",
    HTTPStatus.UNAUTHORIZED: "No key that is accepted in the header X-API-Key, where the service asks for one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too long a text, too many articles, values or bytes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Not JSON.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests at once; Retry-After says when to come back.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The analysis failed.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Overloaded, or the model is not available; Retry-After says when to come back.",
    HTTPStatus.GATEWAY_TIMEOUT: "Past the deadline.",
}


def with_contract(spec: OpenAPISpecification, description: str, limits: Limits) -> OpenAPISpecification:
    """``spec`` with its routes described as they answer; BentoML knows neither their errors nor that fields may be null."""
    # BentoML declares attrs classes here and fills in plain dictionaries.
    components: Any = spec.components
    bentoml_posts: Any = {path: spec.paths[path].post for path in _BODIES}
    schemas: dict[str, Any] = {
        name: schema
        for name, schema in components["schemas"].items()
        if name not in {"InvalidArgument", "NotFound", "InternalServerError", "TaskStatusResponse"}
    }
    error = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {name: Schema(**schema) for name, schema in error.pop("$defs").items()} | {"Error": Schema(**error)}
    _set_limits(schemas, limits)
    posts = {
        path: PathItem(
            post=bentoml_posts[path] | {"requestBody": _content(body.__name__), "responses": _responses(answer.__name__)}
        )
        for path, (body, answer) in _BODIES.items()
    }
    changed: Any = {"schemas": schemas}
    return attrs.evolve(
        spec,
        openapi="3.1.0",
        info=Info(title=spec.info.title, version=spec.info.version, description=description),
        paths={**spec.paths, **posts, "/model": PathItem(get=_MODEL)},
        components=changed,
    )


def _set_limits(schemas: dict[str, Any], limits: Limits) -> None:
    for name in ("Article", "ArticleBody"):
        schemas[name].properties["text"]["maxLength"] = limits.max_characters
    schemas["BatchBody"].properties["articles"]["maxItems"] = limits.max_articles


def _content(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _responses(answer: str) -> dict[int, Any]:
    return {HTTPStatus.OK.value: {"description": HTTPStatus.OK.phrase, **_content(answer)}, **_errors(_ERRORS)}


def _errors(statuses: Iterable[HTTPStatus]) -> dict[int, Any]:
    return {status.value: {"description": _ERRORS[status], **_content("Error")} for status in statuses}


_MODEL_ERRORS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_MODEL: Final[dict[str, Any]] = {
    "tags": ["Service APIs"],
    "description": "Name, version, base encoder, label sets, calibration, test figures, training data and licence of a model.",
    "parameters": [{"name": "model", "in": "query", "schema": {"type": "string", "enum": list(MODEL_NAMES)}}],
    "responses": {
        HTTPStatus.OK.value: {"description": "The model card.", "content": {"application/json": {"schema": {"type": "object"}}}},
        **_errors(_MODEL_ERRORS),
    },
}
