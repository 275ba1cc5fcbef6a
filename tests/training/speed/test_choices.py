from __future__ import annotations

from typing import Any

import numpy as np

from service.analysis.windows import Segment, Window
from training.scoring import article_text
from training.speed.choices import CountingSession, InOrder, batch_choices
from training.speed.contenders import Released
from training.speed.inputs import Inputs


class RecordingTagger:
    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def run(self, names: list[str], feeds: dict[str, Any]) -> list[Any]:
        rows, columns = feeds["input_ids"].shape
        self.shapes.append((rows, columns))
        return [np.repeat(feeds["input_ids"][..., None], 2, -1).astype(np.float32), np.zeros((rows, columns, 17), np.float32)]


def window(n_tokens: int) -> Window:
    return Window(np.full(n_tokens, n_tokens), np.zeros((n_tokens, 2), np.int64), (Segment(0, 1, n_tokens - 1),))


def test_in_order_batches_as_windows_come_and_within_the_budget() -> None:
    tagger = RecordingTagger()
    tagged = InOrder(tagger, None, 0, 100).tag([window(n) for n in (10, 60, 10, 10, 40, 40, 10)])
    assert tagger.shapes == [(1, 10), (1, 60), (2, 10), (2, 40), (1, 10)]
    assert [int(t.states[0, 0]) for t in tagged] == [10, 60, 10, 10, 40, 40, 10]


def test_padding_is_what_stands_for_nothing() -> None:
    counted = CountingSession(RecordingTagger())
    InOrder(counted, None, 0, 100).tag([window(10), window(40)])
    assert counted.padding == 1 - 50 / 80


def test_every_setting_is_measured_on_whole_and_short_articles(released: Released, seeds: list[dict[str, Any]]) -> None:
    texts = tuple("\n".join(article_text(record).splitlines()[:2]) for record in seeds[:2])
    choices = batch_choices(released, Inputs(texts, texts[:1], "seeds"), 1)
    assert {(c.articles, c.setting) for c in choices} >= {("whole", "every window by itself"), ("short", "2,048 tokens a batch")}
    assert all(c.articles_per_s > 0 and c.tokens_per_s > c.articles_per_s for c in choices)
    assert {c.padding for c in choices if c.setting == "every window by itself"} == {0.0}
