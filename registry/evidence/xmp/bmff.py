"""AVIF and HEIC: XMP in items of type `mime` with content type `application/rdf+xml`.

`iinf` in the box `meta` names the items, `iloc` has their locations: in the
file (construction method 0) or in `idat` (method 1), in one or more extents
(ISO/IEC 14496-12, sections 8.11.3 and 8.11.6). An item may be compressed. A
`uuid` box with XMP, as in videos and CR3, is read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets

_RDF = b"application/rdf+xml"


@dataclass(frozen=True, slots=True)
class _Location:
    """The location of an item: construction method, and extents as (offset, length)."""

    method: int
    extents: tuple[tuple[int, int], ...]


class _Bytes:
    """Reads numbers one after the other; after the end they are 0 and `over` is True."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._position, self._end = data, start, end

    @property
    def over(self) -> bool:
        return self._position > self._end

    def number(self, size: int) -> int:
        self._position += size
        if self.over:
            return 0
        return int.from_bytes(self._data[self._position - size : self._position])

    def rest(self) -> bytes:
        return self._data[self._position : self._end]


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head[4:8] == b"ftyp"


def packets(data: bytes) -> Packets:
    """Return the packets of all XMP items and boxes."""
    collector = PacketCollector()
    for box_type, start, end in _boxes.boxes(data, 0, len(data), collector):
        if box_type == b"uuid":
            _boxes.uuid_packet(data, start, end, collector)
        elif box_type == b"meta":
            _items(data, start + 4, end, collector)
    return collector.packets()


def _items(data: bytes, start: int, end: int, collector: PacketCollector) -> None:
    """Add the packets of the XMP items of one `meta` box."""
    encodings: dict[int, bytes] = {}
    locations: dict[int, _Location] = {}
    idat = b""
    for box_type, inner, last in _boxes.boxes(data, start, end, collector):
        if box_type == b"iinf":
            encodings.update(_xmp_items(data, inner, last, collector))
        elif box_type == b"iloc":
            locations.update(_locations(_Bytes(data, inner, last), collector))
        elif box_type == b"idat":
            idat = data[inner:last]
    for item, encoding in encodings.items():
        location = locations.get(item)
        if location is None or location.method not in {0, 1}:
            collector.warn("an XMP item has an unsupported location")
            continue
        content = _content(idat if location.method else data, location, collector)
        collector.packet(_decoded(content, encoding, collector))


def _xmp_items(
    data: bytes, start: int, end: int, collector: PacketCollector
) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers of XMP items with their content encoding (empty: none)."""
    version = data[start] if start < end else 0
    first = start + (8 if version else 6)
    for box_type, inner, last in _boxes.boxes(data, first, end, collector):
        entry = _Bytes(data, inner, last)
        version = entry.number(1)
        entry.number(3)
        item = entry.number(4 if version == 3 else 2)
        entry.number(2)
        if box_type != b"infe" or (version >= 2 and entry.number(4) != int.from_bytes(b"mime")):
            continue
        names = entry.rest()[:4096].split(b"\0")
        content_type = names[1].partition(b";")[0].strip().lower() if len(names) > 1 else b""
        if content_type == _RDF:
            yield item, names[2].strip().lower() if len(names) > 2 else b""


def _locations(table: _Bytes, collector: PacketCollector) -> Iterator[tuple[int, _Location]]:
    """Yield the numbers of items with their locations."""
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
            collector.warn("the table of items is truncated or too long")
            return
        spans = []
        for _ in range(count):
            table.number(index)
            position = start + table.number(offset)
            spans.append((position, table.number(length)))
        yield item, _Location(method, tuple(spans))


def _content(source: bytes, location: _Location, collector: PacketCollector) -> bytes:
    pieces = []
    for start, length in location.extents:
        # A length of 0 means to the end.
        piece = source[start : start + length if length else None]
        if len(piece) < length:
            collector.warn("an XMP item is truncated")
        pieces.append(collector.take(piece))
    return b"".join(pieces)


def _decoded(content: bytes, encoding: bytes, collector: PacketCollector) -> bytes:
    if encoding in {b"deflate", b"zlib"}:
        return collector.inflated(content)
    if encoding == b"br":
        return collector.brotli_decompressed(content)
    return content
