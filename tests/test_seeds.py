"""The seed articles are well formed, annotated without gaps, and hold every phenomenon that they were written for.

Stand-alone: reads ``seeds/articles.jsonl`` and imports nothing of the project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

Json = dict[str, Any]
Pair = tuple[int, int]

SEEDS: Final = Path(__file__).resolve().parent.parent / "seeds"
ARTICLES: Final[list[Json]] = [
    json.loads(line) for line in (SEEDS / "articles.jsonl").read_text(encoding="utf-8").split("\n") if line
]
BY_ID: Final = {article["id"]: article for article in ARTICLES}

TOPICS: Final = {
    "arts", "conflict", "crime", "disaster", "economy", "education", "environment", "health", "human_interest", "labour",
    "lifestyle", "politics", "religion", "science", "society", "sport", "weather",
}  # fmt: skip
LETTER: Final = "[\\w\u0640\u064b-\u065f\u0670]"
"""What a word is made of: letters, digits, underscore, tatweel and vowel marks."""
CLITIC: Final = f"(?<!{LETTER})[وف]?[بلك]?"
MARK: Final = re.compile("[\u064b-\u0652]")
SIGNATURE: Final = re.compile(r"^— .+ \(@\w+\) [A-Z][a-z]+ \d{1,2}, \d{4}$")


def spellings(form: str) -> list[str]:
    """``form`` as it stands in a text: after ل the alif of its article is not written."""
    return [form, "لل" + form[2:]] if form.startswith("ال") else [form]


def occurrences(text: str, form: str) -> Iterator[Pair]:
    """Where ``form`` stands in ``text`` as a word of its own or after attached prefixes, which are left out."""
    for spelling in spellings(form):
        for match in re.finditer(f"{CLITIC}({re.escape(spelling)})(?!{LETTER})", text):
            yield match.span(1)


def paragraphs(article: Json) -> list[Json]:
    result: list[Json] = article["paragraphs"]
    return result


def statements(article: Json) -> list[tuple[Json, Json]]:
    """Every statement of ``article`` with its paragraph."""
    return [(paragraph, said) for paragraph in paragraphs(article) for said in paragraph["statements"]]


def everything_said() -> Iterator[tuple[Json, Json, Json]]:
    """Every statement with its paragraph and its article."""
    return ((article, paragraph, said) for article in ARTICLES for paragraph, said in statements(article))


def words_at(paragraph: Json, span: Pair | None) -> str | None:
    text: str = paragraph["text"]
    return None if span is None else text[slice(*span)]


def is_heading(paragraph: Json) -> bool:
    """A few words between paragraphs, without speech and without a full stop."""
    return len(paragraph["text"].split()) <= 4 and not paragraph["statements"] and not paragraph["text"].endswith(".")


def stances(said: Json, label: str) -> set[str]:
    return {target for target, stance in said["stances"].items() if stance == label}


each_article = pytest.mark.parametrize("article", ARTICLES, ids=list(BY_ID))


def test_there_are_enough_articles_with_ids_of_their_own() -> None:
    assert 14 <= len(ARTICLES) == len(BY_ID)
    assert [key[5:7] for key in BY_ID] == [f"{number:02}" for number in range(1, len(ARTICLES) + 1)]
    assert all(re.fullmatch(r"seed-\d\d-[a-z0-9]+(-[a-z0-9]+)*", key) for key in BY_ID)


def test_the_readme_describes_every_article() -> None:
    readme = (SEEDS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(seed-\d\d-[a-z0-9-]+)`", readme)) == set(BY_ID)


@each_article
def test_fields(article: Json) -> None:
    assert set(article) == {"id", "topic", "entities", "paragraphs"}
    assert article["topic"] in TOPICS
    for entity in article["entities"].values():
        assert set(entity) == {"name", "type", "forms"}
        assert entity["name"]
        assert entity["type"] in {"PER", "ORG", "GPE"}
    for paragraph in paragraphs(article):
        assert set(paragraph) == {"text", "topic", "mentions", "statements"}
        assert paragraph["topic"] in TOPICS | {"none"}
        assert all(set(mention) == {"start", "end", "entity"} for mention in paragraph["mentions"])
        for said in paragraph["statements"]:
            assert set(said) == {"speaker", "speaker_span", "cue_span", "kind", "stances"}
            assert said["kind"] in {"direct", "indirect", "mixed"}


@each_article
def test_size(article: Json) -> None:
    assert 5 <= len(paragraphs(article)) <= 12
    assert 150 <= sum(len(paragraph["text"].split()) for paragraph in paragraphs(article)) <= 450


@each_article
def test_texts_are_single_tidy_lines(article: Json) -> None:
    for paragraph in paragraphs(article):
        assert " ".join(paragraph["text"].split()) == paragraph["text"] != ""


@each_article
def test_mentions_are_exactly_the_occurrences_of_forms(article: Json) -> None:
    """Longest form first; whatever then still stands free of the longer ones is a mention too."""
    forms = [(form, key) for key, entity in article["entities"].items() for form in entity["forms"]]
    assert len({form for form, _ in forms}) == len(forms)
    for paragraph in paragraphs(article):
        text = paragraph["text"]
        found = {(start, end, key) for form, key in forms for start, end in occurrences(text, form)}
        expected: list[tuple[int, int, str]] = []
        for start, end, key in sorted(found, key=lambda item: item[0] - item[1]):
            if all(end <= first or last <= start for first, last, _ in expected):
                expected.append((start, end, key))
        annotated = [(mention["start"], mention["end"], mention["entity"]) for mention in paragraph["mentions"]]
        assert annotated == sorted(expected), text


@each_article
def test_every_form_is_mentioned(article: Json) -> None:
    used = {
        (mention["entity"], words_at(paragraph, (mention["start"], mention["end"])))
        for paragraph in paragraphs(article)
        for mention in paragraph["mentions"]
    }
    for key, entity in article["entities"].items():
        for form in entity["forms"]:
            assert any((key, spelling) in used for spelling in spellings(form)), form


@each_article
def test_every_entity_has_a_span(article: Json) -> None:
    """An actor that no words denote could not be compared with anything found in the text."""
    mentioned = {mention["entity"] for paragraph in paragraphs(article) for mention in paragraph["mentions"]}
    denoted = {said["speaker"] for _, said in statements(article) if said["speaker_span"]}
    assert set(article["entities"]) == mentioned | denoted


@each_article
def test_statements(article: Json) -> None:
    entities = article["entities"]
    for paragraph in paragraphs(article):
        speakers = [said["speaker"] for said in paragraph["statements"]]
        assert len(set(speakers)) == len(speakers)
        for said in paragraph["statements"]:
            assert said["speaker"] in entities
            assert set(said["stances"]) <= set(entities) - {said["speaker"]}
            assert set(said["stances"].values()) <= {"favor", "against"}


@each_article
def test_speakers_and_cues_are_whole_words(article: Json) -> None:
    for paragraph, said in statements(article):
        spans: list[Pair] = [tuple(span) for span in (said["speaker_span"], said["cue_span"]) if span]
        for start, end in spans:
            assert 0 <= start < end <= len(paragraph["text"])
            words = paragraph["text"][start:end]
            assert (start, end) in occurrences(paragraph["text"], words), words
        assert len(spans) < 2 or spans[0][1] <= spans[1][0] or spans[1][1] <= spans[0][0]


def test_an_unnamed_speaker_follows_one_whose_name_is_known() -> None:
    """Without words for the speaker a paragraph continues somebody who spoke before it in the article."""
    for article in ARTICLES:
        known: set[str] = set()
        for _, said in statements(article):
            assert said["speaker_span"] or said["speaker"] in known
            known.add(said["speaker"])


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_topic_occurs(topic: str) -> None:
    assert any(paragraph["topic"] == topic for article in ARTICLES for paragraph in paragraphs(article))


@pytest.mark.parametrize("topic", ["sport", "economy", "science", "health"])
def test_articles_beyond_politics(topic: str) -> None:
    assert any(article["topic"] == topic for article in ARTICLES)


@pytest.mark.parametrize("kind", ["direct", "indirect", "mixed"])
def test_every_kind_of_speech_occurs(kind: str) -> None:
    assert any(said["kind"] == kind for _, _, said in everything_said())


@pytest.mark.parametrize("quotes", ["“”", "«»", '""'])
def test_an_article_with_each_kind_of_quotation_marks(quotes: str) -> None:
    assert any(
        text.count(quotes[0]) >= 3 and text.count(quotes[1]) >= 3
        for text in ("\n".join(paragraph["text"] for paragraph in paragraphs(article)) for article in ARTICLES)
    )


def headlines() -> bool:
    """Every article starts with a headline: short, no full stop, with a topic; some of them speak."""
    first = [paragraphs(article)[0] for article in ARTICLES]
    plain = all(len(line["text"].split()) <= 18 and line["text"][-1] != "." and line["topic"] != "none" for line in first)
    return plain and any(line["statements"] for line in first)


def summit_told_by_a_state_agency() -> bool:
    """A state agency and both leaders speak, and a country that is not theirs answers."""
    article = BY_ID["seed-01-summit-state-agency"]
    names = {article["entities"][said["speaker"]]["name"] for _, said in statements(article)}
    return {"وكالة الأنباء الفيتنامية", "فلاديمير بوتين", "لوونغ كوونغ", "الولايات المتحدة", "اليابان"} <= names


def speaker_continued_over_several_paragraphs() -> bool:
    """Three paragraphs in a row whose only speaker is the same one, the last two without words for it."""
    for article in ARTICLES:
        rows = [paragraph["statements"] for paragraph in paragraphs(article)]
        for first, second, third in zip(rows, rows[1:], rows[2:], strict=False):
            alone = len(first) == len(second) == len(third) == 1
            wordless = {said["speaker"] for said in second + third if said["speaker_span"] is None}
            named = [said for said in second + third if said["speaker_span"]]
            if alone and not named and wordless == {first[0]["speaker"]}:
                return True
    return False


def continued_with(cue: str | None) -> bool:
    """A paragraph without words for its speaker and with exactly this word of speech."""
    return any(
        said["speaker_span"] is None and words_at(paragraph, said["cue_span"]) == cue for _, paragraph, said in everything_said()
    )


def unattributed_quotation() -> bool:
    """A paragraph that is nothing but a quotation."""
    return any(
        said["speaker_span"] is None and said["cue_span"] is None and re.fullmatch(r'".+"\.', paragraph["text"])
        for _, paragraph, said in everything_said()
    )


def nominal_speaker(words: str) -> bool:
    """A named actor speaks under ``words``, which are none of its names."""
    return any(
        words_at(paragraph, said["speaker_span"]) == words and article["entities"][said["speaker"]]["forms"]
        for article, paragraph, said in everything_said()
    )


def unnamed_speaker(words: str) -> bool:
    """An actor without any name speaks under ``words``."""
    return any(
        words_at(paragraph, said["speaker_span"]) == words and not article["entities"][said["speaker"]]["forms"]
        for article, paragraph, said in everything_said()
    )


def capital_beside_its_state(capital: str, state: str) -> bool:
    """Both are forms of one actor and stand in one paragraph."""
    for article in ARTICLES:
        for key, entity in article["entities"].items():
            if {capital, state} <= set(entity["forms"]):
                for paragraph in paragraphs(article):
                    spans = [(m["start"], m["end"]) for m in paragraph["mentions"] if m["entity"] == key]
                    if {capital, state} <= {words_at(paragraph, span) for span in spans}:
                        return True
    return False


def criticised_speaker_praises_another() -> bool:
    """In one paragraph A is against B, and B in favor of C."""
    for article in ARTICLES:
        for paragraph in paragraphs(article):
            criticised = {target for said in paragraph["statements"] for target in stances(said, "against")}
            critics = {said["speaker"] for said in paragraph["statements"] if stances(said, "against")}
            for said in paragraph["statements"]:
                if said["speaker"] in criticised and stances(said, "favor") - critics:
                    return True
    return False


def denial() -> bool:
    """Somebody denies without attacking anybody; and somebody's denial does attack."""
    verbs = {"نفى", "نفت", "ينفي", "نفته"}
    denials = [said for _, paragraph, said in everything_said() if words_at(paragraph, said["cue_span"]) in verbs]
    return any(not said["stances"] for said in denials) and any(stances(said, "against") for said in denials)


