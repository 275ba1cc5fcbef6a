from __future__ import annotations

import pytest

from service.analysis.document import Span, read_document


def paragraphs(text: str) -> list[str]:
    document = read_document(text)
    return [document.slice(span) for span in document.paragraphs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("عنوان\nفقرة", ["عنوان", "فقرة"]),
        ("عنوان\r\n\r\nفقرة\r\n", ["عنوان", "فقرة"]),
        ("عنوان\u2028فقرة\u2029أخرى", ["عنوان", "فقرة", "أخرى"]),
        ("عنوان\rفقرة", ["عنوان\rفقرة"]),
        ("  \n\t\n\u200f\u200b\n نص \n", [" نص "]),
        ("نص", ["نص"]),
    ],
)
def test_a_paragraph_is_a_line_in_which_something_can_be_seen(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


def test_offsets_count_code_points_of_the_text_as_posted() -> None:
    document = read_document("😀 خبر\r\n\r\nمُهِمّ 😀")
    assert document.paragraphs == (Span(0, 5), Span(9, 17))


def test_lone_surrogates_can_be_encoded_and_move_nothing() -> None:
    document = read_document("خبر \ud800 عاجل")
    assert document.readable == "خبر \ufffd عاجل"
    assert len(document.readable) == len(document.text)


@pytest.mark.parametrize(("text", "expected"), [("hello 123", False), ("hello خ", True), ("١٢٣", False)])
def test_arabic_is_seen_by_its_letters(text: str, expected: bool) -> None:
    assert read_document(text).has_arabic is expected


def test_a_span_is_half_open_and_not_empty() -> None:
    with pytest.raises(ValueError, match="0 <= start < end"):
        Span(3, 3)
    assert not Span(0, 3).overlaps(Span(3, 5))
    assert Span(0, 3).covers(Span(1, 3))
