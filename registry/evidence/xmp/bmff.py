"""AVIF and HEIC: XMP in items of type `mime` with content type `application/rdf+xml`.

`iinf` in the box `meta` names the items, `iloc` says where they lie: in the
file (construction method 0) or in `idat` (method 1), in one or more extents
(ISO/IEC 14496-12, sections 8.11.3 and 8.11.6). An item may be deflated. A
`uuid` box of XMP, as films and CR3 have it, is read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets

_RDF = b"application/rdf+xml"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item lies: construction method, and extents as (offset, length)."""

    method: int
    extents: tuple[tuple[int, int], ...]


class _Bytes:
    """Numbers read one after the other; beyond the end they are 0 and `over` is set."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._place, self._end = data, start, end

    @property
    def over(self) -> bool:
        return self._place > self._end

    def number(self, size: int) -> int:
        self._place += size
        if self.over:
            return 0
        return int.from_bytes(self._data[self._place - size : self._place])

    def rest(self) -> bytes:
        return self._data[self._place : self._end]


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head[4:8] == b"ftyp"


def packets(data: bytes) -> Packets:
    """Return the packets of all XMP items and boxes."""
    found = Found()
    for kind, start, end in _boxes.boxes(data, 0, len(data), found):
        if kind == b"uuid":
            _boxes.uuid_packet(data, start, end, found)
        elif kind == b"meta":
            _items(data, start + 4, end, found)
    return found.packets()


def _items(data: bytes, start: int, end: int, found: Found) -> None:
    """Keep the packets of the XMP items of one `meta` box."""
    encodings: dict[int, bytes] = {}
    places: dict[int, _Place] = {}
    idat = b""
    for kind, inner, last in _boxes.boxes(data, start, end, found):
        if kind == b"iinf":
            encodings.update(_xmp_items(data, inner, last, found))
        elif kind == b"iloc":
            places.update(_places(_Bytes(data, inner, last), found))
        elif kind == b"idat":
            idat = data[inner:last]
    for item, encoding in encodings.items():
        if item not in places or places[item].method not in {0, 1}:
            found.warn("an XMP item lies where it cannot be read")
            continue
        content = _content(idat if places[item].method else data, places[item], found)
        found.packet(_decoded(content, encoding, found))


def _xmp_items(data: bytes, start: int, end: int, found: Found) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers of XMP items with their content encoding (empty: none)."""
    version = data[start] if start < end else 0
    first = start + (8 if version else 6)
    for kind, inner, last in _boxes.boxes(data, first, end, found):
        entry = _Bytes(data, inner, last)
        version = entry.number(1)
        entry.number(3)
        item = entry.number(4 if version == 3 else 2)
        entry.number(2)
        if kind != b"infe" or (version >= 2 and entry.number(4) != int.from_bytes(b"mime")):
            continue
        names = entry.rest()[:4096].split(b"\0")
        content_type = names[1].partition(b";")[0].strip().lower() if len(names) > 1 else b""
        if content_type == _RDF:
            yield item, names[2].strip().lower() if len(names) > 2 else b""


def _places(table: _Bytes, found: Found) -> Iterator[tuple[int, _Place]]:
    """Yield the numbers of items with where they lie."""
    version = table.number(1)
    table.number(3)
    sizes = table.number(1)
    more_sizes = table.number(1)
    offset, length, base = sizes >> 4, sizes & 15, more_sizes >> 4
    index = more_sizes & 15 if version else 0
    wide = 4 if version >= 2 else 2
    extents = 0
    for _ in range(table.number(wide)):
        item = table.number(wide)
        method = table.number(2) & 15 if version else 0
        table.number(2)
        start = table.number(base)
        count = table.number(2)
        extents += count + 1
        if extents > MAX_BLOCKS or table.over:
            found.warn("the table of items is cut short or too long")
            return
        spans = []
        for _ in range(count):
            table.number(index)
            at = start + table.number(offset)
            spans.append((at, table.number(length)))
        yield item, _Place(method, tuple(spans))


def _content(source: bytes, place: _Place, found: Found) -> bytes:
    pieces = []
    for start, length in place.extents:
        # A length of 0 means up to the end.
        piece = source[start : start + length if length else None]
        if len(piece) < length:
            found.warn("an XMP item is cut short")
        pieces.append(found.take(piece))
    return b"".join(pieces)


def _decoded(content: bytes, encoding: bytes, found: Found) -> bytes:
    if encoding in {b"deflate", b"zlib"}:
        return found.inflated(content)
    if encoding == b"br":
        return found.unbrotlied(content)
    return content
