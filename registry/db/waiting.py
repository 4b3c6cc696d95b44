"""Waits for another process, with a time limit and a message."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

EVERY_SECONDS = 0.01
SILENT_SECONDS = 5.0

log = logging.getLogger(__name__)


def waits(seconds: float, what: str) -> Iterator[None]:
    """Yield every 10 ms for `seconds`, at least once.

    After 5 s it logs one warning: `waiting for WHAT`.
    """
    started = time.monotonic()
    warned = False
    while True:
        yield
        waited = time.monotonic() - started
        if waited > seconds:
            return
        if waited > SILENT_SECONDS and not warned:
            log.warning("waiting for %s", what)
            warned = True
        time.sleep(EVERY_SECONDS)
