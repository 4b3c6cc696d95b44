"""The one table of carriers: what each is about, where it stands, who is asked for it. Pure.

Everything else that lists kinds of files is derived from it: what the crawler and
`registry explain` ask a site for, how a saved file or response is recognised, and what
`--kind` takes. A place where a new file stands is one line here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from registry.model import About

# Which hosts are asked for a file: `media` those that serve images or pages, since the marks
# cover the files on the host; `pages` those that show pages only. Others are asked for
# where something points to the file, or by whoever needs it (robots.txt).
AskedOf = Literal["media", "pages"]


@dataclass(frozen=True, slots=True)
class Carrier:
    """One kind of text that carries marks.

    `paths` are its places on a host, the usual one first; `names` those of saved files
    that are it, in lower case; `endings` what such names end in; `media_types` those it is
    sent as and nothing else is.
    """

    name: str
    about: About
    paths: tuple[str, ...] = ()
    asked_of: AskedOf | None = None
    media_types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


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


CARRIERS = (
    Carrier("headers", "image"),
    Carrier(
        "html",
        "page",
        media_types=("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"),
        endings=(".html", ".htm", ".xhtml"),
    ),
    Carrier("robots-txt", "site", ("/robots.txt",), names=("robots.txt",)),
    Carrier(
        "ai-txt",
        "site",
        ("/ai.txt", "/.well-known/ai.txt", "/.well-known/ai.json"),
        "media",
        names=("ai.txt", "ai.json"),
    ),
    Carrier(
        "trust-txt",
        "site",
        ("/trust.txt", "/.well-known/trust.txt"),
        "pages",
        names=("trust.txt",),
    ),
    Carrier(
        "rsl-xml",
        "site",
        ("/license.xml", "/rsl.xml"),
        media_types=("application/rsl+xml",),
    ),
    Carrier(
        "tdmrep-json",
        "site",
        ("/.well-known/tdmrep.json",),
        "media",
        endings=("tdmrep.json",),
    ),
    Carrier("xmp", "image", media_types=("application/rdf+xml",), endings=(".xmp",)),
    Carrier("c2pa-json", "image"),
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

# The usual place of each file of a site.
SITE_PATHS = {carrier.name: carrier.paths[0] for carrier in CARRIERS if carrier.about == "site"}
# Which file of a site stands at a path.
AT_PATH = {path: carrier.name for carrier in CARRIERS for path in carrier.paths}
OF_MEDIA_TYPE = {told: carrier.name for carrier in CARRIERS for told in carrier.media_types}
# What an image file holds about itself, besides the headers it is sent with.
IN_FILES = tuple(
    carrier.name
    for carrier in CARRIERS
    if carrier.about == "image" and carrier.name not in {"headers", *ANSWERS}
)
OF_NAME = {name: carrier.name for carrier in CARRIERS for name in carrier.names}
OF_ENDING = {
    **{ending: carrier.name for carrier in CARRIERS for ending in carrier.endings},
    **{ending: "image" for known in IMAGE_FORMATS for ending in known.endings},
}


def asked_for(shows_pages: bool) -> tuple[tuple[str, str], ...]:
    """Return carrier and path of the files that a host is asked for, each path once."""
    wanted = {"media", "pages"} if shows_pages else {"media"}
    return tuple((c.name, path) for c in CARRIERS if c.asked_of in wanted for path in c.paths)


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
