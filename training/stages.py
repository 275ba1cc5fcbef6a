"""The steps that make the weights, in order: base encoder → English transfer → pruning → articles → refinement → average.

Each step reads what the one before it wrote into the run's folder and is skipped or resumed when its own output is there.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from service.analysis.windows import WindowLimits
from training.config import StageConfig, TrainingConfig
from training.corpus import TRANSFER_SOURCES, annotated_articles, read_articles
from training.encoders import Base, load_base, pruned, read_base, save_base, special_id, special_tokens
from training.examples import Annotated, WindowExample, cropped, window_examples
from training.loop import Loop, load_trained, trained_state
from training.losses import batch_losses
from training.model import Mawaqif

log = logging.getLogger(__name__)
TRANSFERRED = ("tagger.encoder.", "relations.pair_")
"""What the transfer stage trains: the encoder and the stance head."""


@dataclass(frozen=True)
class Run:
    """Where a run keeps its steps' outputs, and what it was asked to do."""

    config: TrainingConfig
    data: Path
    folder: Path
    cache: Path


def new_model(config: TrainingConfig, base: Base) -> Mawaqif:
    """Heads with random weights on ``base``; dropout and frozen parts as configured."""
    torch.manual_seed(config.seed)
    model = Mawaqif(base.encoder, config.heads.link_width, config.heads.pair_width, config.heads.dropout_prob)
    for module in model.tagger.encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = config.heads.encoder_dropout_prob
    if config.encoder.freeze_word_embeddings:
        base.encoder.get_input_embeddings().weight.requires_grad_(False)
    return model


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


def train_stage(
    run: Run, name: str, model: Mawaqif, tokenizer: Tokenizer, config: StageConfig,
    examples_of: Callable[[random.Random], list[WindowExample]],
) -> None:  # fmt: skip
    """Train ``model`` in place on what ``examples_of`` gives for each epoch's own random generator."""
    pad, seed = special_tokens(tokenizer).pad, run.config.seed
    losses = config.losses.model_copy(update={"mask_token": special_id(tokenizer, "mask")})

    def batches_of(epoch: int) -> list[list[WindowExample]]:
        rng = random.Random(f"{seed}/{name}/{epoch}")
        return batched(examples_of(rng), config.tokens_per_step, rng)

    def losses_of(batch: list[WindowExample]) -> dict[str, Tensor]:
        return batch_losses(model, batch, pad, losses)

    Loop(model, config, run.folder / name, seed, batches_of, losses_of).run()


def _all_examples(run: Run, tokenizer: Tokenizer, documents: Iterable[Annotated]) -> list[WindowExample]:
    special = special_tokens(tokenizer)
    return [e for document in documents for e in window_examples(document, tokenizer, special, limits(run.config))]


def base_step(run: Run) -> Base:
    """The base encoder as it comes."""
    tiny = run.config.encoder.source == "tiny"
    return load_base(run.config.encoder, run.cache, _article_texts(run) if tiny else ())


def _article_texts(run: Run) -> list[str]:
    return [p["text"] for record in read_articles(run.data, "train") for p in record["paragraphs"]]


def transfer_step(run: Run) -> tuple[Base, dict[str, Tensor]]:
    """Encoder and stance head trained on English sentences; the base itself where none are configured."""
    base = base_step(run)
    model = new_model(run.config, base)
    config = run.config.transfer
    if config:
        documents = [d for source in config.sources for d in TRANSFER_SOURCES[source](run.data, "train")]
        examples = [e for e in _all_examples(run, base.tokenizer, documents) if len(e.stance)]
        log.info("transfer: %d sentences, %d tokens", len(examples), sum(e.n_tokens for e in examples))
        train_stage(run, "transfer", model, base.tokenizer, config, lambda rng: examples)
    return base, model.relations.state_dict()


