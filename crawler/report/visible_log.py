"""The log of a run, with other people's text made safe to show."""

from __future__ import annotations

import logging

from scrapy.utils.log import configure_logging

from registry.text import visible

# These say in the log what is recorded as a refusal anyway.
FORMAT = "%(asctime)s [%(name)s] %(levelname)s: %(message)s"
QUIET = ("scrapy.core.downloader", "scrapy.downloadermiddlewares", "scrapy.extensions")


class VisibleLog(logging.Formatter):
    """Formats records of a log as another formatter does, each line made visible."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter(
            "%(asctime)s [%(name)s] %(levelname)s: %(message)s"
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        return "\n".join(map(visible, self._inner.format(record).split("\n")))


def log_to_stderr(*, verbose: bool) -> None:
    """Show this process's log on stderr: warnings, or all of it."""
    configure_logging({"LOG_INSTALL_ROOT_HANDLER": False})
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleLog())
    handler.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.NOTSET)
    for name in () if verbose else QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
