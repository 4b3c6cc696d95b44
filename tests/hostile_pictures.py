"""250 image files made to crash, hang or bloat whoever opens them. Seeded: always the same."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

from image_files import chunk, png
from PIL import Image

NUMBER = 250
MARKER = b"\xff\xd8\xff"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
STARTS = [
    MARKER + b"\xe0\0\x10JFIF\0\1\1",
    SIGNATURE,
    b"GIF89a",
    b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def good_files() -> list[bytes]:
    """Return one small good file of every kind that is read."""
    rng = random.Random(7)
    small = Image.frombytes("RGB", (9, 9), rng.randbytes(9 * 9 * 3))
    image = small.resize((72, 72), Image.Resampling.NEAREST)
    clear = image.copy()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    frames = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    return [
        saved(image, "JPEG"),
        saved(image, "JPEG", progressive=True),
        saved(image.convert("CMYK"), "JPEG"),
        saved(image, "MPO", **frames),
        saved(clear, "PNG"),
        saved(image.convert("P"), "PNG", transparency=3),
        saved(image, "PNG", **frames),
        saved(image, "GIF", **frames),
        saved(clear, "WEBP", lossless=True),
        saved(image, "WEBP", **frames),
        saved(clear, "AVIF"),
        saved(image, "BMP"),
        saved(image, "TIFF"),
        saved(image, "TIFF", compression="tiff_lzw"),
        saved(image, "JPEG2000"),
    ]


def many_scans(side: int = 3000, scans: int = 2000) -> bytes:
    """Return a small progressive JPEG whose last scan comes again and again."""
    gradient = Image.linear_gradient("L").resize((side, side)).convert("RGB")
    data = saved(gradient, "JPEG", progressive=True, quality=50)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def zeros(megabytes: int) -> bytes:
    """Return a JPEG in which the decoder looks for a marker byte by byte."""
    return MARKER + bytes(megabytes << 20)


def png_of_size(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Return a small PNG that claims a size, with up to 200 rows and 64 MiB a row of it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    row = min((width * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8 + 1, 64 << 20)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(row)) for _ in range(min(height, 200)))
    return SIGNATURE + header + chunk(b"IDAT", data + packer.flush()) + chunk(b"IEND", b"")


def bombs() -> Iterator[bytes]:
    """Yield small files that unpack to much."""
    yield zeros(60)
    yield many_scans()
    yield png_of_size(40_000, 40_000)
    yield png_of_size(12_000, 8_000, 8, 6)
    yield png_of_size(9_999, 10_000, 16, 6)
    yield png_of_size(0x7FFFFFFF, 1)
    yield saved(Image.new("1", (20_000, 20_000)), "PNG", compress_level=1)
    yield saved(Image.new("L", (9_000, 11_000)), "PNG", compress_level=1)
    yield saved(Image.new("RGB", (6_000, 6_000)), "GIF")
    yield saved(Image.new("RGB", (3_000, 3_000)), "WEBP", lossless=True, method=0)


def packed_metadata() -> Iterator[bytes]:
    """Yield PNGs whose profile or text unpacks to 100 MB."""
    bomb = zlib.compress(bytes(100 << 20), 1)
    yield png(chunk(b"iCCP", b"icc\0\0" + bomb))
    yield png(chunk(b"zTXt", b"Comment\0\0" + bomb))
    yield png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb))
    yield png(*[chunk(b"zTXt", b"Raw profile type xmp\0\0" + bomb)] * 3)
    yield png(*[chunk(b"tEXt", b"a\0b")] * 50_000)


def many_frames() -> Iterator[bytes]:
    frames = [Image.new("P", (32, 32), number % 256) for number in range(500)]
    yield saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    small = [frame.convert("RGB") for frame in frames[:100]]
    yield saved(small[0], "PNG", save_all=True, append_images=small[1:])
    yield saved(small[0], "WEBP", save_all=True, append_images=small[1:])


def looped_tiffs() -> Iterator[bytes]:
    """Yield TIFFs whose directories lead to themselves, or hold more than there is."""
    for order, start in (("<", b"II"), (">", b"MM")):
        head = start + struct.pack(f"{order}HI", 42, 8)
        size = struct.pack(f"{order}HHII", 0x100, 4, 1, 64) + struct.pack(
            f"{order}HHII", 0x101, 4, 1, 64
        )
        for tag, count in ((0x14A, 1), (0x8769, 1), (0x111, 0xFFFFFFFF), (0x117, 0x40000000)):
            entry = struct.pack(f"{order}HHII", tag, 4, count, 8)
            yield head + struct.pack(f"{order}H", 3) + size + entry + struct.pack(f"{order}I", 8)
        yield head + struct.pack(f"{order}H", 0xFFFF) + bytes(70_000)


def polyglots(files: list[bytes]) -> Iterator[bytes]:
    tails = [b"PK\5\6" + bytes(18), b"<script>alert(1)</script>", b"%PDF-1.4\n%%EOF"]
    for number, tail in enumerate(tails):
        yield files[number] + tail
        yield tail + files[number]
        yield files[number] + files[number + 4]
    for start in STARTS:
        yield start + files[4][8:]


def headers_changed(files: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Yield files with a huge or negative number in their header."""
    while True:
        data = bytearray(rng.choice(files))
        at = rng.randrange(4, min(120, len(data)))
        data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"])
        yield bytes(data)


def damaged(files: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Yield files cut short, with bits turned, with pieces moved, or made of noise."""
    while True:
        data = rng.choice(files)
        yield data[: rng.randrange(len(data))]
        turned = bytearray(data)
        for _ in range(rng.choice([1, 4, 40])):
            turned[rng.randrange(len(turned))] ^= 1 << rng.randrange(8)
        yield bytes(turned)
        cut = rng.randrange(len(data))
        yield data[:cut] + rng.choice(files)[cut:]
        yield rng.choice(STARTS) + rng.randbytes(rng.randrange(3000))


def hostile_pictures() -> list[bytes]:
    """Return NUMBER hostile files, all different."""
    rng = random.Random(14)
    files = good_files()
    made = dict.fromkeys([b"", b"\xff", b"text", MARKER, *bombs(), *packed_metadata()])
    made |= dict.fromkeys([*many_frames(), *looped_tiffs(), *polyglots(files)])
    sources = [headers_changed(files, rng), damaged(files, rng), damaged(files, rng)]
    while len(made) < NUMBER:
        made |= dict.fromkeys([next(source) for source in sources][: NUMBER - len(made)])
    return list(made)
