"""The two ONNX graphs of a transformer artifact: token tagging over batches of windows, relations over one window.

Features in, arrays out; knows nothing about text or labels. A window's outputs do not depend on its batch mates: rows are
padded and masked, and quantised matrix products scale each row by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from service.analysis.units import RelationInputs
from service.analysis.windows import Window

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tagged:
    """One window's token states, shape (n_tokens, width), and token logits, shape (n_tokens, ``N_TOKEN_LOGITS``)."""

    states: Floats
    token_logits: Floats


@dataclass(frozen=True, slots=True)
class RelationLogits:
    """Logits of one window's segments, units and pairs; the shapes are those of ``training.model.RelationsOutput``."""

    topic: Floats
    implicit: Floats
    link: Floats
    kind: Floats
    stance: Floats


def open_session(path: Path, n_threads: int) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU; ``n_threads`` 0 means one per core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Encoder:
    """``tokens_per_batch``: the most padded tokens in one call of the tagger graph, which bounds its memory."""

    tagger: ort.InferenceSession
    relations: ort.InferenceSession
    pad: int
    tokens_per_batch: int

    def tag(self, windows: Sequence[Window]) -> list[Tagged]:
        """States and logits of each window, in order."""
        tagged: dict[int, Tagged] = {}
        for batch in self._batches(windows):
            longest = max(len(windows[i].ids) for i in batch)
            ids = np.full((len(batch), longest), self.pad, np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(batch):
                ids[row, : len(windows[i].ids)] = windows[i].ids
                mask[row, : len(windows[i].ids)] = 1
            states, logits = self.tagger.run(["states", "token_logits"], {"input_ids": ids, "attention_mask": mask})
            for row, i in enumerate(batch):
                n = len(windows[i].ids)
                tagged[i] = Tagged(states[row, :n], logits[row, :n])
        return [tagged[i] for i in range(len(windows))]

    def _batches(self, windows: Sequence[Window]) -> Iterator[list[int]]:
        """Indices of windows of like length, so that little is spent on padding."""
        batch: list[int] = []
        for i in sorted(range(len(windows)), key=lambda i: len(windows[i].ids)):
            if batch and len(windows[i].ids) * (len(batch) + 1) > self.tokens_per_batch:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def relate(self, states: Floats, inputs: RelationInputs) -> RelationLogits:
        """Topics, links, kinds and stances of one window from its token states."""
        feeds = {
            "states": states, "span_pool": inputs.span_pool, "segment_pool": inputs.segment_pool,
            "unit_segment": inputs.unit_segment, "unit_kind": inputs.unit_kind,
            "pair_speaker": inputs.pair_speaker, "pair_target": inputs.pair_target,
        }  # fmt: skip
        return RelationLogits(*self.relations.run(["topic", "implicit", "link", "kind", "stance"], feeds))
