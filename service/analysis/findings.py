"""What a model found in a document, before anyone knows which names belong to one actor.

Both models, the transformer and the baseline, answer with this; everything after it is shared. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from service.analysis.document import Document, Span


@dataclass(frozen=True, slots=True)
class FoundMention:
    """A named mention. ``actor_type``: one of ``ACTOR_TYPES``. ``score``: probability."""

    span: Span
    actor_type: str
    score: float


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a speaker that is not itself named may point: an index into ``mentions`` or into ``statements`` (its speaker)."""

    index: int
    to_statement: bool
    score: float


@dataclass(frozen=True)
class FoundStatement:
    """Somebody speaks in ``paragraph``.

    ``speaker``: the words that denote the speaker, None for a continuation. ``references``: whom these words, or the
    continuation, may refer to; with ``unnamed_score`` (nobody named) they sum to at most 1.
    ``stances``: (index into ``mentions``, probabilities over ``STANCES``, shape (3,)) of every candidate target.
    """

    paragraph: int
    speaker: Span | None
    score: float
    cue: Span | None
    kind: str
    references: tuple[Reference, ...]
    unnamed_score: float
    stances: tuple[tuple[int, npt.NDArray[np.float64]], ...]


@dataclass(frozen=True)
class Findings:
    """``topics``: probabilities, shape (paragraphs, topics). ``aliases``: pairs of mentions that spell different names
    and the probability that they are one actor. ``mentions`` are in text order and do not overlap.
    ``n_tokens``: how many tokens, or words, the model read."""

    topics: npt.NDArray[np.float64]
    mentions: tuple[FoundMention, ...]
    aliases: tuple[tuple[int, int, float], ...]
    statements: tuple[FoundStatement, ...]
    n_tokens: int = 0


class Finder(Protocol):
    """A model: documents in, findings out, same order; a document's findings do not depend on its batch mates."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def stance_weights(self) -> tuple[float, float, float]:
        """Factors of the scores of ``STANCES`` when the label is chosen."""

    @property
    def meant_factor(self) -> float:
        """A further factor of favor and against toward actors that the paragraph does not name."""

    def find(self, documents: Sequence[Document]) -> list[Findings]: ...
