"""The only place that decides the encoding of bytes that are text. Pure."""

from __future__ import annotations

import re

from registry.evidence.charsets import codec_of

# Embedded documents (`iframe srcdoc`) belong to the text of a page up to this depth.
MOST_FRAMES_DEEP = 3
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PARAMETER = re.compile(r";\s{0,100}charset\s{0,100}=\s{0,100}[\"']?([^\"';,\s]{1,100})", re.I)
# The first bytes, in which a page may name its encoding; the standard requires 1,024.
_HEAD = 4096
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_IN_MARKUP = re.compile(
    rb"<(?:meta\b[^>]{0,1000}?\bcharset|\?xml\b[^>]{0,1000}?\bencoding)"
    rb"\s{0,100}=\s{0,100}[\"']?\s{0,100}([A-Za-z0-9_:.-]{1,100})",
    re.IGNORECASE,
)


def text_of(content: bytes) -> str:
    """Return bytes decoded by the byte order mark, else as UTF-8, else as windows-1252."""
    marked = _marked(content)
    if marked is not None:
        return marked
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text that is truncated within a character is still UTF-8.
        cut = error.reason == "unexpected end of data"
        return content.decode("utf-8" if cut else "cp1252", "replace")


def page_text(content: bytes, content_type: str = "") -> str:
    """Return a page decoded by its byte order mark, `Content-Type` or markup, else as `text_of`.

    Only labels that browsers support count. A page with other labels only is decoded as UTF-8
    with replacement characters: its marks are ASCII. Never raises.
    """
    marked = _marked(content)
    if marked is not None:
        return marked
    labels = _labels(content, content_type)
    for label, is_markup in labels:
        codec = codec_of(label)
        # Markup that was matched as ASCII is not UTF-16, whatever it says.
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
    """Return the encoding labels of a page, each with whether it is from the markup."""
    labels = [(match[1], False) for match in [_PARAMETER.search(content_type[:2000])] if match]
    head = _COMMENT.sub(b"", content[:_HEAD])
    inside = _IN_MARKUP.search(head)
    return [*labels, (inside[1].decode("ascii"), True)] if inside else labels
