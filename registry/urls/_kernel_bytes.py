"""Classes of bytes in URLs, and tests on ranges of bytes, compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry.compiling import compiled
from registry.urls.tracking import NAMES, PREFIXES

# Classes of bytes in a path or query.
BAD, PERCENT, QUESTION, AMPERSAND, DOT, QUOTE, COLON, SLASH = (1 << bit for bit in range(8))
_LOWER, _DIGIT, _UPPER = b"abcdefghijklmnopqrstuvwxyz", b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNRESERVED_BYTES = _LOWER + _DIGIT + _UPPER + b"-._~"


def _classes() -> Any:
    table = np.full(256, BAD, np.uint8)
    for byte in _UNRESERVED_BYTES + b"!$()*+,;=@":
        table[byte] = 0
    for byte, value in zip(b"%?&.':/", (2, 4, 8, 16, 32, 64, 128), strict=True):
        table[byte] = value
    return table


def _members(members: bytes) -> Any:
    table = np.zeros(256, np.bool_)
    table[np.frombuffer(members, np.uint8)] = True
    return table


CLASSES = _classes()
IN_HOST = _members(_LOWER + _DIGIT + b"_-")
UNRESERVED = _members(_UNRESERVED_BYTES)
# Characters that a normal path or query keeps as they are.
LITERAL = _members(_UNRESERVED_BYTES + b"!$&'()*+,;=:@/?")
# A URL that ends in another character may have punctuation of a text after it.
USUAL_END = _members(_LOWER + _DIGIT + _UPPER + b"/_=~+-")
HEX = np.full(256, 255, np.uint8)
HEX[np.frombuffer(b"0123456789ABCDEFabcdef", np.uint8)] = [*range(16), *range(10, 16)]
DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8).copy()
_names = sorted(name.encode() for name in NAMES)
NAME_BYTES = np.frombuffer(b"".join(_names), np.uint8).copy()
NAME_ENDS = np.cumsum([len(name) for name in _names]).astype(np.int64)
_prefixes = [prefix.encode() for prefix in PREFIXES]
PREFIX_BYTES = np.frombuffer(b"".join(_prefixes), np.uint8).copy()
PREFIX_ENDS = np.cumsum([len(prefix) for prefix in _prefixes]).astype(np.int64)
_MOST = 63


def _tracking_sizes() -> Any:
    """Return by first character, as bits, how long the names of tracking parameters are.

    Longer ones than 63 count as 63.
    """
    sizes = np.zeros(256, np.uint64)
    for name in [*_names, *_prefixes]:
        last = _MOST if name in _prefixes else len(name)
        bits = sum(1 << size for size in range(len(name), last + 1))
        sizes[list(name[:1] + name[:1].upper())] |= np.uint64(bits)
    return sizes


TRACKING_SIZES = _tracking_sizes()


@compiled()
def lower(byte: Any) -> Any:
    return byte | np.uint8(32) if 65 <= byte <= 90 else byte


@compiled()
def _has_prefix(data: Any, start: Any, end: Any) -> Any:
    first = 0
    for number in range(len(PREFIX_ENDS)):
        size = PREFIX_ENDS[number] - first
        if end - start >= size:
            same = True
            for at in range(size):
                same = same and lower(data[start + at]) == PREFIX_BYTES[first + at]
            if same:
                return True
        first = PREFIX_ENDS[number]
    return False


@compiled()
def is_tracking(data: Any, start: Any, end: Any) -> Any:
    """Return whether the parameter in a range is for tracking."""
    stop = start
    while stop < end and data[stop] != 61:
        stop += 1
    size = stop - start
    # Few parameters begin like one for tracking and are as long.
    if size == 0 or not (TRACKING_SIZES[data[start]] >> np.uint64(min(size, _MOST))) & np.uint64(1):
        return False
    if _has_prefix(data, start, stop):
        return True
    first = 0
    for number in range(len(NAME_ENDS)):
        if NAME_ENDS[number] - first == size:
            same = True
            for at in range(size):
                if lower(data[start + at]) != NAME_BYTES[first + at]:
                    same = False
                    break
            if same:
                return True
        first = NAME_ENDS[number]
    return False


@compiled()
def is_amp(data: Any, at: Any, end: Any) -> Any:
    """Return whether `amp;` stands at a place."""
    return (
        at + 4 <= end
        and lower(data[at]) == 97
        and lower(data[at + 1]) == 109
        and lower(data[at + 2]) == 112
        and data[at + 3] == 59
    )


@compiled()
def ends_high(data: Any, start: Any, end: Any) -> Any:
    """Return whether a range ends with an encoded byte of a non-ASCII character."""
    return end - start >= 3 and data[end - 3] == 37 and HEX[data[end - 2]] >= 8
