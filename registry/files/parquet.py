"""Opens Parquet files; encrypted columns are found before Arrow reads them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO

import pyarrow.parquet as pq

from registry import files
from registry.errors import RefusedFile
from registry.files._parquet_footer import NAMELESS, encrypted_columns

BUFFER_BYTES = 1 << 20
# Of a remote file each buffer is a request.
REMOTE_BUFFER_BYTES = 2 << 20
# A Parquet file ends with the size of its footer and PAR1, or PARE for an encrypted footer.
_END = 8
_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file, to be read with small column buffers.

    Raises RefusedFile, naming the path, for a file that is encrypted or not a regular
    one, and OSError or ArrowException for one that is damaged.
    """
    names = encrypted_in(path)
    if names:
        raise RefusedFile(
            f"{path} has encrypted columns, which are not read: {', '.join(names)}",
            "write it again without encryption, or without these columns",
        )
    return open_partly(path)


def open_partly(path: Path) -> pq.ParquetFile:
    """Open a file of which the columns `encrypted_in` are not asked for, nor their metadata.

    Arrow ends the process at one.
    """
    if isinstance(path, PurePath):
        return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False)
    # Arrow cannot open a path by its name that only behaves like one on disk.
    file = path.open("rb", buffering=0)
    return pq.ParquetFile(file, buffer_size=REMOTE_BUFFER_BYTES, pre_buffer=False)


def encrypted_in(path: Path) -> list[str]:
    """Return the names of the encrypted columns of a file, those within others with dots.

    Raises RefusedFile if nothing of it can be read without its keys.
    """
    with _opened(path) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - _END, 0))
        tail = file.read(_END)
        size = int.from_bytes(tail[:4], "little")
        if len(tail) < _END or size > end - _END:
            return []
        file.seek(end - _END - size)
        names = encrypted_columns(file.read(size)) if tail[4:] == _PLAIN else []
    if tail[4:] == _ENCRYPTED or NAMELESS in names:
        raise RefusedFile(
            f"{path} is encrypted, and cannot be read", "write it again without encryption"
        )
    return names


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | io.RawIOBase]:
    """Open a file for its end, of which a remote one is to send nothing else."""
    if isinstance(path, PurePath):
        with files.opened(path) as file:
            yield file
    else:
        files.refuse_special(path)
        with path.open("rb", buffering=0) as raw:
            yield raw
