"""The scikit-learn baseline: linear models on words, n-grams and look-ups; documents → findings.

The steps, each on what the one before found: words, topics, names, speech words and speakers, whom speakers mean, stances.
Each document is read alone, so none depends on its batch mates, and every step is linear in its length.
Knows nothing about which names are one actor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.analysis.document import Document, Span
from service.analysis.findings import Findings, FoundMention, FoundStatement, Reference
from service.analysis.labels import KINDS
from service.analysis.linear.features import Paragraph, name_features, read_paragraph, speech_features
from service.analysis.linear.kinds import kind_features
from service.analysis.linear.model import Floats, split_rows
from service.analysis.linear.names import NameDecoder, WordName, attached_length, key_of, mention_of, name_tags
from service.analysis.linear.parts import Parts, load_parts
from service.analysis.linear.references import Candidate, candidates_of, reference_features, shares
from service.analysis.linear.scene import Named, Scene, Talk
from service.analysis.linear.speakers import (
    Phrase,
    Speech,
    chosen_speakers,
    continuation_features,
    cues_of,
    speaker_features,
)  # fmt: skip
from service.analysis.linear.stances import (
    StanceAnswers,
    stacked_stance_features,
    stance_features,
    talk_features,
    targets_of,
)  # fmt: skip
from service.analysis.linear.words import read_words

YES = 1
"""The column of "yes" in the answers of models that say yes or no."""


@dataclass(frozen=True)
class Baseline:
    """A loaded baseline. Implements ``Finder``."""

    name: str
    version: str
    parts: Parts

    @classmethod
    def load(cls, folder: Path) -> Baseline:
        """Read the folder that ``python -m training baseline`` wrote.

        Raises:
            ArtifactError: when a file is missing, differs from its checksum, or holds a type that is not trusted.
        """
        parts, manifest = load_parts(folder)
        return cls(manifest["name"], manifest["version"], parts)

    @property
    def stance_weights(self) -> tuple[float, float, float]:
        """Factors of the scores of ``STANCES`` when the label is chosen."""
        return self.parts.settings.stance_weights

    @property
    def meant_factor(self) -> float:
        """A further factor of favor and against toward actors that the paragraph does not name."""
        return self.parts.settings.meant_factor

    def find(self, documents: Sequence[Document]) -> list[Findings]:
        """What is found in each document, in order."""
        return [self._findings(document) for document in documents]

    def _findings(self, document: Document) -> Findings:
        parts = self.parts
        paragraphs = [read_paragraph(words, parts.lexicon) for words in read_words(document)]
        names = find_names(parts, paragraphs)
        speeches = read_speeches(parts, paragraphs, names)
        talks = find_talks(parts, speeches)
        scene = Scene(paragraphs, named_phrases(paragraphs, names), [found.talk for found in talks])
        mentions = [mention_of(document, p, name) for p, of_p in zip(paragraphs, names, strict=True) for name in of_p]
        statements = _statements(parts, document, scene, talks, mentions)
        n_words = sum(len(p.words) for p in paragraphs)
        return Findings(parts.topics.probabilities(document), tuple(mentions), (), tuple(statements), n_words)


@dataclass(frozen=True, slots=True)
class FoundTalk:
    talk: Talk
    score: float


def find_names(parts: Parts, paragraphs: Sequence[Paragraph]) -> list[list[WordName]]:
    """The names of every paragraph."""
    features = [name_features(p, parts.lexicon) for p in paragraphs]
    rows = parts.tagger("names").probabilities(features, [p.stems for p in paragraphs])
    return decoder_of(parts).decode(paragraphs, rows, parts.lexicon)


def decoder_of(parts: Parts) -> NameDecoder:
    return NameDecoder(np.array(parts.settings.transitions), parts.settings.name_shift, parts.models["clitics"])


def read_speeches(parts: Parts, paragraphs: Sequence[Paragraph], names: Sequence[Sequence[WordName]]) -> list[Speech]:
    features = [
        speech_features(p, name_tags(len(p.forms), of_p), parts.lexicon) for p, of_p in zip(paragraphs, names, strict=True)
    ]
    rows = parts.tagger("speech").probabilities(features, [p.stems for p in paragraphs])
    return speeches_of(paragraphs, rows, names)


def speeches_of(paragraphs: Sequence[Paragraph], rows: Sequence[Floats], names: Sequence[Sequence[WordName]]) -> list[Speech]:
    """Paragraphs with the speech tagger's answers and their mentions, numbered through the document."""
    speeches, n = [], 0
    for paragraph, of_paragraph, found in zip(paragraphs, rows, names, strict=True):
        mentions = [Phrase(name.start, name.end, name.kind, n + i) for i, name in enumerate(found)]
        n += len(mentions)
        speeches.append(Speech(paragraph, of_paragraph, mentions))
    return speeches


def named_phrases(paragraphs: Sequence[Paragraph], names: Sequence[Sequence[WordName]]) -> list[Named]:
    named: list[Named] = []
    for i, (paragraph, found) in enumerate(zip(paragraphs, names, strict=True)):
        for name in found:
            named.append(Named(i, Phrase(name.start, name.end, name.kind, len(named)), key_of(paragraph, name)))
    return named


