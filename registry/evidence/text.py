"""Bytes as text: the one place that decides by which encoding. Pure."""

from __future__ import annotations

import re

from registry.evidence.charsets import codec_of

# Documents in the frames of a page (`iframe srcdoc`) are part of its text, so many frames deep.
MOST_FRAMES_DEEP = 3
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PARAMETER = re.compile(r";\s{0,100}charset\s{0,100}=\s{0,100}[\"']?([^\"';,\s]{1,100})", re.I)
# Where a page may say its encoding; the standard asks for 1,024 bytes.
_HEAD = 4096
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_IN_MARKUP = re.compile(
    rb"<(?:meta\b[^>]{0,1000}?\bcharset|\?xml\b[^>]{0,1000}?\bencoding)"
    rb"\s{0,100}=\s{0,100}[\"']?\s{0,100}([A-Za-z0-9_:.-]{1,100})",
    re.IGNORECASE,
)


def text_of(content: bytes) -> str:
    """Decode a text: by its byte order mark, as UTF-8, else as what browsers fall back to."""
    marked = _marked(content)
    if marked is not None:
        return marked
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text cut in the middle of a character is still UTF-8.
        cut = error.reason == "unexpected end of data"
        return content.decode("utf-8" if cut else "cp1252", "replace")


def page_text(content: bytes, content_type: str = "") -> str:
    """Decode a page: by its byte order mark, its `Content-Type`, its markup, else as a text.

    Labels are those that browsers know. A page that names others only is read as UTF-8, with
    a replacement character for what is none: its marks are ASCII. Never raises.
    """
    marked = _marked(content)
    if marked is not None:
        return marked
    labels = _labels(content, content_type)
    for label, is_markup in labels:
        codec = codec_of(label)
        # Markup that was read as ASCII is in no encoding of two bytes, whatever it says.
        wide = codec is not None and codec.startswith("utf-16")
        if codec is not None and not (wide and (is_markup or b"\x00" not in content[:_HEAD])):
            return content.decode(codec, "replace")
    return content.decode("utf-8", "replace") if labels else text_of(content)


def _marked(content: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return None


def _labels(content: bytes, content_type: str) -> list[tuple[str, bool]]:
    """Return the labels of encodings that a page names, and whether its markup names each."""
    found = [(match[1], False) for match in [_PARAMETER.search(content_type[:2000])] if match]
    head = _COMMENT.sub(b"", content[:_HEAD])
    inside = _IN_MARKUP.search(head)
    return [*found, (inside[1].decode("ascii"), True)] if inside else found
