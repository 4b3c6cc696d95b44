"""Carriers: what each is about, where it stands, who is asked for it; formats of images. Pure.

COMMON are the carriers that several vocabularies share or that this room makes itself. A
site's file that belongs to one vocabulary is declared by its reader. The table of all is
`registry.signals.carriers()`; what the crawler and `registry explain` ask a site for, how a
saved file or response is recognised, and what `--kind` takes are derived from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from registry.model import About

# Which hosts are asked for a file: `media` those that serve images or pages, since the marks
# cover the files on the host; `pages` those that show pages only. Others are asked for
# where something points to the file, or by whoever needs it (robots.txt).
AskedOf = Literal["media", "pages"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """One kind of text that carries marks.

    The name of a site's file ends in its syntax: `-txt`, `-json`, or `-xml` behind the name of
    the root element. `paths` are its places on a host, the usual one first; `names` those of
    saved files that are it, in lower case; `endings` what such names end in; `media_types`
    those it is sent as and nothing else is; `words` is a regular expression that matches
    in the first 2000 characters, in lower case, of nothing else of its syntax.
    """

    name: str
    about: About
    paths: tuple[str, ...] = ()
    asked_of: AskedOf | None = None
    media_types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    words: str = ""

    @property
    def syntax(self) -> str:
        """Return `txt`, `json` or `xml`; of a carrier that is no file something else."""
        return "xml" if self.name == "xmp" else self.name.rpartition("-")[2]


@dataclass(frozen=True)
class Carriers:
    """A table of carriers, and what is derived from it."""

    rows: tuple[Carrier, ...]

    @cached_property
    def site_paths(self) -> dict[str, str]:
        """The usual place of each file of a site, by carrier."""
        return {row.name: row.paths[0] for row in self.rows if row.about == "site"}

    @cached_property
    def at_path(self) -> dict[str, str]:
        """Which file of a site stands at a path."""
        return {path: row.name for row in self.rows for path in row.paths}

    @cached_property
    def of_media_type(self) -> dict[str, str]:
        """Which carrier is sent as a media type."""
        return {told: row.name for row in self.rows for told in row.media_types}

    @cached_property
    def of_name(self) -> dict[str, str]:
        """Which carrier a saved file of this name is."""
        return {name: row.name for row in self.rows for name in row.names}

    @cached_property
    def of_ending(self) -> dict[str, str]:
        """Which carrier, or `image`, a file is whose name ends so."""
        return {
            **{ending: row.name for row in self.rows for ending in row.endings},
            **{ending: "image" for known in IMAGE_FORMATS for ending in known.endings},
        }

    def asked_for(self, shows_pages: bool) -> tuple[tuple[str, str], ...]:
        """Return carrier and path of the files that a host is asked for, each path once."""
        wanted = {"media", "pages"} if shows_pages else {"media"}
        rows = (row for row in self.rows if row.asked_of in wanted)
        return tuple((row.name, path) for row in rows for path in row.paths)

    def by_words(self, syntax: str, start: str) -> Iterator[Carrier]:
        """Yield the carriers of a syntax (`txt`, `json`, `xml`) whose words stand in a text.

        `start` is its first 2000 characters, in lower case.
        """
        for row in self.rows:
            if row.words and row.syntax == syntax and re.search(row.words, start, re.MULTILINE):
                yield row


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """A format of image files: what its bytes start with, `offset` bytes in, and its names.

    `before` is what stands at the very beginning, where that alone does not tell; `brands`
    are what follows in files that are no films.
    """

    name: str
    starts: tuple[bytes, ...] = ()
    offset: int = 0
    endings: tuple[str, ...] = ()
    before: bytes = b""
    brands: tuple[bytes, ...] = (b"",)


COMMON = (
    Carrier("headers", "image"),
    Carrier(
        "html",
        "page",
        media_types=("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"),
        endings=(".html", ".htm", ".xhtml"),
    ),
    Carrier("robots-txt", "site", ("/robots.txt",), names=("robots.txt",)),
    Carrier(
        "xmp",
        "image",
        media_types=("application/rdf+xml",),
        endings=(".xmp",),
        words="xmpmeta|<rdf:rdf",
    ),
    Carrier("c2pa-json", "image", words="assertions|manifest"),
    Carrier("spawning-api", "image"),
)
_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
IMAGE_FORMATS = (
    ImageFormat("jpeg", (b"\xff\xd8\xff",), 0, (".jpg", ".jpeg", ".jpe", ".jfif")),
    ImageFormat("png", (b"\x89PNG\r\n",), 0, (".png", ".apng")),
    ImageFormat("gif", (b"GIF8",), 0, (".gif",)),
    ImageFormat("webp", (b"WEBP",), 8, (".webp",)),
    # Films are of this kind, too: the brand behind the name tells.
    ImageFormat("bmff", (b"ftyp",), 4, (".avif", ".heic", ".heif"), brands=_BRANDS),
    ImageFormat("tiff", (b"II*\x00", b"MM\x00*"), 0, (".tif", ".tiff")),
    ImageFormat("jxl", (b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"), 0, (".jxl",)),
    ImageFormat(
        "jp2",
        (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
        0,
        (".jp2", ".jpx", ".jpf", ".jpm", ".j2k", ".j2c", ".jpc"),
    ),
    ImageFormat("psd", (b"8BPS",), 0, (".psd",)),
    # Four bytes that are 0 tell it from text that begins with its two letters.
    ImageFormat("bmp", (b"\0\0\0\0",), 6, (".bmp",), b"BM"),
    # No bytes tell these from other files.
    ImageFormat("svg", (), 0, (".svg",)),
)
# Kinds of evidence for which somebody else than a site is asked.
ANSWERS = ("spawning-api",)

# What an image file holds about itself, besides the headers it is sent with.
IN_FILES = tuple(
    row.name for row in COMMON if row.about == "image" and row.name not in {"headers", *ANSWERS}
)
HTML_TYPES = frozenset(told for row in COMMON if row.name == "html" for told in row.media_types)


def is_image(content: bytes) -> bool:
    """Return whether a file may be an image, by its first bytes: films of its kind, too."""
    return any(
        content.startswith(known.starts, known.offset) and content.startswith(known.before)
        for known in IMAGE_FORMATS
    )


def is_still_image(content: bytes) -> bool:
    """Return whether a file is an image and no film, by its first bytes."""
    return _STILL.match(content) is not None


def still_image_pattern() -> str:
    """Return a regular expression (over bytes; RE2's syntax) of how images begin."""
    kinds = (
        f"{_escaped(known.before)}.{{{known.offset - len(known.before)}}}{_escaped(start + brand)}"
        for known in IMAGE_FORMATS
        for start in known.starts
        for brand in known.brands
    )
    return f"^(?s:{'|'.join(kinds)})"


def _escaped(start: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in start)


_STILL = re.compile(still_image_pattern().encode())
