from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training.config import StageConfig
from training.encoders import tiny_encoder
from training.loop import Loop, lr_factor
from training.model import Mawaqif

CONFIG = StageConfig(
    name="stage", sources={"articles": 1.0}, epochs=2, tokens_per_step=64, encoder_lr=1e-3, head_lr=1e-3, warmup_fraction=0.1
)
BATCHES = [1, 2, 3, 4]


class StoppedHereError(Exception):
    """Stands for a session that ends in the middle of a run."""


def loop(folder: Path, stop_after: int | None = None, config: StageConfig = CONFIG) -> Loop[int]:
    torch.manual_seed(3)
    model = Mawaqif(tiny_encoder(40), 8, 8, 0.1)
    seen = 0

    def losses_of(batch: int) -> dict[str, Tensor]:
        nonlocal seen
        seen += 1
        if stop_after is not None and seen > stop_after:
            raise StoppedHereError
        ids = torch.full((1, 6), batch)
        return {"stance": model.tagger(ids, torch.ones_like(ids)).token_logits.square().mean()}

    return Loop(model, config.model_copy(update={"checkpoint_minutes": 1e-9}), folder, 3, lambda epoch: BATCHES, losses_of)


def weights(run: Loop[int]) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in run.model.parameters()])


def test_a_run_that_was_stopped_ends_where_an_undisturbed_one_does(tmp_path: Path) -> None:
    whole = loop(tmp_path / "whole")
    whole.run()
    with pytest.raises(StoppedHereError):
        loop(tmp_path / "parts", stop_after=3).run()
    resumed = loop(tmp_path / "parts")
    resumed.run()
    assert resumed.step == whole.step == 2 * len(BATCHES)
    torch.testing.assert_close(weights(resumed), weights(whole))


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = loop(tmp_path)
    first.run()
    again = loop(tmp_path, stop_after=0)
    again.run()
    torch.testing.assert_close(weights(again), weights(first))


def test_half_an_epoch_stops_in_the_middle(tmp_path: Path) -> None:
    run = loop(tmp_path)
    run.config = run.config.model_copy(update={"epochs": 0.5})
    run.run()
    assert run.step == len(BATCHES) // 2


def test_the_metrics_log_is_json_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.loop.LOG_EVERY", 2)
    loop(tmp_path).run()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert all(row["stance"] > 0 for row in rows)


@pytest.mark.parametrize(("progress", "factor"), [(0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0)])
def test_the_learning_rate_rises_then_falls(progress: float, factor: float) -> None:
    assert lr_factor(progress, 0.1) == pytest.approx(factor)


def test_accumulated_gradients_make_one_step(tmp_path: Path) -> None:
    run = loop(tmp_path, config=CONFIG.model_copy(update={"accumulation_steps": 2}))
    before = weights(run)
    run._step(BATCHES[0], 0.5)
    torch.testing.assert_close(weights(run), before)
    run._step(BATCHES[1], 0.5)
    assert not torch.equal(weights(run), before)
