"""The steps that make the weights: the stages of the configuration, one after the other.

Each stage reads the final weights of those it starts from out of the run's folder, and is skipped or resumed when its own are
there. Every stage reads whole vocabularies; an exported model's is pruned.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from service.analysis.windows import WindowLimits
from training.augment import Name, cropped, names_of, renamed, respelled, revoiced
from training.config import Source, StageConfig, TrainingConfig
from training.corpus import SOURCES, read_articles
from training.encoders import Base, load_base, special_id, special_tokens
from training.examples import Annotated, WindowExample, window_examples
from training.loop import Loop, load_trained, processes, trained_state
from training.losses import batch_losses
from training.model import Mawaqif

log = logging.getLogger(__name__)
SENTENCE_SOURCES = frozenset({"dse", "newsmtsc", "ans", "mawqif"})
"""Corpora that teach the encoder and the stance head only."""
TAUGHT_BY_SENTENCES = ("tagger.encoder.", "relations.pair_")


@dataclass(frozen=True)
class Run:
    """Where a run keeps its steps' outputs, and what it was asked to do."""

    config: TrainingConfig
    data: Path
    folder: Path
    cache: Path


def new_model(config: TrainingConfig, base: Base) -> Mawaqif:
    """Heads with random weights on ``base``; frozen parts as configured."""
    torch.manual_seed(config.seed)
    model = Mawaqif(base.encoder, config.heads.link_width, config.heads.pair_width, config.heads.dropout_prob)
    if config.encoder.freeze_word_embeddings:
        base.encoder.get_input_embeddings().weight.requires_grad_(False)
    return model


def _set_encoder_dropout(model: Mawaqif, prob: float) -> None:
    for name, module in model.tagger.encoder.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0 if name.endswith("attention.self.dropout") else prob


def limits(config: TrainingConfig) -> WindowLimits:
    return WindowLimits(config.windows.max_tokens, config.windows.context_tokens)


def batched(examples: Sequence[WindowExample], tokens_per_step: int, rng: random.Random) -> list[list[WindowExample]]:
    """Batches of windows of like length, at most ``tokens_per_step`` padded tokens each, in random order."""
    ordered = sorted(examples, key=lambda e: e.n_tokens + rng.random() * 0.2 * e.n_tokens)
    batches: list[list[WindowExample]] = [[]]
    for example in ordered:
        longest = max([example.n_tokens, *(e.n_tokens for e in batches[-1])])
        if batches[-1] and longest * (len(batches[-1]) + 1) > tokens_per_step:
            batches.append([])
        batches[-1].append(example)
    rng.shuffle(batches)
    return [batch for batch in batches if batch]


def train_stage(run: Run, config: StageConfig, base: Base, model: Mawaqif) -> None:
    """Train ``model`` in place on the corpora of one stage."""
    pad, seed = special_tokens(base.tokenizer).pad, run.config.seed
    losses = config.losses.model_copy(update={"mask_token": special_id(base.tokenizer, "mask")})
    documents = {name: _subset(list(SOURCES[name](run.data, "train")), config.subset, seed) for name in config.sources}
    names = names_of(document for of_source in documents.values() for document in of_source) if config.rename_prob else {}

    def batches_of(epoch: int) -> list[list[WindowExample]]:
        rng = random.Random(f"{seed}/{config.name}/{epoch}")
        shown = [_varied(d, config, names, rng) for d in _drawn(documents, config, rng)]
        examples = [e for e in examples_of(run, base.tokenizer, shown) if e.is_taught]
        log.info("%s: %d windows, %d tokens", config.name, len(examples), sum(e.n_tokens for e in examples))
        return batched(examples, config.tokens_per_step, rng)

    def losses_of(batch: list[WindowExample]) -> dict[str, Tensor]:
        return batch_losses(model, batch, pad, losses)

    _set_encoder_dropout(model, config.encoder_dropout_prob)
    Loop(model, config, run.folder / config.name, seed, batches_of, losses_of, run.config.precision).run()


def _subset(documents: list[Annotated], share: float, seed: int) -> list[Annotated]:
    """A fixed share of ``documents``; a smaller one is part of every larger one."""
    return random.Random(seed).sample(documents, len(documents))[: round(share * len(documents))] if share < 1 else documents


