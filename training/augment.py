"""Other versions of an annotated document whose labels still hold: cropped, respelled, renamed, with other speech verbs.

Knows nothing about tokens or models.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from service.analysis.document import Document, Span
from service.analysis.labels import ACTOR_TYPES
from training.examples import Annotated


def cropped(annotated: Annotated, first: int, last: int) -> Annotated:
    """The paragraphs ``first`` to ``last`` (exclusive) of an annotated document, in the same coordinates."""
    document = Document(annotated.document.text, annotated.document.paragraphs[first:last])
    statements = [replace(s, paragraph=s.paragraph - first) for s in annotated.statements if first <= s.paragraph < last]
    topics = annotated.topics[first:last] if annotated.topics else None
    return replace(annotated, document=document, statements=statements, topics=topics)


_SPELLINGS: Final[tuple[dict[str, str], ...]] = (
    dict.fromkeys("أإآٱ", "ا"),
    {"ة": "ه"},
    {"ى": "ي"},
    dict.fromkeys('"“”„«»', " "),
    dict.fromkeys('"“”„', "«"),
)
"""Ways in which people spell otherwise, letter for letter so that offsets stay: hamzas left out, look-alikes, quotation marks."""


def respelled(annotated: Annotated, rng: random.Random) -> Annotated:
    """The same article as somebody with other spelling habits would have typed it."""
    text = annotated.document.text
    for spelling in _SPELLINGS:
        if rng.random() < 1 / 3:
            text = text.translate({ord(char): other for char, other in spelling.items()})
    return replace(annotated, document=Document(text, annotated.document.paragraphs))


Name = tuple[str, ...]
"""The different forms of one name, the longest first."""
_LENT: Final = frozenset({ACTOR_TYPES.index("PER"), ACTOR_TYPES.index("ORG")})
"""States keep their names, since adjectives show them too («الحكومة السورية»)."""
_MIN_FORM: Final = 3
_ARTICLE, _FOR_THE = "ال", "لل"


def _lendable(annotated: Annotated) -> dict[str, tuple[int, Name]]:
    """Entity → type and name of the people and organisations that can have another one without anything else to change.

    Not those whose forms are spelled by what stands before them, nor those that are spoken of without their name.
    """
    text = annotated.document
    forms: dict[str, set[str]] = defaultdict(set)
    types: dict[str, int] = {}
    for mention in annotated.mentions:
        forms[mention.entity].add(text.slice(mention.span))
        types[mention.entity] = mention.actor_type
    meant = {s.speaker for s in annotated.statements if s.span and text.slice(s.span) not in forms[s.speaker]}
    lendable = {}
    for entity, actor_type in types.items():
        name = tuple(sorted(forms[entity], key=lambda form: (-len(form), form)))
        alike = len({form.startswith(_ARTICLE) for form in name}) == 1
        plain = all(len(form) >= _MIN_FORM and not form.startswith(_FOR_THE) for form in name)
        if annotated.named and actor_type in _LENT and alike and plain and entity not in meant:
            lendable[entity] = actor_type, name
    return lendable


def _class_of(actor_type: int, name: Name) -> tuple[int, bool]:
    """What a name is exchanged within: its type, and whether it begins with the article, which decides what may precede it."""
    return actor_type, name[0].startswith(_ARTICLE)


def names_of(documents: Iterable[Annotated]) -> dict[tuple[int, bool], list[Name]]:
    """The names that ``documents`` can lend, by class."""
    found: dict[tuple[int, bool], set[Name]] = defaultdict(set)
    for document in documents:
        for actor_type, name in _lendable(document).values():
            found[_class_of(actor_type, name)].add(name)
    return {name_class: sorted(names) for name_class, names in found.items()}


def renamed(annotated: Annotated, names: Mapping[tuple[int, bool], Sequence[Name]], rng: random.Random) -> Annotated:
    """The same article about others: half of its people and organisations get names out of ``names`` (see ``names_of``)."""
    lent: dict[str, dict[str, str]] = {}
    for entity, (actor_type, name) in _lendable(annotated).items():
        if rng.random() < 1 / 2:
            new = rng.choice(names[_class_of(actor_type, name)])
            lent[entity] = {form: new[min(i, len(new) - 1)] for i, form in enumerate(name)}
    text = annotated.document
    return edited(annotated, [(m.span, lent[m.entity][text.slice(m.span)]) for m in annotated.mentions if m.entity in lent])


_VERBS: Final = (
    ("أكد", "أوضح", "ذكر", "أعلن", "أضاف"),
    ("أكدت", "أوضحت", "ذكرت", "أعلنت", "أضافت"),
    ("مؤكدا", "موضحا", "مضيفا"),
    ("تابع", "أردف", "استطرد"),
    ("تابعت", "أردفت", "استطردت"),
    ("بحسب", "وفق", "حسب"),
    ("انتقد", "هاجم", "أدان"),
    ("انتقدت", "هاجمت", "أدانت"),
)
"""Words of speech that say the same of a speaker's stance and stand in the same place."""
_BEFORE_THAT: Final = frozenset(_VERBS[0] + _VERBS[1] + _VERBS[2])
"""Those that only stand for each other before «أن»."""


def revoiced(annotated: Annotated, rng: random.Random) -> Annotated:
    """The same article with half of its words of speech replaced by others of the same sense."""
    text, edits = annotated.document.text, []
    for statement in annotated.statements:
        if statement.cue is None or rng.random() < 1 / 2:
            continue
        word = text[statement.cue.start : statement.cue.end].split()[0]
        end = statement.cue.start + len(word)
        others = [verb for verbs in _VERBS if word in verbs for verb in verbs if verb != word]
        if others and (word not in _BEFORE_THAT or text.startswith(" أن", end)):
            edits.append((Span(statement.cue.start, end), rng.choice(others)))
    return edited(annotated, edits)


def edited(annotated: Annotated, edits: Iterable[tuple[Span, str]]) -> Annotated:
    """``annotated`` with other words in some places, and all of its spans where they are then.

    An edit that overlaps one before it, or that a span begins or ends inside of, is left out.
    """
    spans = [m.span for m in annotated.mentions] + [x for s in annotated.statements for x in (s.span, s.cue) if x]
    cuts = sorted({cut for span in spans for cut in (span.start, span.end)})
    kept: list[tuple[Span, str]] = []
    for span, new in sorted(edits):
        after = bisect_right(cuts, span.start)
        cut_inside = after < len(cuts) and cuts[after] < span.end
        if not cut_inside and (not kept or kept[-1][0].end <= span.start):
            kept.append((span, new))
    if not kept:
        return annotated
    ends = [span.end for span, _ in kept]
    shifts = list(accumulate((len(new) - len(span) for span, new in kept), initial=0))

    def moved(span: Span) -> Span:
        return Span(span.start + shifts[bisect_right(ends, span.start)], span.end + shifts[bisect_right(ends, span.end)])

    parts, at = [], 0
    for span, new in kept:
        parts += [annotated.document.text[at : span.start], new]
        at = span.end
    text = "".join([*parts, annotated.document.text[at:]])
    mentions = [replace(m, span=moved(m.span)) for m in annotated.mentions]
    statements = [replace(s, span=s.span and moved(s.span), cue=s.cue and moved(s.cue)) for s in annotated.statements]
    document = Document(text, tuple(moved(p) for p in annotated.document.paragraphs))
    return replace(annotated, document=document, mentions=mentions, statements=statements)
