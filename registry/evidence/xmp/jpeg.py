"""JPEG: XMP in APP1 segments.

The packet stands behind `http://ns.adobe.com/xap/1.0/` and NUL. What does not
fit into 64 KiB is Extended XMP: segments behind
`http://ns.adobe.com/xmp/extension/` and NUL with the MD5 of the whole as 32 hex
digits, its length and the piece's offset (4 bytes each, big-endian), in any
order. It belongs to the packet that names the MD5 in `xmpNote:HasExtendedXMP`;
an extension that no packet names is left over from an earlier state of the
file and must not be read (XMP specification part 3, section 1.1.3.1). A packet may also
stand in tag 700 of the Exif data, which is a TIFF file behind `Exif` and two NULs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from registry.evidence.xmp import tiff
from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets

_PACKET = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF = b"Exif\0\0"
_NAMED = re.compile(rb"HasExtendedXMP[\s=\"'>]{1,40}([0-9A-Fa-f]{32})")
_FILL = re.compile(rb"\xff+")
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith(b"\xff\xd8\xff")


def packets(data: bytes) -> Packets:
    """Return the packets before the first scan, each with its extension."""
    found = Found()
    mains: list[bytes] = []
    extensions: dict[bytes, list[bytes]] = {}
    for content in _app1(data, found):
        if content.startswith(_EXIF):
            # Damage of other tags is no concern of ours.
            mains += [found.take(part) for part in _in_exif(content[len(_EXIF) :])]
        elif content.startswith(_PACKET):
            mains.append(found.take(content[len(_PACKET) :]))
        elif content.startswith(_EXTENSION):
            piece = found.take(content[len(_EXTENSION) :])
            if len(piece) < 40:
                found.warn("a piece of Extended XMP is too short to be one")
                continue
            extensions.setdefault(piece[:32].upper(), []).append(piece[32:])
    for main in mains:
        named = _NAMED.search(main)
        md5 = named[1].upper() if named else b""
        pieces = extensions.pop(md5, None)
        found.packet(main, *([_joined(md5, pieces, found)] if pieces else []))
    if extensions:
        found.warn("Extended XMP that no packet names, not read")
    return found.packets()


def _in_exif(data: bytes) -> list[bytes]:
    """Return the packets in Exif data."""
    return [b"".join(parts) for parts in tiff.packets(data).parts] if tiff.recognises(data) else []


def _app1(data: bytes, found: Found) -> Iterator[bytes]:
    """Yield the contents of APP1 segments."""
    place = 2
    for _ in range(MAX_BLOCKS):
        if fill := _FILL.match(data, place):
            place = fill.end() - 1
        if len(data) - place < 4:
            break
        marker = data[place + 1]
        if data[place] != 0xFF:
            found.warn("damaged between two segments, not read further")
            return
        if marker in {_SCAN, _END}:
            return
        if marker in _WITHOUT_LENGTH:
            place += 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
        if marker == _APP1:
            yield data[place + 4 : end]
        place = max(end, place + 4)
    else:
        found.warn(f"more than {MAX_BLOCKS} segments, the others not read")
        return
    found.warn("the file is cut short before its picture")


def _joined(md5: bytes, pieces: list[bytes], found: Found) -> bytes:
    """Put the pieces of an extension in order; what is missing is left out."""
    whole = bytearray()
    missing = False
    length = int.from_bytes(pieces[0][:4])
    for piece in sorted(pieces, key=lambda piece: piece[4:8]):
        start = int.from_bytes(piece[4:8])
        missing = missing or start > len(whole)
        # What an overlapping piece repeats was already read.
        whole += piece[8 + max(len(whole) - start, 0) :] if start <= len(whole) else piece[8:]
    if missing or len(whole) < length:
        found.warn("a piece of Extended XMP is missing")
    elif hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() != md5:
        found.warn("Extended XMP does not have the MD5 it is named by")
    return bytes(whole)
