"""Other versions of an article written here; what they still say is read from their spans."""

from __future__ import annotations

import random

import pytest

from service.analysis.document import Document, Span
from service.analysis.labels import ACTOR_TYPES
from training.augment import Name, cropped, edited, names_of, renamed, respelled, revoiced
from training.examples import Annotated, Mention, Statement

PER, ORG, GPE = (ACTOR_TYPES.index(name) for name in ("PER", "ORG", "GPE"))
LINES = (
    "باسم الراوي ينتقد الجمعية",
    "وقال الراوي إن الجمعية ظلمت دانة، وأكد أن دانة محقة.",
    "أما الحكومة الأردنية فقالت إنها لا تعلم.",
)
NAMED = {
    "باسم الراوي": ("E1", PER), "الراوي": ("E1", PER), "الجمعية": ("E2", ORG), "دانة": ("E3", PER), "الأردنية": ("E4", GPE),
}  # fmt: skip


def article() -> Annotated:
    text = "\n".join(LINES)
    starts = [text.index(line) for line in LINES]
    mentions: list[Mention] = []
    for form, (entity, actor_type) in NAMED.items():
        for at in (i for i in range(len(text)) if text.startswith(form, i)):
            span = Span(at, at + len(form))
            if not any(span.overlaps(m.span) for m in mentions):
                mentions.append(Mention(span, entity, actor_type))
    mentions.sort(key=lambda m: m.span)

    def words(form: str, paragraph: int) -> Span:
        at = text.index(form, starts[paragraph])
        return Span(at, at + len(form))

    statements = [
        Statement(1, "E1", words("الراوي", 1), words("قال", 1), 1, {"E2": 2}),
        Statement(1, "E3", None, words("أكد", 1), 1, {}),
        Statement(2, "E4", words("الحكومة الأردنية", 2), words("قالت", 2), 1, {}),
    ]
    paragraphs = tuple(Span(at, at + len(line)) for at, line in zip(starts, LINES, strict=True))
    return Annotated(Document(text, paragraphs), mentions, statements, [0] * len(LINES))


def test_a_crop_keeps_coordinates_and_drops_the_rest() -> None:
    part = cropped(article(), 1, 2)
    assert [part.document.slice(p) for p in part.document.paragraphs] == [LINES[1]]
    assert [(s.paragraph, s.speaker) for s in part.statements] == [(0, "E1"), (0, "E3")]


def test_another_spelling_moves_no_offset() -> None:
    text = "رُوسيا تنتقد «آشنطى»"
    annotated = Annotated(Document(text, (Span(0, len(text)),)))
    seen = {respelled(annotated, random.Random(i)).document.text for i in range(40)}
    assert len(seen) > 3
    assert {len(text) for text in seen} == {len(annotated.document.text)}
    assert any("آ" not in text for text in seen)


def test_others_get_the_names_and_every_span_follows() -> None:
    other = {"ليلى بدر": "P", "بدر": "P", "الرابطة": "O"}
    names: dict[tuple[int, bool], list[Name]] = {
        (PER, False): [("ليلى بدر", "بدر")], (PER, True): [("الناصر",)], (ORG, True): [("الرابطة",)],
    }  # fmt: skip
    versions = [renamed(article(), names, random.Random(i)) for i in range(20)]
    assert len({v.document.text for v in versions}) > 2
    for version in versions:
        for before, after in zip(article().mentions, version.mentions, strict=True):
            form = version.document.slice(after.span)
            assert form in {article().document.slice(before.span), *other, "الناصر"}
        assert [version.document.slice(p) for p in version.document.paragraphs] == version.document.text.split("\n")
        speaker = version.statements[0].span
        assert speaker
        assert version.document.text[speaker.start - 1] == " "
        assert version.document.slice(speaker) == version.document.slice(version.mentions[2].span)
        cue = version.statements[2].cue
        assert cue
        assert version.document.slice(cue) == "قالت"


def test_only_people_and_organisations_that_are_always_named_lend_their_names() -> None:
    assert names_of([article()]) == {(PER, False): [("دانة",)], (ORG, True): [("الجمعية",)]}


def test_a_person_called_with_and_without_the_article_keeps_the_name() -> None:
    version = renamed(article(), {(PER, False): [("ليلى",)], (ORG, True): [("الرابطة",)]}, random.Random(1))
    assert "الراوي" in version.document.text


def test_other_verbs_say_the_same() -> None:
    texts = {revoiced(article(), random.Random(i)).document.text for i in range(40)}
    assert any("وأوضح أن دانة" in text for text in texts)
    assert all("وقال الراوي إن" in text for text in texts), "«قال إن» has no equal in «أكد أن»"


@pytest.mark.parametrize("span", [Span(8, 13), Span(14, 20)])
def test_an_edit_through_an_end_of_a_span_is_left_out(span: Span) -> None:
    assert edited(article(), [(span, "x")]) == article()


def test_of_overlapping_edits_the_first_is_made() -> None:
    annotated = Annotated(Document("abcdef", (Span(0, 6),)))
    assert edited(annotated, [(Span(1, 3), "X"), (Span(2, 4), "Y"), (Span(4, 5), "")]).document.text == "aXdf"
