"""Fingerprints equal ImageHash's, whatever the file; what can't have one says so."""

import hashlib
import io
import tracemalloc

import imagehash
import numpy as np
import pytest
from drawn import art, expected, saved
from PIL import Image, ImageDraw

from registry.errors import UnreadablePicture
from registry.fingerprints import (
    algorithms,
    file_digests,
    fingerprint,
    versions,
)
from registry.fingerprints._normalise import normalise

OPAQUE = {
    "jpeg": saved(art(1), "JPEG"),
    "jpeg grey": saved(art(2).convert("L"), "JPEG"),
    "jpeg cmyk": saved(art(3).convert("CMYK"), "JPEG"),
    "jpeg progressive": saved(art(4), "JPEG", progressive=True),
    "jpeg of several pictures": saved(art(4), "MPO", save_all=True, append_images=[art(5)]),
    "png": saved(art(5)),
    "png grey": saved(art(6).convert("L")),
    "png black and white": saved(art(7).convert("1")),
    "png palette": saved(art(8).convert("P", palette=Image.Palette.ADAPTIVE)),
    "webp": saved(art(9), "WEBP"),
    "webp lossless": saved(art(9), "WEBP", lossless=True),
    "gif": saved(art(10), "GIF"),
    "avif": saved(art(11), "AVIF"),
    "bmp": saved(art(12), "BMP"),
    "tiff": saved(art(13), "TIFF"),
    "tiff deflate": saved(art(13), "TIFF", compression="tiff_deflate"),
    "jpeg 2000": saved(art(14), "JPEG2000"),
    "tall": saved(art(15, 40, 400)),
    "with an opaque alpha channel": saved(art(16).convert("RGBA")),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_equals_imagehash_on_opaque_upright_pictures(name):
    data = OPAQUE[name]
    picture = fingerprint(data)
    with Image.open(io.BytesIO(data)) as image:
        assert picture.fingerprints == expected(image)
        assert (picture.width, picture.height) == image.size
    assert picture.unfit is None
    assert picture.size == len(data)
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert (picture.sha256, picture.md5) == file_digests(data)


def test_a_known_hash():
    """Fixed once, so that a release of ImageHash or Pillow that changes hashes is seen."""
    image = Image.radial_gradient("L").transform(
        (256, 256), Image.Transform.AFFINE, (1.1, 0.3, -60, -0.2, 0.9, 10)
    )
    picture = fingerprint(saved(image))
    assert picture.fingerprints["phash64"] == {"full": "e102d7774a6f6229"}
    assert picture.fingerprints["phash256"] == {
        "full": "e15002f5d7ea77404a816fab6205294f2abf200a31ff35573555317f10fd10ff"
    }


def test_plug_ins_have_bits_and_versions():
    assert list(versions().items()) == [
        ("phash64", "1+normalise-1"),
        ("phash256", "1+normalise-1"),
    ]
    for algorithm in algorithms().values():
        bits = algorithm.compute(art())
        assert len(bits) * 4 == algorithm.bits
        assert bits == bits.lower()


# Normalising


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_turns_the_picture_upright(orientation, kind):
    upright = art(20)
    stored = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    picture = fingerprint(saved(stored, kind, exif=exif, **lossless))
    assert (picture.width, picture.height) == upright.size
    if kind != "JPEG":
        assert picture.fingerprints == expected(upright)
    else:
        distance = int(picture.fingerprints["phash64"]["full"], 16) ^ int(
            str(imagehash.phash(upright)), 16
        )
        assert distance.bit_count() <= 2


@pytest.mark.parametrize("value", [0, 9, 77])
def test_a_senseless_orientation_turns_nothing(value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert fingerprint(saved(art(21), exif=exif)).fingerprints == expected(art(21))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_turns_nothing():
    data = saved(art(22), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff\x01\x12\0\x03\xff\xff")
    with Image.open(io.BytesIO(data)) as image:
        assert fingerprint(data).fingerprints == expected(image)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_counts(kind):
    frames = [art(26), art(27), art(28)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    with Image.open(io.BytesIO(data)) as stored:
        assert stored.n_frames == 3
        assert fingerprint(data).fingerprints == expected(stored.convert("RGB"))
    first = expected(frames[0])["phash64"]["full"]
    distance = int(first, 16) ^ int(fingerprint(data).fingerprints["phash64"]["full"], 16)
    assert distance.bit_count() <= 2


def test_sixteen_bit_grey_keeps_its_upper_byte():
    grey = np.asarray(art(29).convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 256 + 77)
    assert fingerprint(saved(image)).fingerprints == expected(Image.fromarray(grey))
    assert fingerprint(saved(image, "TIFF")).fingerprints == expected(Image.fromarray(grey))


@pytest.mark.parametrize("scale", [1e-30, 1 / 255, 1.0, 1e6])
def test_floats_and_wide_integers_are_stretched(scale):
    grey = np.asarray(art(30).convert("L")).astype(np.float32)
    grey.flat[0], grey.flat[-1] = 0, 255
    plain = expected(Image.fromarray(grey.astype(np.uint8)))
    floats = Image.fromarray((grey - 128) * np.float32(scale))
    assert fingerprint(saved(floats, "TIFF")).fingerprints == plain
    integers = Image.fromarray(grey.astype(np.int32) * 70_000)
    assert fingerprint(saved(integers, "TIFF")).fingerprints == plain


def test_floats_that_are_no_numbers_count_as_the_least():
    grey = np.asarray(art(30).convert("L")).astype(np.float32)
    grey.flat[0], grey.flat[1] = 0, 255
    broken = grey.copy()
    broken[grey == 0] = np.nan
    fine = fingerprint(saved(Image.fromarray(broken), "TIFF"))
    assert fine.unfit is None
    empty = Image.fromarray(np.full((40, 40), np.nan, np.float32))
    assert fingerprint(saved(empty, "TIFF")).unfit == "flat"


def test_a_signalling_nan_is_no_warning():
    grey = np.asarray(art(30).convert("L")).astype(np.float32)
    quiet, signalling = grey.copy(), grey.copy()
    quiet.view(np.uint32)[9, 9], signalling.view(np.uint32)[9, 9] = 0x7FC00001, 0x7F800001
    prints = [
        fingerprint(saved(Image.fromarray(x), "TIFF")).fingerprints for x in (quiet, signalling)
    ]
    assert prints[0] == prints[1]


def test_lab_by_its_lightness():
    lab = Image.merge("LAB", [art(31).convert("L")] + [Image.new("L", (120, 80), 128)] * 2)
    assert fingerprint(saved(lab, "TIFF")).fingerprints == expected(art(31).convert("L"))


# Unfit pictures


def symmetric() -> Image.Image:
    left = art(40, 60, 80)
    both = Image.new("RGB", (120, 80))
    both.paste(left)
    both.paste(left.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (60, 0))
    return both


def dot() -> Image.Image:
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).point((3, 3), "silver")
    return image


FLAT = {
    "white": Image.new("RGB", (300, 200), "white"),
    "black": Image.new("L", (300, 200)),
    "a colour": Image.new("RGB", (300, 200), (12, 200, 99)),
    "clear": Image.new("RGBA", (300, 200), (200, 10, 10, 0)),
    "one grey pixel": dot(),
    "a linear gradient": Image.linear_gradient("L"),
    "a gradient aslant by channels": Image.merge(
        "RGB",
        [
            Image.linear_gradient("L"),
            Image.linear_gradient("L").rotate(90),
            Image.new("L", (256, 256), 99),
        ],
    ),
    "a ring": Image.radial_gradient("L"),
    "stripes": Image.fromarray(np.tile(np.repeat(np.array([0, 90, 255], np.uint8), 50), (100, 1))),
    "a mirror image of itself": symmetric(),
}


@pytest.mark.parametrize("name", FLAT)
def test_a_picture_without_structure_has_no_fingerprint(name):
    picture = fingerprint(saved(FLAT[name]))
    assert picture.unfit == "flat"
    assert picture.fingerprints == {}
    assert len(picture.sha256) == 64


@pytest.mark.parametrize("side", [1, 2, 15])
def test_a_small_picture_has_no_fingerprint(side):
    picture = fingerprint(saved(art().resize((side, 100))))
    assert (picture.unfit, picture.fingerprints) == ("too-small", {})
    assert (picture.width, picture.height) == (side, 100)


def test_line_art_and_text_are_fit():
    page = Image.new("L", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    draw.line([(30, 20), (70, 210), (350, 90), (120, 280)], fill=0)
    assert fingerprint(saved(page)).unfit is None
    words = Image.new("1", (400, 300), 1)
    for row in range(4):
        ImageDraw.Draw(words).text((10, 20 + 40 * row), "no pictures here" * (row + 1))
    assert fingerprint(saved(words)).unfit is None
    assert fingerprint(saved(art(41, 160, 160).resize((16, 16)))).unfit is None


# Files that are no picture


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not-an-image"),
        (b"<!doctype html><title>404</title>", "not-an-image"),
        (b"\0" * 1000, "not-an-image"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported-format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unsupported-format"),
        (b"%PDF-1.7\n", "unsupported-format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported-format"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "unsupported-format"),
        (OPAQUE["jpeg"][:3], "broken"),
        (OPAQUE["jpeg"][:-100], "broken"),
        (OPAQUE["png"][:20], "broken"),
        (OPAQUE["png"][:-30], "broken"),
        (OPAQUE["gif"][:8], "broken"),
        (OPAQUE["gif"][:-50], "broken"),
        (OPAQUE["webp"][:40], "broken"),
        (OPAQUE["avif"][:-50], "broken"),
        (OPAQUE["tiff"][:100], "broken"),
        (OPAQUE["bmp"][:-100], "broken"),
    ],
)
def test_the_reason_why_not(data, reason):
    with pytest.raises(UnreadablePicture) as caught:
        fingerprint(data)
    assert caught.value.reason == reason
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert file_digests(data)[0] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_too_many_pixels_are_refused_before_decoding(kind):
    data = saved(Image.new("1", (4000, 2000)).convert("L"), kind)
    with pytest.raises(UnreadablePicture) as caught:
        fingerprint(data, max_pixels=4000 * 2000 - 1)
    assert caught.value.reason == "too-many-pixels"
    assert fingerprint(data, max_pixels=4000 * 2000).unfit == "flat"
    # only the header is left: whoever decoded first would call this broken
    if kind != "WEBP":
        with pytest.raises(UnreadablePicture) as caught:
            fingerprint(data[:200], max_pixels=1000)
        assert caught.value.reason == "too-many-pixels"


def test_a_picture_above_pillows_own_limit_gives_no_warning():
    data = saved(Image.new("1", (10_000, 9_500)))
    assert fingerprint(data).unfit == "flat"


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint16])
def test_wide_numbers_are_converted_in_bands(dtype):
    """Copies of a whole picture in 64-bit numbers took 30 bytes a pixel."""
    values = np.random.default_rng(5).integers(0, 60_000, (1500, 2000)).astype(dtype)
    image = Image.fromarray(values)
    tracemalloc.start()
    try:
        grey = np.asarray(normalise(image))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * values.size
    if dtype == np.uint16:
        wanted = values >> 8
    else:
        wanted = np.rint((values.astype(float) - values.min()) * (255.0 / float(np.ptp(values))))
    assert (grey == wanted).all()
