"""Files as evidence: what kind a file is, its text, and the header lines in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from registry.errors import UnreadableInput, UsageError
from registry.evidence_lines import KINDS

READ_LIMIT = 16 * 1024 * 1024
FILE_KINDS = (*KINDS, "headers", "image", "warc")

_ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".xmp": "xmp",
    ".warc": "warc",
    ".warc.gz": "warc",
    "tdmrep.json": "tdmrep-json",
    "ai.txt": "ai-txt",
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp"), "image"),
    **dict.fromkeys((".tif", ".tiff", ".heic", ".jxl", ".psd"), "image"),
}
_IMAGE_STARTS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*", b"8BPS"),
    *(b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"),
)
_AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_file(name: str) -> tuple[bytes, bool]:
    """Return a file's bytes (`-` is standard input), and whether it was longer than that."""
    try:
        if name == "-":
            content = sys.stdin.buffer.read(READ_LIMIT + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(READ_LIMIT + 1)
    except OSError as error:
        raise UnreadableInput(f"{name}: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableInput(f"{name!r}: {error}") from error
    return content[:READ_LIMIT], len(content) > READ_LIMIT


def guess_kind(name: str, content: bytes) -> str:
    """Tell what a file is from its name, else from its content; UsageError where neither says."""
    lower = Path(name).name.lower()
    if lower.startswith("robots") and lower.endswith(".txt"):
        return "robots-txt"
    for ending, kind in _ENDINGS.items():
        if lower.endswith(ending):
            return kind
    if content.startswith(_IMAGE_STARTS) or content[8:12] == b"WEBP" or content[4:8] == b"ftyp":
        return "image"
    text = text_of(content[:65536])
    start = text.lstrip()[:1000].lower()
    if start.startswith("<"):
        return "rsl-xml" if "<rsl" in start else "xmp" if "xmpmeta" in start else "html"
    if _AGENT_LINE.search(text):
        return "robots-txt"
    if start.startswith("http/") or _HEADER_LINE.match(start):
        return "headers"
    raise UsageError(
        f"{name}: neither name nor content says what it is",
        "say it with --kind html, robots-txt, headers or image",
    )


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


def header_lines(text: str) -> tuple[tuple[str, str], ...]:
    """Return the field lines of a header block; of several blocks (redirects) the last."""
    lines: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line[:5].upper() == "HTTP/":
            lines = []
        elif line[:1] in {" ", "\t"} and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        elif colon and name.strip():
            lines.append((name.strip(), value.strip()))
    return tuple(lines)
