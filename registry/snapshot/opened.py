"""An opened snapshot: its segments and the tables of its index, mapped from disk.

Opening reads the manifest and the digests of chunks. All else is verified where it is first read.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from registry.errors import UnreadableSnapshot
from registry.files import WHOLE_LIMIT
from registry.snapshot.chunks import split, tree_digest
from registry.snapshot.content import Content
from registry.snapshot.format import DIGESTS_FILE, INDEX_FILE, MANIFEST, damaged, unopened
from registry.snapshot.manifest import (
    FileEntry,
    Manifest,
    manifest_from_json,
    refuse_other_keys,
)
from registry.snapshot.mapped import DTYPES, MappedArray, MappedFile

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


class Snapshot(Content):
    """The rows and tables of one snapshot.

    It keeps a lock that pruning respects, and its folder open: files that are opened later are
    those of the folder that was named, even if another was moved to its place.
    """

    def __init__(self, path: Path) -> None:
        """Open a snapshot's folder; raises UnreadableSnapshot."""
        super().__init__()
        self.path = path
        # Whether its values and references were validated (`registry.snapshot.verified`).
        self.is_valid = False
        self._reads_whole = False
        self._files: dict[str, MappedFile] = {}
        self._folder = _opened(path)
        try:
            self._lock = os.open(MANIFEST, os.O_RDONLY | os.O_NONBLOCK, dir_fd=self._folder)
        except OSError as error:
            raise _no_manifest(path, error) from error
        with suppress(OSError):
            # Some network file systems have no locks.
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        self.manifest = _read(self._lock, path / MANIFEST)
        self._digests = self._read_digests()

    def __del__(self) -> None:
        """Let go of the folder."""
        for handle in ("_folder", "_lock"):
            if hasattr(self, handle):
                os.close(self.__dict__.pop(handle))

    def _read_digests(self) -> dict[str, bytes]:
        files = dict(self.manifest.files)
        whole = files.pop(DIGESTS_FILE, FileEntry(-1, 0, ""))
        mapped = MappedFile(
            self._folder, DIGESTS_FILE, self.path / DIGESTS_FILE, whole.size, bytes(0)
        )
        parts = split(bytes(mapped.data), {name: entry.size for name, entry in files.items()})
        if parts is None:
            raise damaged(str(mapped.shown), "it does not fit the manifest")
        for name, entry in files.items():
            if tree_digest(parts[name]) != entry.sha256:
                raise damaged(str(mapped.shown), f"it does not fit {name} in the manifest")
        return parts

    def file(self, name: str) -> MappedFile:
        """Return one file, mapped."""
        if name not in self._files:
            if name not in self._digests:
                raise damaged(str(self.path / name), "it is missing")
            size, digests = self.manifest.files[name].size, self._digests[name]
            file = MappedFile(self._folder, name, self.path / name, size, digests)
            file.reads_whole = self._reads_whole
            self._files[name] = file
        return self._files[name]

    def chunk_digests(self, name: str) -> bytes:
        """Return the digests of the chunks of a file."""
        return self._digests[name]

    def array(self, name: str) -> NDArray[Any]:
        """Return an array of the index, by its name with its type (`entry-class.u32`)."""
        file, dtype = self.file(INDEX_FILE), DTYPES[name.rpartition(".")[2]]
        if name not in self.manifest.arrays:
            raise damaged(str(file.shown), f"it has no {name}")
        start, size = self.manifest.arrays[name]
        if size % dtype.itemsize or start % dtype.itemsize:
            raise damaged(str(file.shown), f"the place of {name} does not fit its type")
        count = size // dtype.itemsize
        # It is verified where elements are read.
        return cast("NDArray[Any]", MappedArray(file, dtype, start, count))

    def states(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the name and the state of every file, the manifest among them.

        Raises UnreadableSnapshot if one is missing or may not be read.
        """
        for name in (MANIFEST, *sorted(self.manifest.files)):
            try:
                state = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
            except OSError as error:
                raise unopened(str(self.path / name), error) from error
            yield name, state

    def verify_all(self) -> None:
        """Verify every byte; raises UnreadableSnapshot, naming the file that is altered."""
        for name in self._digests:
            self.file(name).verify_all()

    def read_whole(self) -> None:
        """Verify each column whole when it is first read, which pays if many rows are read.

        The snapshot is valid. Its index is verified where it is read.
        """
        self._reads_whole = True
        for file in self._files.values():
            file.reads_whole = True


def open_snapshot(folder: Path, *, any_keys: bool = False) -> Snapshot:
    """Open a snapshot; what is read of it is verified then.

    Raises UnreadableSnapshot with the name of the faulty file if one is missing or truncated,
    and for URL keys of another version than this program's, unless `any_keys` (for callers that
    look up no URLs).
    """
    snapshot = Snapshot(folder)
    if not any_keys:
        refuse_other_keys(snapshot.manifest, str(folder))
    for name, state in snapshot.states():
        if name != MANIFEST and state.st_size != snapshot.manifest.files[name].size:
            size = snapshot.manifest.files[name].size
            raise damaged(str(folder / name), f"it has {state.st_size} bytes instead of {size}")
    return snapshot


def read_manifest(folder: Path) -> Manifest:
    """Read a snapshot's manifest, but nothing else."""
    try:
        file = os.open(folder / MANIFEST, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise _no_manifest(folder, error) from error
    try:
        return _read(file, folder / MANIFEST)
    finally:
        os.close(file)


def _read(file: int, shown: Path) -> Manifest:
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode) or state.st_size > WHOLE_LIMIT:
        raise damaged(str(shown), "it is not a text file")
    with suppress(UnicodeDecodeError):
        return manifest_from_json(os.pread(file, state.st_size, 0).decode("utf-8"), str(shown))
    raise damaged(str(shown), "it is not a snapshot manifest")


def _no_manifest(folder: Path, error: OSError) -> UnreadableSnapshot:
    return UnreadableSnapshot(
        f"{folder} is not a snapshot: {MANIFEST} cannot be read ({error.strerror})",
        "name a snapshot folder, or run `registry snapshot build`",
    )


def _opened(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _no_manifest(folder, error) from error
