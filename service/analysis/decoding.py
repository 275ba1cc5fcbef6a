"""Token logits → spans of mentions, speakers and cues in the document.

Knows nothing about actors or stances. Thresholds are shifts of the "outside" logit, chosen on dev.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.analysis.document import Document, Span
from service.analysis.encoder import Tagged
from service.analysis.findings import FoundMention
from service.analysis.labels import ACTOR_TYPES, TOKEN_LOGITS
from service.analysis.text import TASHKEEL, TATWEEL, widen_over_marks
from service.analysis.windows import Window

_ATTACHED: Final = re.compile(f"(?:[وف][{TASHKEEL}{TATWEEL}]*)?(?:[بلكس][{TASHKEEL}{TATWEEL}]*)?")
"""Letters that attach to the front of an Arabic name: and, then; by, to, like, will."""
MAX_ATTACHED: Final = 8
"""Attached letters with their marks are no longer than this."""
MAX_WORD: Final = 64
"""Letters, with their marks, beyond which something is not taken for a word."""
MIN_INSIDE: Final = 0.1
"""A beginning is read as going on when "inside" is at least this many times as likely."""
MIN_FORM: Final = 2
"""A name has at least this many characters."""
_WORD: Final = re.compile(f"[^\\W_]|[{TASHKEEL}{TATWEEL}]")


@dataclass(frozen=True, slots=True)
class TagThresholds:
    """What is taken from the "outside" logit before tags are compared; above 0 finds more, below 0 fewer spans."""

    mention: float
    speaker: float
    cue: float


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """Tokens ``[start, end)`` of a window, their class (actor type index, or 0) and the mean probability of being inside."""

    start: int
    end: int
    label: int
    score: float


@dataclass(frozen=True, slots=True)
class WindowSpans:
    """What the taggers found in one window, as tokens; context segments are left out."""

    mentions: list[TokenSpan]
    speakers: list[TokenSpan]
    cues: list[TokenSpan]


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Softmax over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    exp = np.exp(shifted)
    return np.asarray(exp / exp.sum(-1, keepdims=True), np.float64)


def _is_letter(char: str) -> bool:
    return _WORD.match(char) is not None


def _joined(text: str, offsets: npt.NDArray[np.int64], token: int) -> bool:
    """Whether ``token`` goes on the word of the token before it."""
    start, before = int(offsets[token, 0]), int(offsets[token - 1, 1])
    return start == before and start > 0 and _is_letter(text[start - 1]) and start < len(text) and _is_letter(text[start])


def _continues(
    tags: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64], attached: npt.NDArray[np.int64], token: int
) -> bool:
    """Whether ``token`` goes on the span before it: an inside tag, or a beginning of the same class that is not sure of itself.

    Names of one class seldom follow each other without a word between; a beginning inside of a name is the usual error, unless
    it is of a name with a preposition (كيم لبوتين).
    """
    tag = int(tags[token])
    if tag % 2 == 0:
        return tag > 0
    if attached[token]:
        return False
    same = (tag + 1) // 2 == (int(tags[token - 1]) + 1) // 2
    return same and bool(probabilities[token, tag + 1] >= MIN_INSIDE * probabilities[token, tag])


def decode_tags(
    logits: npt.NDArray[np.float32], outside_shift: float, text: str, offsets: npt.NDArray[np.int64],
    attached: npt.NDArray[np.int64],
) -> list[TokenSpan]:  # fmt: skip
    """BIO tags, most likely first, made into spans that end where a word ends.

    ``logits``: (n_tokens, 1 + 2 × classes) with O, B-0, I-0, B-1 …; ``offsets``: (n_tokens, 2); ``attached``: (n_tokens,), how
    many letters are attached before a name that begins there. The class of a span is the one with the largest summed probability.
    """
    shifted = logits.copy()
    shifted[:, 0] -= outside_shift
    tags, probabilities = shifted.argmax(-1), softmax(logits)
    spans, start = [], 0
    while start < len(tags):
        end = start + 1
        if tags[start]:
            while end < len(tags) and (_continues(tags, probabilities, attached, end) or _joined(text, offsets, end)):
                end += 1
            inside = probabilities[start:end, 1:].reshape(end - start, -1, 2).sum((0, 2))
            spans.append(TokenSpan(start, end, int(inside.argmax()), float(1 - probabilities[start:end, 0].mean())))
        start = end
    return spans


def window_spans(window: Window, tagged: Tagged, thresholds: TagThresholds, document: Document) -> WindowSpans:
    """Spans of the segments of ``window`` that are its own; none crosses a segment."""
    found = WindowSpans([], [], [])
    for segment in window.segments:
        if segment.context:
            continue
        rows = slice(segment.start, segment.end)
        attached = tagged.token_logits[rows, TOKEN_LOGITS["prefix"]].argmax(-1)
        lists = {"mention": found.mentions, "speaker": found.speakers, "cue": found.cues}
        for name, spans in lists.items():
            logits = tagged.token_logits[rows, TOKEN_LOGITS[name]]
            for s in decode_tags(logits, getattr(thresholds, name), document.readable, window.offsets[rows], attached):
                spans.append(TokenSpan(s.start + segment.start, s.end + segment.start, s.label, s.score))
    return found


def characters_of(span: TokenSpan, window: Window, tagged: Tagged, document: Document) -> Span | None:
    """The code points of a token span, without the letters attached before the name and with its last marks.

    A span that begins inside of a word begins with the word, unless only attached letters stand before it. None where
    nothing is left, as for a token that stands for no character.
    """
    start, end = int(window.offsets[span.start, 0]), int(window.offsets[span.end - 1, 1])
    n_attached = int(tagged.token_logits[span.start, TOKEN_LOGITS["prefix"]].argmax())
    start = _after_attached(document.text, start, int(window.offsets[span.start, 1]), n_attached)
    if _inside_word(document.text, start) and not _is_prefixed(document.text, start):
        segment = window.segments[window.segment_of(span.start)]
        start = _begun(document.text, start, int(window.offsets[segment.start, 0]))
    return Span(start, widen_over_marks(document.text, end)) if start < end else None


def _after_attached(text: str, start: int, token_end: int, n_attached: int) -> int:
    """``start`` moved over ``n_attached`` letters of its token, if these are letters that attach to names."""
    cut = start
    for _ in range(n_attached):
        cut = widen_over_marks(text, cut + 1)
    return cut if cut < token_end and _ATTACHED.fullmatch(text, start, cut) else start


def occurrences(text: str, form: str) -> Iterator[Span]:
    """Where ``form`` stands in ``text`` as a word or words of its own, attached letters before it allowed."""
    start = text.find(form)
    while start >= 0:
        end = start + len(form)
        begins = not _inside_word(text, start) or _is_prefixed(text, start)
        if begins and (end == len(text) or not _is_letter(text[end])):
            yield Span(start, end)
        start = text.find(form, end)


def _inside_word(text: str, start: int) -> bool:
    return start > 0 and _is_letter(text[start - 1])


def _begun(text: str, start: int, first: int) -> int:
    """Where the word that holds ``start`` begins, or ``first`` where the window cuts it; ``start`` itself in what is no word.

    Spans of two windows cannot overlap so, and a text without spaces costs no more than any other.
    """
    word = _word_start(text, start, min(MAX_WORD, start - first))
    return word if word == first or not _inside_word(text, word) else start


def _word_start(text: str, start: int, limit: int) -> int:
    """Where the word that holds ``start`` begins, looking back over at most ``limit`` characters."""
    first = max(0, start - limit)
    while start > first and _is_letter(text[start - 1]):
        start -= 1
    return start


def _is_prefixed(text: str, start: int) -> bool:
    """Whether only a word's attached letters lie between the start of the word and ``start``."""
    word = _word_start(text, start, MAX_ATTACHED)
    return not _inside_word(text, word) and _ATTACHED.fullmatch(text, word, start) is not None


