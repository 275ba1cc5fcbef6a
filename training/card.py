"""What is said of a model: the JSON of ``GET /model`` and the model card beside the weights, from the same values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.analysis.labels import ACTOR_TYPES, KINDS, STANCES, TOPIC_CODES
from training.config import Source, TrainingConfig

LICENCE = "Apache-2.0"
ARTICLES = {
    "name": "Mawaqif annotated articles (train)", "licence": "ANT Corpus text (Apache-2.0 badge, citation asked)",
    "use": "1,000 Arabic news articles of Jan-Jul 2018 and undated ones, annotated for topics, actors, statements and stances",
}  # fmt: skip
SOURCES = {
    "articles": ARTICLES,
    "annotations": {
        "name": "Mawaqif additional annotations (training/annotations_*.jsonl.gz)",
        "licence": "text: ANT Corpus (Apache-2.0 badge, citation asked) and SANAD Al-Khaleej (CC BY 4.0); neither is included",
        "use": "further articles of 2018 and undated ones, annotated for this project by reading with a language model",
    },
    "written": {
        "name": "Mawaqif written articles (training/written.jsonl)", "licence": LICENCE,
        "use": "short articles written and annotated with a language model: negation, denial, quoted third parties, favor",
    },
    "wojood": {"name": "Wojood sample", "licence": "MIT (Jarrar et al. 2022)", "use": "Arabic sentences with named entities"},
    "aqmar": {
        "name": "AQMAR", "licence": "Apache-2.0, text CC BY-SA (Mohit et al. 2012)",
        "use": "Arabic sentences with named entities",
    },
    "dse": {
        "name": "Who Blames or Endorses Whom (DSE)", "licence": "free use, paper to be cited (Park, Pan and Joo 2021)",
        "use": "English sentences, directed stance between two entities",
    },
    "newsmtsc": {
        "name": "NewsMTSC", "licence": "MIT style (Hamborg and Donnay 2021)",
        "use": "English sentences, stance toward targets",
    },
    "ans": {"name": "ANS", "licence": "Apache-2.0 (Khouja 2020)", "use": "pairs of Arabic headlines that agree or disagree"},
    "mawqif": {
        "name": "Mawqif", "licence": "none stated: evaluation only, never in released weights (Alturayeif et al. 2022)",
        "use": "Arabic tweets, stance toward three topics",
    },
}  # fmt: skip
ENCODER_LICENCES = {
    "intfloat/multilingual-e5-small": "MIT",
    "aubmindlab/bert-base-arabertv02": "AraBERT (AUB), share alike",
}
LIMITS = (
    "Trained on agency-style Arabic news of 2018: dialect, poetry, opinion and social media are outside of what it knows.",
    "The annotations were written with a language model by the corpus's guide; it repeats their habits and errors.",
    "Rare topics (lifestyle, education, weather) were seen in few paragraphs and are often missed.",
    "Favor and against are rare beside neutral; a stance that is only implied, or ironic, is often read as neutral.",
    "It says where a speaker stands by what the article reports, never whether the report is true.",
    "Not for decisions about people: a wrong stance put on a named person can harm. Show the evidence, let an editor decide.",
)


def card(config: TrainingConfig, calibration: dict[str, Any], metrics: dict[str, Any], errors: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``GET /model``; ``metrics``: split → the scorer's figures; ``errors``: split → calibration errors."""
    sources = list(dict.fromkeys(name for stage in config.stages for name in stage.sources))
    return {
        "name": config.export.name,
        "version": config.export.version,
        "kind": "transformer",
        "base_encoder": {"name": config.encoder.name, "licence": ENCODER_LICENCES.get(config.encoder.name, "see its own card")},
        "labels": labels(),
        "calibration": calibration,
        "figures": metrics,
        "expected_calibration_error": errors,
        "training_data": [SOURCES[name] for name in sources],
        "licence": LICENCE,
        "limits": list(LIMITS),
    }


def _data(described: dict[str, Any]) -> str:
    """Markdown: a line for every corpus of ``training_data``."""
    return "\n".join(f"- **{s['name']}** ({s['licence']}): {s['use']}." for s in described["training_data"])


