from __future__ import annotations

import pytest

from service.analysis.text import fold, strip_article, widen_over_marks, with_arabic_normalizer, words
from training.tiny import tiny_tokenizer

TEXTS = ["كوريا الشمالية", "محمد قال 2023", 'قال "نعم" لروسيا', "كيم جونغ أون"]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("مُحَمَّدٌ", "محمد"),
        ("كـــيم", "كيم"),
        ("٢٠٢٣", "2023"),
        ("۲۰۲۳", "2023"),
        ("“نعم”", '"نعم"'),
        ("«نعم»", '"نعم"'),
        ("كيم\u200f", "كيم"),
        ("كوريا_الشمالية", "كوريا الشمالية"),
        ("کوریا", "كوريا"),
    ],
)
def test_ways_of_writing_meet_in_the_tokenizer(written: str, plain: str) -> None:
    tokenizer = with_arabic_normalizer(tiny_tokenizer(TEXTS))
    assert tokenizer.encode(written, add_special_tokens=False).ids == tokenizer.encode(plain, add_special_tokens=False).ids


def test_token_offsets_are_those_of_the_written_text() -> None:
    tokenizer = with_arabic_normalizer(tiny_tokenizer(TEXTS))
    text = "«مُحَمَّدٌ» ٢٠٢٣"
    encoding = tokenizer.encode(text, add_special_tokens=False)
    pieces = [text[start:end] for start, end in encoding.offsets]
    assert pieces[0] == "«"
    assert "".join(pieces[1:2]).startswith("مُ")
    assert pieces[-1].endswith("٣")


def test_an_end_is_moved_over_the_marks_that_the_tokenizer_drops() -> None:
    assert widen_over_marks("مُحَمَّدٌ قال", 8) == 9


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("الأمريكية", "الامريكيه"),
        ("إسرائيل", "اسراييل"),
        ("كوريا_الشمالية", "كوريا الشمالية"),
        ("ديمتري  بيسكوف", "ديمتري بيسكوف"),
    ],
)
def test_spellings_of_one_name_fold_together(first: str, second: str) -> None:
    assert fold(first) == fold(second)


def test_names_that_differ_stay_apart() -> None:
    assert fold("كوريا الشمالية") != fold("كوريا الجنوبية")


def test_the_article_is_taken_from_words_long_enough() -> None:
    assert words("الولايات المتحدة") == ["ولايات", "متحده"]
    assert strip_article("الله") == "الله"
