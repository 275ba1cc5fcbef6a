"""The floors: for every family the rate of passed cases that the released model must not fall below. They only go up.

Only where cases themselves are added or mended may a floor be set anew by hand, in a commit that says why. Knows nothing about
how a rate comes about.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FLOORS: Final = Path(__file__).parent / "floors.json"


def read_floors(path: Path = FLOORS) -> dict[str, float]:
    """Floor of each family, a rate from 0 to 1; no floors where there is no file."""
    if not path.is_file():
        return {}
    floors: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return floors


def raised(floors: Mapping[str, float], rates: Mapping[str, float]) -> dict[str, float]:
    """``floors`` raised to ``rates``, cut to three places, where those are higher."""
    families = sorted({*floors, *rates})
    return {name: max(floors.get(name, 0.0), math.floor(rates.get(name, 0.0) * 1000) / 1000) for name in families}


def write_floors(floors: Mapping[str, float], path: Path = FLOORS) -> None:
    path.write_text(json.dumps(dict(floors), indent=1) + "\n", encoding="utf-8")
