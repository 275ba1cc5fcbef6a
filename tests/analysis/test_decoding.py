from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from service.analysis.decoding import TokenSpan, characters_of, consistent_mentions, decode_tags, occurrences
from service.analysis.document import Document, Span, read_document
from service.analysis.encoder import Tagged
from service.analysis.findings import FoundMention
from service.analysis.labels import N_TOKEN_LOGITS
from service.analysis.windows import Segment, Window

TEXT = "قال ديمتري بيسكوف في موسكو"
OFFSETS = np.array([(0, 3), (4, 10), (11, 14), (14, 17), (18, 20), (21, 26)])
BARE = np.zeros(len(OFFSETS), np.int64)
"""No letters attached before any token."""


def logits(tags: list[int], n_classes: int = 3, strength: float = 4.0) -> npt.NDArray[np.float32]:
    rows = np.zeros((len(tags), 1 + 2 * n_classes), np.float32)
    rows[np.arange(len(tags)), tags] = strength
    return rows


def test_a_span_runs_from_its_first_tag_over_the_inside_ones() -> None:
    spans = decode_tags(logits([0, 1, 2, 2, 0, 5]), 0.0, TEXT, OFFSETS, BARE)
    assert [(s.start, s.end, s.label) for s in spans] == [(1, 4, 0), (5, 6, 2)]
    assert all(0.8 < s.score < 1 for s in spans)


def test_a_span_ends_where_a_word_ends() -> None:
    spans = decode_tags(logits([0, 0, 1, 0, 0, 0]), 0.0, TEXT, OFFSETS, BARE)
    assert [(s.start, s.end) for s in spans] == [(2, 4)]


def test_two_spans_may_touch() -> None:
    spans = decode_tags(logits([0, 1, 1, 2, 0, 0]), 0.0, TEXT, OFFSETS, BARE)
    assert [(s.start, s.end) for s in spans] == [(1, 2), (2, 4)]


@pytest.mark.parametrize(("shift", "n_found"), [(0.0, 0), (0.8, 1)])
def test_the_shift_of_the_outside_logit_finds_more(shift: float, n_found: int) -> None:
    rows = logits([0, 0, 0, 0, 0, 0], strength=1.0)
    rows[5, 5] = 0.5
    assert len(decode_tags(rows, shift, TEXT, OFFSETS, BARE)) == n_found


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("روسيا ولروسيا وبروسيا", "روسيا", [(0, 5), (8, 13), (16, 21)]),
        ("الروسيات", "روسيا", []),
        ("روسياتي", "روسيا", []),
        ("«روسيا»، روسيا.", "روسيا", [(1, 6), (9, 14)]),
        ("#كوريا_الشمالية", "كوريا_الشمالية", [(1, 15)]),
        ("مصر ومصرع مصرف", "مصر", [(0, 3)]),
    ],
)
def test_a_form_is_found_as_a_word_with_attached_letters(text: str, form: str, expected: list[tuple[int, int]]) -> None:
    assert [(s.start, s.end) for s in occurrences(text, form)] == expected


def test_searching_takes_time_linear_in_one_long_word() -> None:
    assert not list(occurrences("مص" * 50_000, "مص"))


def mentions_of(text: str, found: list[FoundMention], unlikely: str = "") -> list[str]:
    """What is kept of ``found`` when every code point but those of ``unlikely`` is a name's."""
    inside = np.full(len(text), 0.9)
    for span in occurrences(text, unlikely) if unlikely else ():
        inside[span.start : span.end] = 0.1
    return [text[m.span.start : m.span.end] for m in consistent_mentions(read_document(text), found, inside, 0.6)]


def test_a_name_found_once_is_found_throughout_and_longest_first() -> None:
    text = "كوريا الشمالية ثم كوريا ثم كوريا الشمالية"
    found = [FoundMention(Span(0, 14), "GPE", 0.9), FoundMention(Span(18, 23), "GPE", 0.6)]
    assert mentions_of(text, found) == ["كوريا الشمالية", "كوريا", "كوريا الشمالية"]


def test_a_form_that_is_no_name_elsewhere_is_dropped() -> None:
    text = "قالت إدارة ترامب إن إدارة الأزمة وإدارة الموارد"
    found = [FoundMention(Span(5, 16), "ORG", 0.9), FoundMention(Span(20, 25), "ORG", 0.6)]
    assert mentions_of(text, found, unlikely="إدارة") == []
    inside = np.zeros(len(text))
    inside[5:16] = 0.9
    kept = consistent_mentions(read_document(text), found, inside, 0.6)
    assert [(m.span.start, m.span.end) for m in kept] == [(5, 16)]
    assert kept[0].score == pytest.approx(0.9)


def test_a_name_is_found_where_its_article_is_merged_with_a_preposition() -> None:
    assert mentions_of("دعت الصين إلى ما للصين", [FoundMention(Span(4, 9), "GPE", 0.9)]) == ["الصين", "للصين"]


def one_word(n: int) -> tuple[Document, Window]:
    """A text that is one word of ``n`` letters, and a window over it: a token for each letter from the fourth on."""
    offsets = np.array([(0, 0), *((i, i + 1) for i in range(3, n)), (0, 0)])
    window = Window(np.zeros(len(offsets), np.int64), offsets, (Segment(0, 1, len(offsets) - 1),))
    return read_document("ب" * n), window


def test_two_names_with_a_preposition_between_are_two() -> None:
    text = "أكد كيم لبوتين ثم كيم وبوتين"
    found = [FoundMention(Span(*span), "PER", 0.9) for span in ((4, 14), (18, 21), (23, 28))]
    assert mentions_of(text, found) == ["كيم", "بوتين", "كيم", "بوتين"]


def test_a_name_with_a_preposition_begins_a_span_of_its_own() -> None:
    text = "كيم لبوتين"
    offsets, rows = np.array([(0, 3), (4, 10)]), logits([1, 1], strength=1.0)
    assert len(decode_tags(rows, 0.0, text, offsets, np.array([0, 0]))) == 1
    assert len(decode_tags(rows, 0.0, text, offsets, np.array([0, 1]))) == 2


@pytest.mark.parametrize(("token", "start"), [(1, 3), (10, 3), (62, 3), (70, 72)])
def test_a_span_begins_with_its_word_but_no_earlier_than_its_window(token: int, start: int) -> None:
    document, window = one_word(200)
    tagged = Tagged(np.zeros((len(window.ids), 1), np.float32), np.zeros((len(window.ids), N_TOKEN_LOGITS), np.float32))
    assert characters_of(TokenSpan(token, token + 2, 0, 0.9), window, tagged, document) == Span(start, token + 4)