def prune_step(run: Run) -> tuple[Base, dict[str, Tensor]]:
    """The transferred encoder with its vocabulary pruned to what Arabic news needs."""
    folder = run.folder / "pruned"
    if not (folder / "relations.pt").exists():
        base, relations = transfer_step(run)
        if run.config.encoder.max_pieces:
            base = pruned(base, _article_texts(run), run.config.encoder.max_pieces)
        save_base(base, folder)
        torch.save(relations, folder / "relations.pt")
    return read_base(folder), torch.load(folder / "relations.pt", weights_only=True)


def articles_step(run: Run) -> Mawaqif:
    """All heads trained on the annotated articles."""
    base, relations = prune_step(run)
    model = new_model(run.config, base)
    model.relations.load_state_dict(relations)
    articles = annotated_articles(run.data, "train")
    config = run.config.articles
    train_stage(run, "articles", model, base.tokenizer, config, lambda rng: _shown(run, base, config, articles, rng))
    return model


def last_checkpoint(run: Run) -> Path:
    """Where the last configured stage keeps its checkpoint."""
    name = "average" if run.config.average else "refine" if run.config.refine else "articles"
    return run.folder / name / "checkpoint.pt"


def refine_step(run: Run) -> None:
    """A second pass over the articles, with English sentences among them, where one is configured.

    Runs on the unpruned vocabulary, of which the pruned one is a part: the word embeddings are frozen.
    """
    model = articles_step(run)
    config = run.config.refine
    if not config:
        return
    base = base_step(run)
    whole = new_model(run.config, base)
    load_trained(whole, trained_state(model))
    articles = annotated_articles(run.data, "train")
    documents = [d for source in config.sources for d in TRANSFER_SOURCES[source](run.data, "train")]
    sentences = [e for e in _all_examples(run, base.tokenizer, documents) if len(e.stance)]

    def examples_of(rng: random.Random) -> list[WindowExample]:
        drawn = rng.sample(sentences, min(len(sentences), config.sentences_per_epoch))
        return _shown(run, base, config, articles, rng) + drawn

    train_stage(run, "refine", whole, base.tokenizer, config, examples_of)


def average_step(run: Run) -> None:
    """Average the final weights of the stages, where it is configured, after they have all been trained.

    What fine-tuning forgets of the earlier stages comes back without being trained again (Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models"). Heads that the transfer stage did not train are averaged over the other two.
    """
    refine_step(run)
    shares = run.config.average
    if not shares:
        return
    transfer, articles, refine = (_final_weights(run, name) for name in ("transfer", "articles", "refine"))
    later = shares.articles + shares.refine
    averaged = {}
    for name, tensor in refine.items():
        mean = (shares.articles * articles[name] + shares.refine * tensor) / later
        if name.startswith(TRANSFERRED):
            mean = (later * mean + shares.transfer * transfer[name]) / (later + shares.transfer)
        averaged[name] = mean
    (run.folder / "average").mkdir(exist_ok=True)
    torch.save({"model": averaged}, run.folder / "average" / "checkpoint.pt")


def _final_weights(run: Run, stage: str) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(run.folder / stage / "checkpoint.pt", weights_only=True, map_location="cpu")["model"]
    return {name: tensor for name, tensor in state.items() if "word_embeddings" not in name}


def _shown(run: Run, base: Base, config: StageConfig, articles: list[Annotated], rng: random.Random) -> list[WindowExample]:
    """The windows of one epoch over ``articles``, some of them cropped."""
    shown = [_maybe_cropped(article, config.crop_prob, rng) for article in articles]
    examples = _all_examples(run, base.tokenizer, shown)
    log.info("articles: %d windows, %d tokens", len(examples), sum(e.n_tokens for e in examples))
    return examples


def _maybe_cropped(article: Annotated, prob: float, rng: random.Random) -> Annotated:
    """With chance ``prob``, only a random run of at least half of the paragraphs, so that no head relies on a headline."""
    n = len(article.document.paragraphs)
    if rng.random() >= prob or n < 3:
        return article
    length = rng.randint((n + 1) // 2, n - 1)
    first = rng.randint(0, n - length)
    return cropped(article, first, first + length)
