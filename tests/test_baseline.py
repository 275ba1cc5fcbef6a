"""The scikit-learn baseline: train → save → load → find, on articles made here."""

from __future__ import annotations

import json
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from service.analysis.baseline import Baseline
from service.analysis.document import Span, read_document
from service.analysis.findings import Findings
from service.analysis.labels import STANCES, TOPICS
from service.analysis.linear.lexicon import Lexicon, read_lexicon
from service.analysis.linear.model import TaggedWords, stacked_features
from service.analysis.linear.names import attached_length, best_path
from service.analysis.linear.parts import FILES, MODELS_FILE, Parts, save_parts
from service.analysis.linear.references import shares
from service.analysis.linear.words import read_words, root
from service.analysis.manifest import MANIFEST, ArtifactError, sha256
from training.baseline import fit_baseline
from training.examples import Annotated, annotated_article

PEOPLE = ["بوتين", "ماكرون", "أردوغان", "السيسي", "ميركل", "روحاني"]
STATES = ["روسيا", "فرنسا", "تركيا", "مصر", "ألمانيا", "إيران"]
SPORT = "فاز الفريق بالمباراة وسجل اللاعب هدفين في الدوري"


def _find(text: str, part: str) -> list[int]:
    at = text.index(part)
    return [at, at + len(part)]


def _statement(text: str, speaker: str, words: str | None, cue: str, stances: dict[str, str]) -> dict[str, object]:
    return {
        "speaker": speaker, "speaker_span": _find(text, words) if words else None, "cue_span": _find(text, cue),
        "kind": "indirect", "stances": stances,
    }  # fmt: skip


