"""Why a program of PostgreSQL failed, from what it wrote. Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Lack = Literal["space", "size"]

_FAULT = re.compile(r"\b(?:ERROR|FATAL|PANIC|error):\s*(.+)")
# What a server tells those who ask too early or too late: no fault of its own.
_NOT_NOW = re.compile(r"the database system is (?:starting|shutting|not yet|in recovery)")
_LACKS: dict[str, Lack] = {
    "No space left on device": "space",
    "Disk quota exceeded": "space",
    "Check free disk space": "space",
    "File too large": "size",
}


class Reason(NamedTuple):
    """The message that says why; `lack` is what the disk lacks: `space`, `size` of files, or None.

    `is_said` tells that the program named a fault; else the message is its last line.
    """

    message: str
    lack: Lack | None
    is_said: bool


def reason(text: str) -> Reason:
    """Return why a program failed that wrote this log.

    The last line is often no reason: `LOG: database system is shut down`. So it is the
    message of the last error, or of the last one that names what the disk lacks: others follow it.
    """
    lines = [line for line in text.strip().splitlines() if not _NOT_NOW.search(line)]
    found = [match[1].strip() for line in lines if (match := _FAULT.search(line))]
    lack = next((lack for words, lack in _LACKS.items() if words in text), None)
    lacking = [fault for fault in found if any(words in fault for words in _LACKS)]
    message = (lacking or found or lines or ["no reason given"])[-1]
    return Reason(message, lack, bool(found))
