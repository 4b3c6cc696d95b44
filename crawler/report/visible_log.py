"""The log of a run, with control characters in foreign text made visible."""

from __future__ import annotations

import logging
import time

from scrapy.utils.log import configure_logging

from registry.text import visible

# Times are in UTC. Who wrote a line is only told in a whole log.
FORMAT = "%(asctime)s %(levelname)s: %(message)s"
WHOLE = "%(asctime)s [%(name)s] %(levelname)s: %(message)s"
TIMES = "%Y-%m-%d %H:%M:%S"
# Their warnings are recorded as refusals.
QUIET = ("scrapy.core.downloader", "scrapy.downloadermiddlewares", "scrapy.extensions")


class VisibleLog(logging.Formatter):
    """Wraps another formatter and makes control characters in each line visible."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter(FORMAT, TIMES)
        self._inner.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted record."""
        return "\n".join(map(visible, self._inner.format(record).split("\n")))


def log_to_stderr(*, verbose: bool) -> None:
    """Write this process's log to stderr: warnings only, or all records if `verbose`."""
    configure_logging({"LOG_INSTALL_ROOT_HANDLER": False})
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleLog(logging.Formatter(WHOLE, TIMES) if verbose else None))
    handler.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.NOTSET)
    for name in () if verbose else QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
