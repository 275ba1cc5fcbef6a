"""Resolution of actors on findings written by hand, so that only the rules are tested."""

from __future__ import annotations

import time

import numpy as np
import pytest

from service.analysis.actors import ResolvedActors, resolve_actors
from service.analysis.document import Document, Span, read_document
from service.analysis.findings import Findings, FoundMention, FoundStatement, Reference
from service.analysis.gazetteer import Gazetteer, Seat
from service.analysis.labels import TOPICS

GAZETTEER = Gazetteer(
    countries={"RU": "روسيا", "US": "الولايات المتحدة", "KP": "كوريا الشمالية", "KR": "كوريا الجنوبية"},
    names={"روسيا": "RU", "الولايات المتحده": "US", "امريكا": "US", "كوريا الشماليه": "KP", "كوريا الجنوبيه": "KR"},
    seats={"موسكو": Seat("RU", 0.7), "سوتشي": Seat("RU", 0.1)},
    nominal_types={"مصدر": "PER", "وزاره": "ORG"},
)


def mentions_of(text: str, names: dict[str, str]) -> tuple[FoundMention, ...]:
    """Every occurrence of ``names`` (form → type), longest form first."""
    found: list[FoundMention] = []
    for form in sorted(names, key=len, reverse=True):
        at = text.find(form)
        while at >= 0:
            span = Span(at, at + len(form))
            if not any(span.overlaps(m.span) for m in found):
                found.append(FoundMention(span, names[form], 0.9))
            at = text.find(form, at + 1)
    return tuple(sorted(found, key=lambda m: m.span))


def statement(
    document: Document, paragraph: int, words: str | None, references: tuple[Reference, ...] = (), unnamed: float = 0.0
) -> FoundStatement:
    span = None
    if words:
        start = document.text.index(words, document.paragraphs[paragraph].start)
        span = Span(start, start + len(words))
    return FoundStatement(paragraph, span, 0.9, None, "indirect", references, unnamed, ())


def resolve(
    document: Document, names: dict[str, str], statements: tuple[FoundStatement, ...] = (),
    aliases: tuple[tuple[int, int, float], ...] = (),
) -> ResolvedActors:  # fmt: skip
    topics = np.full((len(document.paragraphs), len(TOPICS)), 1 / len(TOPICS))
    return resolve_actors(document, Findings(topics, mentions_of(document.text, names), aliases, statements), GAZETTEER)


@pytest.mark.parametrize(
    ("text", "names", "n_actors"),
    [
        ("كيم جونغ أون زار روسيا ثم عاد كيم", {"كيم جونغ أون": "PER", "كيم": "PER", "روسيا": "GPE"}, 2),
        ("فلاديمير بوتين وبوتين", {"فلاديمير بوتين": "PER", "بوتين": "PER"}, 1),
        ("أمريكا والولايات المتحدة", {"أمريكا": "GPE", "الولايات المتحدة": "GPE"}, 1),
        ("كوريا الشمالية وكوريا الجنوبية", {"كوريا الشمالية": "GPE", "كوريا الجنوبية": "GPE"}, 2),
        ("موسكو وروسيا", {"موسكو": "GPE", "روسيا": "GPE"}, 1),
        ("سوتشي وروسيا", {"سوتشي": "GPE", "روسيا": "GPE"}, 2),
        ("كوريا_الشمالية وكوريا الشمالية", {"كوريا_الشمالية": "GPE", "كوريا الشمالية": "GPE"}, 1),
        ("البرلمان الأوروبي والبرلمان", {"البرلمان الأوروبي": "ORG", "البرلمان": "ORG"}, 1),
        ("أحمد علي وعلي", {"أحمد علي": "PER", "علي": "ORG"}, 2),
    ],
)
def test_forms_of_one_actor_are_one(text: str, names: dict[str, str], n_actors: int) -> None:
    assert len(resolve(read_document(text), names).actors) == n_actors


def test_a_country_is_called_by_its_name_and_has_its_code() -> None:
    (actor,) = resolve(read_document("قالت موسكو إن روسيا"), {"موسكو": "GPE", "روسيا": "GPE"}).actors
    assert (actor.name, actor.iso, actor.mentions) == ("روسيا", "RU", (0, 1))


def test_the_model_may_join_names_that_no_rule_joins_but_never_two_countries() -> None:
    document = read_document("الوكالة الكورية ثم وكالة الأنباء")
    names = {"الوكالة الكورية": "ORG", "وكالة الأنباء": "ORG"}
    assert len(resolve(document, names, aliases=((0, 1, 0.9), (1, 0, 0.8))).actors) == 1
    countries = {"روسيا": "GPE", "أمريكا": "GPE"}
    assert len(resolve(read_document("روسيا وأمريكا"), countries, aliases=((0, 1, 0.9), (1, 0, 0.9))).actors) == 2


