"""Transparent pictures: over white, over black, and with the alpha dropped."""

import io

import pytest
from drawn import art, expected, on_white, saved
from PIL import Image

from registry.fingerprints import fingerprint


def half_clear() -> Image.Image:
    mask = Image.linear_gradient("L").resize((120, 80)).rotate(30, fillcolor=200)
    image = art(23)
    image.putalpha(mask)
    return image


def full(picture):
    return view(picture, "full")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_lies_over_white(mode, kind):
    image = half_clear().convert(mode)
    data = saved(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    picture = fingerprint(data)
    with Image.open(io.BytesIO(data)) as stored:
        assert full(picture) == expected(on_white(stored))
    assert full(picture) != expected(image.convert("RGB"))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_clear_colour_lies_over_white(mode):
    image = art(24).convert(mode)
    clear = image.getpixel((5, 5))
    data = saved(image, transparency=clear)
    changed = fingerprint(data)
    with Image.open(io.BytesIO(data)) as stored:
        assert full(changed) == expected(on_white(stored))
    assert full(changed) != expected(image)


def test_a_palette_with_alpha_for_each_colour_lies_over_white():
    data = saved(half_clear().quantize(32, Image.Quantize.FASTOCTREE))
    with Image.open(io.BytesIO(data)) as stored:
        assert stored.mode == "P"
        assert full(fingerprint(data)) == expected(on_white(stored))


def test_alpha_in_a_picture_higher_than_a_band():
    image = art(25, 40, 700)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    assert full(fingerprint(saved(image))) == expected(on_white(image))


def view(picture, name):
    """Return the hashes of one view as those of an opaque picture."""
    return {a: {"full": views[name]} for a, views in picture.fingerprints.items() if name in views}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_copies_without_the_alpha_or_over_black_have_views(kind):
    image = half_clear()
    data = saved(image, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    picture = fingerprint(data)
    with Image.open(io.BytesIO(data)) as stored:
        rgba = stored.convert("RGBA")
    black = Image.new("RGB", rgba.size)
    black.paste(rgba, (0, 0), rgba)
    assert view(picture, "black") == expected(black)
    assert view(picture, "dropped") == expected(rgba.convert("RGB"))


def test_a_picture_with_unused_alpha_has_one_view():
    image = art(3).convert("RGBA")
    assert {len(views) for views in fingerprint(saved(image)).fingerprints.values()} == {1}


def test_a_view_that_says_nothing_is_left_out():
    """White drawing on clear ground: nothing over white, all of it over black."""
    drawing = art(5).convert("L")
    image = Image.merge("LA", (Image.new("L", drawing.size, 255), drawing))
    picture = fingerprint(saved(image))
    assert picture.unfit == "flat"
    assert set(picture.fingerprints["phash64"]) == {"black"}
    assert set(picture.fingerprints["phash256"]) == {"black"}
