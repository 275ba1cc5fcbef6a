"""What a source, an augmentation or more articles bring: the stages of a configuration, each measured on dev by the scorer.

Every stage is calibrated on dev as an export is, in float32, and set beside the one that it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import TOKENS_PER_BATCH
from service.analysis.gazetteer import Gazetteer, read_gazetteer
from service.analysis.transformer import Transformer
from training.benchmark import compare
from training.calibrate import NEUTRAL_CALIBRATION, calibrate, keeping_states
from training.config import StageConfig
from training.corpus import read_articles
from training.encoders import special_tokens
from training.reliability import reliability
from training.scoring import figures, load_scorer, predict
from training.speed.released import torch_encoder
from training.stages import Run, limits, trained

FIGURES: Final = ("topic_accuracy", "mention_f1", "speaker_f1", "stance_f1", "relation_f1")
N_DRAWS: Final = 1000


@dataclass(frozen=True)
class Measured:
    """A stage's analyses of dev, and the average precision of favor and of against over its gold pairs."""

    answers: list[dict[str, Any]]
    precision: dict[str, float]


def measure(run: Run, gazetteer: Path, scorer: Path) -> list[list[str]]:
    """A row for each stage that is compared: its name, then per figure its value and the paired difference with its interval."""
    score, records = load_scorer(scorer), read_articles(run.data, "dev")
    names = read_gazetteer(gazetteer / "gazetteer.json")
    pairs = {stage.name: stage.compared_with for stage in run.config.stages if stage.compared_with}
    wanted = {*pairs, *pairs.values()}
    measured = {s.name: _measured(run, s, names, score, records) for s in run.config.stages if s.name in wanted}
    rows = []
    for name_of_this, name_of_other in pairs.items():
        this, other = measured[name_of_this], measured[name_of_other]
        difference = compare(score, records, this.answers, other.answers, N_DRAWS, seed=0)
        cells = [_cell(difference[name]["first"], difference[name]["difference"]) for name in FIGURES]
        precision = [f"{value:.3f} ({value - other.precision[label]:+.3f})" for label, value in this.precision.items()]
        rows.append([name_of_this, name_of_other, *cells, *precision])
    return rows


def _measured(run: Run, stage: StageConfig, gazetteer: Gazetteer, scorer: Any, records: Sequence[dict[str, Any]]) -> Measured:
    model, base = trained(run, stage)
    special = special_tokens(base.tokenizer)
    encoder = torch_encoder(model, special.pad, TOKENS_PER_BATCH)
    finder = keeping_states(
        Transformer(stage.name, "", base.tokenizer, special, limits(run.config), encoder, NEUTRAL_CALIBRATION)
    )
    finder = replace(finder, calibration=calibrate(finder, gazetteer, records, lambda a: figures(scorer, records, a)))
    scores = reliability(finder, records)
    precision = {label: float(scores[label]["average_precision"]) for label in ("favor", "against")}
    return Measured(predict(Analyzer(finder, gazetteer), records), precision)


def _cell(value: dict[str, float], difference: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({difference['value']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}])"


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    head = ["stage", "beside", *FIGURES, "average precision of favor", "of against"]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
