"""Files as evidence: their bytes and their kinds."""

from __future__ import annotations

import re
from pathlib import Path

from registry.errors import UnreadableInput, UsageError
from registry.evidence.body_kinds import is_markup_page
from registry.evidence.carriers import is_image
from registry.evidence.file_kinds import kind_by_content
from registry.evidence.responses import PICTURE_LIMIT, STATUS_LINE
from registry.explain.evidence_lines import KINDS
from registry.files import COPY_OR_PIPE, opened, standard_input
from registry.signals import carriers
from registry.sources.mhtml import is_mhtml

FILE_KINDS = (*KINDS, "headers", "image", "warc", "mhtml")

_ENDINGS = {
    **carriers().of_ending,
    **dict.fromkeys((".warc", ".warc.gz"), "warc"),
    **dict.fromkeys((".mhtml", ".mht"), "mhtml"),
}
_FILE_ENDINGS = (".txt", ".json", ".jsonl", ".xml", ".csv", ".gz", ".parquet")
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:/+)?((?:[\w-]+\.)+[A-Za-z]{2,}(?:[/:?].*)?)$")
# Saved repeatedly, with the name of its site: `a.example-robots (2).txt`.
_SITE_FILE = re.compile(r"(?:^|[^a-z])([a-z]+)[^a-z]*(\.[a-z]+)$")


def read_file(name: str) -> bytes:
    """Return the bytes of a file (`-` is standard input), PICTURE_LIMIT + 1 at most."""
    try:
        if name == "-":
            return standard_input().read(PICTURE_LIMIT + 1)
        with opened(Path(name), COPY_OR_PIPE) as file:
            return file.read(PICTURE_LIMIT + 1)
    except OSError as error:
        raise UnreadableInput(f"{name}: {error.strerror}", hint_for(name, error)) from error
    except ValueError as error:
        raise UnreadableInput(f"{name!r}: {error}") from error


def refuse_packed(name: str, content: bytes) -> None:
    """Raise UnreadableInput for a packed file: reading it as text would report "no marks".

    A WARC archive may be packed with gzip; it is unpacked as it is read.
    """
    if "warc" in {_by_name(name), kind_by_content(content, carriers())}:
        return
    for start, kind in _PACKED.items():
        if content.startswith(start):
            raise UnreadableInput(f"{name}: packed ({kind})", "unpack it first, then explain it")


def hint_for(name: str, error: OSError) -> str:
    """Return the hint for a file that cannot be read: permissions, or a URL without its scheme."""
    if isinstance(error, PermissionError):
        return "you have no permission to read it"
    is_file = name.endswith(_FILE_ENDINGS) or _by_name(name) is not None
    if (address := _ADDRESS.match(name)) and (":/" in name or not is_file):
        return f"write a URL as https://{address[1]}"
    return "name a file that exists"


def guess_kind(name: str, content: bytes) -> tuple[str, str]:
    """Return a file's kind, and a note if its name suggests another; else raise UsageError.

    The first bytes of an image and the first tag of a page count more than the name,
    and the name counts more than other content. A saved response is `headers` whatever its
    name: `curl -i URL > page.html` writes one.
    """
    if STATUS_LINE.match(content):
        return "headers", ""
    named = _by_name(name)
    if is_mhtml(content):
        return "mhtml", ""
    if named == "mhtml":
        named = None  # some programs give the name to a plain page
    if is_image(content) and named != "image":
        return "image", f"named like {named}, but is an image: read as an image" if named else ""
    if named == "image" and is_markup_page(content):
        return "html", "named like an image, but is a page: read as html"
    guessed = named or kind_by_content(content, carriers())
    if guessed is None:
        problem = "its kind cannot be guessed from name or content" if content else "is empty"
        kinds = ", ".join(FILE_KINDS)
        raise UsageError(f"{name}: {problem}", f"give --kind, one of {kinds}")
    return guessed, ""


def _by_name(name: str) -> str | None:
    lower = Path(name).name.lower()
    parts = _SITE_FILE.search(lower)
    named = carriers().of_name.get("".join(parts.groups())) if parts else None
    if named is not None:
        return named
    return next((kind for ending, kind in _ENDINGS.items() if lower.endswith(ending)), None)
