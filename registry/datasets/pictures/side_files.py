"""Files beside a picture that describe it: captions, and JSON with its URL, digests and so on.

The caption of `0001.jpg` is `0001.txt` or `0001.caption` (sd-scripts of kohya-ss; img2dataset
writes `.txt`), its JSON `0001.json` (img2dataset); gallery-dl writes `0001.jpg.json`. All are read;
the first text is the caption. Members of JSON are columns, if the first JSON files show them.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from registry.datasets._left_out import is_picture, is_picture_by_name
from registry.datasets.json.rows import NotRead, inferred, loaded
from registry.datasets.listing import File, Listing
from registry.datasets.remote.paths import is_url, path_of
from registry.datasets.text.line_blocks import LONGEST_ROW, TOO_LONG
from registry.errors import RefusedFile
from registry.files import opened
from registry.text import visible

Row = dict[str, Any]
# Columns of every table of pictures: the path, and the bytes.
FILE, IMAGE = "file", "image"
CAPTION = "caption"
# Kinds of files of a listing.
PICTURE, SIDE, OTHER = 1, 2, 0
_TEXTS, _OBJECTS = (".txt", ".caption"), (".json",)
# How the name of a side file begins: as that of the picture without its suffix, or with it.
_ENDINGS = tuple((whole, suffix) for whole in (False, True) for suffix in (*_TEXTS, *_OBJECTS))
# Pictures whose side files show the columns, and most columns of JSON.
_SAMPLE, _MOST = 64, 200


class Sides(NamedTuple):
    """What the side files of a picture hold, why one of them cannot be read, and their bytes."""

    values: Row
    unread: str | None = None
    size: int = 0


class SideFiles:
    """The side files of some pictures, and the columns for what is in them."""

    def __init__(
        self,
        kinds: Iterable[tuple[bool, str]],
        pictures: Listing | None = None,
        taken: Sequence[str] = (FILE, IMAGE),
    ) -> None:
        """`kinds` are the names that occur, `taken` names of other columns.

        Without `pictures` there are no columns.
        """
        self._taken = taken
        self._kinds = [kind for kind in _ENDINGS if kind in set(kinds)]
        self.columns: pa.Schema = pa.schema([])
        if pictures is not None and self._kinds:
            self.columns = self._sampled(pictures)

    def _sampled(self, pictures: Listing) -> pa.Schema:
        texts = [(CAPTION, pa.string())] if any(kind[1] in _TEXTS for kind in self._kinds) else []
        read = (self.read(os.path.join(*file)).values for file in pictures.files())
        rows = [{k: v for k, v in row.items() if k != CAPTION or not texts} for row in _some(read)]
        if not any(rows):
            return pa.schema(texts)
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        return pa.schema([*texts, *list(inferred(lines, rows))[:_MOST]])

    def of(self, picture: str) -> list[str]:
        """Return the side files of a picture that exist."""
        names = [self._name(picture, kind) for kind in self._kinds]
        return [name for name in names if _is_there(name)]

    def _name(self, picture: str, kind: tuple[bool, str]) -> str:
        is_whole, suffix = kind
        return (picture if is_whole else os.path.splitext(picture)[0]) + suffix

    def read(self, picture: str) -> Sides:
        """Return what the side files of a picture hold.

        A value whose name is taken is named after its kind of file, as in `json:caption`.
        """
        row: Row = dict.fromkeys(self._taken)
        unread: str | None = None
        size = 0
        for kind in self._kinds:
            path = self._name(picture, kind)
            content = _content(path)
            if content is None:
                continue
            size += len(content)
            held = _values(content, kind[1]) if isinstance(content, bytes) else content
            if isinstance(held, str):
                unread = unread or f"{shown(path)}: {held}"
                continue
            ending = path.removeprefix(os.path.splitext(picture)[0])[1:]
            for name, value in held.items():
                _put(row, name, value, ending)
        values = {name: value for name, value in row.items() if name not in self._taken}
        return Sides(values, unread, size)


def _is_there(name: str) -> bool:
    return path_of(name).exists() if is_url(name) else os.path.lexists(name)


def _put(row: Row, name: str, value: Any, ending: str) -> None:
    """Add a value, under another name if there is another value of this name."""
    if name in row and (value is None or value == row[name]):
        return
    while name in row:
        name = f"{ending}:{name}"
    row[name] = value


def kinds_of(listing: Listing) -> tuple[NDArray[np.int8], set[tuple[bool, str]]]:
    """Return which files are pictures and their side files, and the kinds of side files."""
    kinds = np.zeros(len(listing), np.int8)
    found: set[tuple[bool, str]] = set()
    for folder, files in listing.folders():
        # Names of side files begin like those of their pictures, so they are near by.
        for _, group in groupby(files, key=lambda file: file[1].partition(".")[0]):
            members = list(group)
            pictures = {name for _, name in members if _is_picture(folder, name)}
            stems = {os.path.splitext(name)[0] for name in pictures}
            for number, name in members:
                kind = _kind_of_side(name, stems, pictures)
                if name in pictures:
                    kinds[number] = PICTURE
                elif kind is not None:
                    kinds[number] = SIDE
                    found.add(kind)
    return kinds, found


def _is_picture(folder: str, name: str) -> bool:
    by_name = is_picture_by_name(name)
    return is_picture(path_of(os.path.join(folder, name))) if by_name is None else by_name


def with_sides(path: str) -> list[File]:
    """Return a file and the side files beside it."""
    sides = SideFiles(_ENDINGS).of(path)
    return [os.path.split(name) for name in (path, *sides)]


def shown(path: str) -> str:
    """Return a path as text to be shown."""
    return visible(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _kind_of_side(name: str, stems: set[str], pictures: set[str]) -> tuple[bool, str] | None:
    stem, suffix = os.path.splitext(name)
    if suffix not in (*_TEXTS, *_OBJECTS):
        return None
    if stem in stems:
        return False, suffix
    return (True, suffix) if stem in pictures else None


def _some(rows: Iterator[Row]) -> list[Row]:
    """Return the first rows that hold something; not all pictures may have side files."""
    looked_at = islice(rows, 16 * _SAMPLE)
    return list(islice((row for row in looked_at if row), _SAMPLE))


def _content(path: str) -> bytes | str | None:
    """Return the bytes of a side file; None if there is none, a text: why it cannot be read."""
    try:
        with opened(path_of(path)) as file:
            content = file.read(LONGEST_ROW + 1)
    except FileNotFoundError:
        return None
    except RefusedFile as error:
        return visible(error.message)
    except OSError as error:
        return str(error.strerror)
    return content if len(content) <= LONGEST_ROW else TOO_LONG


def _values(content: bytes, suffix: str) -> Row | str:
    """Return the values in a side file, or why it cannot be read."""
    if suffix in _TEXTS:
        return {CAPTION: _text(content)}
    try:
        value = loaded(content)
    except UnicodeDecodeError:
        return "not UTF-8"
    except NotRead as error:
        return str(error)
    return value if isinstance(value, dict) else {suffix[1:]: value}


def _text(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace").strip()
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").strip()
