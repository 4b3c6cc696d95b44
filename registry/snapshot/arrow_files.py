"""Tables of a snapshot in Arrow IPC files, one record batch each: written, and read by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.snapshot.format import damaged, schema_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.mapped import MappedFile


def written(table: pa.Table, kind: str) -> pa.Buffer:
    """Return the bytes of the file of a table. The same rows give the same bytes."""
    batch = _one_batch(table, schema_of(kind))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for field in schema:
        column = table[field.name]
        flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if field.nullable and flat.null_count == len(flat):
            # A column without a value takes no room.
            arrays.append(pa.nulls(len(flat)))
        elif pa.types.is_dictionary(field.type):
            arrays.append(_dictionary(flat))
        else:
            arrays.append(_compact(flat.cast(field.type)))
    return pa.RecordBatch.from_arrays(arrays, names=schema.names)


def _dictionary(column: pa.Array) -> pa.DictionaryArray:
    """Return texts as numbers of distinct texts, in the order of their first row."""
    texts = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return _compact(texts.cast(pa.string())).dictionary_encode()


def _compact(column: pa.Array) -> pa.Array:
    """Return the array with buffers that hold nothing else, whatever it was cut from."""
    return column if column.offset == 0 and not column.null_count else pa.concat_arrays([column])


class ArrowFile:
    """One opened table. What a caller takes from it is verified first.

    Raises UnreadableSnapshot if it is damaged, or has other columns than its kind.
    """

    def __init__(self, file: MappedFile, kind: str, rows: int) -> None:
        """Open a mapped file, and verify all that is not the content of a column."""
        self._file = file
        self.rows = rows
        self._base = np.frombuffer(file.data, np.uint8).ctypes.data if len(file.data) else 0
        try:
            reader = pa.ipc.open_file(pa.py_buffer(file.data))
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            self._verify_rest(batches)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            file.verify_all()
            raise damaged(str(file.shown), "it is not an Arrow file") from error
        self._schema = schema_of(kind)
        self._columns = self._checked(batches)

    def column(self, name: str) -> pa.Array:
        """Return a whole column, verified."""
        array = self._columns[name]
        if pa.types.is_null(array.type):
            return pa.nulls(self.rows, self._schema.field(name).type)
        for start, end in self._ranges(array):
            self._file.verify(np.array([start]), np.array([end]))
        return array

    def take(self, name: str, rows: NDArray[np.int64]) -> pa.Array:
        """Return a column in some rows, of which only these are verified."""
        array = self._columns[name]
        if pa.types.is_null(array.type):
            return pa.nulls(len(rows), _plain(self._schema.field(name).type))
        self._touch(array, rows)
        taken = array.take(pa.array(rows))
        return taken.dictionary_decode() if pa.types.is_dictionary(array.type) else taken

    def codes(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the texts of some rows, in a column of few texts without nulls."""
        array = self._columns[name]
        self._touch(array, rows)
        codes: NDArray[np.int64] = array.indices.take(pa.array(rows)).to_numpy().astype(np.int64)
        return codes

    def text(self, name: str, code: int) -> str:
        """Return a text by its number (see `codes`)."""
        return str(self._columns[name].dictionary[code].as_py())

    def row(self, number: int) -> dict[str, Any]:
        """Return the values of one row by the names of their columns."""
        if not self._file.is_verified:
            rows = np.array([number], np.int64)
            return {name: self.take(name, rows)[0].as_py() for name in self._columns}
        return {name: array[number].as_py() for name, array in self._columns.items()}

    def validate(self) -> None:
        """Verify all columns, and that their values fit their types."""
        self._file.verify_all()
        for array in self._columns.values():
            try:
                array.validate(full=True)
            except (pa.ArrowException, ValueError) as error:
                raise damaged(str(self._file.shown), "its values do not fit its types") from error

    @property
    def shown(self) -> Path:
        """The path of the file in messages."""
        return self._file.shown

    def _checked(self, batches: list[pa.RecordBatch]) -> dict[str, pa.Array]:
        schema = self._schema
        if len(batches) != 1 or batches[0].num_rows != self.rows:
            raise damaged(str(self.shown), f"it does not have {self.rows} rows")
        batch = batches[0]
        fits = batch.schema.names == schema.names and all(
            found.type == wanted.type or (wanted.nullable and pa.types.is_null(found.type))
            for found, wanted in zip(batch.schema, schema, strict=True)
        )
        if not fits:
            raise damaged(str(self.shown), "its columns are not those of a snapshot")
        return dict(zip(schema.names, batch.columns, strict=True))

    def _verify_rest(self, batches: list[pa.RecordBatch]) -> None:
        """Verify the bytes between the buffers of columns: what describes them."""
        columns = [array for batch in batches for array in batch.columns]
        ranges = sorted(piece for array in columns for piece in self._ranges(array))
        starts, ends = [0], []
        for start, end in ranges:
            ends.append(start)
            starts.append(end)
        ends.append(len(self._file.data))
        self._file.verify(np.array(starts, np.int64), np.array(ends, np.int64))

    def _ranges(self, array: pa.Array) -> Iterator[tuple[int, int]]:
        """Yield the places of the buffers of an array in the file."""
        if pa.types.is_dictionary(array.type):
            yield from self._ranges(array.indices)
            yield from self._ranges(array.dictionary)
            return
        for buffer in array.buffers():
            if buffer is not None and buffer.size and self._is_inside(buffer):
                start = buffer.address - self._base
                yield start, start + buffer.size

    def _is_inside(self, buffer: pa.Buffer) -> bool:
        return bool(0 <= buffer.address - self._base < len(self._file.data))

    def _touch(self, array: pa.Array, rows: NDArray[np.int64]) -> None:
        if pa.types.is_dictionary(array.type):
            self._touch(array.indices, rows)
            for start, end in self._ranges(array.dictionary):
                self._file.verify(np.array([start]), np.array([end]))
            numbers = array.indices.take(pa.array(rows)).fill_null(0).to_numpy()
            self._refuse(not _within(numbers, len(array.dictionary)))
            return
        valid, *buffers = array.buffers()
        if valid is not None:
            self._verify(valid, rows // 8, rows // 8 + 1)
        if not buffers:
            return
        if pa.types.is_string(array.type):
            places, data = buffers
            self._verify(places, rows * 4, rows * 4 + 8)
            offsets = np.frombuffer(places, np.int32)
            first, last = offsets[rows].astype(np.int64), offsets[rows + 1].astype(np.int64)
            size = 0 if data is None else data.size
            self._refuse(not (_within(first, size + 1) and _within(last - first, size + 1)))
            self._refuse(not _within(last, size + 1))
            if data is not None:
                self._verify(data, first, last)
        elif pa.types.is_boolean(array.type):
            self._verify(buffers[0], rows // 8, rows // 8 + 1)
        elif buffers[0] is not None:
            width = array.type.bit_width // 8
            self._verify(buffers[0], rows * width, (rows + 1) * width)

    def _refuse(self, wrong: bool) -> None:
        if wrong:
            raise damaged(str(self.shown), "its values do not fit its types")

    def _verify(
        self, buffer: pa.Buffer, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> None:
        if not self._is_inside(buffer):
            return
        start = buffer.address - self._base
        self._file.verify(start + starts, start + ends.astype(np.int64))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _within(numbers: NDArray[Any], end: int) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < end)
