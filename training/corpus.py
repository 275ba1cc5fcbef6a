"""Reading the corpora of a data folder (laid out as in its README) into annotated documents.

Knows nothing about tokens. Rows are read with ``datasets``; a file that is missing is named in the error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from datasets import Dataset, load_dataset

from service.analysis.document import Span
from service.analysis.labels import ACTOR_TYPES, STANCES
from training.annotations import ANT, KHALEEJ, lines_as_paragraphs, sentences_as_paragraphs, standoff_articles
from training.config import Source
from training.errors import CorpusError
from training.examples import IGNORE, Annotated, annotated_article, annotated_pair, annotated_sentence, named_sentence

NEUTRAL_STANCE, FAVOR, AGAINST = (STANCES.index(label) for label in ("neutral", "favor", "against"))
WRITTEN: Final = Path(__file__).with_name("written.jsonl")


def read_rows(path: Path) -> Dataset:
    """The lines of ``path`` as a dataset with one column, ``text``: each a JSON object.

    Raises:
        CorpusError: when there is no such file.
    """
    if not path.is_file():
        raise CorpusError(f"no corpus file {path}; --data is a folder with articles/, directed/, target/ … in it")
    return load_dataset("text", data_files=str(path), split="train", keep_linebreaks=False)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of ``path``, in order.

    Raises:
        CorpusError: when a line is not JSON, with its number.
    """
    records = []
    for number, line in enumerate(read_rows(path)["text"], 1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}:{number}: not JSON: {error}") from error
    return records


def read_articles(data: Path, split: str) -> list[dict[str, Any]]:
    """Annotated articles of ``split`` (train, dev or test) in the corpus format."""
    return read_records(data / "articles" / f"{split}.jsonl")


def annotated_articles(data: Path, split: str) -> Iterator[Annotated]:
    """The annotated articles of ``articles/``."""
    return map(annotated_article, read_articles(data, split))


def additional_articles(data: Path, split: str) -> Iterator[Annotated]:
    """The articles of the topic corpora that this project annotated itself; all of them are for training."""
    if split == "train":
        topics = data / "topics"
        yield from map(annotated_article, standoff_articles(ANT, topics / "ant.jsonl.gz", lines_as_paragraphs))
        yield from map(annotated_article, standoff_articles(KHALEEJ, topics / "khaleej.jsonl.gz", sentences_as_paragraphs))


def written_articles(data: Path, split: str) -> Iterator[Annotated]:
    """The articles written for training, dense in what news has little of; they come with the project, not with ``data``."""
    if split == "train":
        yield from map(annotated_article, read_records(WRITTEN))


def named_sentences(data: Path, corpus: str, split: str) -> Iterator[Annotated]:
    """Sentences of a named-entity corpus under ``ner/``: mentions only."""
    for row in read_records(data / "ner" / f"{corpus}_{split}.jsonl"):
        mentions = [(Span(m["start"], m["end"]), ACTOR_TYPES.index(m["type"])) for m in row["mentions"]]
        yield named_sentence(row["text"], mentions)


def directed_sentences(data: Path, split: str) -> Iterator[Annotated]:
    """“Who blames or endorses whom”: both directions of every pair of entities (Park, Pan and Joo 2021)."""
    for row in read_records(data / "directed" / f"dse_{split}.jsonl"):
        targets = [(Span(*row[name]), IGNORE) for name in "pq"]
        if not targets[0][0].overlaps(targets[1][0]):
            pairs = [(0, 1, STANCES.index(row["p_to_q"])), (1, 0, STANCES.index(row["q_to_p"]))]
            yield annotated_sentence(row["text"], targets, pairs)


def targeted_sentences(data: Path, split: str) -> Iterator[Annotated]:
    """NewsMTSC: the sentence's own stance toward each target (Hamborg and Donnay 2021)."""
    for row in read_records(data / "target" / f"newsmtsc_{split}.jsonl"):
        targets = [(Span(t["start"], t["end"]), STANCES.index(t["label"])) for t in row["targets"]]
        yield annotated_sentence(row["text"], targets, [])


def claim_pairs(data: Path, split: str) -> Iterator[Annotated]:
    """ANS: whether a headline agrees with a claim (Khouja 2020)."""
    labels = {"agree": FAVOR, "disagree": AGAINST, "other": NEUTRAL_STANCE}
    for row in read_records(data / "stance" / f"ans_{split}.jsonl"):
        yield annotated_pair(row["claim"], row["text"], labels[row["label"]])


MAWQIF_TARGETS: Final = {
    "Women empowerment": "تمكين المرأة", "Covid Vaccine": "لقاح كورونا", "Digital Transformation": "التحول الرقمي",
}  # fmt: skip


def targeted_tweets(data: Path, split: str) -> Iterator[Annotated]:
    """Mawqif: a tweet's stance toward one of three topics (Alturayeif et al. 2022). Its licence allows evaluation only."""
    labels = {"Favor": FAVOR, "Against": AGAINST, "None": NEUTRAL_STANCE}
    for row in read_records(data / "stance" / f"mawqif_{split}.jsonl"):
        yield annotated_pair(MAWQIF_TARGETS[row["target"]], row["text"], labels[row["label"]])


SOURCES: dict[Source, Callable[[Path, str], Iterator[Annotated]]] = {
    "articles": annotated_articles,
    "annotations": additional_articles,
    "written": written_articles,
    "wojood": lambda data, split: named_sentences(data, "wojood", split),
    "aqmar": lambda data, split: named_sentences(data, "aqmar", split),
    "dse": directed_sentences,
    "newsmtsc": targeted_sentences,
    "ans": claim_pairs,
    "mawqif": targeted_tweets,
}
"""How each corpus of a configuration is read: (data folder, split) → annotated documents."""