def labels() -> dict[str, Any]:
    """The label sets, topics with their IPTC Media Topic codes."""
    return {
        "topics": [{"label": label, "code": code} for label, code in TOPIC_CODES.items()],
        "actor_types": list(ACTOR_TYPES),
        "kinds": list(KINDS),
        "stances": list(STANCES),
    }


def figures_table(metrics: dict[str, Any]) -> str:
    """Markdown: one row per figure, one column per split."""
    splits = list(metrics)
    names = list(metrics[splits[0]]) if splits else []
    head = ["| figure | " + " | ".join(splits) + " |", "|---|" + "---|" * len(splits)]
    return "\n".join(head + [f"| {n} | " + " | ".join(f"{metrics[s][n]:.3f}" for s in splits) + " |" for n in names])


def model_card(config: TrainingConfig, described: dict[str, Any], drift: dict[str, float]) -> str:
    """The README of an artifact folder."""
    encoder = described["base_encoder"]
    limits = "\n".join(f"- {limit}" for limit in described["limits"])
    worst = max(drift.values())
    return f"""# Model card: Mawaqif `{described["name"]}` {described["version"]}

Topics, speakers, named actors and directed stances in Arabic news, paragraph by paragraph. One encoder
({encoder["name"]}, licence {encoder["licence"]}), several heads, ONNX with int8 weights. Licence of these weights: {LICENCE}.

## Training data
{_data(described)}

Corpus text is not part of this repository. Seed {config.seed}; the whole configuration is `configs/{config.export.name}.yaml`.

## Figures
Calibration and thresholds were chosen on dev; test was only measured. Printed by
`python -m training evaluate --artifact service/artifacts/{config.export.name} --data DIR --split test`.

{figures_table(described["figures"])}

## Calibration
Expected calibration error over ten bins, on gold paragraphs and pairs: how far scores are from the share that is right. `topic`
and `stance` score the likeliest label; `favor` and `against` that label over all pairs. Printed by
`python -m training evaluate --artifact service/artifacts/{config.export.name} --data DIR --split test`.

{figures_table(described["expected_calibration_error"])}

![Reliability on test](reliability.svg)

Largest mean difference in probability between the trained checkpoint and these int8 graphs, over the heads: {worst:.4f}
(the export refuses more than {config.export.max_drift}).

## Limits
{limits}

## Files
`tagger.onnx` (token ids to token states and tags), `relations.onnx` (topics, links, statement kinds, stances),
`tokenizer.json`, `labels.json`, `calibration.json` (temperatures and thresholds), `card.json` (what `GET /model` answers),
`manifest.json` (SHA-256 of each, library versions). A changed file is refused when the service starts.
"""


def baseline_card(version: str, metrics: dict[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """The answer of ``GET /model?model=baseline``; ``sources``: what it was fitted on."""
    return {
        "name": "baseline",
        "version": version,
        "kind": "baseline",
        "base_encoder": None,
        "labels": labels(),
        "figures": metrics,
        "training_data": [SOURCES[name] for name in sources],
        "licence": LICENCE,
        "limits": list(LIMITS),
    }


def baseline_model_card(described: dict[str, Any]) -> str:
    """The README of the baseline's folder."""
    return f"""# Model card: Mawaqif baseline {described["version"]}

Linear models (scikit-learn) for the whole task, to compare the transformer with: TF-IDF for topics; a lexicon of speech verbs,
gazetteers of names and linear taggers for mentions and speakers; linear classifiers for references and stances.
Licence: {LICENCE}.

Fitted by `python -m training baseline --data DIR`, thresholds chosen on dev, on
{_data(described)}

Holds weights, words, n-grams and names, no text of the corpus. Read with skops, which trusts no type beyond its own list.

Figures, printed by `python -m training evaluate --artifact service/artifacts/baseline --data DIR --split test`:

{figures_table(described["figures"])}

Limits: those of the [transformer](../compact/README.md), and it knows words only as they are spelled.
"""