def mention_probabilities(document: Document, windows: Sequence[Window], tagged: Sequence[Tagged]) -> npt.NDArray[np.float64]:
    """How likely each code point of the document is inside of a mention, shape (code points,)."""
    inside = np.zeros(len(document.text))
    for window, states in zip(windows, tagged, strict=True):
        probabilities = 1 - softmax(states.token_logits[:, TOKEN_LOGITS["mention"]])[:, 0]
        for segment in window.segments:
            if not segment.context:
                for token in range(segment.start, segment.end):
                    start, end = window.offsets[token]
                    inside[start:end] = probabilities[token]
    return inside


def consistent_mentions(
    document: Document, found: Sequence[FoundMention], inside: npt.NDArray[np.float64], min_inside: float
) -> list[FoundMention]:
    """Every occurrence of the found forms that are likely names over the whole article; longest first, none overlapping.

    A name that is a name once is a name throughout its article, and a part of one that was cut out once is none: a form stands
    or falls with the mean of ``inside`` over all of its occurrences, and all of them score that.
    """
    types: dict[str, Counter[str]] = defaultdict(Counter)
    for mention in found:
        for form in spellings_after_for(document.slice(mention.span)):
            types[form][mention.actor_type] += mention.score  # type: ignore[assignment]
    taken: list[FoundMention] = []
    covered = np.zeros(len(document.text) + 1, bool)
    for form in sorted(types, key=lambda form: (-len(form), form)):
        if len(form) < MIN_FORM or _is_two_names(form, types):
            continue
        spans = list(occurrences(document.text, form))
        score = float(np.mean([inside[s.start : s.end].mean() for s in spans])) if spans else 0.0
        if score < min_inside:
            continue
        for span in spans:
            if not covered[span.start : span.end].any():
                covered[span.start : span.end] = True
                taken.append(FoundMention(span, types[form].most_common(1)[0][0], score))
    return sorted(taken, key=lambda m: m.span)


def _is_two_names(form: str, forms: Container[str]) -> bool:
    """Whether ``form`` is one of ``forms``, a preposition, and another: «كيم لبوتين»."""
    words = form.split()
    for i in range(1, len(words)):
        first, rest = " ".join(words[:i]), " ".join(words[i:])
        attached = _ATTACHED.match(rest)
        if attached and attached.end() and first in forms and rest[attached.end() :] in forms:
            return True
    return False


def spellings_after_for(form: str) -> tuple[str, ...]:
    """``form`` as it is and, where it begins with the article, as it is written after «ل» (for): الصين, للصين."""
    for article, other in (("ال", "لل"), ("لل", "ال")):
        if form.startswith(article):
            return form, other + form[2:]
    return (form,)


def actor_type(label: int) -> str:
    return ACTOR_TYPES[label]
