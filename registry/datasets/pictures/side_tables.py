"""Tables beside shards, as img2dataset writes them: `00000.parquet` is about `00000.tar`.

Such a table has a row for each picture that was asked for, also for those that could not be
downloaded, with its `key`. It is read where the samples of its shard do not say the same.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from registry.datasets.fitting import fitted
from registry.datasets.formats.parquet import ParquetTable
from registry.datasets.hidden import GROUP, UNREAD
from registry.datasets.parquet_writer import ParquetKeeper
from registry.errors import RefusedFile, UnreadableDataset

KEY = "key"
# Most bytes of a table that are kept in memory.
_MOST_BYTES = 256 << 20


def side_schema(path: Path) -> pa.Schema | None:
    """Return the columns of a table beside a shard; None if it has no keys, or cannot be read."""
    try:
        schema = ParquetTable(path).schema
    except (UnreadableDataset, RefusedFile):
        return None
    return schema if KEY in schema.names else None


class SideTable:
    """Some columns of a table, by the keys of the samples."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Read the columns of `schema` that it has; raise UnreadableDataset or RefusedFile."""
        self.path, self._schema = path, schema
        table = ParquetTable(path)
        if KEY not in table.schema.names:
            raise UnreadableDataset(f"{path} has no column {KEY}", "get the file again")
        names = dict.fromkeys([KEY, *(name for name in schema.names if name in table.schema.names)])
        kept: list[pa.RecordBatch] = []
        size = 0
        for batch in table.batches([*names]):
            # The rows of a part that cannot be read are missing.
            kept += [] if UNREAD in batch.schema.names else [batch]
            size += batch.nbytes
            if size > _MOST_BYTES:
                raise UnreadableDataset(
                    f"{path} is too large to be read beside its shard", "split both"
                )
        fields = [table.schema.field(name) for name in names]
        self._rows = pa.Table.from_batches(kept, pa.schema(fields)).combine_chunks()
        self._keys = _texts(self._rows.column(KEY))

    def of(self, keys: pa.Array) -> pa.RecordBatch:
        """Return the rows with some keys, or with their names without folders.

        Rows without a key of the table are nulls, with the reason in a hidden column.
        """
        bases = [None if key is None else key.rpartition("/")[2] for key in keys.to_pylist()]
        places = pc.index_in(keys, value_set=self._keys)
        places = pc.coalesce(places, pc.index_in(pa.array(bases, pa.string()), self._keys))
        places = pc.if_else(keys.is_valid(), places, None)
        rows = self._rows.take(places).combine_chunks().to_batches()[0]
        batch = fitted(rows, self._schema.names, self._schema)
        if UNREAD in batch.schema.names or not places.null_count:
            return batch
        why = f"{self.path.name} has no row with its key"
        lost = pc.and_(keys.is_valid(), places.is_null())
        return batch.append_column(UNREAD, pc.if_else(lost, why, pa.scalar(None, pa.string())))


def write_kept(path: Path, source: Path, keys: Collection[str]) -> None:
    """Write the rows of a table with some keys, in its row groups; raise UnwritableOutput.

    Nothing is written for a table that cannot be read.
    """
    names = pa.array(sorted({*keys, *(key.rpartition("/")[2] for key in keys)}), pa.string())
    try:
        table = ParquetTable(source)
    except (UnreadableDataset, RefusedFile):
        return
    writer = ParquetKeeper(path, source)
    try:
        for batch in table.batches([*table.schema.names, GROUP]):
            if UNREAD not in batch.schema.names:
                kept = pc.is_in(_texts(batch.column(KEY)), value_set=names)
                writer.write(batch.filter(kept))
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def _texts(keys: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return keys as texts, also of numbers or a dictionary."""
    texts = keys.cast(pa.string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
