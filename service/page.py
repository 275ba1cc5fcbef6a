"""The reading page and the policy under which a browser shows it: nothing is loaded from anywhere, and only its own code runs."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response

PAGE: Final = Path(__file__).with_name("page.html")


@cache
def _content() -> str:
    return PAGE.read_text(encoding="utf-8")


@cache
def policy() -> str:
    """The page's Content-Security-Policy. Its one style and its one script are named by their hashes (CSP level 2)."""
    hashes = {}
    for tag in ("style", "script"):
        [code] = re.findall(f"<{tag}>(.*?)</{tag}>", _content(), re.DOTALL)
        hashes[tag] = f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
    return (
        f"default-src 'none'; style-src {hashes['style']}; script-src {hashes['script']}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def read_page() -> Response:
    return Response(_content(), media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy()})
