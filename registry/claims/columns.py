"""Which columns of a table are known, and what an unknown one may have been meant for. Pure."""

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
# Of unknown columns that are kept by name; a file of JSON lines may have any number.
MOST_UNKNOWN = 100
_SHOWN = 60
# How alike names are, from 0 to 1, as difflib has it.
_MISSPELT, _NEAR = 0.9, 0.75
_APART = re.compile(r"[\s._-]+")


def short(text: str) -> str:
    """Return text with at most 60 characters."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def columns_of(names: Sequence[str]) -> dict[str, str]:
    """Map the known columns to a table's own names for them.

    A name is known in any case, and with blanks, hyphens, dots and underscores in any
    places: `SHA-256` is `sha256`. Where a column has its documented name, another
    spelling of it is unknown. Raises UnreadableInput where none of KEYS is among them or
    one is there twice.
    """
    found: dict[str, str] = {}
    for name in names:
        known = name.strip().lower()
        if known in COLUMNS:
            _take(found, known, name)
    spelled: dict[str, str] = {}
    for name in names:
        known = _SPELLED.get(_letters(name), "")
        if known and known not in found:
            _take(spelled, known, name)
    found |= spelled
    if not set(KEYS) & set(found):
        raise UnreadableInput(
            _none_usable(names),
            f"name one of the columns {', '.join(KEYS)} (a text table does so in its first line)",
        )
    return found


def meant_by(name: str, found: Collection[str]) -> str | None:
    """Return the known column that an unknown one was probably meant for, or None.

    Columns in `found` are there already and are not meant.
    """
    left = {_letters(known): known for known in COLUMNS if known not in found}
    letters = _letters(name)[:_SHOWN]
    misspelt = get_close_matches(letters, left, 1, _MISSPELT)
    if misspelt:
        return left[misspelt[0]]
    words = _APART.split(name.lower())
    for key in KEYS:
        # `image_url` speaks of a URL, and of no other column where there is one already.
        if key in words or letters.endswith(key):
            return None if key in found else key
    near = get_close_matches(letters, left, 1, _NEAR)
    return left[near[0]] if near else None


@dataclass(slots=True)
class UnknownColumn:
    """A column that was not taken: its name, the known one it was meant for, and where it is."""

    column: str
    did_you_mean: str | None
    file: str
    files: int = 1


class UnknownColumns:
    """The unknown columns of all tables of an import, each once.

    `are_more` tells that there were more than MOST_UNKNOWN.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, UnknownColumn] = {}
        self._file = ""
        self._in_file: set[str] = set()
        self.are_more = False

    def see(self, file: str, names: Iterable[str], found: Mapping[str, str]) -> None:
        """Take the names of a table's columns, of which `found` are known."""
        if file != self._file:
            self._file, self._in_file = file, set()
        taken = set(found.values())
        for name in names:
            if name in taken or name in self._in_file:
                continue
            if name not in self._by_name:
                if len(self._by_name) == MOST_UNKNOWN:
                    self.are_more = True
                    continue
                meant = meant_by(name, found)
                self._by_name[name] = UnknownColumn(short(name), meant, file, 0)
            self._in_file.add(name)
            self._by_name[name].files += 1

    def listed(self) -> list[UnknownColumn]:
        """Return them, those that were probably meant for a known column first."""
        return sorted(self._by_name.values(), key=lambda one: one.did_you_mean is None)


def _letters(name: str) -> str:
    """Return a name without what separates its words and what cannot be seen, in lower case."""
    text = _APART.sub("", name).lower()
    if text.isascii():
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


_SPELLED = {_letters(known): known for known in COLUMNS}


def _take(found: dict[str, str], known: str, name: str) -> None:
    if known in found:
        raise UnreadableInput(f"the column {known} is there twice: {found[known]}, {name}")
    found[known] = name


def _none_usable(names: Sequence[str]) -> str:
    seen = short(", ".join(names)) if names else "none"
    meant = dict.fromkeys(meant_by(name, ()) for name in names[:MOST_UNKNOWN])
    keys = [known for known in meant if known in KEYS]
    asked = f"; did you mean {' or '.join(keys)}?" if keys else ""
    return f"no usable column; columns seen: {seen}{asked}"
