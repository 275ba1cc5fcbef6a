"""Whether a statement is quoted, reported, or both: what a linear model sees of it."""

from __future__ import annotations

from service.analysis.linear.features import around
from service.analysis.linear.model import Features
from service.analysis.linear.scene import Scene, Talk
from service.analysis.linear.stances import anchor_of
from service.analysis.linear.words import QUOTE


def kind_features(scene: Scene, talk: Talk) -> Features:
    p = scene.paragraphs[talk.paragraph]
    anchor = anchor_of(talk)
    after = p.forms[anchor : anchor + 8]
    return {
        "quoted": p.quoted_share, "quoted10": str(int(10 * p.quoted_share)), "quotes": str(min(p.n_quotes, 5)),
        "soon": str(QUOTE in after), "colon": str(":" in after),
        "opens": str(p.forms[:1] == [QUOTE]), "cue": p.stems[talk.cue.start] if talk.cue else "-",
        "next": around(p.stems, talk.cue.end) if talk.cue else "-", "speaker": talk.speaker.kind if talk.speaker else "-",
    }  # fmt: skip
