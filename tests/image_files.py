"""Makes the smallest image files that hold XMP packets, one function a container.

The pictures in them are empty or missing: nothing here is to be decoded.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import brotli

VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
TRAILER = bytes([1, *range(255, -1, -1), 0])


def packet(attributes="", inner=""):
    """Return an XMP packet with properties as attributes or elements."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        f'{attributes}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def marked(token="DMI-PROHIBITED"):
    """Return a packet with one value of Data Mining."""
    return packet(f'plus:DataMining="{VOCABULARY}{token}"')


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments):
    """Return a JPEG of whole APP1 segments."""
    end = segment(0xDA, b"\0") + b"\0\0\xff\xd9"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1") + b"".join(segments) + end


def app1(text):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text)


def extension(text, size=1000, md5=None):
    """Return the segments of Extended XMP and the MD5 that names them."""
    md5 = md5 or hashlib.md5(text).hexdigest().upper().encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + md5 + struct.pack(">I", len(text))
    starts = range(0, len(text), size)
    pieces = [segment(0xE1, head + struct.pack(">I", at) + text[at : at + size]) for at in starts]
    return pieces, md5.decode()


def chunk(kind, content):
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(*chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n" + header
    return start + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def itxt(text, *, compressed=False, head=None):
    if head is None:
        head = b"\1\0\0\0" if compressed else b"\0\0\0\0"
    body = zlib.compress(text) if compressed else text
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + head + body)


def raw_profile(kind, text):
    profile = f"\nxmp\n{len(text):8}\n{text.hex()}\n".encode()
    body = b"\0" + zlib.compress(profile) if kind == b"zTXt" else profile
    return chunk(kind, b"Raw profile type xmp\0" + body)


def webp(text, fourcc=b"XMP "):
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\4" + bytes(9)
    body += fourcc + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(text, trailer=TRAILER):
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    return head + b"\x21\xff\x0bXMP DataXMP" + text + trailer + image + b"\x3b"


def tiff(text, *, order="<", big=False, following=None):
    """Return a TIFF or BigTIFF; `following` is the place of the next directory (None: none)."""
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    if big:
        start += struct.pack(order + "HHQ", 8, 0, 16)
        place = 16 + 8 + 20 + 8
        entry = struct.pack(order + "QHHQQ", 1, 700, 7, len(text), place)
        return start + entry + struct.pack(order + "Q", following or 0) + text
    start += struct.pack(order + "I", 8)
    place = 8 + 2 + 12 + 4
    entry = struct.pack(order + "HHHII", 1, 700, 1, len(text), place)
    return start + entry + struct.pack(order + "I", following or 0) + text


def box(kind, content):
    return struct.pack(">I", len(content) + 8) + kind + content


def heif(text, *, method=0, brand=b"heic", encoding=b"", extents=None):
    """Return a HEIC or AVIF whose only items are an empty picture and an XMP packet."""
    names = b"application/rdf+xml\0" + (encoding + b"\0" if encoding else b"")
    entries = [
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"av01Color\0"),
        box(b"infe", b"\2\0\0\1" + struct.pack(">HH", 2, 0) + b"mime\0" + names),
    ]
    iinf = box(b"iinf", bytes(4) + struct.pack(">H", 2) + b"".join(entries))
    hdlr = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    pitm = box(b"pitm", bytes(4) + struct.pack(">H", 1))
    ftyp = box(b"ftyp", brand + bytes(4) + b"mif1" + brand)

    def meta(place):
        spans = extents or [(0 if method else place, len(text))]
        items = struct.pack(">HHHHII", 1, 0, 0, 1, place, 0)
        items += struct.pack(">HHHH", 2, method, 0, len(spans))
        items += b"".join(struct.pack(">II", *span) for span in spans)
        iloc = box(b"iloc", b"\1\0\0\0\x44\0" + struct.pack(">H", 2) + items)
        idat = box(b"idat", text) if method else b""
        return box(b"meta", bytes(4) + hdlr + pitm + iloc + iinf + idat)

    place = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(place) + box(b"mdat", b"" if method else text)


def jxl(*boxes):
    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return start + b"".join(boxes) + box(b"jxlc", b"\xff\x0a\0\0")


def brob(text, kind=b"xml "):
    return box(b"brob", kind + brotli.compress(text))


def jp2(text):
    start = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return start + box(b"uuid", XMP_UUID + text) + box(b"jp2c", b"\xff\x4f\xff\x51")


def psd(text):
    resource = b"8BIM" + struct.pack(">H", 1005) + b"\1a" + struct.pack(">I", 3) + b"abc\0"
    resource += b"8BIM" + struct.pack(">H", 1060) + b"\0\0" + struct.pack(">I", len(text)) + text
    head = b"8BPS\0\1" + bytes(20)
    return head + bytes(4) + struct.pack(">I", len(resource)) + resource


def svg(text):
    return (
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><metadata>'
        + text
        + b"</metadata></svg>"
    )


def files(text):
    """Return one file of every kind of container, by a name, that holds the packet."""
    return {
        "jpeg": jpeg(app1(text)),
        "png": png(itxt(text)),
        "png, compressed": png(itxt(text, compressed=True)),
        "png, raw profile": png(raw_profile(b"tEXt", text)),
        "png, raw profile, compressed": png(raw_profile(b"zTXt", text)),
        "webp": webp(text),
        "gif": gif(text),
        "tiff": tiff(text),
        "tiff, big-endian": tiff(text, order=">"),
        "bigtiff": tiff(text, big=True),
        "heic": heif(text),
        "avif, idat": heif(text, method=1, brand=b"avif"),
        "heic, deflated": heif(zlib.compress(text), encoding=b"deflate"),
        "jxl": jxl(box(b"xml ", text)),
        "jxl, brotli": jxl(brob(text)),
        "jp2": jp2(text),
        "psd": psd(text),
        "svg": svg(text),
    }
