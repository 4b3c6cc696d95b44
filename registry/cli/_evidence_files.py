"""Files as evidence: their bytes, and what kind of file each is."""

from __future__ import annotations

import re
import sys
import zlib
from pathlib import Path

from registry.errors import UnreadableInput, UsageError
from registry.evidence_lines import KINDS
from registry.responses import READ_LIMIT, STATUS_LINE, is_image, text_of

FILE_KINDS = (*KINDS, "headers", "image", "warc")

_ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".xmp": "xmp",
    ".warc": "warc",
    ".warc.gz": "warc",
    "tdmrep.json": "tdmrep-json",
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp"), "image"),
    **dict.fromkeys((".tif", ".tiff", ".heic", ".jxl", ".psd", ".svg"), "image"),
}
_SITE_TEXT = re.compile(r"(?:^|[^a-z])(robots|ai|trust)[^a-z]*\.txt$")
_AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
# Words that tell of what an XML text is about, in the order in which they are asked.
_XML = (("<rsl", "rsl-xml"), ("xmpmeta", "xmp"), ("<rdf:rdf", "xmp"), ("<svg", "image"))
_JSON = (("tdm-reservation", "tdmrep-json"), ("assertions", "c2pa-json"), ("manifest", "c2pa-json"))


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
    """Tell what a file is from its name, else from its content; UsageError where neither says.

    A saved response is `headers` whatever its name: `curl -i URL > page.html` writes one.
    """
    if STATUS_LINE.match(content):
        return "headers"
    lower = Path(name).name.lower()
    if found := _SITE_TEXT.search(lower):
        return f"{found.group(1)}-txt"
    for ending, kind in _ENDINGS.items():
        if lower.endswith(ending):
            return kind
    guessed = _by_content(content)
    if guessed is None:
        what = "neither name nor content says what it is" if content else "is empty"
        kinds = ", ".join(FILE_KINDS)
        raise UsageError(f"{name}: {what}", f"say it with --kind, which is one of {kinds}")
    return guessed


def _by_content(content: bytes) -> str | None:
    if is_image(content):
        return "image"
    if content.startswith(b"WARC/") or _unzipped(content).startswith(b"WARC/"):
        return "warc"
    text = text_of(content[:65536])
    start = text.lstrip()[:2000].lower()
    if start.startswith("<"):
        return next((kind for word, kind in _XML if word in start), "html")
    if start.startswith(("{", "[")):
        return next((kind for word, kind in _JSON if word in start), None)
    if _AGENT_LINE.search(text):
        return "robots-txt"
    return "headers" if _HEADER_LINE.match(start) else None


def _unzipped(content: bytes) -> bytes:
    """Return the first bytes of what is gzipped, none of anything else."""
    try:
        return zlib.decompressobj(31).decompress(content[:65536], 16)
    except zlib.error:
        return b""
