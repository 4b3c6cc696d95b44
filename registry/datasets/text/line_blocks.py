"""Blocks of whole lines of a text file (pure), whatever the length of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8 << 20
# A longer row is not read: its memory is bounded.
LONGEST_ROW = 64 << 20
TOO_LONG = f"longer than {LONGEST_ROW >> 20} MiB"
_LF, _CR = 10, 13


@dataclass(frozen=True, slots=True)
class Lines:
    """Bytes that end with a line; `too_long`: a single line, of which only the start is there."""

    data: bytes
    too_long: bool = False


def line_blocks(file: IO[bytes], size: int = BLOCK) -> Iterator[Lines]:
    r"""Yield the bytes of a file in blocks of whole lines, which end with \n."""
    rest = b""
    while data := file.read(size):
        end = data.rfind(b"\n") + 1
        if end:
            if len(rest) > LONGEST_ROW:
                first = data.find(b"\n") + 1
                yield Lines(rest[:LONGEST_ROW], too_long=True)
                rest, data, end = b"", data[first:], end - first
            if end:
                yield Lines(rest + data[:end])
            rest = data[end:]
        elif len(rest) <= LONGEST_ROW:
            rest += data
    if len(rest) > LONGEST_ROW:
        yield Lines(rest[:LONGEST_ROW], too_long=True)
    elif rest:
        yield Lines(rest)


def line_ends(data: bytes) -> NDArray[np.int64]:
    """Return where each line ends, after its line end; the last one may have none."""
    ends: NDArray[np.int64] = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF) + 1
    if data and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    return ends


def pieces(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
    """Return parts of some bytes that follow one another as a binary array, without copying."""
    if len(starts) and not np.array_equal(starts[1:], ends[:-1]):
        return pa.array([data[s:e] for s, e in zip(starts, ends, strict=True)], pa.large_binary())
    offsets = (
        np.append(starts, ends[-1:]).astype(np.int64) if len(starts) else np.zeros(1, np.int64)
    )
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(starts), buffers)