def _drawn(documents: Mapping[Source, list[Annotated]], config: StageConfig, rng: random.Random) -> Iterable[Annotated]:
    """What is shown of each source in one epoch."""
    for name, times in config.sources.items():
        whole, part = divmod(times, 1)
        yield from documents[name] * int(whole)
        yield from rng.sample(documents[name], round(part * len(documents[name])))


def examples_of(run: Run, tokenizer: Tokenizer, documents: Iterable[Annotated]) -> list[WindowExample]:
    """The windows of ``documents``, as serving cuts them."""
    special = special_tokens(tokenizer)
    return [e for document in documents for e in window_examples(document, tokenizer, special, limits(run.config))]


def _varied(
    annotated: Annotated, config: StageConfig, names: Mapping[tuple[int, bool], Sequence[Name]], rng: random.Random
) -> Annotated:
    """With the configured chances, with other names, other verbs of speech or another spelling, and only one of its paragraphs

    or a random run of at least half of them, so that no head relies on a headline.
    """
    if rng.random() < config.rename_prob:
        annotated = renamed(annotated, names, rng)
    if rng.random() < config.revoice_prob:
        annotated = revoiced(annotated, rng)
    if rng.random() < config.respell_prob:
        annotated = respelled(annotated, rng)
    n = len(annotated.document.paragraphs)
    if rng.random() < config.paragraph_prob:
        length = 1
    elif n >= 3 and rng.random() < config.crop_prob:
        length = rng.randint((n + 1) // 2, n - 1)
    else:
        return annotated
    first = rng.randint(0, n - length)
    return cropped(annotated, first, first + length)


def article_texts(run: Run) -> list[str]:
    """The paragraphs of the annotated articles: what vocabularies are made or pruned by."""
    return [p["text"] for record in read_articles(run.data, "train") for p in record["paragraphs"]]


def base_of(run: Run) -> Base:
    """The base encoder as it comes."""
    return load_base(run.config.encoder, run.cache, article_texts(run) if run.config.encoder.source == "tiny" else ())


def checkpoint_of(run: Run, stage: StageConfig) -> Path:
    return run.folder / stage.name / "checkpoint.pt"


def trained(run: Run, stage: StageConfig) -> tuple[Mawaqif, Base]:
    """The model with the last weights of ``stage``, in evaluation mode, and its base, whose vocabulary is whole."""
    base = base_of(run)
    model = new_model(run.config, base)
    load_trained(model, torch.load(checkpoint_of(run, stage), weights_only=True, map_location="cpu")["model"])
    return model.eval(), base


def train(run: Run) -> None:
    """Train every stage that has not been."""
    for stage in run.config.stages:
        if is_trained(run, stage):
            continue
        with processes().main_process_first():  # the first process writes the cache of encoders, the others read it
            base = base_of(run)
        model = new_model(run.config, base)
        load_trained(model, start_weights(run, stage, trained_state(model)))
        train_stage(run, stage, base, model)


def is_trained(run: Run, stage: StageConfig) -> bool:
    """Whether the checkpoint of ``stage`` is that of its end."""
    path = checkpoint_of(run, stage)
    return path.is_file() and bool(torch.load(path, weights_only=True, mmap=True)["epoch"] >= stage.epochs)


def start_weights(run: Run, stage: StageConfig, fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    """The average of the final weights of the stages that ``stage`` starts from, ``fresh`` where none of them taught a part.

    Averaging brings back what fine-tuning forgot (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    starts = [s for s in run.config.stages if s.name in stage.start]
    states = [torch.load(checkpoint_of(run, s), weights_only=True, map_location="cpu")["model"] for s in starts]
    averaged = {}
    for name, tensor in fresh.items():
        taught = [(stage.start[s.name], w[name]) for s, w in zip(starts, states, strict=True) if _teaches(run.config, s, name)]
        total = sum(share for share, _ in taught)
        averaged[name] = torch.stack([share / total * t for share, t in taught]).sum(0) if taught else tensor
    return averaged


def _teaches(config: TrainingConfig, stage: StageConfig, parameter: str) -> bool:
    """Whether ``stage`` or one that it starts from trained ``parameter``."""
    if parameter.startswith(TAUGHT_BY_SENTENCES) or set(stage.sources) - SENTENCE_SOURCES:
        return True
    return any(_teaches(config, s, parameter) for s in config.stages if s.name in stage.start)
