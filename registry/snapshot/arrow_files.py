"""Tables of a snapshot in Arrow IPC files, one record batch each: written, and read by row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.snapshot.arrow_columns import ArrowColumn
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
        base = np.frombuffer(file.data, np.uint8).ctypes.data if len(file.data) else 0
        try:
            reader = pa.ipc.open_file(pa.py_buffer(file.data))
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            columns = [
                [ArrowColumn(file, base, array) for array in batch.columns] for batch in batches
            ]
            self._verify_rest([column for some in columns for column in some])
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            file.verify_all()
            raise damaged(str(file.shown), "it is not an Arrow file") from error
        self._schema = schema_of(kind)
        self._refuse_other(batches)
        names: list[str] = self._schema.names
        self._columns = dict(zip(names, columns[0], strict=True))

    def column(self, name: str) -> pa.Array:
        """Return a whole column, verified."""
        column = self._columns[name]
        if pa.types.is_null(column.type):
            return pa.nulls(self.rows, self._schema.field(name).type)
        return column.whole()

    def take(self, name: str, rows: NDArray[np.int64]) -> pa.Array:
        """Return a column in some rows, of which only these are verified."""
        column = self._columns[name]
        if pa.types.is_null(column.type):
            return pa.nulls(len(rows), _plain(self._schema.field(name).type))
        return column.take(rows)

    def codes(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the texts of some rows, in a column of few texts without nulls."""
        return self._columns[name].codes(rows)

    def text(self, name: str, code: int) -> str:
        """Return a text by its number (see `codes`)."""
        return self._columns[name].text(code)

    def row(self, number: int) -> dict[str, Any]:
        """Return the values of one row by the names of their columns."""
        return {name: column.value(number) for name, column in self._columns.items()}

    def validate(self) -> None:
        """Verify all columns, and that their values fit their types."""
        self._file.verify_all()
        for column in self._columns.values():
            try:
                column.validate()
            except (pa.ArrowException, ValueError) as error:
                raise damaged(str(self._file.shown), "its values do not fit its types") from error

    @property
    def shown(self) -> Path:
        """The path of the file in messages."""
        return self._file.shown

    def _refuse_other(self, batches: list[pa.RecordBatch]) -> None:
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

    def _verify_rest(self, columns: list[ArrowColumn]) -> None:
        """Verify the bytes between the buffers of columns: what describes them."""
        starts, ends = [0], []
        for start, end in sorted(piece for column in columns for piece in column.ranges()):
            ends.append(start)
            starts.append(end)
        ends.append(len(self._file.data))
        self._file.verify_ranges(np.array(starts, np.int64), np.array(ends, np.int64))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
