from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from service import cli
from service.models import Model, ModelUnavailableError
from service.replies import encode_json
from service.requests import MAX_CHARACTERS
from service.settings import CONFIG_VARIABLE, current_settings
from tests.doubles import ARTICLE, POISON, StubAnalyzer, stub_models

ESCAPES = re.compile(r"\033\[[\d;]*m")


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Run:
    """Runs ``mawaqif`` over stubs, in an empty folder."""
    models = stub_models()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "load_model", lambda name: models.opened[name])

    def ran(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            status = cli.main(arguments)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Outcome(status, captured.out.decode(), captured.err.decode())

    return ran


def jsonl(*articles: object) -> bytes:
    return b"".join(encode_json(article) + b"\n" for article in articles)


def test_json_is_what_the_service_answers(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    outcome = run("analyze", "a.txt", "--json")
    [expected] = StubAnalyzer("compact").analyze([ARTICLE])
    assert (outcome.status, outcome.err) == (0, "")
    assert json.loads(outcome.out) == expected.to_json()
    assert run("analyze", "-", "--json", stdin=ARTICLE.encode()) == outcome
    assert json.loads(run("analyze", "a.txt", "--json", "--model", "baseline").out)["model"]["name"] == "baseline"


def test_the_readable_analysis_isolates_every_piece_of_arabic(run: Run) -> None:
    outcome = run("analyze", "-", stdin=ARTICLE.encode())
    assert outcome.status == 0
    assert "\033" not in outcome.out, "no colours where there is no terminal"
    assert "\u2067ديمتري بيسكوف\u2069 → \u2067الولايات المتحدة\u2069: against 88% (indirect) \u2067قال\u2069" in outcome.out
    assert "\u2067روسيا\u2069  GPE RU, 2 mentions" in outcome.out
    assert "\u2067ديمتري بيسكوف\u2069 → \u2067الأمم المتحدة\u2069: favor 88% (paragraph 3)" in outcome.out
    assert "\u2067وأضاف أن روسيا تدعم جهود الأمم المتحدة.\u2069" in outcome.out
    outside = re.sub("\u2067[^\u2067\u2069]*\u2069", "", outcome.out)
    assert not re.search("[\u0600-\u06ff]", outside)


def test_no_text_commands_the_terminal(run: Run) -> None:
    text = "\033[31mموسكو\u202e\u2069 \x07 واشنطن\u2067 \x9b31m\n"
    out = run("analyze", "-", stdin=text.encode()).out
    assert not set(out) & set("\033\x07\x9b\u202e")
    assert out.count("\u2067") == out.count("\u2069")


def test_long_paragraphs_are_wrapped_without_losing_a_word(run: Run) -> None:
    text = " ".join(["موسكو تقول إن واشنطن"] * 30) + "ن" * 300
    out = run("analyze", "-", stdin=text.encode()).out
    lines = re.findall("^    \u2067(.*)\u2069$", out.split("Actors")[0], re.MULTILINE)
    assert max(map(len, lines)) <= 96
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_colours_are_for_terminals_that_want_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def printed() -> str:
        buffer = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", Terminal(buffer, encoding="utf-8"))
        run("analyze", "-", stdin=ARTICLE.encode())
        return buffer.getvalue().decode()

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = printed()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed()
    assert "\033[" in coloured
    assert "\033" not in plain
    assert ESCAPES.sub("", coloured) == plain


def test_jsonl_keeps_its_order_and_names_bad_lines(run: Run, tmp_path: Path) -> None:
    articles = [{"id": str(i), "text": f"موسكو {i}", **({"model": "baseline"} if i % 7 == 0 else {})} for i in range(40)]
    lines = jsonl(*articles).splitlines(keepends=True)
    lines[3:3] = [b"\n", b"{\n", b'{"id": "x", "text": " "}\n']
    lines[20:20] = [jsonl({"id": "poison", "text": f"قال {POISON}"})]
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + b"".join(lines).rstrip(b"\n"))
    outcome = run("analyze", "in.jsonl", "--output", "out.jsonl")
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == [str(i) for i in range(40)]
    assert [answer["model"]["name"] == "baseline" for answer in answers] == [i % 7 == 0 for i in range(40)]
    assert (outcome.status, outcome.out) == (1, "")
    assert [line.split(":")[1].strip() for line in outcome.err.splitlines()] == ["line 5", "line 6", "line 21"]


def test_good_jsonl_succeeds_quietly_from_standard_input_to_standard_output(run: Run) -> None:
    outcome = run("analyze", "-", "--output", "-", "--model", "baseline", stdin=jsonl({"text": "x\ud83d"}, {"text": "موسكو"}))
    assert (outcome.status, outcome.err) == (0, "")
    assert [json.loads(line)["model"]["name"] for line in outcome.out.splitlines()] == ["baseline"] * 2
    assert "موسكو" in outcome.out


def test_jsonl_is_analysed_in_batches(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = StubAnalyzer()
    monkeypatch.setattr(cli, "load_model", lambda name: Model(analyzer, {}))
    assert run("analyze", "-", "--output", "-", stdin=jsonl(*[{"text": "موسكو"}] * 40)).status == 0
    assert analyzer.calls == [16, 16, 8]


def test_a_terminal_sees_the_progress(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", Terminal(shown, encoding="utf-8"))
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": "خبر"}, {"text": " "}))
    assert run("analyze", "in.jsonl", "--output", "out.jsonl").status == 1
    assert "100%" in shown.getvalue().decode()
    assert "line 2: text must not be blank" in shown.getvalue().decode()


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "error"),
    [
        (["analyze", "none.txt"], b"", 1, "mawaqif: cannot read none.txt: there is no such file or folder\n"),
        (["analyze", "folder"], b"", 1, "mawaqif: cannot read folder: it is a directory\n"),
        (["analyze", "-"], b"", 1, "mawaqif: standard input: the text must not be empty\n"),
        (["analyze", "-"], b" \n\n", 1, "mawaqif: standard input: the text must not be blank\n"),
        (["analyze", "-"], b"ab\xff", 1, "mawaqif: standard input is not UTF-8 text: byte 2 cannot be read\n"),
        (
            ["analyze", "-"],
            b"x" * (MAX_CHARACTERS + 1),
            1,
            "mawaqif: standard input: the text must be at most 100,000 characters, got 100,001\n",
        ),
        (
            ["analyze", "in.jsonl"],
            b"",
            2,
            "mawaqif: in.jsonl holds many articles: say where their analyses go with --output OUT.jsonl\n",
        ),
        (
            ["analyze", "in.jsonl", "--output", "in.jsonl"],
            b"",
            2,
            "mawaqif: in.jsonl is the file that is read: write to another one\n",
        ),
        (
            ["analyze", "in.jsonl", "--output", "none/out"],
            b"",
            1,
            "mawaqif: cannot write none/out: there is no such file or folder\n",
        ),
        (["analyze", "in.jsonl", "--output", "folder"], b"", 1, "mawaqif: cannot write folder: it is a directory\n"),
        (
            ["analyze", "in.jsonl", "--output", "o", "--json"],
            b"",
            2,
            "mawaqif: --json and --output exclude each other: --output always writes JSON\n",
        ),
        (["analyze", "-", "--model", "gpt"], b"", 2, "argument --model: invalid choice: 'gpt'"),
        (["analyze"], b"", 2, "the following arguments are required: FILE"),
        ([], b"", 2, "the following arguments are required: COMMAND"),
        (["serve", "--port", "0"], b"", 2, "argument --port: a port is a number from 1 to 65535, got '0'"),
        (["serve", "--port", "65536"], b"", 2, "argument --port: a port is a number from 1 to 65535, got '65536'"),
        (["serve", "--port", "http"], b"", 2, "argument --port: a port is a number from 1 to 65535, got 'http'"),
    ],
)
def test_errors(run: Run, tmp_path: Path, arguments: list[str], stdin: bytes, status: int, error: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": "خبر"}))
    outcome = run(*arguments, stdin=stdin)
    assert (outcome.status, outcome.out) == (status, "")
    assert error in outcome.err
    assert (tmp_path / "in.jsonl").read_bytes() == jsonl({"text": "خبر"})


def test_a_model_that_cannot_be_opened_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Model:
        raise ModelUnavailableError(f"the {name} model cannot be opened: it is broken")

    monkeypatch.setattr(cli, "load_model", broken)
    for arguments in (["analyze", "-"], ["analyze", "-", "--output", "out.jsonl"]):
        outcome = run(*arguments, stdin=jsonl({"text": "خبر"}))
        assert (outcome.status, outcome.err) == (1, "mawaqif: the transformer model cannot be opened: it is broken\n")
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(("arguments", "port"), [([], "3000"), (["--port", "8080", "--host", "0.0.0.0"], "8080")])
def test_serve_becomes_the_server(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], port: str) -> None:
    started: list[tuple[str, list[str], dict[str, str]]] = []

    def become(program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append((program, command, environment))
        raise SystemExit

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.setattr(cli, "_check_free", lambda host, port: None)
    run("serve", *arguments)
    [(program, command, environment)] = started
    assert program == sys.executable
    assert command[1:5] == ["-m", "bentoml", "serve", "service.app:Mawaqif"]
    assert command[command.index("--port") + 1] == port
    assert (Path(command[command.index("--working-dir") + 1]) / "service" / "app.py").is_file()
    assert (environment["BENTOML_DO_NOT_TRACK"], environment["TOKENIZERS_PARALLELISM"]) == ("True", "false")


def test_an_address_that_is_taken_is_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = run("serve", "--port", str(port))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"mawaqif: cannot listen on 127.0.0.1:{port}: Address already in use")


def test_serve_refuses_wrong_settings_with_all_that_is_wrong(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("server: {worker: 2, deadline_s: no}\n", encoding="utf-8")
    # Set and unset again when the test ends, as the command sets it for the server that it becomes.
    monkeypatch.setenv(CONFIG_VARIABLE, "none")
    current_settings.cache_clear()
    outcome = run("serve", "--config", str(path))
    current_settings.cache_clear()
    assert outcome.status == 2
    assert "wrong.yaml has 2 error(s)" in outcome.err
    assert "server.worker" in outcome.err
    assert "server.deadline_s" in outcome.err


@pytest.mark.parametrize(("arguments", "words"), [(["--version"], ["mawaqif"]), (["--help"], ["analyze", "serve"])])
def test_help_and_version(run: Run, arguments: list[str], words: list[str]) -> None:
    outcome = run(*arguments)
    assert outcome.status == 0
    assert all(word in outcome.out for word in words)


def test_help_needs_no_heavy_import() -> None:
    code = "import sys, service.cli; print({'torch', 'bentoml', 'onnxruntime', 'sklearn', 'rich'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
