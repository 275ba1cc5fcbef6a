"""The texts that are measured: real articles, their openings, and articles made to a length or to a number of names.

Knows nothing about models beyond how many tokens a text has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final, TypeVar

from training.corpus import read_articles, read_records
from training.scoring import article_text

SEEDS: Final = Path(__file__).parents[2] / "seeds" / "articles.jsonl"
CountTokens = Callable[[str], int]
Item = TypeVar("Item")

_SPEAKERS: Final = (
    "سيرغي لافروف", "أنطونيو غوتيريش", "سامح شكري", "إيمانويل ماكرون", "هايكو ماس", "عادل الجبير", "محمد جواد ظريف",
    "مايك بومبيو", "جان إيف لودريان", "أيمن الصفدي", "خميس الجهيناوي", "وانغ يي", "تيريزا ماي", "شينزو آبي",
    "جاستن ترودو", "ناريندرا مودي",
)  # fmt: skip
_ACTORS: Final = (
    "روسيا", "فرنسا", "ألمانيا", "مصر", "السعودية", "إيران", "تركيا", "الصين", "اليابان", "الهند", "البرازيل", "كندا", "المغرب",
    "تونس", "الجزائر", "الأردن", "لبنان", "العراق", "الكويت", "قطر", "إيطاليا", "إسبانيا", "بولندا", "السويد",
)  # fmt: skip
_FILLER: Final = (
    "وذلك خلال الاجتماع الذي عقد اليوم لبحث الملفات المطروحة على جدول الأعمال وسبل تعزيز التعاون في المجالات كافة بما يخدم "
    "المصالح المشتركة ويسهم في تحقيق النتائج المرجوة خلال المرحلة المقبلة وفق ما اتفق عليه في اللقاءات السابقة"
)


@dataclass(frozen=True)
class Inputs:
    """``articles``: whole texts. ``openings``: of each its first two paragraphs, as short articles are. ``source``: in words."""

    articles: tuple[str, ...]
    openings: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Crowded:
    """An article in each of whose paragraphs ``n_speakers`` speak and ``n_actors`` others are named."""

    n_speakers: int
    n_actors: int
    text: str


def evenly(items: Sequence[Item], n: int) -> list[Item]:
    """``n`` of ``items``, or all that there are, at even distances."""
    n = min(n, len(items))
    return [items[i * len(items) // n] for i in range(n)]


def read_inputs(data: Path | None, n_seeds: int, n_dev: int) -> Inputs:
    """Some of the seeds, and of the articles of dev where a data folder is given.

    Raises:
        CorpusError: when a file is not there.
    """
    records = evenly(read_records(SEEDS), n_seeds)
    source = f"{len(records)} seeds"
    if data is not None and n_dev:
        dev = evenly(read_articles(data, "dev"), n_dev)
        records, source = records + dev, f"{source} and {len(dev)} articles of dev"
    return Inputs(tuple(map(article_text, records)), tuple(map(_opening, records)), source)


def _opening(record: dict[str, Any]) -> str:
    return article_text({"paragraphs": record["paragraphs"][:2]})


def of_length(articles: Sequence[str], n_tokens: int, count: CountTokens) -> str:
    """Paragraphs of ``articles``, over and over, until they have at least ``n_tokens`` tokens."""
    paragraphs: list[str] = []
    total = 0
    for paragraph in cycle(line for article in articles for line in article.splitlines() if line.strip()):
        paragraphs.append(paragraph)
        total += count(paragraph)
        if total >= n_tokens:
            break
    return "\n".join(paragraphs)


def crowded(n_speakers: int, n_actors: int, n_paragraphs: int, tokens_per_paragraph: int, count: CountTokens) -> Crowded:
    """As many tokens whatever the names: words that name nobody fill each paragraph up. No two paragraphs need share a name."""
    speakers, actors = cycle(_SPEAKERS), cycle(_ACTORS)
    paragraphs = []
    for _ in range(n_paragraphs):
        said = [f"قال {next(speakers)} إن المحادثات مستمرة" for _ in range(n_speakers)]
        named = [f"ممثلون عن {next(actors)}" for _ in range(n_actors)]
        paragraphs.append(_filled("، و".join(said + ([f"حضر {' و'.join(named)}"] if named else [])), tokens_per_paragraph, count))
    return Crowded(n_speakers, n_actors, "\n".join(paragraphs))


def _filled(start: str, n_tokens: int, count: CountTokens) -> str:
    words: Iterator[str] = cycle(_FILLER.split())
    text = start
    while count(text) < n_tokens:
        text = f"{text} {next(words)}".strip()
    return text
