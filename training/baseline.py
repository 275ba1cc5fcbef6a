"""Training the scikit-learn baseline: what is fitted, in which order, and what each step takes from the ones before.

Models are fitted on the annotated articles that are given; thresholds, shifts and temperatures are chosen on dev. A step that
learns from an earlier step's answers sees those for held-out articles, as imperfect as they will be on new text. The folder
that is written holds weights, words, n-grams and names, and no text of a corpus.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from service.analysis.gazetteer import read_gazetteer
from service.analysis.linear.parts import Parts, Settings, save_parts
from training.config import Source
from training.corpus import SOURCES, annotated_articles, read_articles
from training.examples import Annotated
from training.linear.calibrate import calibrate_stances
from training.linear.fitting import fold_numbers
from training.linear.learned import held_out_articles, learn_lexicon, read_article, read_gold
from training.linear.names import decoded, fit_names, tag_names
from training.linear.relations import fit_relations
from training.linear.speech import fit_speech
from training.linear.topics import fit_topics
from training.scoring import default_scorer, figures, load_scorer

log = logging.getLogger(__name__)
GAZETTEER: Final = "gazetteer"


def train_baseline(
    data: Path, folder: Path, seed: int, scorer: Path | None = None, gazetteer: Path | None = None,
    sources: Sequence[Source] = ("articles",),
) -> None:  # fmt: skip
    """Fit the baseline on the ``sources`` and write it to ``folder``. ``seed`` says which articles are held out together.

    ``scorer``: by which stance weights are chosen, the one beside the corpus unless another is given; where there is none, the
    weights stay as annotated statements alone would have them. ``gazetteer``: its folder, unless given the one beside ``folder``.

    Raises:
        CorpusError: when a corpus file is missing or cannot be read.
    """
    train = [annotated for source in sources for annotated in SOURCES[source](data, "train")]
    parts = fit_baseline(train, list(annotated_articles(data, "dev")), seed)
    path, names = scorer or default_scorer(data), (gazetteer or folder.parent / GAZETTEER) / "gazetteer.json"
    if path.is_file() and names.is_file():
        judge, dev = load_scorer(path), read_articles(data, "dev")
        parts = calibrate_stances(parts, read_gazetteer(names), dev, lambda answers: figures(judge, dev, answers))
    else:
        log.warning("no scorer at %s or no names at %s: stance weights are those of annotated statements", path, names)
    save_parts(parts, folder, seed)


def fit_baseline(train: list[Annotated], dev: list[Annotated], seed: int) -> Parts:
    """All that the baseline learns from ``train``, with what is chosen on ``dev``."""
    golds = [read_gold(annotated) for annotated in train]
    lexicon = learn_lexicon(golds)
    articles = held_out_articles(golds, fold_numbers(len(golds), seed))
    dev_articles = [read_article(read_gold(annotated), lexicon) for annotated in dev]

    names = fit_names(articles, dev_articles)
    found = [decoded(names.decoder, article, rows) for article, rows in zip(articles, names.held_out, strict=True)]
    dev_found = [decoded(names.decoder, article, tag_names(names.tagger, article)) for article in dev_articles]
    speech = fit_speech(articles, found, dev_articles, dev_found)
    relations = fit_relations(articles, dev_articles)

    models = {
        "names first": names.tagger.first, "names second": names.tagger.second, "clitics": names.decoder.clitics,
        "speech first": speech.tagger.first, "speech second": speech.tagger.second,
        "speakers": speech.speakers, "continuations": speech.continuations, **relations.models,
    }  # fmt: skip
    settings = Settings(
        names.decoder.inside_shift, names.decoder.transitions.tolist(), speech.speaker, speech.continuation,
        relations.stance_weights, relations.meant_factor,
    )  # fmt: skip
    return Parts(lexicon, fit_topics(articles, dev_articles), models, settings)
