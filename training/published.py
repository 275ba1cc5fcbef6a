"""The same encoder and stance head on published stance tasks, each trained and measured on the task's own splits.

Figures of others are cited beside ours; knows nothing about Mawaqif's own articles.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from service.analysis.labels import STANCES
from training.corpus import MAWQIF_TARGETS, SOURCES, targeted_sentences
from training.encoders import special_tokens
from training.examples import Annotated, WindowExample
from training.losses import padded, run_relations
from training.model import Mawaqif
from training.stages import Run, batched, examples_of, trained

Labels = npt.NDArray[np.int64]
TOKENS_PER_BATCH: Final = 2048


def f1(gold: Labels, predicted: Labels, label: int) -> float:
    """F1 of one label; both of shape (n,)."""
    right = int(((gold == label) & (predicted == label)).sum())
    total = int((gold == label).sum() + (predicted == label).sum())
    return 2 * right / total if total else 0.0


def macro_f1(gold: Labels, predicted: Labels) -> float:
    """Mean F1 over the stances that occur in ``gold``."""
    return float(np.mean([f1(gold, predicted, label) for label in range(len(STANCES)) if (gold == label).any()]))


def favor_against_f1(gold: Labels, predicted: Labels) -> float:
    """Mean F1 of favor and against, as SemEval 2016 task 6 measures (Mohammad et al. 2016)."""
    return float(np.mean([f1(gold, predicted, STANCES.index(label)) for label in ("favor", "against")]))


@dataclass(frozen=True)
class Task:
    """One published test set. ``parts``: what is measured apart and averaged. ``published``: the figure to compare with."""

    name: str
    stage: str
    parts: Callable[[Path], Sequence[Sequence[Annotated]]]
    measure: Callable[[Labels, Labels], float]
    published: str


def _by_target(data: Path) -> list[list[Annotated]]:
    tweets = list(SOURCES["mawqif"](data, "test"))
    return [[t for t in tweets if t.document.text.startswith(f"{target}\n")] for target in MAWQIF_TARGETS.values()]


TASKS: Final = (
    Task("NewsMTSC dev_mt, macro F1", "english_masked", lambda data: [list(targeted_sentences(data, "dev_mt"))], macro_f1,
         "82.5 (RoBERTa GRU-TSC), 73.7 (BERT-SPC)"),
    Task("NewsMTSC dev_rw, macro F1", "english_masked", lambda data: [list(targeted_sentences(data, "dev_rw"))], macro_f1,
         "83.1 (RoBERTa GRU-TSC), 80.1 (BERT-SPC)"),
    Task("DSE test, macro F1", "english_masked", lambda data: [list(SOURCES["dse"](data, "test"))], macro_f1, "-"),
    Task("ANS test, macro F1", "ans", lambda data: [list(SOURCES["ans"](data, "test"))], macro_f1, "76.7 (BERT)"),
    Task("Mawqif test, mean F1 of favor and against over targets", "mawqif", _by_target, favor_against_f1, "78.9"),
)  # fmt: skip


def stances(model: Mawaqif, examples: Sequence[WindowExample], pad: int) -> tuple[Labels, Labels]:
    """Gold and predicted stances of all pairs of ``examples``."""
    gold, predicted = [], []
    for batch in batched(examples, TOKENS_PER_BATCH, random.Random(0)):
        with torch.no_grad():
            output = model.tagger(*padded(batch, pad))
            for states, example in zip(output.states, batch, strict=True):
                gold.append(example.stance)
                predicted.append(run_relations(model, states, example).stance.argmax(-1).numpy())
    return np.concatenate(gold), np.concatenate(predicted)


def measure(run: Run) -> list[dict[str, str]]:
    """A row per task: its name, the published figure, ours (both in per cent)."""
    rows = []
    for task in TASKS:
        model, base = trained(run, next(s for s in run.config.stages if s.name == task.stage))
        values = []
        for documents in task.parts(run.data):
            examples = [e for e in examples_of(run, base.tokenizer, documents) if len(e.stance)]
            values.append(task.measure(*stances(model, examples, special_tokens(base.tokenizer).pad)))
        rows.append({"task": task.name, "published": task.published, "ours": f"{100 * np.mean(values):.1f}"})
    return rows


def as_markdown(rows: Sequence[dict[str, str]]) -> str:
    lines = [f"| {row['task']} | {row['published']} | {row['ours']} |" for row in rows]
    return "\n".join(["| task | published | ours |", "|---|---|---|", *lines])
