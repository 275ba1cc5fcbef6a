"""What is compared, each as a function that analyses texts: the analyzer, the same in torch, the obvious stack, the baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transformers import BertModel

from service.analysis.analyzer import Analyzer
from service.analysis.artifact import TOKENS_PER_BATCH, analyzer_of, open_artifact, open_transformer
from service.analysis.transformer import Transformer
from training.model import Mawaqif
from training.speed.inputs import CountTokens
from training.speed.obvious import ObviousStack, questions
from training.speed.released import released_model, torch_encoder

ANALYZER: Final = "analyzer"
TORCH: Final = "torch"
OBVIOUS: Final = "obvious"
BASELINE: Final = "baseline"
TEXTS_PER_CALL: Final = 16
"""As many as the service puts into one call."""
Contender = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Released:
    """The released transformer, opened: what all contenders but the baseline are made of."""

    folder: Path
    gazetteer: Path
    transformer: Transformer

    @classmethod
    def open(cls, artifacts: Path, name: str = "compact", n_threads: int = 0) -> Released:
        folder = artifacts / name
        return cls(folder, artifacts / "gazetteer", open_transformer(folder, n_threads))

    @property
    def analyzer(self) -> Analyzer:
        return analyzer_of(self.transformer, self.gazetteer)

    @property
    def count_tokens(self) -> CountTokens:
        tokenizer = self.transformer.tokenizer
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)

    def in_torch(self, model: Mawaqif) -> Analyzer:
        """The analyzer with ``model`` in the place of its graphs."""
        encoder = torch_encoder(model, self.transformer.special.pad, TOKENS_PER_BATCH)
        return analyzer_of(dataclasses.replace(self.transformer, encoder=encoder), self.gazetteer)


def in_calls(analyzer: Analyzer) -> Contender:
    """``analyzer`` called as the service calls it, with at most ``TEXTS_PER_CALL`` texts."""

    def analyze(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), TEXTS_PER_CALL):
            analyzer.analyze(texts[start : start + TEXTS_PER_CALL])

    return analyze


def _obvious(analyzer: Analyzer, model: Mawaqif, transformer: Transformer, texts: Sequence[str]) -> Contender:
    """The obvious stack, told beforehand what to ask of each of ``texts``."""
    encoder = model.tagger.encoder
    if not isinstance(encoder, BertModel):
        raise TypeError(f"the obvious stack is made for BERT encoders, got {type(encoder).__name__}")
    stack = ObviousStack(encoder, transformer.tokenizer)
    asked = {text: list(questions(analysis)) for text, analysis in zip(texts, analyzer.analyze(texts), strict=True)}
    return lambda some: [stack.answer(asked[text]) for text in some]


def open_contenders(released: Released, texts: Sequence[str]) -> dict[str, Contender]:
    """Every contender by name, ready for any of ``texts``."""
    model = released_model(released.folder)
    baseline = open_artifact(released.folder.parent / BASELINE).analyzer
    return {
        ANALYZER: in_calls(released.analyzer),
        TORCH: in_calls(released.in_torch(model)),
        OBVIOUS: _obvious(released.analyzer, model, released.transformer, texts),
        BASELINE: in_calls(baseline),
    }
