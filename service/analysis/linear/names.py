"""Tag probabilities of words → named mentions, and every other occurrence of the names that were found.

Knows nothing about speakers or actors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.analysis.document import Document, Span
from service.analysis.findings import FoundMention
from service.analysis.labels import ACTOR_TYPES, MENTION_TAGS
from service.analysis.linear.features import Paragraph, around
from service.analysis.linear.lexicon import Lexicon, NameMatch
from service.analysis.linear.model import Features, Floats, LinearModel
from service.analysis.linear.words import CLITICS, MAX_LETTERS

CLITIC_LABELS: Final = ("0", "1", "2")
MIN_REPEATED: Final = 3
"""Letters that a name must have to be looked for elsewhere in the document."""


@dataclass(frozen=True, slots=True)
class WordName:
    """Words ``[start, end)`` of a paragraph are a name of class ``kind`` with ``clitics`` characters attached before it."""

    start: int
    end: int
    kind: str
    score: float
    clitics: int = 0


@dataclass(frozen=True)
class NameDecoder:
    """``transitions``: shape (tags, tags), what is added to the log probability of a tag after another one.

    ``inside_shift``: added to that of every tag but "O"; above 0 finds more names. ``clitics``: model of attached letters.
    """

    transitions: Floats
    inside_shift: float
    clitics: LinearModel

    def decode(self, paragraphs: Sequence[Paragraph], probabilities: Sequence[Floats], lexicon: Lexicon) -> list[list[WordName]]:
        """The names of every paragraph, in order, none overlapping."""
        found = [self._tagged(rows) for rows in probabilities]
        found = self._with_clitics(paragraphs, found, lexicon)
        return _with_repeats(paragraphs, found)

    def _tagged(self, rows: Floats) -> list[WordName]:
        shift = np.full(len(MENTION_TAGS), self.inside_shift)
        shift[0] = 0
        tags = best_path(np.log(rows + 1e-9) + shift, self.transitions)
        return [_name(rows, start, end) for start, end in _tag_runs(tags)]

    def _with_clitics(
        self, paragraphs: Sequence[Paragraph], found: Sequence[Sequence[WordName]], lexicon: Lexicon
    ) -> list[list[WordName]]:
        own = name_words(paragraphs, found)
        pairs = [(p, name) for p, names in zip(paragraphs, found, strict=True) for name in names]
        likely = self.clitics.probabilities(clitic_features(p, name.start, lexicon, own) for p, name in pairs).argmax(1)
        counts = iter(likely.tolist())
        return [[_stripped(p, name, next(counts)) for name in names] for p, names in zip(paragraphs, found, strict=True)]


def best_path(scores: Floats, transitions: Floats) -> list[int]:
    """The most likely tags (Viterbi). ``scores``: log probabilities, shape (words, tags)."""
    if not len(scores):
        return []
    total, back = scores[0] + transitions[0], []
    for row in scores[1:]:
        reached = total[:, None] + transitions
        best = reached.argmax(0)
        back.append(best)
        total = reached[best, np.arange(len(row))] + row
    path = [int(total.argmax())]
    for best in reversed(back):
        path.append(int(best[path[-1]]))
    return path[::-1]


def _tag_runs(tags: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Runs of one beginning and what goes on inside: odd tags begin a name, even ones but 0 go on with it."""
    start = 0
    while start < len(tags):
        end = start + 1
        if tags[start]:
            while end < len(tags) and tags[end] and tags[end] % 2 == 0:
                end += 1
            yield start, end
        start = end


def _name(rows: Floats, start: int, end: int) -> WordName:
    of_kind = rows[start:end, 1:].reshape(end - start, -1, 2).sum((0, 2))
    return WordName(start, end, ACTOR_TYPES[int(of_kind.argmax())], float(1 - rows[start:end, 0].mean()))


def name_words(paragraphs: Sequence[Paragraph], found: Sequence[Sequence[WordName]]) -> dict[str, int]:
    """How often each word stands first in a name, just as it is written."""
    seen: dict[str, int] = {}
    for paragraph, names in zip(paragraphs, found, strict=True):
        for name in names:
            form = paragraph.forms[name.start]
            seen[form] = seen.get(form, 0) + 1
    return seen


