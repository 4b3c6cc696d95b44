"""Carriers: their scope, URL paths, hosts and media types; formats of images. Pure.

COMMON are the carriers that several vocabularies share or that this folder makes itself. A
site file of one vocabulary is declared by its reader. The table of all carriers is
`registry.signals.carriers()`; from it are derived the files that the crawler and
`registry explain` request from a site, how a saved file or response is recognised, and the
values of `--kind`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from registry.model import Scope

# The hosts from which a file is requested: `media` hosts of images or pages, as its marks cover
# the files on the host; `pages` hosts of pages only. Other files are requested if something
# points to them, or by the code that needs them (robots.txt).
RequestedFrom = Literal["media", "pages"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """One type of text that carries marks.

    The name of a site file ends in its syntax: `-txt`, `-json`, or `-xml` after the name of
    the root element. `paths` are its URL paths on a host, the usual one first; `names` the
    names of saved files, in lower case; `endings` their endings; `media_types` the media types
    that only this carrier has; `words` is a regular expression that matches in the first 2000
    characters, in lower case, of this carrier and of no other with its syntax.
    """

    name: str
    about: Scope
    paths: tuple[str, ...] = ()
    requested_from: RequestedFrom | None = None
    media_types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    words: str = ""

    @property
    def syntax(self) -> str:
        """Return `txt`, `json` or `xml`; for a carrier that is not a file another text."""
        return "xml" if self.name == "xmp" else self.name.rpartition("-")[2]


@dataclass(frozen=True)
class Carriers:
    """A table of carriers, and the look-up tables derived from it."""

    rows: tuple[Carrier, ...]

    @cached_property
    def site_paths(self) -> dict[str, str]:
        """The usual path of each site file, by carrier."""
        return {row.name: row.paths[0] for row in self.rows if row.about == "site"}

    @cached_property
    def at_path(self) -> dict[str, str]:
        """The carrier of the site file at each path."""
        return {path: row.name for row in self.rows for path in row.paths}

    @cached_property
    def of_media_type(self) -> dict[str, str]:
        """The carrier of each media type."""
        return {type_name: row.name for row in self.rows for type_name in row.media_types}

    @cached_property
    def of_name(self) -> dict[str, str]:
        """The carrier of a saved file, by its name."""
        return {name: row.name for row in self.rows for name in row.names}

    @cached_property
    def of_ending(self) -> dict[str, str]:
        """The carrier of a saved file, or `image`, by the ending of its name."""
        return {
            **{ending: row.name for row in self.rows for ending in row.endings},
            **dict.fromkeys(IMAGE_ENDINGS, "image"),
        }

    def requested(self, shows_pages: bool) -> tuple[tuple[str, str], ...]:
        """Return carrier and path of the files to request from a host, each path once."""
        wanted = {"media", "pages"} if shows_pages else {"media"}
        rows = (row for row in self.rows if row.requested_from in wanted)
        return tuple((row.name, path) for row in rows for path in row.paths)

    def by_words(self, syntax: str, start: str) -> Iterator[Carrier]:
        """Yield the carriers of a syntax (`txt`, `json`, `xml`) whose words match in a text.

        `start` is its first 2000 characters, in lower case.
        """
        for row in self.rows:
            if row.words and row.syntax == syntax and re.search(row.words, start, re.MULTILINE):
                yield row


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """A format of image files: its signatures at `offset` bytes, and its file name endings.

    `before` are the first bytes, if the signature alone is ambiguous; `brands` follow the
    signature in files that are not videos.
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
    # Videos have the same signature; they differ by the brand that follows.
    ImageFormat("bmff", (b"ftyp",), 4, (".avif", ".heic", ".heif"), brands=_BRANDS),
    # The last two are BigTIFF.
    ImageFormat("tiff", (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), 0, (".tif", ".tiff")),
    ImageFormat("jxl", (b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"), 0, (".jxl",)),
    ImageFormat(
        "jp2",
        (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
        0,
        (".jp2", ".jpx", ".jpf", ".jpm", ".j2k", ".j2c", ".jpc"),
    ),
    ImageFormat("psd", (b"8BPS",), 0, (".psd",)),
    # Four zero bytes, as text may also begin with the two letters.
    ImageFormat("bmp", (b"\0\0\0\0",), 6, (".bmp",), b"BM"),
    # No signature.
    ImageFormat("svg", (), 0, (".svg",)),
)
IMAGE_ENDINGS = frozenset(ending for known in IMAGE_FORMATS for ending in known.endings)
# The first characters of JPEG, PNG, GIF, WebP and TIFF files as base64.
BASE64_STARTS = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkq", "TU0AK")
# Carriers that are fetched from another service than the site.
ANSWERS = ("spawning-api",)

# The carriers inside an image file.
IN_FILES = tuple(
    row.name for row in COMMON if row.about == "image" and row.name not in {"headers", *ANSWERS}
)
HTML_TYPES = frozenset(name for row in COMMON if row.name == "html" for name in row.media_types)


def is_image(content: bytes) -> bool:
    """Return whether a file has the signature of an image format; also True for some videos."""
    return any(
        content.startswith(known.starts, known.offset) and content.startswith(known.before)
        for known in IMAGE_FORMATS
    )


def is_still_image(content: bytes) -> bool:
    """Return whether a file has the signature of an image format and is not a video."""
    return _STILL.match(content) is not None


def ending_pattern(*formats: str) -> str:
    """Return a regular expression of the endings of image files, without their dot.

    Of these formats, or of all if none is named.
    """
    endings = (e for f in IMAGE_FORMATS if not formats or f.name in formats for e in f.endings)
    # The longest first: of several that match, a regular expression takes the first.
    return "|".join(re.escape(e[1:]) for e in sorted(endings, key=len, reverse=True))


def still_image_pattern() -> str:
    """Return a regular expression (for bytes, in RE2 syntax) of the signatures of images."""
    patterns = (
        f"{_escaped(known.before)}.{{{known.offset - len(known.before)}}}{_escaped(start + brand)}"
        for known in IMAGE_FORMATS
        for start in known.starts
        for brand in known.brands
    )
    return f"^(?s:{'|'.join(patterns)})"


def _escaped(start: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in start)


_STILL = re.compile(still_image_pattern().encode())
