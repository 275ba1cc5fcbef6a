"""A case and the analyses of its texts → what of it does not hold.

Takes analyses as the service answers them (JSON); knows nothing about models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from service.analysis.analyzer import Analyzer
from service.analysis.text import words
from tests.behaviour.cases import Case, Expectation, ExpectedStance

Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A case and why it fails; it passes when there is no reason."""

    case: Case
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def run(analyzer: Analyzer, cases: Sequence[Case]) -> list[Outcome]:
    """The outcome of every case, all their texts analysed in one batch."""
    answers = iter([analysis.to_json() for analysis in analyzer.analyze([text for case in cases for text in case.texts])])
    return [Outcome(case, failures(case, [next(answers) for _ in case.texts])) for case in cases]


def failures(case: Case, answers: Sequence[Json]) -> tuple[str, ...]:
    """What of ``case`` does not hold in ``answers``, the analyses of its texts."""
    if case.variant is None:
        return tuple(_unmet(case.expect, _Reading(answers[0])))
    return tuple(_differences(*answers))


class _Reading:
    """An analysis as it is asked about: by names instead of ids."""

    def __init__(self, answer: Json) -> None:
        self.answer = answer
        self.is_person = {actor["id"]: actor["type"] == "PER" for actor in answer["actors"]}
        self.forms: dict[str, list[list[str]]] = defaultdict(list)
        for actor in answer["actors"]:
            self.forms[actor["id"]].append(words(actor["name"]))
        for paragraph in answer["paragraphs"]:
            for mention in paragraph["mentions"]:
                self.forms[mention["actor"]].append(words(mention["text"]))

    def called(self, names: str) -> set[str]:
        """Ids of the actors that go by one of ``names``; a person goes by a first or last name too."""
        wanted = [words(name) for name in names.split("|")]
        return {
            identifier
            for identifier, forms in self.forms.items()
            if any(_is_same_name(form, name, self.is_person[identifier]) for form in forms for name in wanted)
        }

    def labels(self, row: ExpectedStance) -> set[str]:
        """The labels of the stances between the two of ``row``, in its direction and place."""
        speakers, actors = self.called(row.speaker), self.called(row.actor)
        stances = self.answer["stances"] if row.paragraph is None else self._stances_in(row.paragraph)
        return {found["label"] for found in stances if found["speaker"] in speakers and found["actor"] in actors}

    def _stances_in(self, paragraph: int) -> Iterator[Json]:
        for statement in self.answer["paragraphs"][paragraph]["statements"]:
            for stance in statement["stances"]:
                yield stance | {"speaker": statement["speaker"]["actor"]}

    def speakers_in(self, paragraph: int) -> set[str]:
        """Ids of those who speak in ``paragraph``."""
        return {statement["speaker"]["actor"] for statement in self.answer["paragraphs"][paragraph]["statements"]}

    def speakers(self) -> set[str]:
        return {actor["id"] for actor in self.answer["actors"] if actor["speaks"]}


def _is_same_name(form: list[str], name: list[str], is_person: bool) -> bool:
    if form == name:
        return True
    short, full = sorted((form, name), key=len)
    return is_person and bool(short) and short in (full[: len(short)], full[-len(short) :])


def _unmet(expect: Expectation, reading: _Reading) -> Iterator[str]:
    """What of ``expect`` does not hold, in words."""
    topic = reading.answer["topic"]["label"]
    if expect.topic not in (None, topic):
        yield f"topic is {topic}, not {expect.topic}"
    for row in expect.stances:
        if row.label not in (found := reading.labels(row)):
            yield f"lacks {row}, has {' and '.join(sorted(found)) or 'none'}"
    yield from (f"has {row}" for row in expect.absent if row.label in reading.labels(row))
    yield from (f"{name} does not speak" for name in expect.speakers if not reading.called(name) & reading.speakers())
    for name, paragraph in expect.speakers_in:
        if not reading.called(name) & reading.speakers_in(paragraph):
            yield f"{name} does not speak in paragraph {paragraph}"
    yield from _unmet_identities(expect, reading)


def _unmet_identities(expect: Expectation, reading: _Reading) -> Iterator[str]:
    """Names that are not found at all fail either way."""
    for names in (*expect.same_actor, *expect.other_actor):
        yield from (f"{name} is not found" for name in names if not reading.called(name))
    for names in expect.same_actor:
        if len(set.union(*map(reading.called, names))) > 1:
            yield f"{' and '.join(names)} are several actors"
    for names in expect.other_actor:
        for first, second in combinations(names, 2):
            if reading.called(first) & reading.called(second):
                yield f"{first} and {second} are one actor"


def outline(answer: Json) -> Json:
    """What two analyses share when they say the same of texts that differ in spelling or names: no offset, name or score.

    Actors are numbered in the order in which the text shows them, so that their ids can be compared.
    """
    paragraphs = answer["paragraphs"]
    return {
        "topics": [answer["topic"]["label"], *(paragraph["topic"]["label"] for paragraph in paragraphs)],
        "actors": [(actor["id"], actor["type"]) for actor in answer["actors"]],
        "mentions": [[mention["actor"] for mention in paragraph["mentions"]] for paragraph in paragraphs],
        "statements": [[_statement_outline(said) for said in paragraph["statements"]] for paragraph in paragraphs],
        "stances": sorted((row["speaker"], row["actor"], row["label"]) for row in answer["stances"]),
    }


def _statement_outline(statement: Json) -> tuple[str, bool, bool, str]:
    """Who speaks, whether the paragraph names him and has a word of speech, and whether he is quoted."""
    speaker = statement["speaker"]
    return speaker["actor"], speaker["text"] is not None, statement["cue"] is not None, statement["kind"]


def _differences(answer: Json, other: Json) -> Iterator[str]:
    """In what two analyses differ; one that finds nobody who speaks would make the comparison too easy, so it fails."""
    first, second = outline(answer), outline(other)
    if not any(first["statements"]):
        yield "no statement is found in the text"
    yield from (f"{part}: {first[part]}, in the variant {second[part]}" for part in first if first[part] != second[part])