def clitic_features(p: Paragraph, at: int, lexicon: Lexicon, first_words: dict[str, int]) -> Features:
    """What the model of attached letters sees of a name's first word. ``first_words``: of the document's names."""
    form = p.forms[at]
    match = lexicon.longest_name(p.forms, at)
    features: Features = {
        "first": form[:1], "two": form[:2], "three": form[:3], "before": around(p.stems, at - 1), "n": str(min(len(form), 9)),
        "known": str(match.clitics) if match else "-", "stem": str(lexicon.n_clitics(form)),
        "seen": _amount(lexicon.counts.get(form, 0)), "own": str(min(first_words.get(form, 0), 3)), "here": form,
    }  # fmt: skip
    for n in (1, 2):
        rest = form[n:]
        features[f"rest{n}"] = f"{form[:n]} {_amount(lexicon.counts.get(rest, 0))}"
        features[f"own{n}"] = f"{form[:n]} {min(first_words.get(rest, 0), 3)}"
        features[f"is{n}"] = str(rest in lexicon.names)
    features["all"] = f"{features['two']} {features['known']} {features['stem']}"
    features["evidence"] = f"{form[:1]} {features['seen']} {features['rest1']} {features['own1']}"
    return features


def _amount(count: int) -> str:
    return str(min(count.bit_length(), 6))


def _stripped(p: Paragraph, name: WordName, clitics: int) -> WordName:
    """``name`` without its attached letters; only letters that can be attached are, and something is left."""
    form = p.forms[name.start]
    while clitics and (clitics >= len(form) or any(letter not in CLITICS for letter in form[:clitics])):
        clitics -= 1
    return WordName(name.start, name.end, name.kind, name.score, clitics)


def name_tags(n_words: int, names: Iterable[WordName]) -> list[str]:
    """``MENTION_TAGS`` of a paragraph's words."""
    tags = ["O"] * n_words
    for name in names:
        tags[name.start : name.end] = [f"I-{name.kind}"] * (name.end - name.start)
        tags[name.start] = f"B-{name.kind}"
    return tags


def key_of(p: Paragraph, name: WordName) -> str:
    """The folded words of a name, without attached letters."""
    first, *rest = p.forms[name.start : name.end]
    return " ".join([first[name.clitics :], *rest])


def _with_repeats(paragraphs: Sequence[Paragraph], found: Sequence[Sequence[WordName]]) -> list[list[WordName]]:
    """A name that is one once is one throughout its article; the tagger sees each occurrence on its own."""
    best: dict[str, WordName] = {}
    for paragraph, names in zip(paragraphs, found, strict=True):
        for name in names:
            key = key_of(paragraph, name)
            if len(key) >= MIN_REPEATED and (key not in best or best[key].score < name.score):
                best[key] = name
    known = Lexicon({}, {key: name.kind for key, name in best.items()}, {})
    return [_merged(p, names, known, best) for p, names in zip(paragraphs, found, strict=True)]


def _merged(p: Paragraph, names: Sequence[WordName], known: Lexicon, best: dict[str, WordName]) -> list[WordName]:
    covered = {i for name in names for i in range(name.start, name.end)}
    merged = list(names)
    for match in known.match_names(p.forms):
        if covered.isdisjoint(range(match.start, match.end)):
            merged.append(WordName(match.start, match.end, match.actor_type, _score(p, match, best), match.clitics))
    return sorted(merged, key=lambda name: name.start)


def _score(p: Paragraph, match: NameMatch, best: dict[str, WordName]) -> float:
    return best[key_of(p, WordName(match.start, match.end, match.actor_type, 0.0, match.clitics))].score


def mention_of(document: Document, p: Paragraph, name: WordName) -> FoundMention:
    """The mention in code points of the document, marks over attached letters left out with them."""
    first = p.words[name.start]
    start = first.start + attached_length(document.text[first.start : first.end], name.clitics)
    return FoundMention(Span(start, p.words[name.end - 1].end), name.kind, name.score)


def attached_length(surface: str, clitics: int) -> int:
    """How many code points of a word its first ``clitics`` letters and the marks on them take."""
    letters = 0
    for i, char in enumerate(surface[: 4 * MAX_LETTERS]):
        letters += char.isalpha() and char != "\u0640"
        if letters > clitics:
            return i
    return 0
