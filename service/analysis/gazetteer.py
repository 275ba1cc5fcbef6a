"""Names of countries, capitals and seats of government, and the ISO code of the state that they can stand for.

Read from one JSON file that ``python -m training gazetteer`` makes from CLDR, GeoNames and the annotated training articles;
knows nothing about documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.analysis.text import fold, words

MIN_SEAT_SHARE: Final = 0.5
"""A seat stands for its state without further evidence when it did so in at least this share of training articles."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A capital or seat of government: whose, and how often it stood for the state where it was named."""

    iso: str
    share: float


@dataclass(frozen=True)
class Gazetteer:
    """``countries``: ISO 3166 alpha-2 → Arabic name. ``names`` and ``seats`` are keyed by folded name.

    ``nominal_types``: folded first word of an unnamed speaker («مصدر», «شركة») → PER or ORG.
    """

    countries: Mapping[str, str]
    names: Mapping[str, str]
    seats: Mapping[str, Seat]
    nominal_types: Mapping[str, str]

    def country(self, name: str) -> str | None:
        """The ISO code of the country that ``name`` names, or None."""
        return self.names.get(fold(name)) or self.names.get(" ".join(words(name)))

    def seat(self, name: str) -> Seat | None:
        return self.seats.get(fold(name))

    def nominal_type(self, phrase: str) -> str:
        """PER or ORG for a speaker that has no name; what is not known is taken for a person."""
        first = fold(phrase).split()[:1]
        return self.nominal_types.get(first[0], "PER") if first else "PER"


def read_gazetteer(path: Path) -> Gazetteer:
    """Read what ``python -m training gazetteer`` wrote."""
    values = json.loads(path.read_text(encoding="utf-8"))
    seats = {name: Seat(iso, share) for name, (iso, share) in values["seats"].items()}
    return Gazetteer(values["countries"], values["names"], seats, values["nominal_types"])
