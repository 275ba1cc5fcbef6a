"""An analyzer without a model, for the tests of what stands around it: HTTP, batching, the command line and the page.

Finds a few names and speech verbs by looking for them, so that its answers have everything that an answer can have.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from service.analysis.document import Document, Span, read_document
from service.analysis.labels import STANCES, TOPIC_CODES, TOPICS
from service.analysis.result import Actor, ActorSpan, Analysis, Paragraph, Relation, Stance, Statement, Topic
from service.models import Model, Models

POISON: Final = "سمّ"
"""A text that holds this word breaks the analyzer."""
SLOW: Final = re.compile(r"يستغرق (\d+)")
"""A text that says how many hundredths of a second it takes holds the analyzer for so long."""
NAMES: Final = {
    "ديمتري بيسكوف": ("A1", "PER", None), "بيسكوف": ("A1", "PER", None),
    "روسيا": ("A2", "GPE", "RU"), "موسكو": ("A2", "GPE", "RU"),
    "الولايات المتحدة": ("A3", "GPE", "US"), "واشنطن": ("A3", "GPE", "US"), "الأمم المتحدة": ("A4", "ORG", None),
}  # fmt: skip
"""Form → actor, type, country; the first form of an actor is its name."""
ARTICLE: Final = (
    "موسكو ترفض عقوبات واشنطن 😀\n\n"
    "قال المتحدث باسم الكرملين ديمتري بيسكوف إن العقوبات التي فرضتها الولايات المتحدة «عدوانية».\n"
    "وأضاف أن روسيا تدعم جهود الأمم المتحدة.\n"
)
_FORMS: Final = re.compile("|".join(sorted(NAMES, key=len, reverse=True)))
_CUES: Final = re.compile("قال|أضاف")


@dataclass
class StubAnalyzer:
    """``calls``: the sizes of the calls that came. ``seconds``: how long each call takes."""

    name: str = "stub"
    seconds: float = 0.0
    calls: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        self.calls.append(len(texts))
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds + sum(int(n) / 100 for text in texts for n in SLOW.findall(text)))
        for text in texts:
            if POISON in text:
                raise ValueError(f"cannot analyse {text}")
        return [_analysis(read_document(text), self.name) for text in texts]


def lasting(hundredths: int) -> str:
    """A text whose analysis takes so many hundredths of a second."""
    return f"موسكو: يستغرق {hundredths}"


def stub_models(transformer: StubAnalyzer | None = None, baseline: StubAnalyzer | None = None) -> Models:
    """Both models as stubs, called ``compact`` and ``baseline``."""
    transformer = transformer or StubAnalyzer("compact")
    baseline = baseline or StubAnalyzer("baseline")
    return Models(
        {"transformer": Model(transformer, {"name": transformer.name}), "baseline": Model(baseline, {"name": baseline.name})}, {}
    )


def _analysis(document: Document, model: str) -> Analysis:
    paragraphs = tuple(_paragraph(document, index, span) for index, span in enumerate(document.paragraphs))
    mentioned = [mention.actor for paragraph in paragraphs for mention in paragraph.mentions]
    speakers = {statement.speaker.actor for paragraph in paragraphs for statement in paragraph.statements}
    actors = tuple(_actor(actor, mentioned.count(actor), actor in speakers) for actor in sorted(set(mentioned) | speakers))
    relations = tuple(
        Relation(statement.speaker.actor, stance.actor, stance.label, stance.scores[stance.label], (paragraph.index,))
        for paragraph in paragraphs
        for statement in paragraph.statements
        for stance in statement.stances
    )
    warnings = () if document.has_arabic else ("not_arabic",)
    n_words = len(document.text.split())
    return Analysis(document, model, "1.0.0", _topic("politics"), actors, paragraphs, relations, warnings, n_words)


def _actor(actor: str, mentions: int, speaks: bool) -> Actor:
    name, (_, kind, iso) = next((name, entry) for name, entry in NAMES.items() if entry[0] == actor)
    return Actor(actor, name, kind, iso, mentions, speaks)


def _paragraph(document: Document, index: int, span: Span) -> Paragraph:
    found = [Span(span.start + m.start(), span.start + m.end()) for m in _FORMS.finditer(document.slice(span))]
    mentions = tuple(ActorSpan(NAMES[document.slice(place)][0], place, 0.9) for place in found)
    cue = _CUES.search(document.slice(span))
    statements = (_statement(mentions, Span(span.start + cue.start(), span.start + cue.end())),) if cue else ()
    return Paragraph(index, span, _topic("politics" if mentions else "economy"), mentions, statements)


def _statement(mentions: Sequence[ActorSpan], cue: Span) -> Statement:
    named = [mention for mention in mentions if mention.actor == "A1"]
    others = sorted({mention.actor for mention in mentions} - {"A1"})
    stances = tuple(_stance(actor, {"A3": "against", "A4": "favor"}.get(actor, "neutral")) for actor in others)
    return Statement(named[0] if named else ActorSpan("A1", None, 0.8), cue, "indirect", stances)


def _stance(actor: str, label: str) -> Stance:
    return Stance(actor, label, {each: 0.88 if each == label else 0.06 for each in STANCES})


def _topic(label: str) -> Topic:
    return Topic(label, TOPIC_CODES[label], {topic: 0.83 if topic == label else 0.01 for topic in TOPICS})
