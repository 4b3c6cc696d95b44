"""Reads a JSON text as a stream: the elements of an array or object, block by block (pure).

Blocks have whole elements. An element that is longer than LONGEST_ROW is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from registry.datasets.json.scan import SPACE, Scan, State, scan
from registry.datasets.json.shapes import BOM
from registry.datasets.text.line_blocks import LONGEST_ROW, TOO_LONG

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUT_OFF = "the file is cut off here"
GOES_ON = "the file goes on behind the end of its rows"
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LONGEST_NAME = 1 << 20
# Bytes in which the end of a value is looked for first.
_NEAR = 4096
_WITHOUT_LINES = bytes.maketrans(b"\n\r", b"  ")


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements that follow one another in `data`; `unread`: one that cannot be read, and why.

    `starts` and `ends` are their places, with the space around each.
    """

    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    found: Scan
    unread: str = ""

    def __len__(self) -> int:
        """Return the number of elements."""
        return 1 if self.unread else len(self.starts)

    def texts(self) -> list[bytes]:
        """Return the elements without the space around them; nothing of one that is not read."""
        if self.unread:
            return [b""]
        return _texts(self.data, self.starts, self.ends)

    def first_two(self) -> list[bytes]:
        """Return the first two elements with the space around them."""
        pairs = zip(self.starts[:2].tolist(), self.ends[:2].tolist(), strict=True)
        return [self.data[start:end] for start, end in pairs]

    def behind_last(self) -> bytes:
        """Return the space behind the last element."""
        last = self.data[int(self.starts[-1]) : int(self.ends[-1])]
        return last[len(last.rstrip(SPACE)) :]

    def lines(self) -> list[bytes]:
        """Return the elements without line ends."""
        return _texts(_in_one_line(self.data), self.starts, self.ends)

    def members(self) -> tuple[list[bytes], list[bytes]]:
        """Return the names and the values, without line ends, of elements that are ordinary."""
        data, colons = _in_one_line(self.data), self._inside(self.found.colons)
        return _texts(data, self.starts, colons), _texts(data, colons + 1, self.ends)

    def are_ordinary(self, named: bool) -> bool:
        """Return whether each holds one object or array, with a name if `named`."""
        found = self.found
        places = [found.opening, found.closing, *([found.colons] if named else [])]
        return not (self.unread or found.broken) and all(map(self._has_one_each, places))

    def _inside(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places that are not in an element of the next block."""
        return places[: int(np.searchsorted(places, self.ends[-1]))]

    def _has_one_each(self, places: NDArray[np.int64]) -> bool:
        places = self._inside(places)
        if len(places) != len(self.starts):
            return False
        return bool(((places >= self.starts) & (places < self.ends)).all())


class Cursor:
    """A place in a JSON text. `copy` is called with all bytes that are gone over, if given.

    Methods raise ValueError for what is not JSON, or is cut off.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        """Read so many bytes at a time."""
        self._file, self._size = file, size
        self._data, self._at = b"", 0
        # Bytes before those in hand.
        self._gone = 0
        self.copy: Callable[[bytes], object] | None = None

    @property
    def place(self) -> int:
        """The number of bytes before the cursor."""
        return self._gone + self._at

    def start(self) -> None:
        """Go behind the bracket at the start of the text."""
        self._more()
        if self._data.startswith(BOM):
            self._go(len(BOM))
        self.peek()
        self._go(1)

    def peek(self) -> bytes:
        """Go over space, and return the next byte; nothing at the end of the text."""
        while True:
            rest = self._rest()
            own = rest.lstrip(SPACE)
            self._go(len(rest) - len(own))
            if own or not self._more():
                return own[:1]

    def members(self) -> Iterator[str]:
        """Yield the names in an object; go over the value of each with one of the next two."""
        while self.peek() == b'"':
            yield self._name()
            if self.peek() == b",":
                self._go(1)
        if self.peek() != b"}":
            raise ValueError(CUT_OFF if not self.peek() else "not JSON")
        self._go(1)

    def value(self) -> None:
        """Go over a value."""
        state, near = State(), _NEAR
        self.peek()
        while True:
            part = self._data[self._at : self._at + near]
            found = scan(part, state)
            ends = [*found.commas[:1].tolist(), *([] if found.close is None else [found.close])]
            self._go(min(ends, default=len(part)))
            if ends:
                return
            state, near = found.state, near * 8
            if not self._rest() and not self._more():
                raise ValueError(CUT_OFF)

    def opens(self, bracket: bytes) -> bool:
        """Go behind a bracket if it is next."""
        is_next = self.peek() == bracket
        if is_next:
            self._go(1)
        return is_next

    def elements(self) -> Iterator[Elements]:
        """Yield the elements of the array or object that is open, and go behind its end.

        The last one may say that the text is cut off.
        """
        while True:
            data = self._rest()
            found = scan(data)
            ends = found.commas
            if found.close is not None and (len(ends) or data[: found.close].strip(SPACE)):
                ends = np.append(ends, found.close)
            if len(ends):
                starts = np.concatenate([[0], found.commas + 1])[: len(ends)]
                yield Elements(data, starts, ends, found)
            elif len(data) > LONGEST_ROW:
                yield _unread(TOO_LONG)
                self._pass_over(found.state)
                continue
            if found.close is not None:
                self._go(found.close + 1)
                return
            self._go(int(ends[-1]) + 1 if len(ends) else 0)
            if not self._more():
                yield _unread(CUT_OFF)
                return

    def _pass_over(self, state: State) -> None:
        """Go to the end of an element, whose start is in the bytes that were read."""
        self._go(len(self._rest()))
        while self._more():
            found = scan(self._rest(), state)
            if len(found.commas):
                self._go(int(found.commas[0]) + 1)
                return
            if found.close is not None:
                self._go(found.close)
                return
            self._go(len(self._rest()))
            state = found.state

    def _name(self) -> str:
        """Go over a name and the colon behind it."""
        while not (text := _TEXT.match(self._data, self._at)):
            if len(self._rest()) > _LONGEST_NAME or not self._more():
                raise ValueError(CUT_OFF)
        name: str = json.loads(text[0])
        self._go(len(text[0]))
        if not self.opens(b":"):
            raise ValueError("not JSON" if self.peek() else CUT_OFF)
        return name

    def _rest(self) -> bytes:
        return self._data[self._at :]

    def _go(self, size: int) -> None:
        if self.copy and size:
            self.copy(self._data[self._at : self._at + size])
        self._at += size

    def _more(self) -> bool:
        """Read more bytes; return whether there were some."""
        more = self._file.read(self._size)
        self._gone += self._at
        self._data, self._at = self._data[self._at :] + more, 0
        return bool(more)


def _unread(why: str) -> Elements:
    nothing = np.zeros(0, np.int64)
    return Elements(b"", nothing, nothing, scan(b""), why)


def _texts(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[bytes]:
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [data[start:end].strip(SPACE) for start, end in pairs]


def _in_one_line(data: bytes) -> bytes:
    if b"\n" in data or b"\r" in data:
        return data.translate(_WITHOUT_LINES)
    return data
