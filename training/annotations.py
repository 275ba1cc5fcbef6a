"""Stand-off annotations: labels and offsets without a word of the text that they belong to.

The project may publish what it learned from a corpus, not the corpus: a line here names an article, says by a hash which text is
meant, and holds the rest of the corpus format with offsets in place of words. Knows nothing about tokens.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from training.errors import CorpusError

ADDITIONAL: Final = Path(__file__).with_name("annotations.jsonl.gz")
"""Articles of the ANT Corpus annotated for this project, by careful reading with a language model, article by article."""


def text_hash(paragraphs: Sequence[str]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the paragraphs joined by newlines."""
    return hashlib.sha256("\n".join(paragraphs).encode()).hexdigest()[:16]


def standoff(record: dict[str, Any]) -> dict[str, Any]:
    """An article in the corpus format → the same without its words."""
    paragraphs = record["paragraphs"]
    return {
        "id": record["id"],
        "text": text_hash([p["text"] for p in paragraphs]),
        "topic": record["topic"],
        "entities": {key: {"type": entity["type"]} for key, entity in record["entities"].items()},
        "paragraphs": [{key: value for key, value in p.items() if key != "text"} for p in paragraphs],
    }


def joined(annotation: dict[str, Any], paragraphs: Sequence[str]) -> dict[str, Any]:
    """A stand-off annotation with its text put back: the corpus format, entities without names.

    Raises:
        CorpusError: when ``paragraphs`` are not the text that was annotated.
    """
    if (found := text_hash(paragraphs)) != annotation["text"]:
        raise CorpusError(f"article {annotation['id']} has text {found}, annotated was {annotation['text']}: another corpus?")
    texts = [{"text": text} | labels for text, labels in zip(paragraphs, annotation["paragraphs"], strict=True)]
    return annotation | {"paragraphs": texts}


def standoff_articles(annotations: Path, texts: Path) -> Iterator[dict[str, Any]]:
    """The articles of ``annotations`` in the corpus format, their text read from ``texts`` (gzipped JSON Lines).

    Raises:
        CorpusError: when ``texts`` is missing or lacks an annotated article.
    """
    if not texts.is_file():
        raise CorpusError(f"no corpus file {texts}; the articles annotated for this project are in it")
    with gzip.open(annotations, "rt", encoding="utf-8") as lines:
        wanted = {annotation["id"]: annotation for annotation in map(json.loads, lines)}
    with gzip.open(texts, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if annotation := wanted.pop(row["id"], None):
                yield joined(annotation, [p.strip() for p in row["paragraphs"] if p.strip()])
    if wanted:
        raise CorpusError(f"{texts} lacks {len(wanted)} annotated articles, {min(wanted)} among them")
