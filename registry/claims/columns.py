"""The known columns of a table, and the known column that an unknown one may stand for. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches

from registry.errors import UnreadableInput
from registry.model import Claim

COLUMNS = tuple(field.name for field in fields(Claim) if field.name != "file_name")
KEYS = ("url", "sha256", "md5", "phash64", "site")
# Most unknown columns to keep by name; a file of JSON lines may have any number.
MOST_UNKNOWN = 100
_SHOWN = 60
# Similarity of names, from 0 to 1, as difflib measures it.
_MISSPELT, _NEAR = 0.9, 0.75
_SEPARATORS = re.compile(r"[\s._-]+")


def short(text: str) -> str:
    """Return text with at most 60 characters."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Return a table's own names of the known columns, by known column.

    Case, spaces, hyphens, dots and underscores in a name do not matter: `SHA-256` is
    `sha256`. If a column has its documented name, another spelling of it is unknown.
    Raises UnreadableInput if none of KEYS is among the columns or one is there twice.
    """
    columns: dict[str, str] = {}
    for name in names:
        known = name.strip().lower()
        if known in COLUMNS:
            _add(columns, known, name)
    spelled: dict[str, str] = {}
    for name in names:
        known = _SPELLED.get(_letters(name), "")
        if known and known not in columns:
            _add(spelled, known, name)
    columns |= spelled
    if not set(KEYS) & set(columns):
        raise UnreadableInput(
            _none_usable(names),
            f"give the table one of the columns {', '.join(KEYS)} (named in its first line)",
        )
    return columns


def meant_by(name: str, present: Collection[str]) -> str | None:
    """Return the known column that an unknown name probably stands for, or None.

    Columns in `present` are in the table already and are not returned.
    """
    left = {_letters(known): known for known in COLUMNS if known not in present}
    letters = _letters(name)[:_SHOWN]
    misspelt = get_close_matches(letters, left, 1, _MISSPELT)
    if misspelt:
        return left[misspelt[0]]
    words = _SEPARATORS.split(name.lower())
    for key in KEYS:
        # `image_url` stands for `url` and, if the table has a `url`, for no other column.
        if key in words or letters.endswith(key):
            return None if key in present else key
    near = get_close_matches(letters, left, 1, _NEAR)
    return left[near[0]] if near else None


@dataclass(slots=True)
class UnknownColumn:
    """An ignored column: its name, the known column it may stand for, its file, and more files."""

    column: str
    did_you_mean: str | None
    file: str
    files: int = 1


class UnknownColumns:
    """The unknown columns of all tables of an import, each once.

    `are_more` is True if there were more than MOST_UNKNOWN.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, UnknownColumn] = {}
        self._file = ""
        self._in_file: set[str] = set()
        self.are_more = False

    def add(self, file: str, names: Iterable[str], columns: Mapping[str, str]) -> None:
        """Add the names of a table's columns, except the known ones in `columns`."""
        if file != self._file:
            self._file, self._in_file = file, set()
        taken = set(columns.values())
        for name in names:
            if name in taken or name in self._in_file:
                continue
            if name not in self._by_name:
                if len(self._by_name) == MOST_UNKNOWN:
                    self.are_more = True
                    continue
                meant = meant_by(name, columns)
                self._by_name[name] = UnknownColumn(short(name), meant, file, 0)
            self._in_file.add(name)
            self._by_name[name].files += 1

    def listed(self) -> list[UnknownColumn]:
        """Return the unknown columns, first those that probably stand for a known one."""
        return sorted(self._by_name.values(), key=lambda one: one.did_you_mean is None)


def _letters(name: str) -> str:
    """Return a name in lower case, without separators and invisible characters."""
    text = _SEPARATORS.sub("", name).lower()
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


_SPELLED = {_letters(known): known for known in COLUMNS}


def _add(columns: dict[str, str], known: str, name: str) -> None:
    if known in columns:
        raise UnreadableInput(f"the table has the column {known} twice: {columns[known]}, {name}")
    columns[known] = name


def _none_usable(names: Sequence[str]) -> str:
    seen = short(", ".join(names)) if names else "none"
    meant = dict.fromkeys(meant_by(name, ()) for name in names[:MOST_UNKNOWN])
    keys = [known for known in meant if known in KEYS]
    question = f"; did you mean {' or '.join(keys)}?" if keys else ""
    return f"no usable column; columns seen: {seen}{question}"
