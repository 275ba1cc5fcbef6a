"""The label sets: topics with their IPTC codes, actor types, statement kinds, stances and token tags.

Knows nothing about models; the order of each tuple is the order of the logits of every artifact.
"""

from __future__ import annotations

from typing import Final

TOPIC_CODES: Final[dict[str, str | None]] = {
    "arts": "medtop:01000000",
    "crime": "medtop:02000000",
    "disaster": "medtop:03000000",
    "economy": "medtop:04000000",
    "education": "medtop:05000000",
    "environment": "medtop:06000000",
    "health": "medtop:07000000",
    "human_interest": "medtop:08000000",
    "labour": "medtop:09000000",
    "lifestyle": "medtop:10000000",
    "politics": "medtop:11000000",
    "religion": "medtop:12000000",
    "science": "medtop:13000000",
    "society": "medtop:14000000",
    "sport": "medtop:15000000",
    "conflict": "medtop:16000000",
    "weather": "medtop:17000000",
    "none": None,
}
"""Topic slug → IPTC Media Topic code (top level of https://cv.iptc.org/newscodes/mediatopic/)."""

TOPICS: Final = tuple(TOPIC_CODES)
NO_TOPIC: Final = "none"
ACTOR_TYPES: Final = ("PER", "ORG", "GPE")
STANCES: Final = ("neutral", "favor", "against")
NEUTRAL: Final = "neutral"
KINDS: Final = ("direct", "indirect", "mixed")

MENTION_TAGS: Final = ("O", *(f"{part}-{kind}" for kind in ACTOR_TYPES for part in "BI"))
SPEAKER_TAGS: Final = ("O", "B", "I")
CUE_TAGS: Final = ("O", "B", "I")
MAX_PREFIX: Final = 3
"""The most letters of a word (و، ف، ب، ل، ك، ال) that can stand before a name inside the name's first token."""

TOKEN_LOGITS: Final[dict[str, slice]] = {
    "mention": slice(0, 7),
    "speaker": slice(7, 10),
    "cue": slice(10, 13),
    "prefix": slice(13, 13 + MAX_PREFIX + 1),
}
"""Where each tagger's logits lie in the last axis of the encoder's token logits."""

N_TOKEN_LOGITS: Final = 13 + MAX_PREFIX + 1

UNIT_KINDS: Final = ("mention", "speaker", "segment")
"""What a unit of a window is: a named mention, a speaker span, or a whole segment (an unnamed, continued speaker)."""
