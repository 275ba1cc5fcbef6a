"""The order of the steps, from the text of articles to their analyses.

read_document → finder.find (windows → encoder → decoding → relations) → resolve_actors → assemble. Data flows through once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.analysis.actors import resolve_actors
from service.analysis.assemble import assemble
from service.analysis.document import read_document
from service.analysis.findings import Finder
from service.analysis.gazetteer import Gazetteer
from service.analysis.result import Analysis


@dataclass(frozen=True)
class Analyzer:
    """A model with what turns its findings into answers. Holds no state between calls."""

    finder: Finder
    gazetteer: Gazetteer

    def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        """The analyses of non-blank ``texts``, in order; none depends on the others."""
        documents = [read_document(text) for text in texts]
        return [
            assemble(document, findings, resolve_actors(document, findings, self.gazetteer), self.finder)
            for document, findings in zip(documents, self.finder.find(documents), strict=True)
        ]
