from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import app
from service.analysis.labels import ACTOR_TYPES, KINDS, STANCES, TOPICS
from service.page import PAGE as PAGE_FILE
from tests.doubles import stub_models

SERVICE: Any = app.Mawaqif
PAGE = PAGE_FILE.read_text(encoding="utf-8")
SCRIPT = PAGE.split("<script>")[1].split("</script>")[0]


def test_the_page_asks_nobody_else_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not re.findall(r"https?:|//[a-z]|url\(|@import|<link(?! rel=\"icon\" href=\"data:)|src=|srcset=|<iframe|<object", PAGE)
    assert re.findall(r"fetch\((.*?),", SCRIPT) == ['"analyze"']
    monkeypatch.setattr(app, "load_models", lambda n_threads: stub_models())
    monkeypatch.setitem(SERVICE.config, "metrics", {"enabled": False})
    with TestClient(SERVICE.to_asgi()) as client:
        response = client.get("/")
    assert response.text == PAGE
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for code in (SCRIPT, PAGE.split("<style>")[1].split("</style>")[0]):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" in policy
    assert not re.findall(r"\sstyle=|\son[a-z]+=", PAGE), "what the policy would not let a browser run"
    assert (response.headers["x-content-type-options"], response.headers["x-frame-options"]) == ("nosniff", "DENY")
    assert response.headers["referrer-policy"] == "no-referrer"


def test_nothing_posted_becomes_markup() -> None:
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|\son[a-z]+=", PAGE
    )


def test_the_page_reads_from_right_to_left_and_fits_phones_and_the_dark() -> None:
    assert '<html lang="ar" dir="rtl">' in PAGE
    assert 'name="viewport"' in PAGE
    assert "prefers-color-scheme: dark" in PAGE


@pytest.mark.parametrize("label", [*TOPICS, *ACTOR_TYPES, *STANCES, *KINDS])
def test_every_label_has_an_arabic_name(label: str) -> None:
    assert re.search(rf'\b{label}: "[^"a-zA-Z]+"', SCRIPT)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_offsets_are_code_points(tmp_path: Path) -> None:
    """The page's own code, over a stand-in for the document, cuts behind an emoji where the service does."""
    text = "😀 قال بيسكوف إن واشنطن"
    [analysis] = stub_models().opened["transformer"].analyzer.analyze([text])
    program = tmp_path / "page.js"
    program.write_text(f"{DOCUMENT}\n{SCRIPT}\nshow({json.dumps(analysis.to_json())}, {json.dumps(text)});", encoding="utf-8")
    shown = subprocess.run(["node", program], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == ["mark.mention speaker: بيسكوف", "mark.mention: واشنطن"]


DOCUMENT = """
const node = (tag) => ({
  tag, children: [], style: { setProperty() {} }, addEventListener() {}, replaceChildren() {},
  append(...more) { this.children.push(...more); },
});
const document = { createElement: node, getElementById: () => Object.assign(node("input"), { value: "" }) };
function show(analysis, text) {
  const walk = (item) => {
    if (item.tag === "mark") console.log(`mark.${item.className}: ${item.children.join("")}`);
    (item.children ?? []).forEach(walk);
  };
  view(analysis, text).forEach(walk);
}
"""
