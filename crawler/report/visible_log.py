"""The log of a run with other people's text made safe to show."""

from __future__ import annotations

import logging

from registry.text import visible


class VisibleLog(logging.Formatter):
    """Formats records of a log as another formatter does, each line made visible."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        return "\n".join(map(visible, self._inner.format(record).split("\n")))


def make_visible(logger: logging.Logger) -> None:
    """Let every handler of a logger format its records so."""
    for handler in logger.handlers:
        handler.setFormatter(VisibleLog(handler.formatter))
