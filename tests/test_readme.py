"""The README's examples run against the real service, and print what the README shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers import Server, serving

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:3000"


def blocks(language: str, containing: str) -> list[str]:
    """The code blocks of ``language`` in which ``containing`` stands."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [block for block in found if containing in block]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("service.app:Mawaqif", tmp_path_factory.mktemp("server")) as started:
        yield started


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_curl_example_answers(server: Server) -> None:
    (command,) = blocks("bash", "curl")
    answer = json.loads(run(["bash", "-c", command.replace(ADDRESS, server.address)]))
    assert answer["actors"]
    assert answer["stances"]


def test_the_python_example_prints_what_is_shown(server: Server, tmp_path: Path) -> None:
    (program,) = blocks("python", "urllib")
    (shown,) = blocks("text", "→")
    script = tmp_path / "example.py"
    script.write_text(program.replace(ADDRESS, server.address), encoding="utf-8")
    assert run([sys.executable, "-X", "utf8", str(script)]) == shown


def test_the_batch_route_answers_in_order(server: Server) -> None:
    texts = ["قالت موسكو إنها ترفض العقوبات.", "فاز المنتخب المصري في المباراة النهائية."]
    status, body = server.send("/analyze_batch", {"articles": [{"text": text, "id": str(i)} for i, text in enumerate(texts)]})
    assert status == 200
    assert [analysis["id"] for analysis in json.loads(body)["analyses"]] == ["0", "1"]


def test_the_figures_are_those_of_the_model_card() -> None:
    card = json.loads((ROOT / "service" / "artifacts" / "compact" / "card.json").read_text(encoding="utf-8"))
    for name, value in card["figures"]["test"].items():
        assert re.search(rf"\| {name} \| {value:.3f} ", README), f"{name} {value:.3f} is not in the README"


@pytest.mark.parametrize("path", re.findall(r"\]\(([\w./-]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()
