"""Writes some rows of a folder of `save_to_disk` as such a folder, which `load_from_disk` opens."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa

from registry import durable
from registry.datasets import RowWriter
from registry.datasets.arrow.indices import IndexedTable
from registry.datasets.arrow.tables import ArrowTable, PicksRows
from registry.datasets.arrow.writer import ArrowKeeper
from registry.datasets.folder_writer import FolderWriter
from registry.datasets.hidden import ROW
from registry.datasets.saved.splits import Split
from registry.datasets.saved.state import (
    INFO,
    SPLITS,
    STATE,
    Size,
    kept_info,
    kept_splits,
    kept_state,
)
from registry.datasets.tables import Table

# As `datasets` writes them.
_FINGERPRINT_DIGITS = 16


class SavedKeeper:
    """Writes rows with their numbers ROW into the files that they are from.

    Files that cannot be read are left out. All methods except `abandon` may raise UnwritableOutput;
    UsageError if the folder exists.
    """

    def __init__(self, path: Path, splits: Sequence[Split]) -> None:
        self._splits = splits
        self._base = Path(os.path.commonpath([split.root.absolute() for split in splits]))
        # The split, the name and the writer of each table.
        self._places = [
            (split, name)
            for split in splits
            for name, _ in zip(split.files or [STATE], split.tables, strict=False)
        ]
        self._tables = [table for split in splits for table in split.tables]
        self._writers: dict[int, ArrowKeeper] = {}
        self._digests = {
            split.folder: hashlib.sha256(split.state) for split in splits if split.state
        }
        names = [str(self._place(split.folder) / name) for split, name in self._places]
        self._folder = FolderWriter(path, names, self._keeper, self._finish)

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows of a table; tables come in their order."""
        self._folder.write(batch, table)
        if len(batch):
            # The same digest, however the rows come.
            tables = np.full(len(batch), table)
            rows = np.stack([tables, batch.column(ROW).to_numpy()], axis=1)
            self._digests[self._places[table][0].folder].update(rows.tobytes())

    def close(self) -> None:
        """Finish the files, and give the folder its name."""
        self._folder.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._folder.abandon()

    def _keeper(self, number: int, path: Path) -> RowWriter | None:
        table: Table = self._tables[number]
        if not isinstance(table, ArrowTable | IndexedTable):
            return None

        def picker(_: int) -> PicksRows:
            return table.picker()

        writer = ArrowKeeper(path, table.form(), picker)
        self._writers[number] = writer
        return writer

    def _place(self, folder: Path) -> Path:
        """Return the place of a folder in the one that is written."""
        return folder.absolute().relative_to(self._base)

    def _finish(self, folder: Path) -> None:
        """Write the JSON files."""
        for root, splits in groupby(self._splits, lambda split: split.root):
            written = [split for split in splits if self._numbers(split)]
            sizes = {split.name: self._size(split) for split in written if split.name}
            for split in written:
                own = {split.name: self._size(split)} if split.name else {}
                self._describe(split, folder / self._place(split.folder), sizes | own)
            if any(split.folder != root for split in written):
                text = kept_splits([split.folder.name for split in written])
                durable.write_text(folder / self._place(root) / SPLITS, text)

    def _describe(self, split: Split, folder: Path, sizes: dict[str, Size]) -> None:
        files = [self._places[number][1] for number in self._numbers(split)]
        fingerprint = self._digests[split.folder].hexdigest()[:_FINGERPRINT_DIGITS]
        durable.write_text(folder / STATE, kept_state(split.state, files, fingerprint))
        if split.info is not None:
            durable.write_text(folder / INFO, kept_info(split.info, sizes))

    def _size(self, split: Split) -> Size:
        writers = [self._writers[number] for number in self._numbers(split)]
        return Size(sum(one.rows for one in writers), sum(one.bytes for one in writers))

    def _numbers(self, split: Split) -> list[int]:
        """Return the numbers of the tables of a split that are written."""
        return [
            n for n, (other, _) in enumerate(self._places) if other is split and n in self._writers
        ]
