"""What requests and answers look like, for ``/docs.json``. Nothing is validated with these: see ``requests.py``."""

from __future__ import annotations

from typing import Any, Literal, Self

from bentoml import IODescriptor
from pydantic import BaseModel, Field, PrivateAttr
from starlette.requests import Request

from service.analysis.labels import ACTOR_TYPES, KINDS, STANCES, TOPICS
from service.requests import DEFAULT_MODEL, MAX_ARTICLES, MAX_CHARACTERS, MODEL_NAMES


class Article(BaseModel):
    text: str = Field(
        min_length=1, max_length=MAX_CHARACTERS, description="The article. Each line is a paragraph, the first one the headline."
    )
    id: str | None = Field(None, description="Comes back in the analysis.")
    model: str = Field(DEFAULT_MODEL, json_schema_extra={"enum": list(MODEL_NAMES)})


class ModelName(BaseModel):
    name: str
    version: str


class Topic(BaseModel):
    label: str = Field(json_schema_extra={"enum": list(TOPICS)})
    code: str | None = Field(description="IPTC Media Topic; null for none.")
    score: float
    scores: dict[str, float]


class Actor(BaseModel):
    id: str
    name: str
    type: str = Field(json_schema_extra={"enum": list(ACTOR_TYPES)})
    iso: str | None = Field(description="ISO 3166 alpha-2 code of a country.")
    mentions: int
    speaks: bool


class Located(BaseModel):
    start: int | None = Field(
        description="Code points into the text as posted; null where the paragraph does not name the speaker."
    )
    end: int | None
    text: str | None


class ActorSpan(Located):
    actor: str
    score: float


class Stance(BaseModel):
    actor: str
    label: str = Field(json_schema_extra={"enum": list(STANCES)})
    score: float
    scores: dict[str, float] = Field(description="Calibrated; they sum to 1.")


class Statement(BaseModel):
    speaker: ActorSpan
    cue: Located | None
    kind: str = Field(json_schema_extra={"enum": list(KINDS)})
    stances: list[Stance]


class Paragraph(BaseModel):
    index: int
    start: int
    end: int
    topic: Topic
    mentions: list[ActorSpan]
    statements: list[Statement]


class Relation(BaseModel):
    speaker: str
    actor: str
    label: str = Field(json_schema_extra={"enum": list(STANCES)})
    score: float
    paragraphs: list[int] = Field(description="The indices of the paragraphs that show it.")


class Analysis(BaseModel):
    id: str | None
    model: ModelName
    topic: Topic
    actors: list[Actor]
    paragraphs: list[Paragraph]
    stances: list[Relation]
    warnings: list[Literal["not_arabic"]] = Field([], description="Only there where there are any.")


class ErrorDetail(BaseModel):
    code: str
    message: str
    field: str | None


class Error(BaseModel):
    error: ErrorDetail


class FailedArticle(BaseModel):
    """What stands in a batch's answer for an article whose analysis failed."""

    id: str | None
    error: ErrorDetail


class _UnreadBody(IODescriptor):
    """A body that BentoML hands over unread: it would refuse what it cannot read with its own errors and log parts of it."""

    __root_input__ = True
    _request: Request = PrivateAttr()

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        body: Self = cls.model_construct()
        body._request = request
        return body

    @property
    def request(self) -> Request:
        return self._request


class ArticleBody(_UnreadBody, Article):
    """The body of ``POST /analyze``."""


class BatchBody(_UnreadBody):
    """The body of ``POST /analyze_batch``."""

    articles: list[Article] = Field(min_length=1, max_length=MAX_ARTICLES)


class AnalysisAnswer(IODescriptor, Analysis):
    """The answer of ``POST /analyze``."""


class BatchAnswer(IODescriptor):
    """The answer of ``POST /analyze_batch``: the analyses in the order of the articles."""

    analyses: list[Analysis | FailedArticle]
