"""Finds the reason why a program of PostgreSQL failed in its output. Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Shortage = Literal["space", "size"]

_FAULT = re.compile(r"\b(?:ERROR|FATAL|PANIC|error):\s*(.+)")
# A server's answers to clients that connect too early or too late; these are no faults.
_NOT_NOW = re.compile(r"the database system is (?:starting|shutting|not yet|in recovery)")
_SHORTAGES: dict[str, Shortage] = {
    "No space left on device": "space",
    "Disk quota exceeded": "space",
    "Check free disk space": "space",
    "File too large": "size",
}


class Reason(NamedTuple):
    """The message with the reason.

    `shortage`: `space` for a full disk, `size` for a limit on the size of files, else None.
    `is_named`: the program named a fault; otherwise the message is its last line.
    """

    message: str
    shortage: Shortage | None
    is_named: bool


def panic(text: str) -> Reason | None:
    """Return why a server ended all its sessions, by the last panic in its log; None without."""
    lines = [line for line in text.splitlines() if "PANIC:" in line]
    return reason(lines[-1]) if lines else None


def reason(text: str) -> Reason:
    """Return the reason why the program that wrote this log failed.

    It is the message of the last error that names a shortage, since other errors follow from
    it; else of the last error; else the last line. With errors the last line is often no
    reason: `LOG: database system is shut down`.
    """
    lines = [line for line in text.strip().splitlines() if not _NOT_NOW.search(line)]
    faults = [match[1].strip() for line in lines if (match := _FAULT.search(line))]
    shortage = next((kind for words, kind in _SHORTAGES.items() if words in text), None)
    short = [fault for fault in faults if any(words in fault for words in _SHORTAGES)]
    message = (short or faults or lines or ["no reason given"])[-1]
    return Reason(message, shortage, bool(faults))
