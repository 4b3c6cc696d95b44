"""The lines of a list of rows, by which they are found in the dataset (pure)."""

from __future__ import annotations

from collections.abc import Sequence

# Characters that would end a line or a field of it.
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"})


def lines_by_name(names: Sequence[str | None], file: str | None) -> list[list[bytes]]:
    """Return the line of each row: its name, after that of its file if `file` is given.

    A row without a name has none. Names in archives may have any characters: line ends, tabs and
    backslashes are escaped.
    """
    before = _before(file)
    return [[] if name is None else [before + _escaped(name)] for name in names]


def lines_by_number(numbers: Sequence[int], file: str | None) -> list[list[bytes]]:
    """Return the line of each row: its number, after the name of its file if `file` is given."""
    before = _before(file)
    return [[before + b"%d" % number] for number in numbers]


def _before(file: str | None) -> bytes:
    return b"" if file is None else _escaped(file) + b"\t"


def _escaped(name: str) -> bytes:
    return name.translate(_ESCAPES).encode("utf-8", "surrogateescape")
