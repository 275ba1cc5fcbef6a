from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from training.annotations import ADDITIONAL, joined, standoff, standoff_articles
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
        list(standoff_articles(annotations, texts))


def test_the_released_annotations_hold_no_words_and_fit_their_corpus(corpus: Path) -> None:
    lines = gzip.decompress(ADDITIONAL.read_bytes()).decode()
    assert not any("\u0600" <= char <= "\u06ff" for char in lines)
    records = list(standoff_articles(ADDITIONAL, corpus / "topics" / "ant.jsonl.gz"))
    assert len(records) == lines.count("\n") > 500
    assert all(annotated_article(record).mentions for record in records[:50])


def test_no_released_annotation_is_of_a_held_out_article(corpus: Path) -> None:
    held_out = set()
    for split in ("dev", "test", "seed"):
        for line in (corpus / "articles" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            held_out.update(p["text"].strip() for p in json.loads(line)["paragraphs"] if len(p["text"]) > 40)
    for record in standoff_articles(ADDITIONAL, corpus / "topics" / "ant.jsonl.gz"):
        assert not held_out.intersection(texts_of(record))
