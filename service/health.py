"""Whether the service is ready: the model is loaded, has answered lately, is not stuck in a call, and no shutdown is under way.

Knows nothing about HTTP, and about the model only how it is called.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from service.analysis.result import Analysis
from service.batching import Batcher
from service.settings import ReadinessSettings

PROBE_TEXT: Final = "قال الرئيس إن بلاده تدعم السلام."


class Readiness:
    """Of one model; ``batcher`` is None when it could not be loaded."""

    def __init__(self, batcher: Batcher | None, settings: ReadinessSettings) -> None:
        self._batcher = batcher
        self._settings = settings
        self._probing: asyncio.Task[bool] | None = None
        self._draining = False

    def drain(self) -> None:
        """From now on the service is not ready: it is about to stop."""
        self._draining = True

    async def check(self) -> bool:
        """Whether an article that is sent now can be expected to be analysed."""
        if self._draining or self._batcher is None:
            return False
        pulse = self._batcher.pulse
        if pulse.busy_s is not None and pulse.busy_s > self._settings.stall_after_s:
            return False
        at_work = pulse.busy_s is not None or pulse.answered_within(self._settings.probe_every_s)
        return True if at_work and pulse.answered and not pulse.failed_last else await self._probe()

    async def _probe(self) -> bool:
        """Whether the model analyses one line in time; those who ask meanwhile wait for the same answer."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._analyzes())
        try:
            return await asyncio.wait_for(asyncio.shield(self._probing), self._settings.probe_timeout_s)
        except TimeoutError:
            return False

    async def _analyzes(self) -> bool:
        return self._batcher is not None and isinstance(await self._batcher.analyze(PROBE_TEXT), Analysis)


def drain_on_sigterm(begin: Callable[[], None], seconds: float) -> None:
    """On SIGTERM call ``begin`` and go on for ``seconds`` before the server stops as it would have.

    A second one stops it at once. For the main thread, and for a server that has its own handler by now, as uvicorn has when
    the application starts.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, stop)
        begin()
        loop.call_soon_threadsafe(loop.call_later, seconds, stop, number, None)

    signal.signal(signal.SIGTERM, handle)
