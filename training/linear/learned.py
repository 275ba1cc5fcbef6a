"""Gold annotations → the lexicon and, word by word, the targets of the taggers.

Knows nothing about models. Of the articles only single words, their counts and the names of actors are kept.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from babel import Locale

from service.analysis.document import read_document
from service.analysis.labels import ACTOR_TYPES
from service.analysis.linear.features import Paragraph, read_paragraph
from service.analysis.linear.lexicon import Lexicon
from service.analysis.linear.names import WordName, name_tags
from service.analysis.linear.words import Word, read_words, word_range
from training.examples import Annotated, Mention

MIN_COUNT: Final = 3
"""A word is counted in the lexicon when it was seen this often."""
MIN_CUES: Final = 2
MIN_CUE_PERCENT: Final = 5
"""A speech word is in the lexicon when it was one this often, and in this share of its occurrences."""


@dataclass(frozen=True)
class Gold:
    """An annotated article with the words of its paragraphs."""

    annotated: Annotated
    words: list[list[Word]]


def read_gold(annotated: Annotated) -> Gold:
    return Gold(annotated, read_words(annotated.document))


@dataclass(frozen=True)
class Article:
    """An annotated article as a lexicon shows it: in training one learned from other articles only, so that look-ups are
    as incomplete as they will be on new text. ``fold``: the part of the training articles that it is held out with."""

    gold: Gold
    lexicon: Lexicon
    paragraphs: list[Paragraph]
    fold: int

    @property
    def stems(self) -> list[Sequence[str]]:
        return [paragraph.stems for paragraph in self.paragraphs]


def read_article(gold: Gold, lexicon: Lexicon, fold: int = 0) -> Article:
    return Article(gold, lexicon, [read_paragraph(words, lexicon) for words in gold.words], fold)


def held_out_articles(golds: Sequence[Gold], folds: Sequence[int]) -> list[Article]:
    """Every article read with the lexicon of the other folds."""
    lexicons = {f: learn_lexicon([g for g, fold in zip(golds, folds, strict=True) if fold != f]) for f in sorted(set(folds))}
    return [read_article(gold, lexicons[fold], fold) for gold, fold in zip(golds, folds, strict=True)]


@dataclass(frozen=True, slots=True)
class GoldMention:
    """Words ``[start, end)`` of ``paragraph`` are a mention; ``clitics`` letters stand attached before it."""

    paragraph: int
    start: int
    end: int
    clitics: int
    mention: Mention


def gold_mentions(gold: Gold) -> Iterator[GoldMention]:
    for mention in gold.annotated.mentions:
        paragraph = gold.annotated.document.paragraph_at(mention.span.start)
        words = gold.words[paragraph]
        found = word_range(words, mention.span)
        if found:
            attached = gold.annotated.document.text[words[found[0]].start : mention.span.start]
            clitics = sum(char.isalpha() for char in attached)
            yield GoldMention(paragraph, *found, clitics, mention)


def gold_names(gold: Gold) -> list[list[WordName]]:
    """The annotated mentions of every paragraph, as the decoder would give them."""
    names: list[list[WordName]] = [[] for _ in gold.words]
    for m in gold_mentions(gold):
        names[m.paragraph].append(WordName(m.start, m.end, ACTOR_TYPES[m.mention.actor_type], 1.0, m.clitics))
    return names


def name_targets(gold: Gold) -> list[str]:
    """``MENTION_TAGS`` of every word, paragraph after paragraph."""
    return [tag for words, names in zip(gold.words, gold_names(gold), strict=True) for tag in name_tags(len(words), names)]


def speech_targets(gold: Gold) -> list[str]:
    """``SPEECH_TAGS`` of every word; where a speaker's words are also a speech word they are the speaker's."""
    tags = [["O"] * len(words) for words in gold.words]
    spans = [("CUE", s.paragraph, s.cue) for s in gold.annotated.statements]
    spans += [("SPK", s.paragraph, s.span) for s in gold.annotated.statements]
    for label, paragraph, span in spans:
        found = word_range(gold.words[paragraph], span) if span else None
        if found:
            start, end = found
            tags[paragraph][start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return [tag for paragraph in tags for tag in paragraph]


def learn_lexicon(articles: Sequence[Gold]) -> Lexicon:
    """Word counts, names and speech words of ``articles``, and the names of countries from Unicode CLDR."""
    counts = Counter(word.form for gold in articles for words in gold.words for word in words if word.is_text)
    lexicon = Lexicon({word: counts[word] for word in sorted(counts) if counts[word] >= MIN_COUNT}, _names(articles), {})
    return Lexicon(lexicon.counts, lexicon.names, _cues(articles, lexicon))


def _names(articles: Iterable[Gold]) -> dict[str, str]:
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for gold in articles:
        for m in gold_mentions(gold):
            forms = [word.form for word in gold.words[m.paragraph][m.start : m.end]]
            name = " ".join([forms[0][m.clitics :], *forms[1:]])
            votes[name][ACTOR_TYPES[m.mention.actor_type]] += 1
    names = {name: votes[name].most_common(1)[0][0] for name in sorted(votes) if len(name) > 1}
    return country_names() | names


def country_names() -> dict[str, str]:
    """The Arabic names of countries, as the words of a text would show them."""
    territories = Locale("ar").territories
    names = [name for code, name in sorted(territories.items()) if re.fullmatch("[A-Z]{2}", code)]
    return {" ".join(word.form for word in read_words(read_document(name))[0]): "GPE" for name in names}


def _cues(articles: Iterable[Gold], lexicon: Lexicon) -> dict[str, int]:
    seen: Counter[str] = Counter()
    spoken: Counter[str] = Counter()
    for gold in articles:
        targets = iter(speech_targets(gold))
        for word in (word for words in gold.words for word in words):
            stem = lexicon.stem(word.form)
            seen[stem] += 1
            spoken[stem] += next(targets) == "B-CUE"
    percents = {stem: 100 * n // seen[stem] for stem, n in sorted(spoken.items()) if n >= MIN_CUES}
    return {stem: percent for stem, percent in percents.items() if percent >= MIN_CUE_PERCENT}
