"""The cases: ``cases/FAMILY.jsonl`` as values.

One case a line: ``{"id", "text", "expect"}``, or ``{"id", "text", "variant"}`` for two texts whose analyses must not differ.
Expectations follow the annotation guide: the speaker's own position counts, and a denial without attack is neutral. Whoever is
expected is called by a name that stands in the text; ``"first|second"`` gives two names that are both right.

- ``stances``: ``[speaker, actor, label]`` rows that the article's stance table has; a fourth item is a paragraph, counted from
  0, that says so
- ``absent``: rows that it does not have
- ``speakers``, ``speakers_in``: names that speak somewhere; ``[name, paragraph]`` that speak there, named or not
- ``same_actor``, ``other_actor``: names that are one actor; names no two of which are
- ``topic``: topic of the article

Knows nothing about analyses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.analysis.labels import STANCES, TOPICS

CASES: Final = Path(__file__).parent / "cases"


class CaseError(ValueError):
    """A case that is not written as it should be; the message names its file and line."""


@dataclass(frozen=True, slots=True)
class ExpectedStance:
    """A row of the stance table; ``paragraph`` None means anywhere."""

    speaker: str
    actor: str
    label: str
    paragraph: int | None = None

    def __post_init__(self) -> None:
        if self.label not in STANCES:
            raise ValueError(f"stance {self.label!r} is none of {', '.join(STANCES)}")

    def __str__(self) -> str:
        place = "" if self.paragraph is None else f" in paragraph {self.paragraph}"
        return f"{self.speaker} → {self.actor}: {self.label}{place}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an analysis must show; everything empty means nothing in particular."""

    stances: tuple[ExpectedStance, ...] = ()
    absent: tuple[ExpectedStance, ...] = ()
    speakers: tuple[str, ...] = ()
    speakers_in: tuple[tuple[str, int], ...] = ()
    same_actor: tuple[tuple[str, ...], ...] = ()
    other_actor: tuple[tuple[str, ...], ...] = ()
    topic: str | None = None

    def __post_init__(self) -> None:
        if self.topic is not None and self.topic not in TOPICS:
            raise ValueError(f"topic {self.topic!r} is none of {', '.join(TOPICS)}")


@dataclass(frozen=True, slots=True)
class Case:
    """A text with what is expected of its analysis, or with a ``variant`` that must be analysed alike."""

    id: str
    text: str
    expect: Expectation = Expectation()
    variant: str | None = None

    def __post_init__(self) -> None:
        if (self.expect == Expectation()) == (self.variant is None):
            raise ValueError("a case has either expectations or a variant")

    @property
    def texts(self) -> tuple[str, ...]:
        """What is to be analysed for this case."""
        return (self.text,) if self.variant is None else (self.text, self.variant)


def _read_expectation(fields: dict[str, Any]) -> Expectation:
    rows = {key: tuple(ExpectedStance(*row) for row in fields.get(key, ())) for key in ("stances", "absent")}
    names = {key: tuple(map(tuple, fields.get(key, ()))) for key in ("speakers_in", "same_actor", "other_actor")}
    return Expectation(**(fields | rows | names | {"speakers": tuple(fields.get("speakers", ()))}))


def read_case(line: str) -> Case:
    """The case that ``line`` holds as JSON.

    Raises:
        ValueError, TypeError: when it is not JSON, or not a case.
    """
    fields: dict[str, Any] = json.loads(line)
    return Case(**(fields | {"expect": _read_expectation(fields.get("expect", {}))}))


def read_family(path: Path) -> tuple[Case, ...]:
    """The cases of the family in ``path``, in order.

    Raises:
        CaseError: when a line is not a case, or there is none.
    """
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            cases.append(read_case(line))
        except (TypeError, ValueError) as error:
            raise CaseError(f"{path}:{number}: {error}") from error
    if not cases:
        raise CaseError(f"{path} has no case; remove it or write one")
    return tuple(cases)


def read_families(folder: Path = CASES) -> dict[str, tuple[Case, ...]]:
    """Every family's cases by its name, in alphabetical order."""
    return {path.stem: read_family(path) for path in sorted(folder.glob("*.jsonl"))}
