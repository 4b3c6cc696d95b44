"""JPEG: XMP in APP1 segments.

The packet follows `http://ns.adobe.com/xap/1.0/` and NUL. Data that does not fit
into 64 KiB is Extended XMP: segments that begin with
`http://ns.adobe.com/xmp/extension/`, NUL, the MD5 of the whole as 32 hex digits,
its length and the offset of the part (4 bytes each, big-endian), in any order. It
belongs to the packet that names the MD5 in `xmpNote:HasExtendedXMP`; an extension
that no packet names is from an earlier state of the file and must not be read (XMP
specification part 3, section 1.1.3.1). A packet may also be in tag 700 of the Exif
data, which is a TIFF file after `Exif` and two NULs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from registry.evidence.xmp import tiff
from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets

_PACKET = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF = b"Exif\0\0"
_NAMED = re.compile(rb"HasExtendedXMP[\s=\"'>]{1,40}([0-9A-Fa-f]{32})")
_FILL = re.compile(rb"\xff+")
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith(b"\xff\xd8\xff")


def packets(data: bytes) -> Packets:
    """Return the packets before the first scan, each with its extension."""
    collector = PacketCollector()
    mains: list[bytes] = []
    extensions: dict[bytes, list[bytes]] = {}
    for content in _app1(data, collector):
        if content.startswith(_EXIF):
            # Warnings about other tags are ignored.
            mains += [collector.take(part) for part in _in_exif(content[len(_EXIF) :])]
        elif content.startswith(_PACKET):
            mains.append(collector.take(content[len(_PACKET) :]))
        elif content.startswith(_EXTENSION):
            piece = collector.take(content[len(_EXTENSION) :])
            if len(piece) < 40:
                collector.warn("a part of Extended XMP is too short")
                continue
            extensions.setdefault(piece[:32].upper(), []).append(piece[32:])
    for main in mains:
        named = _NAMED.search(main)
        md5 = named[1].upper() if named else b""
        pieces = extensions.pop(md5, None)
        collector.packet(main, *([_joined(md5, pieces, collector)] if pieces else []))
    if extensions:
        collector.warn("Extended XMP that no packet names, not read")
    return collector.packets()


def _in_exif(data: bytes) -> list[bytes]:
    """Return the packets in Exif data."""
    return [b"".join(parts) for parts in tiff.packets(data).parts] if tiff.recognises(data) else []


def _app1(data: bytes, collector: PacketCollector) -> Iterator[bytes]:
    """Yield the contents of APP1 segments."""
    position = 2
    for _ in range(MAX_BLOCKS):
        if fill := _FILL.match(data, position):
            position = fill.end() - 1
        if len(data) - position < 4:
            break
        marker = data[position + 1]
        if data[position] != 0xFF:
            collector.warn("damaged between two segments, not read further")
            return
        if marker in {_SCAN, _END}:
            return
        if marker in _WITHOUT_LENGTH:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if marker == _APP1:
            yield data[position + 4 : end]
        position = max(end, position + 4)
    else:
        collector.warn(f"more than {MAX_BLOCKS} segments, the others not read")
        return
    collector.warn("the file is truncated before its image data")


def _joined(md5: bytes, pieces: list[bytes], collector: PacketCollector) -> bytes:
    """Return the parts of an extension joined in order, without missing parts."""
    whole = bytearray()
    missing = False
    length = int.from_bytes(pieces[0][:4])
    for piece in sorted(pieces, key=lambda piece: piece[4:8]):
        start = int.from_bytes(piece[4:8])
        missing = missing or start > len(whole)
        # Bytes that an overlapping part repeats are skipped.
        whole += piece[8 + max(len(whole) - start, 0) :] if start <= len(whole) else piece[8:]
    if missing or len(whole) < length:
        collector.warn("a part of Extended XMP is missing")
    elif hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() != md5:
        collector.warn("Extended XMP does not match its MD5")
    return bytes(whole)
