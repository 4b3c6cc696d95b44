"""What a file is, by its first bytes and words, and its bytes as text. Pure."""

from __future__ import annotations

import re
import zlib

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_IMAGE_STARTS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*", b"8BPS"),
    *(b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"),
)
_START = 65536
# What a page begins with (WHATWG MIME Sniffing, section 7.1, and a few tags more).
_PAGE = re.compile(
    r"(?:\s|<!--.{0,60000}?-->|<\?xml[^>]{0,300}\?>)*+"
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|base|iframe|h1|div|font"
    r"|table|a|b|br|p|main|section|article|header|nav|span|img)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
_AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
# The line that the generator of these files writes first.
_SPAWNING = re.compile(r"^#[ \t]*spawning", re.IGNORECASE | re.MULTILINE)
_HEADER_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
# Words that tell of what an XML text is about, in the order in which they are asked.
_XML = (("<rsl", "rsl-xml"), ("xmpmeta", "xmp"), ("<rdf:rdf", "xmp"), ("<svg", "image"))
_JSON = (("tdm-reservation", "tdmrep-json"), ("assertions", "c2pa-json"), ("manifest", "c2pa-json"))


def text_of(content: bytes) -> str:
    """Decode a text: by its byte order mark, as UTF-8, else as what browsers fall back to."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text cut in the middle of a character is still UTF-8.
        cut = error.reason == "unexpected end of data"
        return content.decode("utf-8" if cut else "cp1252", "replace")


def is_image(content: bytes) -> bool:
    """Tell by its first bytes whether a file is an image."""
    boxed = content[4:8] == b"ftyp" or content[8:12] == b"WEBP"
    return boxed or content.startswith(_IMAGE_STARTS)


def is_page(content: bytes) -> bool:
    """Tell by its first tag whether a file is a page."""
    return _PAGE.match(text_of(content[:_START])) is not None


def is_packed(content: bytes) -> bool:
    """Tell whether a body is neither text nor an image: some encoding is still on it."""
    start = content[:512]
    if is_image(content):
        return False
    if any(byte < 9 or 13 < byte < 32 for byte in start):
        return True
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data" and start[:1] not in b"<{["
    return False


def is_page_instead(content: bytes) -> bool:
    """Tell whether a web page stands where a site's text file was asked for."""
    text = text_of(content[:_START])
    return text.lstrip("\ufeff \t\r\n").startswith("<") and _AGENT_LINE.search(text) is None


def kind_by_content(content: bytes) -> str | None:
    """Tell what a file is by its content alone; None where that does not say."""
    if is_image(content):
        return "image"
    if content.startswith(b"WARC/") or _unzipped(content).startswith(b"WARC/"):
        return "warc"
    text = text_of(content[:_START])
    start = text.lstrip()[:2000].lower()
    if start.startswith("<"):
        return next((kind for word, kind in _XML if word in start), "html")
    if start.startswith(("{", "[")):
        return next((kind for word, kind in _JSON if word in start), None)
    if _AGENT_LINE.search(text):
        return "ai-txt" if _SPAWNING.search(start) else "robots-txt"
    return "headers" if _HEADER_LINE.match(start) else None


def _unzipped(content: bytes) -> bytes:
    """Return the first bytes of what is gzipped, none of anything else."""
    try:
        return zlib.decompressobj(31).decompress(content[:_START], 16)
    except zlib.error:
        return b""
