"""Writes rows to Parquet files: of any schema, or as they are in another Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from registry import durable
from registry.datasets.hidden import GROUP
from registry.errors import UsageError
from registry.files.parquet import open_parquet

OTHER_FORMATS = frozenset(
    {*(".csv", ".tsv", ".json", ".jsonl", ".html", ".txt", ".npy", ".arrow", ".tar", ".gz", ".zst")}
) | {".zip", ".tgz"}
# Most bytes of rows that wait until their row group is complete.
_MOST_WAITING = 256 << 20


class ParquetRowWriter:
    """Writes to a temporary file beside the target, which is renamed when it is complete.

    All methods except `abandon` may raise UnwritableOutput; UsageError for the name of a file
    of another format.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, compression: str | Mapping[str, str] = "zstd"
    ) -> None:
        """`compression` is a codec for all columns, or one by the path of each column.

        Arrow makes statistics of texts with five copies of the largest one: there are none of
        them, but of the answers.
        """
        if path.suffix.lower() in OTHER_FORMATS:
            raise UsageError(f"--out {path}: rows are written as Parquet", "name a .parquet file")
        self.path, self._schema = path, schema
        with durable.reported(self.path):
            self._made = durable.Unfinished(path)
            with self._removed_on_failure():
                self._writer = pq.ParquetWriter(
                    self._made.path,
                    schema,
                    compression=compression,
                    write_statistics=_small(schema),
                )

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows, as a row group."""
        with durable.reported(self.path):
            self._writer.write_batch(self._fitted(batch))

    def _fitted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the columns of the file, in its types."""
        own = set(batch.schema.names)
        columns = [
            batch.column(field.name) if field.name in own else pa.nulls(len(batch), field.type)
            for field in self._schema
        ]
        fitting = [
            column if column.type == field.type else column.cast(field.type, safe=False)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(fitting, schema=self._schema)

    def close(self) -> None:
        """Finish the file, and rename it to the target."""
        with durable.reported(self.path):
            self._writer.close()
            self._made.finish()

    def abandon(self) -> None:
        """Remove the temporary file."""
        # On a full disk closing the writer fails, too.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._made.discard()

    @contextmanager
    def _removed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            # Whatever ends the opening, also Ctrl-C, the temporary file is removed first.
            self._made.discard()
            raise


class ParquetKeeper(ParquetRowWriter):
    """Writes some rows of another Parquet file in its schema, compression and row groups.

    Rows have the column GROUP. A row group of more than 256 MB of rows may become several.
    """

    def __init__(self, path: Path, source: Path) -> None:
        metadata = open_parquet(source).metadata
        super().__init__(path, metadata.schema.to_arrow_schema(), compressions(metadata))
        self._group, self._waiting, self._bytes = -1, list[pa.RecordBatch](), 0

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows to those of their row groups."""
        for part in _by_group(batch):
            group = part.column(GROUP)[0].as_py()
            if group != self._group or self._bytes > _MOST_WAITING:
                self._flush()
            self._group = group
            rows = self._fitted(part)
            self._waiting.append(rows)
            self._bytes += rows.nbytes

    def close(self) -> None:
        """Finish the file, and rename it to the target."""
        self._flush()
        super().close()

    def _flush(self) -> None:
        if self._waiting:
            rows = pa.Table.from_batches(self._waiting)
            with durable.reported(self.path):
                self._writer.write_table(rows, row_group_size=len(rows))
        self._waiting, self._bytes = [], 0


def _small(schema: pa.Schema) -> list[str]:
    """Return the columns whose values are small: numbers, times, and texts of a check."""
    return [
        field.name
        for field in schema
        if pa.types.is_primitive(field.type) or field.name.startswith("optout_")
    ]


def compressions(metadata: pq.FileMetaData) -> dict[str, str]:
    """Return the codec of each column of a Parquet file, by the path of the column."""
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {column.path_in_schema: _codec(column.compression) for column in columns}


def _codec(name: str) -> str:
    return {"UNCOMPRESSED": "none"}.get(name, name.lower())


def _by_group(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows of each row group."""
    groups = batch.column(GROUP).to_numpy()
    starts = np.flatnonzero(np.diff(groups, prepend=-1)).tolist()
    # Without rows there are no starts.
    for start, end in zip(starts, [*starts, len(groups)][1:], strict=True):
        yield batch.slice(start, end - start)
