"""Which names, words and continuations are one actor.

Deterministic rules over names (spelling, last names, countries) and a model's own alias and reference scores; knows nothing
about stances. Every mention and every statement's speaker ends up with exactly one actor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

from service.analysis.document import Document, Span
from service.analysis.findings import Findings, FoundStatement
from service.analysis.gazetteer import MIN_SEAT_SHARE, Gazetteer
from service.analysis.text import name_key, without_li, words

MAX_ATTACHED: Final = 2
"""Letters by which a speaker's words may be longer than the mention that they are."""
MAX_SHORT_WORDS: Final = 12
"""Words beyond which nothing is taken for the short form of a name."""
MIN_ALIAS: Final = 0.5
"""Two names are one actor when the model's mean score over the pairs of their mentions, either way, reaches this."""
MIN_SPELLING: Final = 0.7
"""Likeness (difflib's ratio) from which two words are taken for spellings of one: الأمريكية, الأميركية."""


@dataclass(frozen=True)
class ResolvedActor:
    """``mentions``: indices into the findings' mentions; empty for a speaker that is nowhere named."""

    name: str
    type: str
    iso: str | None
    mentions: tuple[int, ...]


@dataclass(frozen=True)
class ResolvedActors:
    """``of_mention`` and ``of_statement``: actor indices; None for a statement that nobody can be found to make."""

    actors: tuple[ResolvedActor, ...]
    of_mention: tuple[int, ...]
    of_statement: tuple[int | None, ...]


class _Groups:
    """Disjoint sets of names (union-find), each with at most one country."""

    def __init__(self, names: Mapping[str, _Name], isos: Mapping[str, str]) -> None:
        self.parent = {name: name for name in names}
        self.fullest = dict(names)
        self.iso = dict(isos)

    def root(self, name: str) -> str:
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def fullest_of(self, name: str) -> _Name:
        """The name of most words in the set of ``name``."""
        return self.fullest[self.root(name)]

    def join(self, first: str, second: str) -> None:
        """Make one set of both, unless they are different countries."""
        a, b = self.root(first), self.root(second)
        if a == b or (a in self.iso and b in self.iso and self.iso[a] != self.iso[b]):
            return
        self.parent[b] = a
        self.fullest[a] = max(self.fullest[a], self.fullest.pop(b), key=lambda n: (len(n.words), len(n.mentions), -n.mentions[0]))
        if b in self.iso:
            self.iso[a] = self.iso[b]


@dataclass(frozen=True)
class _Name:
    """One folded name with its mentions in the article."""

    key: str
    type: str
    mentions: list[int]
    words: list[str]


def _names(document: Document, findings: Findings) -> dict[str, _Name]:
    by_key: dict[str, list[int]] = defaultdict(list)
    for i, mention in enumerate(findings.mentions):
        by_key[name_key(document.slice(mention.span))].append(i)
    names = {}
    for key, mentions in by_key.items():
        types: Counter[str] = Counter()
        for i in mentions:
            types[findings.mentions[i].actor_type] += findings.mentions[i].score  # type: ignore[assignment]
        names[key] = _Name(key, types.most_common(1)[0][0], mentions, words(key))
    return names


def _country_isos(names: dict[str, _Name], gazetteer: Gazetteer) -> dict[str, str]:
    """What is called like a country or its government; «الكرملين» may be taken for an organisation, a person is no country."""
    return {key: iso for key, n in names.items() if n.type != "PER" and (iso := gazetteer.country(key))}


def _join_seats(names: dict[str, _Name], groups: _Groups, gazetteer: Gazetteer) -> None:
    """A capital or seat joins its state where it usually stands for it and the state is named too."""
    states = {iso: key for key, iso in groups.iso.items()}
    for key in names:
        seat = gazetteer.seat(key)
        if seat and seat.iso in states and seat.share >= MIN_SEAT_SHARE:
            groups.join(states[seat.iso], key)


def _join_countries(groups: _Groups) -> None:
    first: dict[str, str] = {}
    for key, iso in list(groups.iso.items()):
        groups.join(first.setdefault(iso, key), key)


def _join_short_names(names: dict[str, _Name], groups: _Groups) -> None:
    """A person's last or first name, or the head of an organisation's name, joins the fullest name that has it."""
    longest_first = sorted(names.values(), key=lambda n: (-len(n.words), -len(n.mentions), n.mentions[0]))
    fullest: dict[tuple[str, tuple[str, ...]], _Name] = {}
    for full in longest_first:
        for short_words in _abbreviations(full):
            fullest.setdefault((full.type, short_words), full)
    for short in names.values():
        found = fullest.get((short.type, tuple(short.words)))
        if found and (short.type == "PER" or len(short.words) > 1 or len(short.key) > 4):
            groups.join(found.key, short.key)


def _abbreviations(full: _Name) -> Iterator[tuple[str, ...]]:
    """The words under which a person or an organisation may be named again: the first ones, the last ones, one of a person's."""
    words = tuple(full.words)
    if full.type in ("PER", "ORG"):
        # Nobody is named again by more than a few words, and the words of what is no name must not be counted squared.
        for n in range(1, min(len(words), MAX_SHORT_WORDS + 1)):
            yield words[:n]
            yield words[-n:]
    if full.type == "PER" and len(words) > 1:
        yield from ((word,) for word in words)


def _may_be_one(first: _Name, second: _Name) -> bool:
    """Whether a model's word that two names are one actor is to be believed: of persons only if they share a word."""
    return first.type == second.type and (first.type != "PER" or bool(set(first.words) & set(second.words)))


