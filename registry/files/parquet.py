"""Opens Parquet files; encrypted columns are found before Arrow reads them."""

from __future__ import annotations

import io
import os
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
    file, names = open_partly(path)
    if names:
        file.close()
        raise RefusedFile(
            f"{path} has encrypted columns, which are not read: {', '.join(names)}",
            "write it again without encryption, or without these columns",
        )
    return file


def open_partly(path: Path) -> tuple[pq.ParquetFile, list[str]]:
    """Open a file, and return the names of its encrypted columns, too: within others with dots.

    These are not to be asked for, nor their metadata: Arrow ends the process at one. Raises
    RefusedFile if nothing of the file can be read without its keys.
    """
    if isinstance(path, PurePath):
        with files.opened(path) as file:
            names = _encrypted_in(path, file)
        opened = pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False)
        return opened, names
    # Arrow cannot open a path by its name that only behaves like one on disk.
    files.refuse_special(path)
    raw = path.open("rb", buffering=0)
    names = _encrypted_in(path, raw)
    raw.seek(0)
    return pq.ParquetFile(raw, buffer_size=REMOTE_BUFFER_BYTES, pre_buffer=False), names


def _encrypted_in(path: Path, file: IO[bytes] | io.RawIOBase) -> list[str]:
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