def tweet_between_paragraphs() -> bool:
    """A line with link and hashtag, then its signature without a topic, and the article goes on."""
    for article in ARTICLES:
        rows = paragraphs(article)[1:]
        for tweet, signature, after in zip(rows, rows[1:], rows[2:], strict=False):
            linked = re.search(r"#\w+_\w+ pic\.twitter\.com/\w+$", tweet["text"])
            if linked and SIGNATURE.match(signature["text"]) and signature["topic"] == "none" != after["topic"]:
                return True
    return False


def hashtag_with_underscores_is_a_mention() -> bool:
    return any(
        "_" in form and "#" + form in paragraph["text"]
        for article in ARTICLES
        for entity in article["entities"].values()
        for form in entity["forms"]
        for paragraph in paragraphs(article)
    )


def section_heading() -> bool:
    """A heading with a topic between two paragraphs that are none."""
    for article in ARTICLES:
        rows = paragraphs(article)
        for before, line, after in zip(rows[1:], rows[2:], rows[3:], strict=False):
            if is_heading(line) and line["topic"] != "none" and not is_heading(before) and not is_heading(after):
                return True
    return False


def paragraph_without_a_topic_beside_tweets() -> bool:
    return any(
        paragraph["topic"] == "none" and not SIGNATURE.match(paragraph["text"])
        for article in ARTICLES
        for paragraph in paragraphs(article)
    )


