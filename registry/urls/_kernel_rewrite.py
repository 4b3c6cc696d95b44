"""Brings a URL to the normal form of `url_key`, compiled by numba.

It does so only where the result is certain, and leaves all else to `url_key`: hosts that are not
ASCII names, dot segments, references to characters, and non-ASCII characters at an end, which may
be invisible.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from registry.compiling import compiled
from registry.urls._kernel_bytes import (
    DIGITS,
    HEX,
    IN_HOST,
    LITERAL,
    UNRESERVED,
    ends_high,
    is_amp,
    is_tracking,
    lower,
)

# Longer URLs are left to `url_key`.
LONGEST = 4096


@compiled()
def _escaped(data: Any, start: Any, end: Any, out: Any, used: Any, quote: Any) -> Any:
    """Write a path or query with its percent-encoding in normal form; return the end of it."""
    at = start
    while at < end:
        byte = data[at]
        if byte == 37:
            high = HEX[data[at + 1]] if at + 1 < end else 255
            low = HEX[data[at + 2]] if at + 2 < end else 255
            if high > 15 or low > 15:
                out[used], out[used + 1], out[used + 2] = 37, 50, 53
                used += 3
            elif UNRESERVED[high * 16 + low]:
                out[used] = high * 16 + low
                used += 1
                at += 2
            else:
                out[used], out[used + 1], out[used + 2] = 37, DIGITS[high], DIGITS[low]
                used += 3
                at += 2
        elif LITERAL[byte] and byte != quote:
            out[used] = byte
            used += 1
        else:
            out[used], out[used + 1], out[used + 2] = 37, DIGITS[byte >> 4], DIGITS[byte & 15]
            used += 3
        at += 1
    return used


@compiled()
def _authority(data: Any, start: Any, end: Any, default_port: Any, out: Any) -> Any:
    """Write host and port of an authority after `//`; return their end, or -1."""
    used = 2
    at = start
    label = used
    while at < end and data[at] != 58:
        byte = lower(data[at])
        if byte == 46:
            if used == label:
                return -1
            if at + 1 == end or data[at + 1] == 58:
                break
            label = used + 1
        elif not IN_HOST[byte]:
            return -1
        out[used] = byte
        used += 1
        at += 1
    if used == label or 48 <= out[label] <= 57:
        return -1
    if at < end and data[at] == 46:
        at += 1
    return _port(data, at + 1, end, default_port, out, used)


@compiled()
def _port(data: Any, start: Any, end: Any, default_port: Any, out: Any, used: Any) -> Any:
    """Write a port unless it is empty or the default one; return the end, or -1."""
    if start >= end:
        return used
    if end - start > 5:
        return -1
    number = 0
    for at in range(start, end):
        if not 48 <= data[at] <= 57:
            return -1
        number = 10 * number + (data[at] - 48)
    if number > 65535:
        return -1
    if number == default_port:
        return used
    out[used] = 58
    used += 1
    power = 10000
    while power > 1 and number < power:
        power //= 10
    while power > 0:
        out[used] = 48 + number // power % 10
        used += 1
        power //= 10
    return used


@compiled()
def _has_odd_path(out: Any, start: Any, end: Any) -> Any:
    """Return whether a path has a dot segment, an escaped ampersand, or a non-ASCII end."""
    if ends_high(out, start, end):
        return True
    for at in range(start, end):
        if out[at] == 38 and is_amp(out, at + 1, end):
            return True
        if out[at] == 47 and at + 1 < end and out[at + 1] == 46:
            stop = at + 2
            if stop < end and out[stop] == 46:
                stop += 1
            if stop == end or out[stop] == 47:
                return True
    return False


@compiled()
def _query(query: Any, size: Any, out: Any, used: Any) -> Any:
    """Write the parameters that count of an escaped query; return the end, or -1."""
    first = 0
    separator = np.uint8(63)
    for at in range(size + 1):
        if at < size and query[at] != 38:
            continue
        if ends_high(query, first, at):
            return -1
        if at > first and not is_tracking(query, first, at):
            out[used] = separator
            used += 1
            out[used : used + at - first] = query[first:at]
            used += at - first
            separator = np.uint8(38)
        first = at + 1
        if at < size and is_amp(query, first, size):
            # `&amp;` is `&`, and this is left to `url_key`.
            return -1
    return used


@compiled()
def _scheme(data: Any, at: Any) -> Any:
    """Return where the authority begins, and the default port of the scheme (or -1); or -1, -1."""
    default_port = -1
    if lower(data[at]) == 104:
        for number in range(3):
            if lower(data[at + 1 + number]) != (116, 116, 112)[number]:
                return -1, -1
        at += 4
        default_port = 80
        if lower(data[at]) == 115:
            at += 1
            default_port = 443
        if data[at] != 58:
            return -1, -1
        at += 1
    if data[at] != 47 or data[at + 1] != 47:
        return -1, -1
    return at + 2, default_port


@compiled()
def _parts(data: Any, host: Any, end: Any) -> Any:
    """Return where path, query and fragment of a URL begin; where there is none, the end.

    The last is -1 if the URL is left to `url_key`: it has controls, backslashes, or perhaps
    a numeric reference to an ampersand.
    """
    path, question, stop = end, end, end
    for at in range(host, end):
        byte = data[at]
        if byte == 35:
            if data[at - 1] == 38:
                return path, question, -1
            stop = min(stop, at)
        elif at < stop:
            if byte < 14 or byte == 92:
                return path, question, -1
            if byte == 63:
                question = min(question, at)
            elif byte == 47 and at < question:
                path = min(path, at)
    question = min(question, stop)
    return min(path, question), question, stop


@compiled()
def rewrite(data: Any, start: Any, end: Any, out: Any, query: Any) -> Any:
    """Write the key of a URL into `out`; return its length and the end of the host, or -1, -1.

    `out` and `query` have at least 3 * LONGEST + 16 bytes.
    """
    while start < end and data[start] <= 32:
        start += 1
    while end > start and data[end - 1] <= 32:
        end -= 1
    if end - start < 8 or end - start > LONGEST or data[end - 1] > 127:
        return -1, -1
    host, default_port = _scheme(data, start)
    if host < 0:
        return -1, -1
    path, question, stop = _parts(data, host, end)
    if stop < 0:
        return -1, -1
    out[0], out[1] = 47, 47
    host_end = _authority(data, host, path, default_port, out)
    if host_end < 0:
        return -1, -1
    used = _escaped(data, path, question, out, host_end, -1)
    if used == host_end:
        out[used] = 47
        used += 1
    if _has_odd_path(out, host_end, used):
        return -1, -1
    if question < stop:
        size = _escaped(data, question + 1, stop, query, 0, 39)
        used = _query(query, size, out, used)
    return used, host_end
