"""The lines of a text file, of limited length; lines that are not UTF-8 are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from registry import files
from registry.claims.csv_rows import CsvLine
from registry.claims.rows import UnreadableRow
from registry.errors import UnreadableInput

LONGEST_LINE = 16 << 20
CONVERT = "convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE"
# Byte order marks, the longer first.
_OTHER_ENCODINGS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


class NotUtf8(UnreadableRow):
    """A line holds bytes that are not UTF-8."""

    hint = CONVERT


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
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
    # Bytes that are not UTF-8 are decoded to lone surrogates, so that the other lines are read.
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield file


def lines_of(file: TextIO) -> Iterator[CsvLine]:
    r"""Yield the lines of a file opened by `opened`; they end in \n, \r\n or \r."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            yield CsvLine(number, _checked(line))
            continue
        while line and not line.endswith(("\n", "\r")):
            line = file.readline(LONGEST_LINE)
        yield CsvLine(number, UnreadableRow(f"a line is longer than {LONGEST_LINE >> 20} MiB"))


def _checked(line: str) -> str | UnreadableRow:
    if "\0" in line:
        return UnreadableRow("a NUL byte")
    if not line.isascii():
        try:
            line.encode("utf-8")
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            return NotUtf8(f"not UTF-8 (byte 0x{byte:02x})")
    return line
