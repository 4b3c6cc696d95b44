"""Columns of a snapshot's tables: what is asked for is verified, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.snapshot.format import damaged

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from registry.snapshot.mapped import MappedFile

    # One number, or many.
    Numbers: TypeAlias = int | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Buffer:
    """Bytes of a column, and their first place in the file; None if they are not in it."""

    data: pa.Buffer
    start: int | None


class ArrowColumn:
    """One column of one record batch.

    Raises UnreadableSnapshot if what is asked for is damaged.
    """

    def __init__(self, file: MappedFile, base: int, array: pa.Array) -> None:
        """Take an array whose bytes are in a file that is mapped at the address `base`."""
        self.type = array.type
        self._file = file
        self._array = array
        self._is_whole = False
        self._texts: ArrowColumn | None = None
        self._buffers: list[_Buffer | None] = []
        if pa.types.is_dictionary(array.type):
            self._texts = ArrowColumn(file, base, array.dictionary)
            self._numbers = ArrowColumn(file, base, array.indices)
            self._has_texts = False
        else:
            size = len(file.data)
            for data in array.buffers():
                is_inside = data is not None and 0 <= data.address - base < size
                start = data.address - base if is_inside else None
                self._buffers.append(None if data is None else _Buffer(data, start))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._array)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the places of its bytes in the file."""
        if self._texts:
            yield from self._numbers.ranges()
            yield from self._texts.ranges()
        for buffer in self._buffers:
            if buffer and buffer.start is not None and buffer.data.size:
                yield buffer.start, buffer.start + buffer.data.size

    def whole(self) -> pa.Array:
        """Return all rows."""
        for start, end in self.ranges():
            self._file.verify_range(start, end)
        return self._array

    def take(self, rows: NDArray[np.int64]) -> pa.Array:
        """Return some rows, texts as strings."""
        self._touch(rows)
        taken = self._array.take(pa.array(rows))
        return taken.dictionary_decode() if self._texts else taken

    def value(self, row: int) -> Any:
        """Return the value of one row."""
        self._touch(row)
        return self._array[row].as_py()

    def codes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the texts of some rows, in a column of few texts without nulls."""
        self._touch(rows)
        codes: NDArray[np.int64] = self._numbers._codes(rows)
        return codes

    def text(self, code: int) -> str:
        """Return a text by its number (see `codes`)."""
        return str(self._array.dictionary[code].as_py())

    def validate(self) -> None:
        """Raise an error of Arrow's if values do not fit their types."""
        self._array.validate(full=True)

    def _codes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        taken = self._array.take(pa.array(rows)).fill_null(0)
        codes: NDArray[np.int64] = taken.to_numpy().astype(np.int64)
        return codes

    def _touch(self, rows: Numbers) -> None:
        """Verify the bytes of a row, or of some."""
        if self._is_whole:
            return
        if self._file.reads_whole:
            self.whole()
            self._is_whole = True
            return
        if self._texts:
            self._touch_texts(rows)
            return
        valid, *buffers = self._buffers or [None]
        if valid:
            self._verify(valid, rows // 8, rows // 8 + 1)
        if not buffers:
            return
        if pa.types.is_string(self.type):
            self._touch_strings(buffers[0], buffers[1], rows)
        elif buffers[0] and pa.types.is_boolean(self.type):
            self._verify(buffers[0], rows // 8, rows // 8 + 1)
        elif buffers[0]:
            width = self.type.bit_width // 8
            self._verify(buffers[0], rows * width, (rows + 1) * width)

    def _touch_texts(self, rows: Numbers) -> None:
        assert self._texts
        if not self._has_texts:
            self._texts.whole()
            self._has_texts = True
        self._numbers._touch(rows)
        if isinstance(rows, int):
            number = self._array.indices[rows].as_py()
            self._refuse(number is not None and not 0 <= number < len(self._texts))
        else:
            self._refuse(not _within(self._numbers._codes(rows), len(self._texts)))

    def _touch_strings(self, places: _Buffer | None, data: _Buffer | None, rows: Numbers) -> None:
        if not places:
            return
        self._verify(places, rows * 4, rows * 4 + 8)
        offsets = np.frombuffer(places.data, np.int32)
        size = data.data.size if data else 0
        first: Numbers
        last: Numbers
        if isinstance(rows, int):
            first, last = int(offsets[rows]), int(offsets[rows + 1])
            self._refuse(not 0 <= first <= last <= size)
        else:
            first, last = offsets[rows].astype(np.int64), offsets[rows + 1].astype(np.int64)
            self._refuse(not (_within(first, size + 1) and _within(last - first, size + 1)))
            self._refuse(not _within(last, size + 1))
        if data:
            self._verify(data, first, last)

    def _verify(self, buffer: _Buffer, starts: Numbers, ends: Numbers) -> None:
        if buffer.start is None:
            return
        if isinstance(starts, int) and isinstance(ends, int):
            self._file.verify_range(buffer.start + starts, buffer.start + ends)
        else:
            first, last = np.asarray(buffer.start + starts), np.asarray(buffer.start + ends)
            self._file.verify_ranges(first, last)

    def _refuse(self, wrong: bool) -> None:
        if wrong:
            raise damaged(str(self._file.shown), "its values do not fit its types")


def _within(numbers: NDArray[Any], end: int) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < end)
