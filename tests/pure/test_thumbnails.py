"""Small copies of pictures hold nothing of the file but its look."""

import io

import pytest
from drawn import draw
from PIL import Image

from registry.pictures.thumbnails import SIDE, thumbnail


def written(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16"])
def test_a_copy_is_a_small_jpeg(mode):
    image = draw(1).convert("L") if mode == "I;16" else draw(1)
    data = written(image.resize((900, 300)).convert(mode), "TIFF")
    with Image.open(io.BytesIO(thumbnail(data) or b"")) as copy:
        assert copy.format == "JPEG"
        assert copy.size == (SIDE, SIDE // 3)


def test_metadata_and_what_follows_the_picture_are_left_out():
    exif = Image.Exif()
    exif[0x010E] = "<script>secret</script>"
    exif[0x0112] = 6
    data = written(draw(2).resize((400, 200)), "JPEG", exif=exif, comment=b"secret") + b"<script>"
    copy = thumbnail(data)
    assert copy is not None
    assert b"secret" not in copy
    assert b"<script>" not in copy
    with Image.open(io.BytesIO(copy)) as image:
        # Upright, as it is displayed.
        assert image.height > image.width
        assert not image.getexif()


def test_a_transparent_picture_lies_on_white():
    copy = thumbnail(written(Image.new("RGBA", (20, 20), (0, 0, 0, 0))))
    with Image.open(io.BytesIO(copy or b"")) as image:
        assert image.getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("data", [b"", b"<svg>", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_what_cannot_be_read_has_none(data):
    assert thumbnail(data) is None


def test_a_bomb_has_none():
    data = bytearray(written(Image.new("1", (8, 8))))
    data[16:24] = (60_000).to_bytes(4) * 2
    assert thumbnail(bytes(data)) is None


def test_a_very_long_picture():
    copy = thumbnail(written(Image.new("RGB", (5000, 1))))
    with Image.open(io.BytesIO(copy or b"")) as image:
        assert image.size == (SIDE, 1)
