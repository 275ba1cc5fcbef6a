"""Decisions between the graphs and the findings, without weights."""

from __future__ import annotations

from service.analysis.document import Span, read_document
from service.analysis.transformer import cues_of


def test_a_speaker_has_a_cue_where_it_is_the_nearest_of_its_paragraph() -> None:
    text = "قال بيسكوف أمام لافروف\nزار كيم"
    document = read_document(text)
    spans = {name: Span(text.index(name), text.index(name) + len(name)) for name in ("قال", "بيسكوف", "لافروف", "كيم")}
    speakers = [spans["بيسكوف"], spans["لافروف"], spans["كيم"]]
    cue_of = cues_of(document, speakers, [spans["قال"]])
    assert {speaker for found in cue_of.values() for speaker in found} == {spans["بيسكوف"]}
    assert not any(cues_of(document, speakers, []).values())
