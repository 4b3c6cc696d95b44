"""Decodes untrusted bytes to a picture, or raises UnreadablePicture with the reason.

Of Pillow's formats only those of the web and of image datasets are used. The
others have no signature, run other programs (EPS starts Ghostscript) or decode
in Python, where a hostile file can take minutes.
"""

from __future__ import annotations

import io
import struct
import zlib

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from registry.errors import UnreadablePicture

# Pillow's own limit is one for the whole process, and it only warns, through the
# process-wide warning filters; `open_picture` checks the header against its caller's limit.
Image.MAX_IMAGE_PIXELS = None

# Importing these plug-ins by name loads only them; Pillow would load all of its forty.
FORMATS = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    GifImagePlugin.GifImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    AvifImagePlugin.AvifImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    Jpeg2KImagePlugin.Jpeg2KImageFile.format,
)

# Exceptions that Pillow raises for damaged bytes. Seen when small files of all FORMATS were
# mutated 1.2 million times: OSError, SyntaxError, ValueError, RuntimeError and
# TypeError. The others are raised somewhere in the plug-ins or in the code that they
# call. `Warning` is raised if the caller turned warnings into errors: Pillow
# warns of damaged metadata. The list is long because a file must never end a crawl.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    BufferError,
    MemoryError,
    SystemError,
    struct.error,
    zlib.error,
    Warning,
)

# Another question than "which kind of file is this?" (`registry.evidence.carriers`): which
# files can Pillow's plug-ins open, and what is a message to say of the others? So signatures are
# as long as those plug-ins want them, and this pure room imports no evidence. That both tables
# agree on every format in both is tested in tests/pure/test_carriers.py.
# First bytes of files of FORMATS: a file that has them and cannot be opened is damaged.
_SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"\0\0\0\x0cjP  ",
    b"\xff\x4f\xff\x51",
)

# First bytes of picture files whose formats are not read.
_UNSUPPORTED = {
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\1\0": "icon",
}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_HINT = "JPEG, PNG, GIF, WebP, AVIF, BMP, TIFF and JPEG 2000 are read"
_SMALLER = "free memory, or scale the picture down first"
_REPAIR = "fetch it again, or save it again with a program that can open it"


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Decode the first frame of an image file held in memory.

    Raises UnreadablePicture: `empty`, `not-an-image`, `unsupported-format`,
    `too-many-pixels` (by the header, before anything is decoded), `out-of-memory` or
    `broken`.
    """
    if not data:
        raise UnreadablePicture("empty", "the file is empty", _REPAIR)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except DECODER_ERRORS as error:
        raise _broken(error) from error
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise UnreadablePicture(
            "too-many-pixels",
            f"{image.width} x {image.height} pixels are more than the {max_pixels:,} allowed",
            "the limit guards against decompression bombs; scale the picture down first",
        )
    return _decoded(image)


def _decoded(image: Image.Image) -> Image.Image:
    try:
        image.load()
    except DECODER_ERRORS as error:
        raise _broken(error) from error
    return image


def _broken(error: BaseException) -> UnreadablePicture:
    if isinstance(error, MemoryError):
        return UnreadablePicture(
            "out-of-memory", "decoding it takes more memory than is available", _SMALLER
        )
    said = str(error).splitlines()
    detail = f" ({said[0]})" if said else ""
    return UnreadablePicture("broken", f"the picture is damaged or cut short{detail}", _REPAIR)


def _unidentified(data: bytes) -> UnreadablePicture:
    if _has_known_signature(data):
        return UnreadablePicture(
            "broken", "the picture is damaged, or of a format that is not read", _REPAIR
        )
    name = _unsupported(data)
    if name:
        return UnreadablePicture("unsupported-format", f"{name} files are not read", _HINT)
    return UnreadablePicture("not-an-image", "not an image file", _HINT)


def _has_known_signature(data: bytes) -> bool:
    return (
        data.startswith(_SIGNATURES)
        or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
        or (data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"))
    )


def _unsupported(data: bytes) -> str | None:
    """Return the name of a picture format that is not read; None if the data has no such format.

    The message then names the format, and does not say that the file is no picture.
    """
    for start, name in _UNSUPPORTED.items():
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "HEIC"
    return "SVG" if b"<svg" in data[:1024].lower() else None
