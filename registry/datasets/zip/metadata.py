"""Metadata of the pictures in an archive (pure): a file that says something of each by its name.

    {"1.png": {"p": "a tower"}, ...}     an object of objects, as DiffusionDB has them
    [{"file_name": "1.png", ...}, ...]   a list of objects
    {"file_name": "1.png", ...}          JSON lines
    file_name,p                          CSV or TSV, with column names

The names are in the member or column of which most values in the first rows are names of pictures.
Kept rows are written as they are in the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from registry.datasets.json.rows import NO_OBJECT, Row, parsed
from registry.datasets.text.csv_form import form_of, names_of
from registry.datasets.text.csv_rows import rows_of
from registry.datasets.text.line_blocks import line_ends

ENDINGS = ("json", "jsonl", "ndjson", "csv", "tsv", "tab")
_TABS = ("tsv", "tab")
# First rows that show where the names are.
_ROWS = 100
_BOM = b"\xef\xbb\xbf"
_SPACE = " \t\r\n"

# Returns the picture that a name is of, or None.
Find = Callable[[str], str | None]


class _Part(NamedTuple):
    """One row: its bytes, what it says as JSON, and its members; None for one that is no object."""

    raw: bytes
    said: bytes
    row: Row | None
    key: str | None = None


@dataclass(slots=True)
class _Split:
    """A file in its rows, and the bytes before, between and after them."""

    parts: list[_Part] = field(default_factory=list)
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of pictures: JSON texts by their names; `strays` are rows of no picture."""

    said: Mapping[str, bytes]
    strays: int
    _split: _Split
    _pictures: Sequence[str | None]

    def kept(self, names: Collection[str]) -> bytes:
        """Return the file with the rows of some pictures."""
        rows = zip(self._split.parts, self._pictures, strict=True)
        raw = [part.raw for part, picture in rows if picture in names]
        return self._split.head + self._split.between.join(raw) + self._split.tail


def metadata_of(content: bytes, ending: str, find: Find) -> Metadata | None:
    """Return what a file says of the pictures that `find` knows; None if it says nothing of any."""
    split = _split(content, ending)
    if split is None:
        return None
    names = _names(split.parts, find)
    pictures = [None if name is None else find(name) for name in names]
    said: dict[str, list[bytes]] = {}
    for part, picture in zip(split.parts, pictures, strict=True):
        if picture is not None:
            said.setdefault(picture, []).append(part.said)
    if not said:
        return None
    texts = {
        picture: rows[0] if len(rows) == 1 else b"[" + b",".join(rows) + b"]"
        for picture, rows in said.items()
    }
    return Metadata(texts, pictures.count(None), split, pictures)


def _names(parts: Sequence[_Part], find: Find) -> list[str | None]:
    """Return the name that each row has of its picture."""
    counts: Counter[str | None] = Counter()
    for part in parts[:_ROWS]:
        if part.key is not None and find(part.key):
            counts[None] += 1
        for name, value in (part.row or {}).items():
            if isinstance(value, str) and find(value):
                counts[name] += 1
    member = max(counts, key=lambda one: counts[one], default=None)
    if member is None:
        return [part.key for part in parts]
    values = [(part.row or {}).get(member) for part in parts]
    return [value if isinstance(value, str) else None for value in values]


def _split(content: bytes, ending: str) -> _Split | None:
    if ending == "json":
        return _of_json(content)
    if ending in ("jsonl", "ndjson"):
        return _of_lines(content)
    return _of_csv(content, ending in _TABS)


def _of_lines(content: bytes) -> _Split:
    split = _Split(head=_BOM if content.startswith(_BOM) else b"")
    start = len(split.head)
    for end in line_ends(content).tolist():
        line = content[start:end]
        if line.strip():
            (row,) = parsed([line])
            split.parts.append(_Part(line, line.strip(), row if isinstance(row, dict) else None))
        start = end
    return split


def _of_csv(content: bytes, has_tabs: bool) -> _Split | None:
    split = _Split(head=_BOM if content.startswith(_BOM) else b"")
    data = content.removeprefix(_BOM)
    form = form_of(data[: 1 << 20], has_tabs)
    first = next(form.rows(data), b"") if form else b""
    names = names_of(form.cells(first)) if form and first else None
    if form is None or names is None:
        return None
    start = data.index(first) + len(first)
    split.head += data[:start]
    data = data[start:]
    rows = rows_of(data, form, len(names), is_last=True)
    for place, (begin, end) in enumerate(zip(rows.starts, rows.ends, strict=True)):
        cells = [cell.decode("utf-8", "replace") for cell in form.cells(data[begin:end])]
        row = dict(zip(names, cells, strict=False))
        is_whole = place not in rows.unread and len(cells) == len(names)
        said = json.dumps(row).encode()
        split.parts.append(_Part(data[begin:end], said, row if is_whole else None))
    return split


def _of_json(content: bytes) -> _Split | None:
    """Return an object or a list in its members; None for another value, or what is not JSON."""
    (value,) = parsed([content.replace(b"\n", b" ")])
    if isinstance(value, str) and value != NO_OBJECT:
        return None
    try:
        text = content.decode("utf-8-sig")
        members = list(_members(text))
    except (ValueError, IndexError, RecursionError):
        return None
    if not members:
        return None
    first, last = members[0], members[-1]
    split = _Split(head=text[: first.start].encode(), tail=text[last.end :].encode())
    if len(members) > 1:
        split.between = text[first.end : members[1].start].encode()
    for one in members:
        row = one.value if isinstance(one.value, dict) else None
        raw, said = text[one.start : one.end], text[one.begin : one.end]
        split.parts.append(_Part(raw.encode(), said.encode(), row, one.key))
    return split


class _Member(NamedTuple):
    """A member of a JSON object or list: its place, that of its value, and both in Python."""

    start: int
    begin: int
    end: int
    key: str | None
    value: Any


def _members(text: str) -> Iterator[_Member]:
    """Yield the members of a JSON object or list. Raises ValueError or IndexError for others."""
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    is_object = text[at] == "{"
    if text[at] not in "{[":
        raise ValueError(NO_OBJECT)
    at = _after_space(text, at + 1)
    while text[at] not in "}]":
        start, key = at, None
        if is_object:
            key, at = decoder.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        value, end = decoder.raw_decode(text, at)
        yield _Member(start, at, end, key, value)
        at = _after_space(text, end)
        at = _after_space(text, at + 1) if text[at] == "," else at


def _after_space(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at
