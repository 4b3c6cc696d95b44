"""Writes kept pictures to a zip archive, packed as they are in another one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO

import pyarrow as pa

from registry.datasets.hidden import RAW
from registry.datasets.text.files import RawWriter
from registry.datasets.zip import records as zip_records
from registry.datasets.zip.files import ContentError
from registry.datasets.zip.records import Entry
from registry.datasets.zip.tables import LABEL, Archive, unreadable
from registry.errors import RefusedFile, UnreadableDataset
from registry.files import opened


class ZipWriter(RawWriter):
    """Writes pictures with the files beside them; batches have the columns RAW and `file`.

    Files about many pictures keep what they say of these. Texts about the archive remain; what was
    not read is not written.
    """

    def __init__(self, path: Path, source: Path) -> None:
        super().__init__(path, b"", None)
        self._source, self._place = source, 0
        self._opened: tuple[IO[bytes], Archive] | None = None
        self._records: list[bytes] = []
        self._names: set[str] = set()
        self._written: set[int] = set()

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the pictures of a batch."""
        names, raw = (batch.column(name).to_pylist() for name in (LABEL, RAW))
        for name, files in zip(names, raw, strict=True):
            for (number,) in struct.iter_unpack("<I", files or b""):
                self._copy(number)
            self._names.update([name] if name else [])

    def append(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        super().append(data)
        self._place += len(data)

    def close(self) -> None:
        """Write what remains and the directory, and give the file its name."""
        try:
            archive = self._archive()
        except (UnreadableDataset, RefusedFile):
            # Of such an archive there are no rows.
            archive = None
        if archive is not None:
            for number in archive.about:
                self._copy(number)
            for number, metadata in archive.metadata.items():
                self._pack(archive.zip.entries[number], metadata.kept(self._names))
        place = self._place
        for record in self._records:
            self.append(record)
        self.append(zip_records.end_of(len(self._records), self._place - place, place))
        self._close_source()
        super().close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._close_source()
        super().abandon()

    def _archive(self) -> Archive:
        if self._opened is None:
            try:
                file = opened(self._source)
                self._opened = file, Archive(file, self._source)
            except OSError as error:
                raise unreadable(self._source, error) from error
        return self._opened[1]

    def _close_source(self) -> None:
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _copy(self, number: int) -> None:
        """Append a file as it is in the other archive; nothing of a damaged one."""
        archive = self._archive()
        if number in self._written:
            return
        self._written.add(number)
        entry = archive.zip.entries[number]
        try:
            end = archive.zip.whole_end(entry)
            place = self._place
            for data in archive.zip.raw(entry.at, end):
                self.append(data)
        except ContentError:
            return
        except OSError as error:
            raise unreadable(self._source, error) from error
        self._records.append(zip_records.moved(entry, place))

    def _pack(self, entry: Entry, content: bytes) -> None:
        """Append a file with new content."""
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        header, new = zip_records.packed_entry(
            entry, zlib.crc32(content), len(packed), len(content)
        )
        self._records.append(zip_records.moved(new, self._place))
        self.append(header)
        self.append(packed)
