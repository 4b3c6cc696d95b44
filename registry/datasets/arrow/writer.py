"""Writes rows of Arrow IPC files as they are there: schema, batches, compression, kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from registry import durable
from registry.datasets.arrow.fields import compact
from registry.datasets.arrow.tables import Form, PicksRows, together
from registry.datasets.hidden import ROW
from registry.errors import UnwritableOutput


class ArrowKeeper:
    """Writes the rows with the numbers ROW, which are picked from their files anew.

    `pickers` makes what picks rows of each table. A dictionary is kept whole, and a record batch
    of more than 256 MB of rows may become several. All methods except `abandon` may raise
    UnwritableOutput.
    """

    def __init__(self, path: Path, form: Form, pickers: Callable[[int], PicksRows]) -> None:
        self.path = path
        self.rows = self.bytes = 0
        self._pickers, self._table = pickers, -1
        self._picker: PicksRows | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._group: tuple[int, ...] = ()
        self._metadata: Any = None
        with self._reported():
            self._made = durable.Unfinished(path)
            try:
                self._sink = pa.OSFile(str(self._made.path), "wb")
                self._writer = _writer(self._sink, form)
            except BaseException:
                self._made.discard()
                raise

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows of a table; tables come in their order."""
        if not len(batch):
            # Rows that could not be read have no numbers.
            return
        if self._picker is None or table != self._table:
            self._picker, self._table = self._pickers(table), table
        for picked in self._picker.pick(batch.column(ROW).to_numpy()):
            if self._group != (table, *picked.group):
                self._flush()
            self._group, self._metadata = (table, *picked.group), picked.metadata
            self._waiting.append(picked.rows)

    def close(self) -> None:
        """Finish the file, and give it its name."""
        self._flush()
        with self._reported():
            self._writer.close()
            self._sink.close()
            self._made.finish()

    def abandon(self) -> None:
        """Remove the part that was written."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        with suppress(OSError, pa.ArrowException):
            self._sink.close()
        self._made.discard()

    def _flush(self) -> None:
        with self._reported():
            for batch in together(self._waiting):
                # The same bytes, however the rows came.
                rows = compact(batch)
                self._writer.write_batch(rows, self._metadata)
                self.rows += len(rows)
                self.bytes += rows.nbytes
        self._waiting = []

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            with durable.reported(self.path):
                yield
        except pa.ArrowException as error:
            raise UnwritableOutput(f"{self.path} cannot be written: {error}") from error


def _writer(sink: pa.NativeFile, form: Form) -> Any:
    options = pa.ipc.IpcWriteOptions(
        compression=form.codec, use_threads=False, emit_dictionary_deltas=form.has_deltas
    )
    if form.is_file:
        return pa.ipc.new_file(sink, form.schema, options=options, metadata=form.metadata)
    return pa.ipc.new_stream(sink, form.schema, options=options)