def _article(number: int) -> Annotated:
    """Somebody blames or thanks a state, an official speaks, and there is sport."""
    person, state, label = PEOPLE[number % 6], STATES[(number // 2) % 6], ("against", "favor")[number % 2]
    verb = "اتهم" if label == "against" else "شكر"
    speech = f"{verb} الرئيس {person} اليوم {state} وقال إن بلاده ترد"
    official = f"وقال مسؤول كبير في {state} إن الرد قريب"
    more = "وأضاف أن الأمر واضح"
    paragraphs: list[dict[str, Any]] = [
        {"text": speech, "topic": "politics", "statements": [_statement(speech, "E1", person, verb, {"E2": label})]},
        {"text": official, "topic": "politics", "statements": [_statement(official, "E3", "مسؤول كبير", "قال", {})]},
        {"text": more, "topic": "politics", "statements": [_statement(more, "E3", None, "أضاف", {})]},
        {"text": SPORT, "topic": "sport", "statements": []},
    ]
    for p in paragraphs:
        names = (("E1", person), ("E2", state))
        found = [(entity, _find(p["text"], name)) for entity, name in names if name in p["text"]]
        p["mentions"] = [{"start": a, "end": b, "entity": entity} for entity, (a, b) in found]
    entities = {
        "E1": {"name": person, "type": "PER", "forms": [person]}, "E2": {"name": state, "type": "GPE", "forms": [state]},
        "E3": {"name": "مسؤول كبير", "type": "PER", "forms": []},
    }  # fmt: skip
    return annotated_article({"entities": entities, "paragraphs": paragraphs})


TRAIN = [_article(i) for i in range(24)]
DEV = [_article(i) for i in range(30, 36)]


@pytest.fixture(scope="module")
def trained() -> Parts:
    return fit_baseline(TRAIN, DEV, seed=3)


@pytest.fixture(scope="module")
def folder(trained: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("baseline")
    save_parts(trained, target, seed=3)
    return target


@pytest.fixture(scope="module")
def baseline(folder: Path) -> Baseline:
    return Baseline.load(folder)


def assert_same(first: Findings, second: Findings) -> None:
    assert first.mentions == second.mentions
    assert np.array_equal(first.topics, second.topics)
    assert len(first.statements) == len(second.statements)
    for a, b in zip(first.statements, second.statements, strict=True):
        assert (a.paragraph, a.speaker, a.cue, a.kind, a.score) == (b.paragraph, b.speaker, b.cue, b.kind, b.score)
        assert (a.references, a.unnamed_score) == (b.references, b.unnamed_score)
        assert [i for i, _ in a.stances] == [i for i, _ in b.stances]
        assert all(np.array_equal(x, y) for (_, x), (_, y) in zip(a.stances, b.stances, strict=True))


def test_finds_what_it_was_taught(baseline: Baseline) -> None:
    document = DEV[0].document
    found = baseline.find([document])[0]
    assert [m.span for m in found.mentions] == [m.span for m in DEV[0].mentions]
    assert [TOPICS[i] for i in found.topics.argmax(1)] == ["politics", "politics", "politics", "sport"]
    first = found.statements[0]
    assert first.speaker == DEV[0].statements[0].span
    assert first.cue == Span(*_find(document.text, "اتهم"))
    state = next(row for i, row in first.stances if found.mentions[i].actor_type == "GPE") * baseline.stance_weights
    assert STANCES[int(state.argmax())] == "against"


def test_an_official_is_nobody_who_is_named(baseline: Baseline) -> None:
    statements = baseline.find([DEV[1].document])[0].statements
    official = next(s for s in statements if s.speaker and DEV[1].document.slice(s.speaker).startswith("مسؤول"))
    assert official.unnamed_score > 0.5
    for statement in statements:
        assert statement.unnamed_score + sum(r.score for r in statement.references) <= 1 + 1e-9


def test_loaded_equals_trained(trained: Parts, baseline: Baseline) -> None:
    documents = [a.document for a in DEV]
    for saved, fresh in zip(baseline.find(documents), Baseline("baseline", "1.0.0", trained).find(documents), strict=True):
        assert_same(saved, fresh)


def test_a_batch_equals_its_articles_one_by_one(baseline: Baseline) -> None:
    documents = [a.document for a in DEV] + [read_document("خبر قصير"), read_document("hello")]
    for document, together in zip(documents, baseline.find(documents), strict=True):
        assert_same(together, baseline.find([document])[0])
    assert baseline.find([]) == []


ODD = {
    "empty": "", "latin": "Hello world", "emoji": "🎉👍🏽 🇸🇦\n🎉", "punctuation": "«»؟!.,:;\"'()[]…",
    "marks": "قَالَ بُوتِين َّ ً", "tatweel": "قــــال ـــ بوتــين", "surrogate": "قال \ud800 بوتين\udfff",
    "controls": "قال\u0000 \u200fبوتين\u200b\ufeff", "digits": "١٢٣ 456",
    "only name": "بوتين", "clitics only": "و ف ب ل ك", "attached": "وبوتين وفبوتين للروسيا",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_text_is_analysed(baseline: Baseline, name: str) -> None:
    document = read_document(ODD[name])
    found = baseline.find([document])[0]
    assert found.topics.shape == (len(document.paragraphs), len(TOPICS))
    assert np.allclose(found.topics.sum(1), 1)
    assert_well_formed(found, len(document.text))


def assert_well_formed(found: Findings, length: int) -> None:
    spans = [m.span for m in found.mentions]
    assert spans == sorted(spans)
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    assert all(span.end <= length for span in spans)
    for statement in found.statements:
        assert all(0 <= r.index < len(found.statements if r.to_statement else found.mentions) for r in statement.references)
        assert all(np.isclose(row.sum(), 1) for _, row in statement.stances)


LONG = {
    "one huge word": "ا" * 100_000,
    "no line end": " ".join("قال بوتين إن روسيا ترد" for _ in range(4_000)),
    "many lines": "\n".join("قال بوتين" for _ in range(10_000)),
    "punctuation": "«" * 20_000,
}


def test_long_text_takes_time_in_proportion_to_its_length(baseline: Baseline) -> None:
    """Counted, not timed: the models see a number of rows that grows no faster than the text."""
    line = "اتهم الرئيس بوتين اليوم روسيا وقال إن بلاده ترد "
    found = [baseline.find([read_document(line * n)])[0] for n in (50, 200)]
    rows = [sum(len(s.stances) + len(s.references) for s in findings.statements) for findings in found]
    assert 0 < rows[1] <= 5 * rows[0]


@pytest.mark.parametrize("name", LONG)
def test_long_text_is_analysed(baseline: Baseline, name: str) -> None:
    document = read_document(LONG[name][:5_000])
    assert_well_formed(baseline.find([document])[0], len(document.text))


def copied(folder: Path, target: Path) -> Path:
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    path = copied(folder, tmp_path) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=f"{name} has SHA-256"):
        Baseline.load(tmp_path)


def test_an_untrusted_type_is_refused(folder: Path, tmp_path: Path) -> None:
    """Even with a right checksum: a manifest can be written by whoever wrote the file."""
    path = copied(folder, tmp_path) / MODELS_FILE
    skops.io.dump({"classifiers": {"topics": Fraction(1, 3)}, "idf": {}}, path, compression=zipfile.ZIP_DEFLATED)
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][MODELS_FILE] = sha256(path)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"refused.*Fraction"):
        Baseline.load(tmp_path)


@pytest.mark.parametrize("name", [MANIFEST, MODELS_FILE])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    (copied(folder, tmp_path) / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name} (cannot be read|is missing)"):
        Baseline.load(tmp_path)


def test_a_manifest_must_name_every_file(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((copied(folder, tmp_path) / MANIFEST).read_text(encoding="utf-8"))
    del manifest["files"]["lexicon.json"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactError, match="lists no lexicon.json"):
        Baseline.load(tmp_path)


def test_the_manifest_says_what_it_was_made_with(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"], manifest["kind"], manifest["seed"]) == ("baseline", "1.0.0", "baseline", 3)
    assert set(manifest["libraries"]) == {"scikit-learn", "skops", "numpy"}
    assert set(manifest["files"]) == {p.name for p in folder.iterdir()} - {MANIFEST}


def test_no_text_of_the_corpus_is_kept(folder: Path) -> None:
    kept = b"".join(path.read_bytes() for path in folder.iterdir()).decode("utf-8", "ignore")
    assert SPORT not in kept


def test_words_keep_their_places() -> None:
    document = read_document("قال «بوتِينُ»:\n(موناكو-روسيا) #متجر_ترامب 12")
    words = read_words(document)
    assert [[document.text[w.start : w.end] for w in of_paragraph] for of_paragraph in words] == [
        ["قال", "«", "بوتِينُ", "»", ":"], ["(", "موناكو", "-", "روسيا", ")", "#", "متجر", "_", "ترامب", "12"],
    ]  # fmt: skip
    assert [w.form for w in words[0]] == ["قال", '"', "بوتين", '"', ":"]


LEXICON = Lexicon(
    counts={"قال": 9, "وقال": 2, "كان": 50, "ان": 90, "وزير": 9},
    names={"الولايات المتحده": "GPE", "روسيا": "GPE", "بوتين": "PER"},
    cues={},
)


@pytest.mark.parametrize(("word", "n"), [("وقال", 1), ("كان", 0), ("وزير", 0), ("و", 0)])
def test_attached_letters_are_told_by_counts(word: str, n: int) -> None:
    assert LEXICON.n_clitics(word) == n


def test_known_names_are_matched_longest_first_without_attached_letters() -> None:
    matches = list(LEXICON.match_names(["زار", "وبوتين", "الولايات", "المتحده", "لروسيا", "الولايات"]))
    assert [(m.start, m.end, m.actor_type, m.clitics) for m in matches] == [(1, 2, "PER", 1), (2, 4, "GPE", 0), (4, 5, "GPE", 1)]


def test_a_lexicon_with_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="EVENT"):
        read_lexicon(json.dumps({"counts": {}, "names": {"كاس": "EVENT"}, "cues": {}}).encode())


@pytest.mark.parametrize(("surface", "n", "length"), [("وبوتين", 1, 1), ("وَبوتين", 1, 2), ("وبالقاهرة", 2, 2), ("و", 1, 0)])
def test_attached_letters_take_their_marks_with_them(surface: str, n: int, length: int) -> None:
    assert attached_length(surface, n) == length


def test_the_best_path_obeys_the_transitions() -> None:
    scores = np.log(np.array([[0.4, 0.6], [0.45, 0.55]]))
    assert best_path(scores, np.zeros((2, 2))) == [1, 1]
    assert best_path(scores, np.array([[0, 0], [0, -9.0]])) == [1, 0]
    assert best_path(np.zeros((0, 2)), np.zeros((2, 2))) == []


@pytest.mark.parametrize(("word", "shared"), [("السورية", "سور"), ("سوريا", "سور"), ("الفرنسيون", "فرنس"), ("من", "من")])
def test_related_words_share_a_root(word: str, shared: str) -> None:
    assert root(read_words(read_document(word))[0][0].form) == shared


def test_shares_are_a_distribution() -> None:
    assert shares(np.array([0.5, 0.5, 0.0])) == pytest.approx([0.5, 0.5, 0.0], abs=1e-5)


def test_the_second_answer_knows_the_same_stem_elsewhere() -> None:
    rows = [np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.3, 0.7]])]
    tagged = TaggedWords([[{"w": "ا"}, {"w": "ب"}], [{"w": "ا"}]], [["ا", "ب"], ["ا"]], rows)
    first, second, third = stacked_features(tagged, ("O", "B"))
    assert (first["d"], first["t0"], first["t1"]) == ("B", "O", "B")
    assert "d" not in second
    assert (third["d"], third["t-1"]) == ("O", "^")


def test_spans_lie_in_the_posted_text_marks_and_all() -> None:
    baseline = Baseline.load(Path(__file__).parents[1] / "service" / "artifacts" / "baseline")
    texts = ("قال الرئيس فلاديمير بوتين إن روسيا ترد", "قال الرئيس فلاديمير بوتِينُ إن رُوسيا ترد")
    plain, marked = (read_document(text) for text in texts)
    names = [[document.slice(m.span) for m in baseline.find([document])[0].mentions] for document in (plain, marked)]
    assert names[0]
    assert names[1] == [name.replace("بوتين", "بوتِينُ").replace("روسيا", "رُوسيا") for name in names[0]]
