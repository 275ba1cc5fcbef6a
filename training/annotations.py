"""Stand-off annotations: labels and offsets without a word of the text that they belong to.

The project may publish what it learned from a corpus, not the corpus: a line here names an article, says by a hash which text is
meant, and holds the rest of the corpus format with offsets in place of words. Knows nothing about tokens.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from training.errors import CorpusError

ANT: Final = Path(__file__).with_name("annotations_ant.jsonl.gz")
KHALEEJ: Final = Path(__file__).with_name("annotations_khaleej.jsonl.gz")
"""Articles of the ANT Corpus and of SANAD's Al-Khaleej annotated for this project, by reading each with a language model."""
AGREEMENT: Final = Path(__file__).with_name("annotations_agreement.jsonl.gz")
"""Twenty training articles annotated again in the same way, without sight of the corpus's own labels."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!؟?])\s+")
MIN_PARAGRAPH: Final = 180
"""Characters; a paragraph made of sentences is closed by the one with which it reaches this."""


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
    entities = {key: entity | {"name": key} for key, entity in annotation["entities"].items()}
    return annotation | {"entities": entities, "paragraphs": texts}


def read_annotations(file: Path) -> dict[str, dict[str, Any]]:
    """Stand-off annotations by the id of their article."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return {annotation["id"]: annotation for annotation in map(json.loads, lines)}


def lines_as_paragraphs(row: dict[str, Any]) -> list[str]:
    """The paragraphs of a row of the ANT Corpus."""
    return [p.strip() for p in row["paragraphs"] if p.strip()]


def sentences_as_paragraphs(row: dict[str, Any]) -> list[str]:
    """The text of a row of Al-Khaleej, which is one line, as paragraphs of whole sentences."""
    paragraphs = [""]
    for sentence in _SENTENCE_END.split(row["text"].strip()):
        if len(paragraphs[-1]) >= MIN_PARAGRAPH:
            paragraphs.append("")
        paragraphs[-1] = f"{paragraphs[-1]} {sentence}".strip()
    return paragraphs


def standoff_articles(
    annotations: Path, texts: Path, paragraphs_of: Callable[[dict[str, Any]], list[str]]
) -> Iterator[dict[str, Any]]:
    """The articles of ``annotations`` in the corpus format, their text read from ``texts`` (gzipped JSON Lines).

    Raises:
        CorpusError: when ``texts`` is missing or lacks an annotated article.
    """
    if not texts.is_file():
        raise CorpusError(f"no corpus file {texts}; articles annotated for this project are in it")
    wanted = read_annotations(annotations)
    with gzip.open(texts, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if annotation := wanted.pop(row["id"], None):
                yield joined(annotation, paragraphs_of(row))
    if wanted:
        raise CorpusError(f"{texts} lacks {len(wanted)} annotated articles, {min(wanted)} among them")
