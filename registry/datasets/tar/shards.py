"""Shards of a WebDataset: tar files as tables, whose columns are those of the first samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from registry.datasets.hidden import RAW, UNREAD
from registry.datasets.pictures.side_tables import SideTable
from registry.datasets.streams import COMPRESSIONS, Source
from registry.datasets.tables import StreamedTable
from registry.datasets.tar.columns import Layout, batch_of
from registry.datasets.tar.reading import TarSamples
from registry.datasets.tar.samples import Sample, Wants, grouped
from registry.errors import RefusedFile, UnreadableDataset

LABEL = "__key__"
PACKED = {".tgz": "gzip", ".tzst": "zstd", ".tbz2": "bz2"}
SUFFIXES = (".tar", *PACKED)
# Samples that show the columns, and the bytes of the file in which they are.
_FIRST, _FIRST_BYTES = 256, 32 << 20


class Shard(StreamedTable):
    """The samples of one tar file. `side` is the table beside it."""

    def __init__(self, path: Path, layout: Layout, schema: pa.Schema, side: Path | None) -> None:
        self.path, self.schema, self.side = path, schema, side
        self._layout, self.source = layout, Source(path)

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all samples, with the columns `names` and hidden ones."""
        wants = Wants(any(name in self._layout.pictures for name in names), RAW in names)
        side = _Beside(self.side, self._layout)
        with self.source.opened() as file:
            for samples in grouped(TarSamples(file, wants), wants):
                yield side.joined(batch_of(samples, self._layout, names), samples)


class _Beside:
    """The table beside a shard, read when samples need it."""

    def __init__(self, path: Path | None, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._read: SideTable | UnreadableDataset | RefusedFile | None = None

    def joined(self, batch: pa.RecordBatch, samples: Sequence[Sample]) -> pa.RecordBatch:
        """Return rows with the columns of the table, if some say nothing themselves."""
        keys = [one.key if self._layout.beside or not one.objects else None for one in samples]
        if self._path is None or not any(key is not None for key in keys):
            return batch
        if self._read is None:
            try:
                self._read = SideTable(self._path, self._layout.joined)
            except (UnreadableDataset, RefusedFile) as error:
                self._read = error
        if not isinstance(self._read, SideTable):
            why = [None if key is None else self._read.message for key in keys]
            return _filled(batch, UNREAD, pa.array(why))
        rows = self._read.of(pa.array(keys, pa.string()))
        for name in rows.schema.names:
            if name in batch.schema.names or name == UNREAD:
                batch = _filled(batch, name, rows.column(name))
        return batch


def _filled(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """Return rows of which the nulls in a column are replaced."""
    if name not in batch.schema.names:
        return batch.append_column(name, values.cast(pa.string()))
    place = batch.schema.get_field_index(name)
    return batch.set_column(place, name, pc.coalesce(batch.column(place), values))


def first_samples(path: Path) -> list[Sample]:
    """Return the first samples of a tar file, without the bytes of pictures; [] for an empty one.

    Raises UnreadableDataset for a file that is none, or without any sample.
    """
    source = Source(path)
    with source.opened() as file:
        samples = TarSamples(file, Wants(pictures=False))
        found: list[Sample] = []
        for sample in islice(samples, _FIRST):
            found.append(sample)
            if samples.position > _FIRST_BYTES:
                break
    whole = [sample for sample in found if sample.key is not None]
    if found and not whole:
        raise UnreadableDataset(
            f"{source.name}: {found[0].unread}", "the file may be incomplete: get it again"
        )
    return whole


def stem_of(path: Path) -> str:
    """Return the name of a shard without its endings."""
    name = path.name
    for ending in COMPRESSIONS:
        name = name[: len(name) - len(ending)] if name.lower().endswith(ending) else name
    return Path(name).stem
