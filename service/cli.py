"""The ``mawaqif`` command: analyse an article or a file of them, or start the service.

Articles are checked by the same rules as over HTTP. Exit status: 0, 1 when something could not be analysed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO, Final, Literal, NoReturn

from service.jsonl import LineReport, analyze_lines
from service.models import ModelUnavailableError, load_model
from service.replies import encode_json
from service.requests import DEFAULT_MODEL, MODEL_NAMES, RequestError, check_text
from service.terminal import Style, render

FAILURE: Final = 1
USAGE: Final = 2
STDIN: Final = "-"
_MAX_WIDTH: Final = 100


class CommandError(Exception):
    """What ends the command: a message for people and the exit status."""

    def __init__(self, message: str, status: int = FAILURE) -> None:
        super().__init__(message)
        self.status: Final = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (by default that of the process); returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (CommandError, ModelUnavailableError) as error:
        _complain(str(error))
        return error.status if isinstance(error, CommandError) else FAILURE
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mawaqif", description="Topics, actors, statements and stances of Arabic news.")
    parser.add_argument("--version", action="version", version=f"mawaqif {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    analyze = commands.add_parser("analyze", help="analyse one article, or a JSONL file of articles")
    analyze.add_argument("file", metavar="FILE", help="UTF-8 text, one paragraph a line; - reads standard input")
    analyze.add_argument("--json", action="store_true", help="print the analysis as the service answers it")
    analyze.add_argument("--output", metavar="OUT.jsonl", help='FILE holds one {"id", "text"} a line: write one analysis a line')
    analyze.add_argument("--model", choices=MODEL_NAMES, default=DEFAULT_MODEL, help="default: %(default)s")
    analyze.set_defaults(run=_analyze)
    serve = commands.add_parser("serve", help="start the HTTP service and the reading page")
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=_port, default=3000, help="default: %(default)s")
    serve.add_argument("--config", metavar="FILE.yaml", help="the service's settings; default: configs/service.yaml")
    serve.set_defaults(run=_serve)
    return parser


def _version() -> str:
    try:
        return version("mawaqif")
    except PackageNotFoundError:
        return "(not installed)"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, got {text!r}")
    return int(text)


def _analyze(arguments: argparse.Namespace) -> int:
    if arguments.output is not None:
        return _analyze_jsonl(arguments)
    if arguments.file.endswith(".jsonl"):
        raise CommandError(f"{arguments.file} holds many articles: say where their analyses go with --output OUT.jsonl", USAGE)
    text = _read_text(arguments.file)
    [analysis] = load_model(arguments.model).analyzer.analyze([text])
    if arguments.json:
        sys.stdout.buffer.write(encode_json(analysis.to_json()) + b"\n")
    else:
        sys.stdout.buffer.write(render(analysis, _style()).encode() + b"\n")
    sys.stdout.flush()
    return 0


def _read_text(name: str) -> str:
    """The text of file ``name``, checked.

    Raises:
        CommandError: when it cannot be read or analysed.
    """
    with _source(name) as file:
        content = file.read()
    try:
        return check_text(content.decode("utf-8-sig"), field=None)
    except UnicodeDecodeError as error:
        raise CommandError(f"{_shown(name)} is not UTF-8 text: byte {error.start} cannot be read") from error
    except RequestError as error:
        raise CommandError(f"{_shown(name)}: {error}") from error


def _source(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if name == STDIN else _open(name, "rb", "read")


def _open(name: str, mode: Literal["rb", "wb"], verb: str) -> BinaryIO:
    try:
        return Path(name).open(mode)
    except OSError as error:
        reasons = {FileNotFoundError: "there is no such file or folder", IsADirectoryError: "it is a directory"}
        raise CommandError(f"cannot {verb} {name}: {reasons.get(type(error), error.strerror)}") from error


def _analyze_jsonl(arguments: argparse.Namespace) -> int:
    if arguments.json:
        raise CommandError("--json and --output exclude each other: --output always writes JSON", USAGE)
    load = cache(load_model)
    load(arguments.model)  # before anything is written
    with _source(arguments.file) as lines, _target(arguments.output, arguments.file) as output:
        n_failed = 0
        with _progress(lines) as advance:
            for report in analyze_lines(lines, arguments.model, load):
                n_failed += not _write(report, output)
                advance(report.n_bytes)
        output.flush()
    return FAILURE if n_failed else 0


def _write(report: LineReport, output: BinaryIO) -> bool:
    """Write the analysis of a line, or say what is wrong with it; whether there was one."""
    if report.failure is not None:
        _complain(f"line {report.number}: {report.failure}")
        return False
    output.write(encode_json(report.answer) + b"\n")
    return True


def _target(name: str, source: str) -> AbstractContextManager[BinaryIO]:
    """A new file ``name``, or standard output for ``-``; never the file that is being read."""
    if name == STDIN:
        return nullcontext(sys.stdout.buffer)
    if source != STDIN and Path(name).exists() and Path(name).samefile(source):
        raise CommandError(f"{name} is the file that is read: write to another one", USAGE)
    return _open(name, "wb", "write")


@contextmanager
def _progress(lines: BinaryIO) -> Iterator[Callable[[int], object]]:
    """A function that is told how many bytes are done; it moves a bar where there is a terminal to show one."""
    if not sys.stderr.isatty():
        yield lambda n_bytes: None
        return
    from rich.console import Console
    from rich.progress import Progress

    total = os.fstat(lines.fileno()).st_size or None
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("analysing", total=total)
        yield lambda n_bytes: progress.advance(task, n_bytes)


def _serve(arguments: argparse.Namespace) -> NoReturn:
    """Become the BentoML server of this very package, whatever folder the command is started in."""
    from service.settings import CONFIG_VARIABLE, SettingsError, current_settings

    if arguments.config is not None:
        os.environ[CONFIG_VARIABLE] = str(Path(arguments.config).resolve())
    try:
        current_settings()
    except SettingsError as error:
        raise CommandError(str(error), USAGE) from error
    _check_free(arguments.host, arguments.port)
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Mawaqif", "--working-dir", str(Path(__file__).parents[1])]
    command += ["--host", arguments.host, "--port", str(arguments.port)]
    environment = {"BENTOML_DO_NOT_TRACK": "True", "TOKENIZERS_PARALLELISM": "false", **os.environ}
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)


def _check_free(host: str, port: int) -> None:
    """BentoML would say it in the last of many lines that the address is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server((str(address[0]), port), family=family).close()
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _style() -> Style:
    on_terminal = sys.stdout.isatty()
    colours = on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(min(shutil.get_terminal_size().columns, _MAX_WIDTH) if on_terminal else _MAX_WIDTH, colours)


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _complain(message: str) -> None:
    print(f"mawaqif: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
