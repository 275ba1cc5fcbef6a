"""An analysis as text for a terminal: paragraphs with their statements, then actors and stances.

The page runs left to right; every piece of the article stands in a right-to-left isolate of its own (U+2067 … U+2069), so
that Arabic, Latin letters and numbers keep their places. Knows nothing about files or arguments.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from service.analysis.document import Span
from service.analysis.result import Actor, Analysis, Paragraph, Relation, Statement, Topic

_RTL_ISOLATE, _POP_ISOLATE = "\u2067", "\u2069"
_BIDI_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ACTOR_COLOURS: Final = ("36", "35", "33", "34", "32", "31")
_STANCE_COLOURS: Final = {"favor": "32", "against": "31", "neutral": "2"}
_INDENT: Final = "    "
_MIN_WIDTH: Final = 20


@dataclass(frozen=True, slots=True)
class Style:
    """``width``: columns of the terminal. ``colours``: whether it may be sent ANSI colours."""

    width: int
    colours: bool

    def paint(self, text: str, codes: str) -> str:
        return f"\033[{codes}m{text}\033[0m" if self.colours else text


def render(analysis: Analysis, style: Style) -> str:
    """The lines of ``analysis``, ready to be printed."""
    return "\n".join(_View(analysis, style).lines())


class _View:
    def __init__(self, analysis: Analysis, style: Style) -> None:
        self._analysis = analysis
        self._style = style
        self._names = {actor.id: actor.name for actor in analysis.actors}
        self._colours = {actor.id: _ACTOR_COLOURS[i % len(_ACTOR_COLOURS)] for i, actor in enumerate(analysis.actors)}

    def lines(self) -> Iterator[str]:
        analysis, paint = self._analysis, self._style.paint
        yield f"{_topic(analysis.topic)}   {paint(f'{analysis.model_name} {analysis.model_version}', '2')}"
        for warning in analysis.warnings:
            yield paint(f"warning: {warning}", "33")
        for paragraph in analysis.paragraphs:
            yield from self._paragraph(paragraph)
        yield from self._section("Actors", [self._actor(actor) for actor in analysis.actors])
        yield from self._section("Stances", [self._relation(relation) for relation in analysis.relations])

    def _section(self, title: str, rows: Sequence[str]) -> Iterator[str]:
        yield ""
        yield self._style.paint(title if rows else f"{title}: none", "1")
        yield from (_INDENT + row for row in rows)

    def _paragraph(self, paragraph: Paragraph) -> Iterator[str]:
        yield ""
        yield self._style.paint(f"{paragraph.index + 1:>3} {_topic(paragraph.topic)}", "2")
        for line in _wrapped(self._analysis.document.text, paragraph.span, max(self._style.width - len(_INDENT), _MIN_WIDTH)):
            yield _INDENT + _isolate(self._coloured(line, paragraph))
        for statement in paragraph.statements:
            yield from (_INDENT + _INDENT + line for line in self._statement(statement))

    def _coloured(self, line: Span, paragraph: Paragraph) -> str:
        """The text of ``line``, cleaned, with the mentions in it in the colours of their actors."""
        text, pieces, done = self._analysis.document.text, [], line.start
        for mention in paragraph.mentions:
            if mention.span is None or not mention.span.overlaps(line):
                continue
            start, end = max(mention.span.start, done), min(mention.span.end, line.end)
            pieces += [_clean(text[done:start]), self._style.paint(_clean(text[start:end]), self._colours[mention.actor])]
            done = end
        return "".join([*pieces, _clean(text[done : line.end])])

    def _statement(self, statement: Statement) -> Iterator[str]:
        cue = f" {_isolate(_clean(self._analysis.document.slice(statement.cue)))}" if statement.cue else ""
        speaker, how = self._name(statement.speaker.actor), self._style.paint(f"({statement.kind})", "2") + cue
        if not statement.stances:
            yield f"{speaker} {how}"
        for stance in statement.stances:
            yield f"{speaker} → {self._name(stance.actor)}: {self._label(stance.label, stance.scores[stance.label])} {how}"

    def _actor(self, actor: Actor) -> str:
        kind = f"{actor.type} {actor.iso}" if actor.iso else actor.type
        mentions = f"{actor.mentions} mention{'' if actor.mentions == 1 else 's'}"
        return f"{self._name(actor.id)}  {kind}, {mentions}{', speaks' if actor.speaks else ''}"

    def _relation(self, relation: Relation) -> str:
        where = self._style.paint(f"(paragraph {', '.join(str(index + 1) for index in relation.paragraphs)})", "2")
        label = self._label(relation.label, relation.score)
        return f"{self._name(relation.speaker)} → {self._name(relation.actor)}: {label} {where}"

    def _name(self, actor: str) -> str:
        return _isolate(self._style.paint(_clean(self._names.get(actor, actor)), self._colours.get(actor, "0")))

    def _label(self, label: str, score: float) -> str:
        return self._style.paint(f"{label} {score:.0%}", _STANCE_COLOURS[label])


def _topic(topic: Topic) -> str:
    return f"{topic.label} {topic.scores[topic.label]:.0%}"


def _isolate(text: str) -> str:
    return f"{_RTL_ISOLATE}{text}{_POP_ISOLATE}"


def _clean(text: str) -> str:
    """``text`` without what could command a terminal or turn the rest of a line around."""
    return "".join(_visible(char) for char in text if char not in _BIDI_CONTROLS)


def _visible(char: str) -> str:
    return {"Cc": " ", "Cs": "\ufffd"}.get(unicodedata.category(char), char)


def _wrapped(text: str, span: Span, width: int) -> list[Span]:
    """``span`` cut at spaces into lines of at most ``width`` code points; a longer word is cut anywhere."""
    lines, start = [], span.start
    while span.end - start > width:
        space = text.rfind(" ", start + 1, start + width + 1)
        end = space if space > 0 else start + width
        lines.append(Span(start, end))
        start = end + 1 if space > 0 else end
    return [*lines, Span(start, span.end)] if start < span.end else lines
