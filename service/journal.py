"""What the service writes about itself: one line of JSON for each request and each failure, with the request's id.

Nothing that was posted gets here: callers hand over numbers, codes and names of their own. Knows nothing about HTTP servers.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

LOGGER: Final = logging.getLogger("mawaqif")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Entry:
    """A request's line while it is answered: whoever learns something about the request adds it to ``facts``."""

    request_id: str
    facts: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[Entry | None] = ContextVar("request", default=None)


def begin(proposed_id: str | None) -> Entry:
    """The entry of a new request, from now on that of this task and those that it starts.

    The sender may propose an id, such as one that the caller's own logs know; it is taken if it is short and plain.
    """
    taken = proposed_id if proposed_id and _REQUEST_ID.fullmatch(proposed_id) else uuid.uuid4().hex
    entry = Entry(taken)
    _current.set(entry)
    return entry


def request_id() -> str | None:
    """The id of the request that this task answers, if it answers one."""
    entry = _current.get()
    return entry.request_id if entry else None


def note(**facts: Any) -> None:
    """Add ``facts`` to the line of the current request."""
    entry = _current.get()
    if entry:
        entry.facts.update(facts)


def write(level: int, message: str, **facts: Any) -> None:
    """Log ``message`` with ``facts`` as fields of their own."""
    LOGGER.log(level, message, extra={"facts": facts})


class JsonLines(logging.Formatter):
    """A record as one line: ``time``, ``level``, ``message``, and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "message": record.getMessage(), **getattr(record, "facts", {})}
        return json.dumps(line, ensure_ascii=True)


class _StandardOutput(logging.Handler):
    """Standard output as it is when a line is written, which tests change."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stdout, flush=True)


def open_journal() -> None:
    """Write to standard output, and only there: BentoML's own loggers print everything that reaches the root."""
    if not any(isinstance(handler, _StandardOutput) for handler in LOGGER.handlers):
        LOGGER.addHandler(_StandardOutput())
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    LOGGER.disabled = False
