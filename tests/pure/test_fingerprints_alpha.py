"""Transparent pictures: over white, over black, and with the alpha dropped."""

import io

import pytest
from drawn import art, expected, on_white, saved
from PIL import Image, ImageChops

from registry.fingerprints import fingerprint
from registry.matching.confirm import CANDIDATE_RADIUS, CERTAIN_256


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


def glow() -> Image.Image:
    """Colours that fade out in rings, and others under the parts that are wholly clear."""
    image = art(31)
    rings = Image.radial_gradient("L").resize(image.size)
    image.putalpha(rings.point(lambda value: 0 if value > 170 else 200 - value))
    return image


def test_a_copy_scaled_before_its_alpha_was_dropped_has_a_view():
    """Scaling forgets the colours of clear pixels, not those of pixels that are nearly so."""
    image = glow()
    picture = fingerprint(saved(image))
    cleared = Image.new("RGB", image.size)
    cleared.paste(image.convert("RGB"), (0, 0), image.getchannel("A").point([0] + [255] * 255))
    assert view(picture, "cleared") == expected(cleared)
    copy = fingerprint(saved(image.resize((60, 40)).convert("RGB")))
    bits = [
        (int(copy.fingerprints["phash64"]["full"], 16) ^ int(code, 16)).bit_count()
        for name, code in picture.fingerprints["phash64"].items()
        if name != "cleared"
    ]
    assert min(bits) > CANDIDATE_RADIUS
    wide = int(picture.fingerprints["phash256"]["cleared"], 16)
    assert (int(copy.fingerprints["phash256"]["full"], 16) ^ wide).bit_count() <= CERTAIN_256


def test_pictures_without_colours_under_the_clear_parts_have_no_view_of_that():
    image = glow()
    image.paste((0, 0, 0, 0), mask=image.getchannel("A").point([255] + [0] * 255))
    assert set(fingerprint(saved(image)).fingerprints["phash64"]) == {"full", "black", "dropped"}


@pytest.mark.parametrize("noise", [0, 1, 2])
def test_shapes_cut_out_of_one_colour_do_not_share_a_view(noise):
    """Without the alpha nothing is left but the colour, in all shapes of it alike."""
    for seed in (41, 42):
        image = Image.new("RGB", (120, 80), (90, 140, 60))
        speckled = Image.effect_noise(image.size, 50).point(lambda value: value * noise // 256)
        image = ImageChops.add(image, Image.merge("RGB", [speckled] * 3))
        image.putalpha(art(seed).convert("L"))
        views = fingerprint(saved(image)).fingerprints["phash64"]
        assert "full" in views
        assert "dropped" not in views


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
