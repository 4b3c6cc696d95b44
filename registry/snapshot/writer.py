"""Writes the files of a snapshot: segments, arrays, and the digests of all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from registry import durable
from registry.errors import UnreadableSnapshot
from registry.snapshot.chunks import DIGEST_BYTES, ChunkDigests, chunk_digests, tree_digest
from registry.snapshot.format import DIGESTS_FILE, INDEX_FILE
from registry.snapshot.manifest import FileEntry, Segment
from registry.snapshot.mapped import DTYPES, MappedFile

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from registry.snapshot.opened import Snapshot

SEGMENTS = "segments"
# An array begins at a multiple of so many bytes.
_ALIGNED = 64
# Characters of a digest in the name of a segment.
_NAMED = 16


class FolderWriter:
    """The files of a snapshot that is being written into a folder. Methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        """Make the folder of segments."""
        self._folder = folder
        self.files: dict[str, FileEntry] = {}
        self._digests: dict[str, bytes] = {}
        (folder / SEGMENTS).mkdir(exist_ok=True)

    def add_table(self, kind: str, number: int, table: pa.Table) -> str:
        """Write the rows of a segment, and return the name of its file."""
        from registry.snapshot.arrow_files import written

        content = memoryview(written(table, kind))
        digests = chunk_digests(content)
        name = f"{SEGMENTS}/{kind}-{number:08d}-{tree_digest(digests)[:_NAMED]}.arrow"
        self._write(name, content, digests, len(table))
        return name

    def write_index(self, arrays: Iterable[tuple[str, NDArray[Any]]]) -> dict[str, tuple[int, int]]:
        """Write the arrays of the index, whose types their names end with, into one file.

        Returns the first byte and the bytes of each.
        """
        places, digests = {}, ChunkDigests()
        with (self._folder / INDEX_FILE).open("wb") as file:

            def add(data: memoryview | bytes) -> None:
                digests.add(data)
                file.write(data)

            for name, array in arrays:
                kind = DTYPES[name.rpartition(".")[2]]
                data = np.ascontiguousarray(array, kind).reshape(-1).view(np.uint8).data
                add(bytes(-digests.size % _ALIGNED))
                places[name] = digests.size, len(data)
                add(data)
            file.flush()
            os.fsync(file.fileno())
        self._digests[INDEX_FILE] = digests.digests()
        sha256 = tree_digest(self._digests[INDEX_FILE])
        self.files[INDEX_FILE] = FileEntry(digests.size, len(places), sha256)
        return places

    def share(self, before: Snapshot, segment: Segment) -> bool:
        """Take a segment from an earlier snapshot; False if a file of it is damaged or missing."""
        names = list(segment.files.values())
        try:
            for name in names:
                before.file(name).verify_all()
                self._link(before.path / name, self._folder / name)
        except (UnreadableSnapshot, FileNotFoundError):
            for name in names:
                (self._folder / name).unlink(missing_ok=True)
            return False
        for name in names:
            self.files[name] = before.manifest.files[name]
            self._digests[name] = before.chunk_digests(name)
        return True

    def mapped(self, name: str) -> MappedFile:
        """Return a file that has been written."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            size, path = self.files[name].size, self._folder / name
            file = MappedFile(folder, name, path, size, self._digests[name])
        finally:
            os.close(folder)
        file.trust()
        return file

    def finish(self) -> dict[str, FileEntry]:
        """Write the digests, flush all to the disk, and return the files for the manifest."""
        content = b"".join(self._digests[name] for name in sorted(self._digests))
        digests = chunk_digests(content)
        self._write(DIGESTS_FILE, memoryview(content), digests, len(content) // DIGEST_BYTES)
        for name in (SEGMENTS, "."):
            durable.flush_folder(self._folder / name)
        return self.files

    def _write(self, name: str, content: memoryview, digests: bytes, rows: int) -> None:
        path = self._folder / name
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = FileEntry(len(content), rows, tree_digest(digests))
        if name != DIGESTS_FILE:
            self._digests[name] = digests

    @staticmethod
    def _link(source: Path, target: Path) -> None:
        with suppress(OSError):
            target.hardlink_to(source)
            return
        # Another file system, or one without links.
        shutil.copyfile(source, target)
        durable.flush_file(target)
