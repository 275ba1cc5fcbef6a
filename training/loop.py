"""The training loop: seeded, resumable from its last checkpoint, with a progress bar and a metrics log.

Devices, several of them, mixed precision and gradient accumulation are accelerate's. Knows nothing about tasks; a stage gives it
the batches of an epoch and the losses of a batch.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.utils import parse_flag_from_env
from torch import Tensor, nn
from tqdm import tqdm

from training.config import Precision, StageConfig
from training.model import Mawaqif

log = logging.getLogger(__name__)
Batch = TypeVar("Batch")
LOG_EVERY = 20


def processes() -> PartialState:
    """The processes that train together; unlike a bare ``PartialState()`` on a CPU too, where ACCELERATE_USE_CPU asks for it."""
    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))


def parameter_groups(model: Mawaqif, config: StageConfig) -> list[dict[str, Any]]:
    """Encoder and heads with their own learning rates; biases, norms and the encoder's embeddings without decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[name.startswith("tagger.encoder."), parameter.ndim > 1 and "embed" not in name].append(parameter)
    return [
        {"params": parameters, "lr": lr, "base_lr": lr, "weight_decay": config.weight_decay if decays else 0.0}
        for (in_encoder, decays), parameters in groups.items()
        for lr in [config.encoder_lr if in_encoder else config.head_lr]
    ]


def lr_factor(progress: float, warmup: float) -> float:
    """Linear warm-up over the first ``warmup`` of the run, then linear decay to 0; ``progress`` in [0, 1]."""
    if progress < warmup:
        return max(0.01, progress / warmup)
    return max(0.0, (1 - progress) / (1 - warmup))


def _frozen(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """The state of ``model`` without its frozen parameters, which are its base's."""
    frozen = _frozen(model)
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def load_trained(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Load what ``trained_state`` gave, into a model whose frozen parameters are already in place.

    Raises:
        RuntimeError: when anything but frozen parameters is missing or too much.
    """
    frozen = _frozen(model)
    own = {name: tensor for name, tensor in model.state_dict().items() if name in frozen}
    model.load_state_dict(own | {name: tensor for name, tensor in state.items() if name not in frozen})


class _Losses(nn.Module, Generic[Batch]):
    """The losses of a batch as a forward pass, which is what several devices share."""

    def __init__(self, model: Mawaqif, losses_of: Callable[[Batch], dict[str, Tensor]]) -> None:
        super().__init__()
        self.model, self.losses_of = model, losses_of

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return self.losses_of(batch)


class Loop(Generic[Batch]):
    """One stage of training. ``run`` returns at once when the stage's checkpoint says that it is done.

    Of several processes each takes its share of an epoch's batches; the first writes checkpoints and the log. A run that was
    stopped ends where an undisturbed one does on a CPU; a GPU's own dropout is not restored.
    """

    def __init__(
        self, model: Mawaqif, config: StageConfig, folder: Path, seed: int, batches_of: Callable[[int], Sequence[Batch]],
        losses_of: Callable[[Batch], dict[str, Tensor]], precision: Precision = "no",
    ) -> None:  # fmt: skip
        self.model, self.config, self.folder, self.seed = model, config, folder, seed
        self.batches_of = batches_of
        self.accelerator = Accelerator(
            mixed_precision=precision, gradient_accumulation_steps=config.accumulation_steps,
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )  # fmt: skip
        optimizer = torch.optim.AdamW(parameter_groups(model, config))
        self.losses, self.optimizer = self.accelerator.prepare(_Losses(model, losses_of), optimizer)
        self.epoch, self.next_batch, self.step = 0, 0, 0
        self.sums: dict[str, float] = defaultdict(float)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def resume(self) -> None:
        """Go on from the last checkpoint where there is one."""
        torch.manual_seed(self.seed)
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
            load_trained(self.model, state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.epoch, self.next_batch, self.step = state["epoch"], state["next_batch"], state["step"]
            torch.set_rng_state(state["rng"])
            log.info("resumed %s at step %d", self.folder.name, self.step)

    def save(self) -> None:
        if not self.accelerator.is_main_process:
            return
        state = {
            "model": trained_state(self.model), "optimizer": self.optimizer.state_dict(), "epoch": self.epoch,
            "next_batch": self.next_batch, "step": self.step, "rng": torch.get_rng_state(),
        }  # fmt: skip
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def run(self) -> None:
        self.resume()
        self.model.train()
        saved = time.monotonic()
        while self.epoch < self.config.epochs:
            batches = self._share(self.batches_of(self.epoch))
            bar = tqdm(
                total=len(batches), initial=self.next_batch, desc=f"{self.folder.name} {self.epoch + 1}", mininterval=10,
                disable=not self.accelerator.is_main_process,
            )  # fmt: skip
            while self.next_batch < len(batches) and self._progress(len(batches)) < 1:
                self._step(batches[self.next_batch], self._progress(len(batches)))
                self.next_batch += 1
                bar.update()
                due = time.monotonic() - saved > 60 * self.config.checkpoint_minutes
                if due and self.accelerator.sync_gradients:
                    self.save()
                    saved = time.monotonic()
            bar.close()
            self.epoch, self.next_batch = self.epoch + 1, 0
            self.save()
        self.accelerator.wait_for_everyone()  # the next stage of every process starts from the file that the first one writes
        self.model.eval()

    def _share(self, batches: Sequence[Batch]) -> Sequence[Batch]:
        """This process's part of an epoch, as many batches as every other process has."""
        n = self.accelerator.num_processes
        return batches[self.accelerator.process_index : len(batches) // n * n : n]

    def _progress(self, n_batches: int) -> float:
        return (self.epoch + self.next_batch / n_batches) / self.config.epochs

    def _step(self, batch: Batch, progress: float) -> None:
        factor = lr_factor(progress, self.config.warmup_fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        with self.accelerator.accumulate(self.losses):
            losses = self.losses(batch)
            self.accelerator.backward(torch.stack(list(losses.values())).sum())
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
        self.step += 1
        for name, loss in losses.items():
            self.sums[name] += loss.item()
        if self.step % LOG_EVERY == 0:
            self._log(progress, factor)

    def _log(self, progress: float, factor: float) -> None:
        means = {name: round(total / LOG_EVERY, 4) for name, total in self.sums.items() if total}
        self.sums.clear()
        if not self.accelerator.is_main_process:
            return
        row = {
            "step": self.step,
            "progress": round(progress, 4),
            "lr_factor": round(factor, 4),
            "time": round(time.time(), 1),
            **means,
        }
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
