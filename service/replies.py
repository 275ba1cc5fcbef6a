"""What the service answers, as bytes: analyses and errors as JSON.

Knows nothing about bentoml, nor about what is in an analysis.
"""

from __future__ import annotations

import json
from typing import Any


def encode_json(value: Any) -> bytes:
    """``value`` as UTF-8 JSON that people can read; with ``\\u`` escapes where it holds lone surrogates, which UTF-8 cannot say.

    Raises:
        ValueError: for NaN and infinities, which JSON cannot say.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False).encode()
