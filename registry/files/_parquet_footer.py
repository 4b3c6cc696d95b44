"""Finds the encrypted columns of a Parquet file in its footer (pure).

Arrow aborts the process at such a column if the file's footer is not encrypted. So this
module reads the footer first. An encrypted column is marked in its chunk
(`crypto_metadata`, field 8 of ColumnChunk in parquet.thrift), in the same way in every row
group, so the first one is enough. The footer is in Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Thrift's compact types that are read or skipped by name.
_STRUCT, _MAP, _LIST, _SET, _BINARY, _DOUBLE, _BYTE, _UUID = 12, 11, 9, 10, 8, 7, 3, 13
_DEEPEST = 32
# Stands for a column that is encrypted with the key of the footer.
NAMELESS = "?"
# Field ids of parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnCryptoMetaData,
# EncryptionWithColumnKey.
_ROW_GROUPS, _COLUMNS, _CRYPTO, _COLUMN_KEY, _PATH = 4, 1, 8, 2, 1


def encrypted_columns(footer: bytes) -> list[str]:
    """Return the names of encrypted columns; NAMELESS for one without a name.

    Returns none for an invalid footer: opening the file then reports the fault.
    """
    try:
        return [name for name in _chunks(_Compact(footer)) if name is not None]
    except (IndexError, ValueError, RecursionError):
        return []


def _chunks(read: _Compact) -> Iterator[str | None]:
    """Yield for every column of the first row group its name if encrypted, else None."""
    for field, kind in read.fields():
        if field != _ROW_GROUPS or kind != _LIST:
            read.skip(kind)
            continue
        size, _ = read.list_head()
        if size:
            for column, of in read.fields():
                if column == _COLUMNS and of == _LIST:
                    yield from [_chunk(read) for _ in range(read.list_head()[0])]
                else:
                    read.skip(of)
        return


def _chunk(read: _Compact) -> str | None:
    name = None
    for field, kind in read.fields():
        if field == _CRYPTO and kind == _STRUCT:
            name = _encrypted_name(read)
        else:
            read.skip(kind)
    return name


def _encrypted_name(read: _Compact) -> str:
    path: list[str] = []
    for field, kind in read.fields():
        if field != _COLUMN_KEY or kind != _STRUCT:
            read.skip(kind)
            continue
        for inner, of in read.fields():
            if inner == _PATH and of == _LIST:
                path = [read.text() for _ in range(read.list_head()[0])]
            else:
                read.skip(of)
    return ".".join(path) or NAMELESS


class _Compact:
    """Reads Thrift's compact protocol; raises IndexError or ValueError for invalid data."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._skips: dict[int, Callable[[], object]] = {
            _BYTE: lambda: self._move(1),
            **dict.fromkeys((4, 5, 6), self._number),
            _DOUBLE: lambda: self._move(8),
            _BINARY: lambda: self._move(self._number()),
            _UUID: lambda: self._move(16),
        }

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield (id, type) of a struct's fields; the caller reads or skips each value."""
        last = 0
        while head := self._byte():
            last = last + (head >> 4) if head >> 4 else self._zigzag()
            yield last, head & 15

    def list_head(self) -> tuple[int, int]:
        """Return the size and the element type of a list."""
        head = self._byte()
        size = self._number() if head >> 4 == 15 else head >> 4
        if size > len(self._data):
            raise ValueError("a list longer than the data")
        return size, head & 15

    def text(self) -> str:
        """Return a text."""
        size = self._number()
        start = self._at
        self._move(size)
        return self._data[start : start + size].decode("utf-8", "replace")

    def skip(self, kind: int, depth: int = 0, *, element: bool = False) -> None:
        """Skip a value; a field's boolean is in the field's head, a list's is a byte."""
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        if kind in (1, 2):
            self._move(1 if element else 0)
        elif kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        elif kind in (_LIST, _SET):
            size, of = self.list_head()
            for _ in range(size):
                self.skip(of, depth + 1, element=True)
        elif kind == _MAP:
            self._skip_map(depth)
        else:
            self._skips.get(kind, self._fail)()

    def _skip_map(self, depth: int) -> None:
        size = self._number()
        types = self._byte() if size else 0
        for _ in range(size):
            self.skip(types >> 4, depth + 1, element=True)
            self.skip(types & 15, depth + 1, element=True)

    def _fail(self) -> None:
        raise ValueError("unknown type")

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _move(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise IndexError("the data ends early")

    def _number(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number too long")
        return value | byte << shift

    def _zigzag(self) -> int:
        value = self._number()
        return value >> 1 ^ -(value & 1)