@pytest.mark.parametrize(
    ("first", "second", "n_actors"),
    [
        ("جماعة الحوثي", "جماعة الإخوان المسلمين", 2),
        ("وزارة الخارجية المصرية", "وزارة الخارجية السعودية", 2),
        ("وزارة الخارجية الأمريكية", "وزارة الخارجية الأميركية", 1),
        ("شبكة الجزيرة", "قناة الجزيرة", 1),
        ("التحالف العربي", "قوات التحالف", 1),
    ],
)
def test_names_that_begin_alike_and_go_on_differently_are_two_whatever_the_model_says(
    first: str, second: str, n_actors: int
) -> None:
    document = read_document(f"{first} ثم {second}")
    found = resolve(document, {first: "ORG", second: "ORG"}, aliases=((1, 0, 0.99),))
    assert len(found.actors) == n_actors


def test_a_short_form_does_not_join_what_its_full_names_keep_apart() -> None:
    names = {"جماعة الحوثي": "ORG", "جماعة الإخوان المسلمين": "ORG", "الحوثيون": "ORG"}
    document = read_document("جماعة الحوثي ثم جماعة الإخوان المسلمين ثم الحوثيون")
    assert len(resolve(document, names, aliases=((2, 0, 0.9), (2, 1, 0.6))).actors) == 2


def test_a_name_may_join_a_state_whose_fullest_name_is_of_another_type() -> None:
    gazetteer_name = {"أمريكا": "GPE", "الولايات المتحدة": "ORG", "بلاد العم سام": "GPE"}
    document = read_document("أمريكا ثم الولايات المتحدة ثم بلاد العم سام")
    assert len(resolve(document, gazetteer_name, aliases=((2, 0, 0.9), (0, 2, 0.9))).actors) == 1


def test_an_actor_is_shown_without_the_preposition_that_is_merged_with_it() -> None:
    document = read_document("وفقا للحزب الديمقراطي ثم للمتحدث باسمه")
    said = statement(document, 0, "للمتحدث", unnamed=0.9)
    found = resolve(document, {"للحزب الديمقراطي": "ORG"}, (said,))
    assert [a.name for a in found.actors] == ["الحزب الديمقراطي", "المتحدث"]


def test_a_named_speaker_is_the_actor_named() -> None:
    document = read_document("قال بيسكوف إن روسيا")
    resolved = resolve(document, {"بيسكوف": "PER", "روسيا": "GPE"}, (statement(document, 0, "بيسكوف"),))
    assert resolved.actors[resolved.of_statement[0] or 0].name == "بيسكوف"


def test_a_nominal_speaker_is_whom_the_model_says() -> None:
    document = read_document("زار بوتين الصين\nوقال الرئيس الروسي")
    points = (Reference(0, False, 0.8), Reference(1, False, 0.1))
    said = statement(document, 1, "الرئيس الروسي", points, unnamed=0.1)
    resolved = resolve(document, {"بوتين": "PER", "الصين": "GPE"}, (said,))
    assert resolved.of_statement == (0,)


def test_an_unnamed_speaker_is_an_actor_and_the_same_one_again() -> None:
    document = read_document("قال مصدر أمني\nوأكد مصدر أمني\nوقالت وزارة")
    said = tuple(statement(document, i, w, unnamed=0.9) for i, w in enumerate(["مصدر أمني", "مصدر أمني", "وزارة"]))
    resolved = resolve(document, {}, said)
    assert resolved.of_statement == (0, 0, 1)
    assert [(a.name, a.type, a.mentions) for a in resolved.actors] == [("مصدر أمني", "PER", ()), ("وزارة", "ORG", ())]


def test_a_continuation_goes_to_the_speaker_it_points_to_or_the_last_one() -> None:
    document = read_document("قال بيسكوف\nقالت زاخاروفا\nوأضاف\nوتابع")
    names = {"بيسكوف": "PER", "زاخاروفا": "PER"}
    first, second = statement(document, 0, "بيسكوف"), statement(document, 1, "زاخاروفا")
    pointed = statement(document, 2, None, (Reference(0, True, 0.9),), unnamed=0.05)
    plain = statement(document, 3, None)
    assert resolve(document, names, (first, second, pointed, plain)).of_statement == (0, 1, 0, 0)


def test_a_continuation_of_nobody_is_nobodys() -> None:
    document = read_document("وأضاف")
    assert resolve(document, {}, (statement(document, 0, None),)).of_statement == (None,)


def test_many_names_take_time_in_proportion_to_their_number() -> None:
    """Comparing each name with each other one would take minutes here."""
    letters = "ابتثجحخدذر"
    forms = {f"علي {a}{b}{c}{d}مي": "PER" for a in letters for b in letters for c in letters for d in letters}
    text = "\n".join(forms)
    starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
    mentions = tuple(FoundMention(Span(start, start + len(form)), "PER", 0.9) for start, form in zip(starts, forms, strict=True))
    document = read_document(text)
    statements = tuple(FoundStatement(i, m.span, 0.9, None, "indirect", (), 0.0, ()) for i, m in enumerate(mentions))
    began = time.process_time()
    resolved = resolve_actors(document, Findings(np.zeros((0, len(TOPICS))), mentions, (), statements), GAZETTEER)
    assert time.process_time() - began < 20
    assert len(resolved.actors) == len(forms)
    assert resolved.of_statement == resolved.of_mention
