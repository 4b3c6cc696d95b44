"""Writes rows to a Parquet file, compressed with zstd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from registry import durable
from registry.errors import UsageError

OTHER_FORMATS = frozenset(
    {*(".csv", ".tsv", ".json", ".jsonl", ".html", ".txt", ".arrow", ".tar", ".gz", ".zst")}
)


class ParquetRowWriter:
    """Writes to a temporary file beside the target, which is renamed when it is complete.

    All methods except `abandon` may raise UnwritableOutput; UsageError for the name of a file
    of another format.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        if path.suffix.lower() in OTHER_FORMATS:
            raise UsageError(f"--out {path}: rows are written as Parquet", "name a .parquet file")
        self.path, self._names = path, schema.names
        with durable.reported(self.path):
            self._made = durable.Unfinished(path)
            with self._removed_on_failure():
                self._writer = pq.ParquetWriter(self._made.path, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        with durable.reported(self.path):
            self._writer.write_batch(batch.select(self._names))

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
