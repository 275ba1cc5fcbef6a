"""Encoders and tokenizers, with a tiny WordPiece checkpoint in the hub's layout in AraBERT's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import BertTokenizer

from service.analysis.artifact import open_transformer
from service.analysis.document import read_document
from service.analysis.labels import TOPICS
from service.analysis.windows import WindowLimits, build_windows
from tests.conftest import ROOT
from training.arabert import PLACEHOLDERS
from training.config import EncoderConfig, read_config
from training.encoders import Base, load_base, special_id, special_tokens, tiny_encoder
from training.export import write_uncalibrated
from training.stages import Run, train

pytestmark = pytest.mark.filterwarnings("ignore")  # the ONNX exporter warns about its own insides

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLACEHOLDERS.values(), "قال", "بيسكوف", "##كوف", "بي", "2018", "عام", "."]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``BertModel`` and its ``BertTokenizer``, saved as the hub's AraBERT is."""
    folder = tmp_path_factory.mktemp("arabert")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}, do_lower_case=False)
    tokenizer.save_pretrained(folder)
    tiny_encoder(len(WORDS)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def arabert(checkpoint: Path) -> Base:
    config = EncoderConfig(source="hub", name=str(checkpoint), preprocessing="arabert")
    return load_base(config, checkpoint / "cache", ())


def pieces(base: Base, text: str) -> list[str]:
    return list(base.tokenizer.encode(text, add_special_tokens=False).tokens)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("قَالَ بيســكوف", ["قال", "بيسكوف"]),
        ("عام٢٠١٨", ["عام", "2018"]),
        ("قال https://t.co/x", ["قال", "[رابط]"]),
        ("قال @user", ["قال", "[مستخدم]"]),
        ("<b>قال</b>", ["قال"]),
    ],
)
def test_arabert_is_fed_as_it_was_pretrained(arabert: Base, text: str, expected: list[str]) -> None:
    assert pieces(arabert, text) == expected


def test_its_offsets_are_into_the_text_as_posted(arabert: Base) -> None:
    text = "<b>قَالَ</b> بيسكوف"
    encoding = arabert.tokenizer.encode(text, add_special_tokens=False)
    assert [text[start:end].rstrip("َ") for start, end in encoding.offsets] == ["قَالَ".rstrip("َ"), "بيسكوف"]


def test_it_trains_exports_and_answers_as_any_encoder_does(checkpoint: Path, seed_data: Path, tmp_path: Path) -> None:
    config = read_config(ROOT / "configs" / "arabert.yaml")
    encoder = config.encoder.model_copy(update={"name": str(checkpoint)})
    stage = config.stages[0].model_copy(update={"sources": {"articles": 1.0}, "epochs": 0.5, "tokens_per_step": 512})
    windows = config.windows.model_copy(update={"max_tokens": 96, "context_tokens": 24})
    config = config.model_copy(update={"encoder": encoder, "windows": windows, "stages": (stage,), "precision": "no"})
    run = Run(config, seed_data, tmp_path / "run", tmp_path / "cache")
    train(run)
    write_uncalibrated(run, tmp_path / "arabert")
    (found,) = open_transformer(tmp_path / "arabert").find([read_document("قال بيسكوف في عام 2018.")])
    assert found.topics.shape == (1, len(TOPICS))


def test_windows_are_framed_by_the_words_of_its_vocabulary(arabert: Base) -> None:
    special = special_tokens(arabert.tokenizer)
    assert (special.cls, special.sep, special.pad, special_id(arabert.tokenizer, "mask")) == (2, 3, 0, 4)
    (window,) = build_windows(read_document("قال\nبيسكوف"), arabert.tokenizer, special, WindowLimits(16, 4))
    assert window.ids.tolist() == [2, 8, 3, 9, 3]
