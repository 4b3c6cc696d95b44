"""Warnings of one visit, in its log."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field


@dataclass(slots=True)
class Warnings:
    """Warns once about what the operator can fix, and logs the rest at INFO."""

    logger: logging.Logger | logging.LoggerAdapter[logging.Logger]
    _shown: set[str] = field(default_factory=set)

    def once(self, text: str, url: str) -> None:
        """Log a text at WARNING the first time, then at INFO."""
        level = logging.INFO if text in self._shown else logging.WARNING
        self._shown.add(text)
        self.logger.log(level, "%s: %s", url, text)

    def detail(self, text: str, url: str) -> None:
        """Log a text that the operator cannot act on, at INFO."""
        self.logger.info("%s: %s", url, text)
