"""The messages between a worker and its children: one line of JSON each."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from crawler.record.schedules import DueVisit
from crawler.report.summary import Ended
from registry.db.visits import Claim

# Longest line; the counts and the URL of a visit take a few kilobytes.
MOST_BYTES = 1 << 20


class Make(msgspec.Struct, frozen=True, tag="make"):
    """To a child: make this visit."""

    due: DueVisit


class GiveBack(msgspec.Struct, frozen=True, tag="give-back"):
    """To a child: give back all visits."""


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """From a child: its event loop runs; `counts` is what it has counted since the last one."""

    counts: dict[str, int] = {}


class Began(msgspec.Struct, frozen=True, tag="began"):
    """From a child: a visit has begun. `text` is for the log."""

    claim: Claim
    text: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """From a child: a visit has ended, or was given back."""

    claim: Claim
    ended: Ended


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """From a child: a visit has stopped with an error; it failed, or goes on elsewhere.

    `ends_worker` is the hint of an error that every visit of this worker would have.
    """

    claim: Claim
    error: str
    is_failed: bool
    ends_worker: str | None = None


Order = Make | GiveBack
Report = Alive | Began | Done | Stopped
T = TypeVar("T")

_ORDERS: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def line(message: Order | Report) -> bytes:
    """Return a message as one line."""
    return msgspec.json.encode(message) + b"\n"


def order(text: bytes) -> Order:
    """Return the order in a line. Raises msgspec.DecodeError."""
    return _message(_ORDERS, text)


def report(text: bytes) -> Report:
    """Return the report in a line. Raises msgspec.DecodeError."""
    return _message(_REPORTS, text)


def _message(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    try:
        return decoder.decode(text)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from error
