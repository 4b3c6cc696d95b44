"""The lines of a text file, of limited length; lines that are not UTF-8 are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from registry import files
from registry.claims.csv_rows import CsvLine
from registry.claims.rows import NotUtf8, UnreadableRow
from registry.errors import UnreadableInput

if TYPE_CHECKING:
    from registry.claims.plain_lines import PlainLines, PlainMap

# Bytes.
LONGEST_LINE = 16 << 20
BLOCK = 1 << 20
# Fewer plain lines are not worth being read in columns.
FEWEST_PLAIN = 500
_MARK = b"\xef\xbb\xbf"
# Byte order marks, the longer first.
_OTHER_ENCODINGS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)?")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a text file for `lines_of`.

    Raises RefusedFile for a file that is not regular, and UnreadableInput for a file
    whose byte order mark or NUL bytes show another encoding.
    """
    with files.opened(path) as file:
        start = file.read(4)
        for mark, encoding in _OTHER_ENCODINGS:
            if start.startswith(mark):
                raise UnreadableInput(
                    f"not UTF-8 but {encoding}", f"convert it: iconv -f {encoding} -t UTF-8 FILE"
                )
        if b"\0" in start:
            raise UnreadableInput(
                "not UTF-8: NUL bytes", "if it is UTF-16: iconv -f UTF-16LE -t UTF-8 FILE"
            )
        file.seek(len(_MARK) if start.startswith(_MARK) else 0)
        yield file


def lines_of(file: IO[bytes]) -> Lines:
    """Return the lines of a file opened by `opened`."""
    return Lines(file)


class Lines:
    r"""The lines of a file: one by one, or many plain ones at once; they end in \n, \r\n or \r."""

    def __init__(self, file: IO[bytes]) -> None:
        self._blocks = _blocks(file)
        self._block = b""
        self._at = 0
        self._number = 0
        self._map: PlainMap | None = None

    def __iter__(self) -> Lines:
        """Return this object."""
        return self

    def __next__(self) -> CsvLine:
        """Return the next line."""
        if not self._has_block():
            raise StopIteration
        end = _line_end(self._block, self._at)
        line = self._block[self._at : end]
        self._at = end
        self._number += 1
        return CsvLine(self._number, _checked(line))

    def plain(self, pattern: str) -> PlainLines | None:
        """Return the next lines, if many of them are plain (see `plain_map`); else None."""
        from registry.claims.plain_lines import plain_map

        if not self._has_block():
            return None
        if self._map is None or self._map.pattern != pattern:
            self._map = plain_map(self._block, self._at, pattern)
        found = self._map.run(self._at, FEWEST_PLAIN, self._number + 1)
        if found is not None:
            self._at += len(found.data)
            self._number += found.count
        return found

    def _has_block(self) -> bool:
        """Read the next block if this one is used up; return whether there is any."""
        if self._at == len(self._block):
            self._block, self._at, self._map = next(self._blocks, b""), 0, None
        return bool(self._block)


def _line_end(block: bytes, start: int) -> int:
    match = _LINE.match(block, start)
    assert match is not None
    return match.end()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file in blocks that end with a line.

    Of a line that is longer than LONGEST_LINE, only a part that is still too long is kept.
    """
    rest = b""
    while data := file.read(BLOCK):
        data = rest + data
        end = _last_end(data)
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > LONGEST_LINE and not rest.endswith(b"\r"):
            rest = rest[: LONGEST_LINE + 1]
    if rest:
        yield rest


def _last_end(data: bytes) -> int:
    r"""Return where the last complete line ends; a final \r may be half of \r\n."""
    return data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1


def _checked(line: bytes) -> str | UnreadableRow:
    ended = line.endswith((b"\n", b"\r"))
    if len(line) > LONGEST_LINE or (len(line) == LONGEST_LINE and not ended):
        return UnreadableRow(f"a line is longer than {LONGEST_LINE >> 20} MiB")
    if b"\0" in line:
        return UnreadableRow("a NUL byte")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        return NotUtf8(f"not UTF-8 (byte 0x{line[error.start]:02x})")
