from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from training.annotations import (
    ANT,
    KHALEEJ,
    joined,
    lines_as_paragraphs,
    sentences_as_paragraphs,
    standoff,
    standoff_articles,
)
from training.errors import CorpusError
from training.examples import annotated_article


def texts_of(record: dict[str, Any]) -> list[str]:
    return [p["text"] for p in record["paragraphs"]]


def test_an_article_comes_back_with_its_labels(seeds: list[dict[str, Any]]) -> None:
    for record in seeds:
        assert annotated_article(joined(standoff(record), texts_of(record))) == annotated_article(record)


def test_another_text_is_refused(seeds: list[dict[str, Any]]) -> None:
    with pytest.raises(CorpusError, match="another corpus"):
        joined(standoff(seeds[0]), texts_of(seeds[1]))


def test_an_article_that_the_corpus_lacks_is_named(seeds: list[dict[str, Any]], tmp_path: Path) -> None:
    annotations, texts = tmp_path / "annotations.gz", tmp_path / "texts.gz"
    annotations.write_bytes(gzip.compress("".join(json.dumps(standoff(r)) + "\n" for r in seeds[:2]).encode()))
    texts.write_bytes(gzip.compress(json.dumps({"id": seeds[0]["id"], "paragraphs": texts_of(seeds[0])}).encode()))
    with pytest.raises(CorpusError, match=seeds[1]["id"]):
        list(standoff_articles(annotations, texts, lines_as_paragraphs))


def released(corpus: Path) -> list[dict[str, Any]]:
    topics = corpus / "topics"
    return [
        *standoff_articles(ANT, topics / "ant.jsonl.gz", lines_as_paragraphs),
        *standoff_articles(KHALEEJ, topics / "khaleej.jsonl.gz", sentences_as_paragraphs),
    ]


@pytest.mark.parametrize("file", [ANT, KHALEEJ], ids=lambda file: file.name)
def test_the_released_annotations_hold_no_words(file: Path) -> None:
    text = gzip.decompress(file.read_bytes()).decode()
    assert text.count("\n") > 100
    assert not any("\u0600" <= char <= "\u06ff" for char in text)


def test_the_released_annotations_fit_their_corpora_and_hold_nothing_out_of_dev_or_test(corpus: Path) -> None:
    held_out: set[str] = set()
    for split in ("dev", "test", "seed"):
        for line in (corpus / "articles" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            held_out.update(p["text"].strip() for p in json.loads(line)["paragraphs"] if len(p["text"]) > 40)
    for record in released(corpus):
        assert annotated_article(record).mentions or not any(p["mentions"] for p in record["paragraphs"])
        assert not held_out.intersection(texts_of(record))


def test_one_line_becomes_paragraphs_of_whole_sentences() -> None:
    sentence = "قال الوزير إن الخطة جاهزة وإن العمل يبدأ غدا."
    text = " ".join([sentence] * 9)
    paragraphs = sentences_as_paragraphs({"text": text})
    assert " ".join(paragraphs) == text
    assert [p.count(".") for p in paragraphs] == [4, 4, 1]
