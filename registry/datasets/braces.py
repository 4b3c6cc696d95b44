"""Braces in the names of shards, as shells and WebDataset write them (pure).

`{00000..00012}` is a range of numbers, with an optional step behind a second `..`; if one of its
ends has leading zeros, all numbers have that width. `{train,val}` is a list; lists may hold other
braces. Other braces are plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

# Names of one pattern; more are a mistake in it.
MOST = 1_000_000
_RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})(?:\.\.(-?\d{1,18}))?")
# Deeper braces are plain text.
_DEEPEST = 20


def expanded(pattern: str) -> list[str]:
    """Return the names that a pattern stands for; at most one more than MOST."""
    return list(islice(_names(pattern, 0), MOST + 1))


def _names(pattern: str, depth: int) -> Iterator[str]:
    for start, end in _pairs(pattern) if depth < _DEEPEST else ():
        choices = _choices(pattern[start + 1 : end], depth)
        if choices is not None:
            for choice in choices:
                for rest in _names(pattern[end + 1 :], depth):
                    yield pattern[:start] + choice + rest
            return
    yield pattern


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of braces that belong together, by the first one."""
    opened: list[int] = []
    found: list[tuple[int, int]] = []
    for place, character in enumerate(text):
        if character == "{":
            opened.append(place)
        elif character == "}" and opened:
            found.append((opened.pop(), place))
    yield from sorted(found)


def _choices(inside: str, depth: int) -> Iterator[str] | None:
    """Return what braces stand for, or None if they are plain text."""
    if match := _RANGE.fullmatch(inside):
        return _numbers(*match.groups())
    parts = _parts(inside)
    if len(parts) < 2:
        return None
    return (name for part in parts for name in _names(part, depth + 1))


def _numbers(first: str, last: str, step: str | None) -> Iterator[str]:
    padded = any(re.match(r"-?0\d", text) for text in (first, last))
    width = max(len(first), len(last)) if padded else 0
    start, end, by = int(first), int(last), abs(int(step or 1)) or 1
    numbers = range(start, end + 1, by) if start <= end else range(start, end - 1, -by)
    return (f"{number:0{width}d}" for number in numbers)


def _parts(inside: str) -> list[str]:
    """Return the parts between the commas that are in no further braces."""
    parts, depth = [""], 0
    for character in inside:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts
