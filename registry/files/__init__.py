"""Opens the files that users name: regular files only, up to a size limit.

A device, a pipe or a file of /proc may be endless or block. This module decides for all
commands which files are opened.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import IO

from registry.errors import RefusedFile, UnreadableInput

# Most bytes of a file that is read into memory. The largest picture allowed, 100 million
# pixels with transparency, is 400 MB uncompressed.
WHOLE_LIMIT = 512 << 20
COPY = "copy its content to a file, and name the file"
COPY_OR_PIPE = "copy its content to a file and name the file, or pipe it into `-`"
_INSIDE = "name the files in it, e.g. FOLDER/*"
_KINDS = (
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)
_KERNEL = (Path("/proc"), Path("/sys"))


def refuse_special(path: Path, hint: str = COPY) -> None:
    """Raise RefusedFile, naming the path, for everything but a regular file.

    Virtual files of the kernel (/proc) are refused, too. Raises OSError for a missing file.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise RefusedFile(f"{path}: a folder, not a file", _INSIDE)
    for test, kind in _KINDS:
        if test(mode):
            raise RefusedFile(f"{path}: {kind}, not a regular file", hint)
    if any(path.resolve().is_relative_to(root) for root in _KERNEL):
        raise RefusedFile(f"{path}: a virtual file of the system, not a regular file", hint)


def opened(path: Path, hint: str = COPY) -> IO[bytes]:
    """Open a regular file for reading its bytes; raise RefusedFile or OSError."""
    refuse_special(path, hint)
    return path.open("rb")


def read_whole(path: Path) -> bytes:
    """Return all bytes of a regular file of at most WHOLE_LIMIT; raise RefusedFile or OSError."""
    with opened(path) as file:
        size = path.stat().st_size
        if size > WHOLE_LIMIT:
            raise _too_large(str(path), "give a smaller file")
        # Of some remote files the size is not known before.
        return file.read() if size >= 0 else read_stream(file, str(path))


def standard_input() -> IO[bytes]:
    """Return standard input as a stream of bytes. Raises UnreadableInput if it is closed."""
    if sys.stdin is None:
        raise UnreadableInput("standard input is closed", "pipe the data into it, or name a file")
    return sys.stdin.buffer


def read_stream(stream: IO[bytes], name: str) -> bytes:
    """Return all bytes of a stream of at most WHOLE_LIMIT; raise RefusedFile, naming it."""
    content = stream.read(WHOLE_LIMIT + 1)
    if len(content) > WHOLE_LIMIT:
        raise _too_large(name, "give less data; an endless stream cannot be read")
    return content


def _too_large(name: str, hint: str) -> RefusedFile:
    return RefusedFile(f"{name}: more than {WHOLE_LIMIT >> 20} MiB", hint)