def partly_vocalised_article() -> bool:
    """Vowel marks in most paragraphs, also inside a name, but far from on every letter."""
    for article in ARTICLES:
        texts = [paragraph["text"] for paragraph in paragraphs(article)]
        marked = sum(len(MARK.findall(text)) >= 3 for text in texts)
        in_a_name = any(MARK.search(form) for entity in article["entities"].values() for form in entity["forms"])
        if in_a_name and marked > len(texts) / 2 and len(MARK.findall("".join(texts))) < len("".join(texts)) / 5:
            return True
    return False


def stance_by_somebody_unnamed() -> bool:
    return any(said["stances"] and not article["entities"][said["speaker"]]["forms"] for article, _, said in everything_said())


def both_stances_in_one_statement() -> bool:
    return any(set(said["stances"].values()) == {"favor", "against"} for _, _, said in everything_said())


PHENOMENA: Final[dict[str, Callable[[], bool]]] = {
    "headlines": headlines,
    "summit told by a state agency": summit_told_by_a_state_agency,
    "speaker continued over several paragraphs": speaker_continued_over_several_paragraphs,
    "continuation with a cue": lambda: continued_with("أضاف") and continued_with("أضافت") and continued_with("تابع"),
    "unattributed quotation": unattributed_quotation,
    "nominal agency": lambda: nominal_speaker("الوكالة الرسمية"),
    "nominal president": lambda: nominal_speaker("الرئيس الروسي"),
    "nominal ministry": lambda: nominal_speaker("الوزارة"),
    "security source": lambda: unnamed_speaker("مصدر أمني"),
    "eyewitnesses": lambda: unnamed_speaker("شهود عيان"),
    "Washington": lambda: capital_beside_its_state("واشنطن", "الولايات المتحدة"),
    "Moscow": lambda: capital_beside_its_state("موسكو", "روسيا"),
    "criticised speaker praises another": criticised_speaker_praises_another,
    "denial": denial,
    "tweet between paragraphs": tweet_between_paragraphs,
    "hashtag with underscores": hashtag_with_underscores_is_a_mention,
    "section heading": section_heading,
    "paragraph without a topic": paragraph_without_a_topic_beside_tweets,
    "partly vocalised article": partly_vocalised_article,
    "stance by somebody unnamed": stance_by_somebody_unnamed,
    "both stances in one statement": both_stances_in_one_statement,
}


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_phenomenon(phenomenon: str) -> None:
    assert PHENOMENA[phenomenon]()
