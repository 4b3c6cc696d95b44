"""Reads the record batches of Arrow IPC files and streams one by one, also behind damaged ones.

A file is mapped: of columns that are not compressed only the parts that are used are read.
"""

from __future__ import annotations

import io
import mmap
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from registry.datasets.arrow.messages import (
    BATCH,
    DICTIONARY,
    FEATHER_1,
    FIRST,
    MAGIC,
    SCHEMA,
    Message,
    blocks,
    message_at,
    messages_from,
)
from registry.datasets.remote.paths import is_remote
from registry.datasets.streams import unreadable
from registry.errors import RefusedFile, UnreadableDataset
from registry.files import opened


@dataclass(frozen=True, slots=True)
class Group:
    """A record batch and the dictionaries before it; without a batch, why it cannot be read."""

    batch: Message | None
    dictionaries: Sequence[Message] = ()
    damage: str = ""

    @property
    def rows(self) -> int:
        """The number of rows; one if it is not known."""
        return self.batch.rows if self.batch else 1


class ArrowFile:
    """The messages of a file. Raises UnreadableDataset if its start cannot be read.

    `is_file`: whether it has the form of a file, not of a stream.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data, self._map = _bytes_of(path)
        self.is_file = bytes(self.data[: len(MAGIC)]) == MAGIC
        first = FIRST if self.is_file else 0
        try:
            message = message_at(self.data, first)
            if message is None or message.kind != SCHEMA:
                raise ValueError("no schema at its start")
            self.schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(self.bytes_of(message)))
            _read_names(self.schema)
        except (ValueError, pa.ArrowException, OSError) as error:
            raise unreadable(str(path), error) from error
        self.start = message
        self._blocks = blocks(self.data) if self.is_file else None

    @property
    def metadata(self) -> Any:
        """The metadata at the end of a file, which are not those of its schema."""
        if self._blocks is not None:
            with suppress(pa.ArrowException, OSError):
                whole = self.data
                source = whole.file if isinstance(whole, FileBytes) else pa.py_buffer(whole)
                return pa.ipc.open_file(source).metadata
        return None

    def bytes_of(self, message: Message) -> memoryview:
        """Return the bytes of a message."""
        return self.data[message.start : message.end]

    def forget(self, message: Message | None) -> None:
        """Take the bytes of a message out of memory; they can be read again."""
        if message is None or self._map is None:
            return
        start = -(-message.start // mmap.PAGESIZE) * mmap.PAGESIZE
        size = message.end // mmap.PAGESIZE * mmap.PAGESIZE - start
        if size > 0:
            self._map.madvise(mmap.MADV_DONTNEED, start, size)

    def groups(self) -> Iterator[Group]:
        """Yield the record batches in order; the last one may say what could not be read."""
        if self._blocks is not None:
            yield from self._listed(*self._blocks)
            return
        dictionaries: list[Message] = []
        end = self.start.end
        try:
            for message in messages_from(self.data, end):
                end = message.end
                if message.kind == DICTIONARY:
                    dictionaries.append(message)
                elif message.kind == BATCH:
                    yield _group(message, dictionaries)
                    dictionaries = []
            if self.is_file and end == len(self.data):
                # The end of a stream need not be marked, that of a file is.
                raise ValueError("cut off")
        except ValueError as error:
            yield Group(None, (), f"the rest cannot be read: {error}")

    def _listed(self, dictionaries: Sequence[int], batches: Sequence[int]) -> Iterator[Group]:
        """Yield the batches that the end of a file names. All its dictionaries come first."""
        first: list[Message] = []
        for place in dictionaries:
            message = self._at(place, DICTIONARY)
            if message:
                first.append(message)
        for place in batches:
            batch = self._at(place, BATCH)
            yield _group(batch, first) if batch else Group(None, (), "a damaged record batch")
            first = []

    def _at(self, place: int, kind: int) -> Message | None:
        try:
            message = message_at(self.data, place) if place >= 0 else None
        except ValueError:
            return None
        return message if message and message.kind == kind else None


class BatchReader:
    """Reads record batches one by one, in order; after a damaged one Arrow begins anew."""

    def __init__(self, file: ArrowFile, columns: Sequence[int] = ()) -> None:
        """Read some columns by their numbers; all, if none is given."""
        self._file = file
        self._options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=list(columns))
        self._parts = _Parts()
        self._reader: pa.RecordBatchReader | None = None
        # The messages that make each dictionary.
        self._dictionaries: dict[int, list[Message]] = {}

    def pass_over(self, group: Group) -> None:
        """Go to the next batch without reading this one."""
        self._learn(group)
        if group.dictionaries:
            self._reader = None

    def read(self, group: Group) -> tuple[pa.RecordBatch, Any]:
        """Return a record batch and its metadata; raise ValueError if it cannot be read."""
        self._learn(group)
        if group.batch is None:
            raise ValueError(group.damage)
        try:
            messages = self._open() if self._reader is None else [*group.dictionaries]
            self._parts.add(map(self._file.bytes_of, [*messages, group.batch]))
            self._reader = self._reader or pa.ipc.open_stream(
                pa.PythonFile(self._parts, "r"), options=self._options
            )
            batch, metadata = self._reader.read_next_batch_with_custom_metadata()
            # What was written by others may point behind its own bytes.
            batch.validate(full=True)
        except (pa.ArrowException, OSError, MemoryError, ValueError, StopIteration) as error:
            self._reader = None
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"a damaged record batch: {why}") from error
        return batch, metadata

    def _open(self) -> list[Message]:
        """Return what Arrow must read before a batch."""
        self._parts = _Parts()
        dictionaries = (one for parts in self._dictionaries.values() for one in parts)
        return [self._file.start, *dictionaries]

    def _learn(self, group: Group) -> None:
        for message in group.dictionaries:
            if not message.is_delta:
                self._dictionaries[message.dictionary] = []
            self._dictionaries.setdefault(message.dictionary, []).append(message)


class _Parts(io.RawIOBase):
    """Bytes of several places as a stream; what is read of one place is not copied."""

    def __init__(self) -> None:
        self._parts = deque[memoryview]()

    def add(self, parts: Iterator[memoryview]) -> None:
        """Append bytes."""
        self._parts.extend(parts)

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> Any:
        """Return so many bytes, or all that are left of one part."""
        if not self._parts:
            return b""
        part = self._parts.popleft()
        if 0 <= size < len(part):
            self._parts.appendleft(part[size:])
            part = part[:size]
        return part


def _read_names(fields: Iterable[pa.Field]) -> None:
    """Read all names of fields; raise ValueError for one that is not UTF-8."""
    waiting = [*fields]
    while waiting:
        field = waiting.pop()
        str(field.name)
        if pa.types.is_nested(field.type):
            waiting += [field.type.field(number) for number in range(field.type.num_fields)]


def is_arrow(path: Path) -> bool:
    """Return whether a file begins as one of Arrow IPC, or is one of Feather 1."""
    try:
        with opened(path) as file:
            if file.read(len(MAGIC)) == MAGIC or _is_feather_1(file):
                return True
        message = message_at(_bytes_of(path)[0], 0)
    except (UnreadableDataset, RefusedFile, OSError, ValueError):
        return False
    return message is not None and message.kind == SCHEMA


def _group(batch: Message, dictionaries: Sequence[Message]) -> Group:
    if batch.is_believable:
        return Group(batch, dictionaries)
    return Group(None, dictionaries, f"a record batch that claims {batch.rows:,} rows")


def _is_feather_1(file: IO[bytes]) -> bool:
    size = len(FEATHER_1)
    if file.seek(0, os.SEEK_END) < 2 * size:
        return False
    ends = []
    for place, whence in ((0, os.SEEK_SET), (-size, os.SEEK_END)):
        file.seek(place, whence)
        ends.append(file.read(size))
    return ends == [FEATHER_1, FEATHER_1]


class FileBytes:
    """The bytes of a remote file, read where they are asked for. Raises OSError."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._size = file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        """Return their number."""
        return self._size

    def __getitem__(self, part: slice) -> memoryview:
        """Return some that follow one another."""
        start, end, _ = part.indices(self._size)
        self.file.seek(start)
        return memoryview(self.file.read(max(end - start, 0)))


def _bytes_of(path: Path) -> tuple[memoryview | FileBytes, mmap.mmap | None]:
    """Return the bytes of a file, and how it is mapped. Raises UnreadableDataset, RefusedFile."""
    try:
        with opened(path) as file:
            if not file.read(1):
                raise UnreadableDataset(
                    f"{path} is empty (0 bytes)",
                    "the download may have been cut off: get the file again",
                )
            if _is_feather_1(file):
                raise UnreadableDataset(
                    f"{path} is a file of Feather 1, which is not read",
                    "write it again as Feather 2: pandas.read_feather(OLD).to_feather(NEW)",
                )
            if is_remote(path):
                return FileBytes(path.open("rb", buffering=0)), None
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return memoryview(mapped), mapped
    except (OSError, ValueError) as error:
        raise unreadable(str(path), error) from error
