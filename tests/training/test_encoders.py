"""Encoders and tokenizers, with a tiny WordPiece checkpoint in the hub's layout in AraBERT's place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertTokenizer

from service.analysis.document import read_document
from service.analysis.windows import WindowLimits, build_windows
from training.arabert import PLACEHOLDERS
from training.config import EncoderConfig
from training.encoders import Base, load_base, read_base, save_base, special_id, special_tokens, tiny_encoder

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


def test_what_is_saved_is_loaded_again(arabert: Base, tmp_path: Path) -> None:
    save_base(arabert, tmp_path)
    again = read_base(tmp_path)
    text = "قَالَ بيسكوف عام ٢٠١٨."
    assert pieces(again, text) == pieces(arabert, text)
    ids = torch.tensor([[2, 8, 9, 3]])
    first, second = (b.encoder(input_ids=ids).last_hidden_state for b in (arabert, again))
    torch.testing.assert_close(first, second)


def test_windows_are_framed_by_the_words_of_its_vocabulary(arabert: Base) -> None:
    special = special_tokens(arabert.tokenizer)
    assert (special.cls, special.sep, special.pad, special_id(arabert.tokenizer, "mask")) == (2, 3, 0, 4)
    (window,) = build_windows(read_document("قال\nبيسكوف"), arabert.tokenizer, special, WindowLimits(16, 4))
    assert window.ids.tolist() == [2, 8, 3, 9, 3]