def find_talks(parts: Parts, speeches: Sequence[Speech]) -> list[FoundTalk]:
    """Who speaks in every paragraph, those whom it names or describes before one that only goes on."""
    rows = [speaker_features(speech) for speech in speeches]
    yes = parts.models["speakers"].probabilities(row for of_speech in rows for row in of_speech)[:, YES]
    scores = [of_speech[:, 0] for of_speech in split_rows(yes[:, None], rows)]
    goes_on = parts.models["continuations"].probabilities(
        continuation_features(speech, of_speech.tolist()) for speech, of_speech in zip(speeches, scores, strict=True)
    )[:, YES]
    found = []
    for i, (speech, of_speech) in enumerate(zip(speeches, scores, strict=True)):
        candidates, cues = speech.candidates, speech.cues
        taken = chosen_speakers(candidates, of_speech.tolist(), parts.settings.speaker)
        speakers = [candidates[j] for j in taken]
        owned = cues_of(speakers, cues)
        found += [FoundTalk(Talk(i, candidates[j], owned[candidates[j]]), float(of_speech[j])) for j in taken]
        if goes_on[i] >= parts.settings.continuation:
            found.append(FoundTalk(Talk(i, None, owned[None]), float(goes_on[i])))
    return found


def _statements(
    parts: Parts, document: Document, scene: Scene, talks: Sequence[FoundTalk], mentions: Sequence[FoundMention]
) -> list[FoundStatement]:
    stances = _stances(parts, scene)
    kinds = parts.models["kinds"].probabilities(kind_features(scene, talk) for talk in scene.talks).argmax(1)
    statements = []
    for i, (found, (references, unnamed)) in enumerate(zip(talks, _references(parts, scene), strict=True)):
        talk = found.talk
        speaker = _speaker_span(document, scene, talk, mentions)
        cue = _span(document, scene, talk.paragraph, talk.cue) if talk.cue else None
        kind = KINDS[int(kinds[i])]
        statements.append(FoundStatement(talk.paragraph, speaker, found.score, cue, kind, references, unnamed, tuple(stances[i])))
    return statements


def _speaker_span(document: Document, scene: Scene, talk: Talk, mentions: Sequence[FoundMention]) -> Span | None:
    if talk.speaker is None:
        return None
    if talk.speaker.mention is not None:
        return mentions[talk.speaker.mention].span
    return _span(document, scene, talk.paragraph, talk.speaker)


def _span(document: Document, scene: Scene, paragraph: int, phrase: Phrase) -> Span:
    """The code points of a phrase, without letters attached before it."""
    p = scene.paragraphs[paragraph]
    first = p.words[phrase.start]
    clitics = len(p.forms[phrase.start]) - len(p.stems[phrase.start])
    return Span(first.start + attached_length(document.text[first.start : first.end], clitics), p.words[phrase.end - 1].end)


def _references(parts: Parts, scene: Scene) -> list[tuple[tuple[Reference, ...], float]]:
    """For each talk whom its speaker may be, and the probability that it is nobody who is named."""
    asked = [candidates_of(scene, i) if _is_open(talk) else [] for i, talk in enumerate(scene.talks)]
    rows = [reference_features(scene, i, candidates) for i, candidates in enumerate(asked)]
    yes = parts.models["references"].probabilities(row for of_talk in rows for row in of_talk)[:, YES]
    answers = []
    for candidates, of_talk in zip(asked, split_rows(yes[:, None], rows), strict=True):
        scores = shares(of_talk[:, 0]).tolist()
        references = tuple(_reference(c, score) for c, score in zip(candidates[:-1], scores, strict=False))
        answers.append((references, scores[-1] if scores else 0.0))
    return answers


def _is_open(talk: Talk) -> bool:
    """Whether the speaker is not simply one of the mentions."""
    return talk.speaker is None or talk.speaker.mention is None


def _reference(candidate: Candidate, score: float) -> Reference:
    if candidate.mention is not None:
        return Reference(candidate.mention, False, score)
    if candidate.talk is None:
        raise ValueError("nobody is not a reference")
    return Reference(candidate.talk, True, score)


def _stances(parts: Parts, scene: Scene) -> list[list[tuple[int, Floats]]]:
    """For each talk, mentions and the probabilities of the stances toward them."""
    targets = [targets_of(scene, talk) for talk in scene.talks]
    pairs = [(i, target) for i, of_talk in enumerate(targets) for target in of_talk]
    rows = (row for i, of_talk in enumerate(targets) for row in stance_features(scene, scene.talks[i], of_talk))
    pair_scores = parts.models["pair stances"].probabilities(rows)
    talk_scores = parts.models["talk stances"].probabilities(talk_features(scene, talk) for talk in scene.talks)
    stacked = stacked_stance_features(scene, StanceAnswers(pairs, pair_scores, talk_scores))
    final = parts.models["stances"].probabilities(stacked)
    found: list[list[tuple[int, Floats]]] = [[] for _ in scene.talks]
    for (i, target), row in zip(pairs, final, strict=True):
        found[i] += [(mention, row) for mention in target.mentions]
    return found
