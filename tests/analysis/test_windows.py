from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from service.analysis.document import Span, read_document
from service.analysis.text import with_arabic_normalizer
from service.analysis.windows import SpecialTokens, Window, WindowLimits, build_windows
from training.encoders import special_tokens
from training.tiny import tiny_tokenizer

LIMITS = WindowLimits(max_tokens=64, context_tokens=24)
SENTENCE = "قال المتحدث إن بلاده ترفض العقوبات الجديدة. "


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return with_arabic_normalizer(tiny_tokenizer([SENTENCE]))


def windows_of(text: str, tokenizer: Tokenizer) -> list[Window]:
    return build_windows(read_document(text), tokenizer, special_tokens(tokenizer), LIMITS)


def read_once(windows: list[Window]) -> list[tuple[int, int]]:
    """Offsets of the tokens of all segments that count, in order."""
    return [tuple(o) for w in windows for s in w.segments if not s.context for o in w.offsets[s.start : s.end].tolist()]


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "\n".join([SENTENCE * 2] * 9),
        SENTENCE * 40,
        "عنوان\n" + SENTENCE * 30 + "\n" + SENTENCE,
        "ب" * 9_000,
        "ب\n" * 300,
    ],
    ids=["short", "paragraphs", "one long paragraph", "mixed", "one word", "one-letter paragraphs"],
)
def test_every_token_is_read_exactly_once_in_order(text: str, tokenizer: Tokenizer) -> None:
    windows = windows_of(text, tokenizer)
    offsets = read_once(windows)
    assert offsets == sorted(offsets)
    covered = {i for start, end in offsets for i in range(start, end)}
    assert covered == {i for i, char in enumerate(text) if not char.isspace()}
    assert all(len(w.ids) <= LIMITS.max_tokens for w in windows)


def test_paragraphs_are_not_cut_where_they_fit(tokenizer: Tokenizer) -> None:
    windows = windows_of("\n".join([SENTENCE * 2] * 9), tokenizer)
    assert len(windows) > 1
    paragraphs = [s.paragraph for w in windows for s in w.segments if not s.context]
    assert paragraphs == sorted(set(paragraphs))


def test_a_later_window_starts_with_the_paragraph_before_it_as_context(tokenizer: Tokenizer) -> None:
    first, second, *_ = windows_of("\n".join([SENTENCE] * 12), tokenizer)
    assert second.segments[0].context
    assert second.segments[0].paragraph == first.segments[-1].paragraph


def test_a_long_paragraph_is_cut_after_a_sentence(tokenizer: Tokenizer) -> None:
    text = SENTENCE * 40
    ends = [int(w.offsets[s.end - 1, 1]) for w in windows_of(text, tokenizer) for s in w.segments if not s.context]
    assert len(ends) > 1
    assert all(text[end - 1] == "." for end in ends)


def test_a_window_is_framed_by_its_special_tokens(tokenizer: Tokenizer) -> None:
    special = special_tokens(tokenizer)
    (window,) = windows_of("عنوان\nقال", tokenizer)
    assert window.ids[0] == special.cls
    assert [window.ids[s.end] for s in window.segments] == [special.sep, special.sep]


def test_tokens_and_segments_are_found_by_characters(tokenizer: Tokenizer) -> None:
    text = "عنوان\nقال المتحدث"
    (window,) = windows_of(text, tokenizer)
    tokens = window.tokens_of(Span(6, 9))
    assert tokens is not None
    assert window.segment_of(tokens[0]) == 1
    assert window.tokens_of(Span(100, 101)) is None


def test_limits_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="a window needs"):
        WindowLimits(max_tokens=64, context_tokens=60)
    assert SpecialTokens(1, 2, 0).pad == 0
