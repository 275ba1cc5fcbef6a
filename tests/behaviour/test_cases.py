"""The cases are written as they should be: enough of them, ids of their own, and names that stand in their texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.analysis.document import read_document
from service.analysis.text import fold
from tests.behaviour.cases import CaseError, Expectation, read_families, read_family
from tests.behaviour.floors import read_floors

FAMILIES = read_families()
CASES = [case for cases in FAMILIES.values() for case in cases]


def names(expect: Expectation) -> Iterator[str]:
    """Whoever is expected in whatever way."""
    for row in (*expect.stances, *expect.absent):
        yield from (row.speaker, row.actor)
    yield from expect.speakers
    yield from (name for name, _ in expect.speakers_in)
    yield from (name for group in (*expect.same_actor, *expect.other_actor) for name in group)


def numbered_paragraphs(expect: Expectation) -> Iterator[int]:
    yield from (row.paragraph for row in (*expect.stances, *expect.absent) if row.paragraph is not None)
    yield from (paragraph for _, paragraph in expect.speakers_in)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 170
    assert all(len(cases) >= 12 for cases in FAMILIES.values())


def test_no_id_and_no_text_is_there_twice() -> None:
    assert len({case.id for case in CASES}) == len({case.text for case in CASES}) == len(CASES)


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_begin_with_the_family(family: str) -> None:
    assert all(case.id.startswith(f"{family}-") for case in FAMILIES[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_expectations_fit_their_texts(family: str) -> None:
    for case in FAMILIES[family]:
        text = fold(case.text)
        for name in names(case.expect):
            assert any(fold(form) in text for form in name.split("|")), f"{case.id}: {name} is not in the text"
        n_paragraphs = len(read_document(case.text).paragraphs)
        assert all(0 <= paragraph < n_paragraphs for paragraph in numbered_paragraphs(case.expect)), case.id


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_are_tidy(family: str) -> None:
    for case in FAMILIES[family]:
        for text in case.texts:
            assert text == "\n".join(" ".join(line.split()) for line in text.split("\n")), case.id


def test_a_variant_is_another_text_of_as_many_paragraphs() -> None:
    for case in CASES:
        if case.variant is not None:
            assert case.variant != case.text, case.id
            assert len(read_document(case.variant).paragraphs) == len(read_document(case.text).paragraphs), case.id


def test_nobody_is_only_expected_not_to_do_something() -> None:
    """A model that finds nothing must not pass."""
    lenient = [case.id for case in CASES if case.expect.absent and case.expect == Expectation(absent=case.expect.absent)]
    assert lenient == []


def test_every_family_has_a_floor_and_every_floor_a_family() -> None:
    floors = read_floors()
    assert set(floors) == set(FAMILIES)
    assert all(0 <= floor <= 1 for floor in floors.values())


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "c", "text": "نص", "expect": {"topic": "sport"}}\n{"id": "d"}\n', encoding="utf-8")
    with pytest.raises(CaseError, match=r"bad\.jsonl:2: "):
        read_family(path)


def test_a_family_without_cases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(CaseError, match="has no case"):
        read_family(path)
