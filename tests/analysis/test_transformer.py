"""Decisions between the graphs and the findings, without weights."""

from __future__ import annotations

from service.analysis.document import Span, read_document
from service.analysis.transformer import cued


def test_a_speaker_has_a_cue_where_it_is_the_nearest_of_its_paragraph() -> None:
    text = "قال بيسكوف أمام لافروف\nزار كيم"
    document = read_document(text)
    spans = {name: Span(text.index(name), text.index(name) + len(name)) for name in ("قال", "بيسكوف", "لافروف", "كيم")}
    speakers = [spans["بيسكوف"], spans["لافروف"], spans["كيم"]]
    assert cued(document, speakers, [spans["قال"]]) == {spans["بيسكوف"]}
    assert cued(document, speakers, []) == set()
