"""Snapshots on disk: written durably, opened memory-mapped, refused when damaged.

`ROOT/000007/` holds snapshot 7, `ROOT/CURRENT` names the newest. A snapshot is
written under a temporary name, flushed and renamed before the pointer changes; the
folder of a killed build is removed by the next build.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry import durable
from registry.errors import RefusedFile, UnreadableSnapshot, UsageError
from registry.files import read_whole, refuse_special
from registry.snapshot.format import MANIFEST, RECORDS, TABLES, damaged, schemas
from registry.snapshot.manifest import (
    FileEntry,
    Manifest,
    manifest_from_json,
    manifest_to_json,
    refuse_other_keys,
)
from registry.snapshot.references import fault

if TYPE_CHECKING:
    import pyarrow as pa

POINTER = "CURRENT"
BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot: its manifest and its tables, mapped from disk."""

    path: Path
    manifest: Manifest
    images: pa.Table
    views: pa.Table
    entries: pa.Table
    signals: pa.Table
    sites: pa.Table


class TableWriter:
    """Writes rows (dicts) to one Arrow file in batches of bounded memory."""

    def __init__(self, folder: Path, name: str) -> None:
        import pyarrow as pa

        self.path = folder / name
        self.schema = schemas()[name]
        self.rows = 0
        self._pending: list[dict[str, Any]] = []
        self._writer = pa.ipc.new_file(str(self.path), self.schema)

    def append(self, row: dict[str, Any]) -> int:
        """Add one row and return its number."""
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= BATCH_ROWS:
            self._flush()
        return self.rows - 1

    def close(self) -> FileEntry:
        """Finish the file, flush it to the disk, and return its entry for the manifest."""
        self._flush()
        self._writer.close()
        durable.flush_file(self.path)
        return FileEntry(self.path.stat().st_size, self.rows, file_sha256(self.path))

    def _flush(self) -> None:
        import pyarrow as pa

        if self._pending:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._pending, self.schema))
            self._pending = []


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; it is removed unless it was published."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with durable.unfinished(target) as made:
            yield made.make_folder()
    except OSError as error:
        raise durable.unwritable(target, error) from error


def publish(temporary: Path, target: Path, manifest: Manifest) -> None:
    """Write the manifest, then rename the finished folder to the target."""
    durable.write_text(temporary / MANIFEST, manifest_to_json(manifest))
    try:
        temporary.rename(target)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {os.strerror(error.errno or 0)}",
            "name a folder that does not exist yet",
        ) from error
    durable.flush_folder(target.parent)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock under which snapshots of `root` are numbered."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serials(root: Path) -> list[int]:
    """Return the serials of the snapshots under `root`, oldest first."""
    if not root.is_dir():
        return []
    return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit() and p.is_dir())


def folder_of(root: Path, serial: int) -> Path:
    """Return the folder that snapshot `serial` has under `root`."""
    return root / f"{serial:06d}"


def point_to(root: Path, serial: int) -> None:
    """Make `serial` the newest snapshot; call this last, when all files are on disk."""
    durable.write_text(root / POINTER, f"{serial:06d}\n")


def newest(root: Path) -> Path | None:
    """Return the folder of the newest snapshot, or None before the first one."""
    with suppress(FileNotFoundError):
        name = (root / POINTER).read_text(encoding="utf-8").strip()
        if not name.isdigit():
            raise UnreadableSnapshot(
                f"{root / POINTER} is damaged", "run `registry snapshot build`"
            )
        return root / name
    return None


def read_manifest(folder: Path) -> Manifest:
    """Read a snapshot's manifest, but not its tables."""
    path = folder / MANIFEST
    try:
        text = read_whole(path).decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    except RefusedFile as error:
        raise damaged(str(path), "it is not a text file") from error
    except OSError as error:
        raise UnreadableSnapshot(
            f"{folder} is not a snapshot: {MANIFEST} cannot be read ({error.strerror})",
            "name a snapshot folder, or run `registry snapshot build`",
        ) from error
    return manifest_from_json(text, str(path))


def open_snapshot(folder: Path, *, any_keys: bool = False) -> Snapshot:
    """Open a snapshot after comparing every file with the manifest.

    Raises UnreadableSnapshot with the name of the faulty file if one is missing,
    truncated, altered or does not fit the others, and for URL keys of another version
    than this program's, unless `any_keys` (for callers that look up no URLs).
    """
    manifest = read_manifest(folder)
    if not any_keys:
        refuse_other_keys(manifest, str(folder))
    for name, entry in manifest.files.items():
        _compare(folder / name, entry)
    tables = {name: _mapped(folder / name) for name in TABLES}
    if wrong := fault(tables):
        raise damaged(str(folder / wrong[0]), wrong[1])
    return Snapshot(folder, manifest, *(tables[name] for name in TABLES))


def open_records(folder: Path, manifest: Manifest) -> pa.Table:
    """Open the table of the digests of records, after comparing its file with the manifest.

    Raises UnreadableSnapshot if it is damaged, or if the snapshot's format does not have it.
    """
    path = folder / RECORDS
    if RECORDS not in manifest.files:
        raise UnreadableSnapshot(
            f"{folder} has no digests of evidence: it has the earlier format {manifest.format}",
            "run `registry snapshot build`, or get a newer snapshot from its source",
        )
    _compare(path, manifest.files[RECORDS])
    table = _mapped(path)
    if wrong := fault({RECORDS: table}):
        raise damaged(str(path), wrong[1])
    return table


def _mapped(path: Path) -> pa.Table:
    import pyarrow as pa

    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (pa.ArrowException, OSError) as error:
        raise damaged(str(path), "it is not an Arrow file") from error
    if table.schema != schemas()[path.name]:
        raise damaged(str(path), "its columns are not those of a snapshot")
    return table


def _compare(path: Path, expected: FileEntry) -> None:
    try:
        refuse_special(path)
        size = path.stat().st_size
    except RefusedFile as error:
        raise damaged(str(path), "it is not a regular file") from error
    except OSError as error:
        raise damaged(str(path), "it is missing") from error
    if size != expected.size:
        raise damaged(str(path), f"it has {size} bytes instead of {expected.size}")
    if file_sha256(path) != expected.sha256:
        raise damaged(str(path), "its sha256 is not the one in its manifest")