def _part_ways(first: _Name, second: _Name) -> bool:
    """Whether both begin with the very same words and go on differently: جماعة الحوثي and جماعة الإخوان المسلمين are two groups.

    Not so where one begins with the article and the other does not: الوكالة الكورية may be short for وكالة الأنباء المركزية.
    """
    n = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first.key.split(), second.key.split(), strict=False)))
    rests = first.words[n:], second.words[n:]
    if not n or not all(rests) or set(rests[0]) & set(rests[1]):
        return False
    return SequenceMatcher(None, " ".join(rests[0]), " ".join(rests[1])).ratio() < MIN_SPELLING


def _join_aliases(document: Document, findings: Findings, names: dict[str, _Name], groups: _Groups) -> None:
    key_of = {i: name.key for name in names.values() for i in name.mentions}
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for query, candidate, score in findings.aliases:
        totals[key_of[query], key_of[candidate]] += score
    for first, second in sorted(totals):
        if (first < second or (second, first) not in totals) and _may_be_one(names[first], names[second]):
            means = [totals.get(pair, 0.0) / len(names[pair[0]].mentions) for pair in ((first, second), (second, first))]
            sure = max(means) >= MIN_ALIAS and sum(means) / 2 >= MIN_ALIAS / 2
            if sure and not _part_ways(groups.fullest_of(first), groups.fullest_of(second)):
                groups.join(first, second)


class _Resolver:
    def __init__(self, document: Document, findings: Findings, gazetteer: Gazetteer) -> None:
        self.document, self.findings, self.gazetteer = document, findings, gazetteer
        self.actors: list[ResolvedActor] = []
        self.of_mention: list[int] = [0] * len(findings.mentions)
        self.of_statement: list[int | None] = [None] * len(findings.statements)
        self.unnamed: dict[str, int] = {}
        self.starts = [mention.span.start for mention in findings.mentions]

    def resolve(self) -> ResolvedActors:
        names = _names(self.document, self.findings)
        groups = _Groups(names, _country_isos(names, self.gazetteer))
        _join_countries(groups)
        _join_short_names(names, groups)
        _join_aliases(self.document, self.findings, names, groups)
        _join_seats(names, groups, self.gazetteer)
        self._add_named(names, groups)
        self._resolve_statements()
        return ResolvedActors(tuple(self.actors), tuple(self.of_mention), tuple(self.of_statement))

    def _add_named(self, names: dict[str, _Name], groups: _Groups) -> None:
        members: dict[str, list[_Name]] = defaultdict(list)
        for key, name in names.items():
            members[groups.root(key)].append(name)
        for root, group in members.items():
            mentions = sorted(i for name in group for i in name.mentions)
            for i in mentions:
                self.of_mention[i] = len(self.actors)
            self.actors.append(self._named_actor(group, groups.fullest_of(root), mentions, groups.iso.get(root)))

    def _named_actor(self, group: list[_Name], fullest: _Name, mentions: list[int], iso: str | None) -> ResolvedActor:
        if iso:
            return ResolvedActor(self.gazetteer.countries[iso], "GPE", iso, tuple(mentions))
        shown = Counter(without_li(self.document.slice(self.findings.mentions[i].span)) for i in fullest.mentions)
        kind = Counter({t: sum(len(n.mentions) for n in group if n.type == t) for t in {n.type for n in group}})
        return ResolvedActor(shown.most_common(1)[0][0].replace("_", " "), kind.most_common(1)[0][0], None, tuple(mentions))

    def _resolve_statements(self) -> None:
        """In text order, so that a continuation can point to a speaker already resolved."""
        ordered = sorted(enumerate(self.findings.statements), key=lambda p: (p[1].paragraph, p[1].speaker or _LAST))
        last: tuple[int, int] | None = None
        for i, statement in ordered:
            actor = self._named_speaker(statement)
            if actor is None:
                actor = self._referred(statement)
            if actor is None and statement.speaker:
                actor = self._unnamed_actor(self.document.slice(statement.speaker))
            if actor is None and last and statement.paragraph - last[0] <= 2:
                actor = last[1]
            self.of_statement[i] = actor
            if actor is not None:
                last = (statement.paragraph, actor)

    def _named_speaker(self, statement: FoundStatement) -> int | None:
        """The actor whose mention covers the speaker's words, or all of them but a few letters."""
        speaker = statement.speaker
        if speaker is None:
            return None
        first = max(0, bisect_right(self.starts, speaker.start) - 1)
        for i in range(first, bisect_right(self.starts, speaker.start + MAX_ATTACHED)):
            span = self.findings.mentions[i].span
            if span.covers(speaker) or (speaker.covers(span) and len(speaker) - len(span) <= MAX_ATTACHED):
                return self.of_mention[i]
        return None

    def _referred(self, statement: FoundStatement) -> int | None:
        totals: dict[int, float] = defaultdict(float)
        for reference in statement.references:
            actor = self.of_statement[reference.index] if reference.to_statement else self.of_mention[reference.index]
            if actor is not None:
                totals[actor] += reference.score
        best = max(totals, key=lambda a: (totals[a], -a), default=None)
        return best if best is not None and totals[best] > statement.unnamed_score else None

    def _unnamed_actor(self, phrase: str) -> int:
        """The actor of a phrase that names nobody; the same phrase is the same actor throughout the article."""
        key = name_key(phrase)
        if key not in self.unnamed:
            self.unnamed[key] = len(self.actors)
            shown = without_li(phrase)
            self.actors.append(ResolvedActor(shown, self.gazetteer.nominal_type(shown), None, ()))
        return self.unnamed[key]


_LAST: Final = Span(10**9, 10**9 + 1)


def resolve_actors(document: Document, findings: Findings, gazetteer: Gazetteer) -> ResolvedActors:
    """Give every mention and every speaker of ``findings`` its actor."""
    return _Resolver(document, findings, gazetteer).resolve()
