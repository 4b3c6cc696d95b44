"""Copies that were padded are found without their border; what is registered keeps its own."""

import json

import numpy as np
import pytest
from checking import check
from drawn import draw, saved
from hypothesis import given
from hypothesis import strategies as st
from made import Made
from PIL import Image

from registry.fingerprints import fingerprint
from registry.fingerprints._border import without_border

GREYS = [(255, 255, 255), (0, 0, 0), (128, 128, 128)]


def padded(image: Image.Image, size=(256, 256), grey=GREYS[0], quality=85) -> bytes:
    """Return a JPEG of a picture as img2dataset pads it with `resize_mode=border`."""
    small = image.copy()
    small.thumbnail(size)
    canvas = Image.new("RGB", size, grey)
    canvas.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    return saved(canvas, "JPEG", quality=quality)


def differing(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


@pytest.mark.parametrize("shape", [(400, 300), (300, 400), (400, 360)])
@pytest.mark.parametrize("grey", GREYS)
@pytest.mark.parametrize("seed", range(4))
def test_a_padded_copy_has_the_fingerprint_of_its_picture(shape, grey, seed):
    image = draw(seed).resize(shape)
    own = fingerprint(saved(image, "JPEG")).fingerprints
    copy = fingerprint(padded(image, grey=grey), may_be_padded=True).fingerprints
    near = [differing(own["phash64"]["full"], code) for code in copy["phash64"].values()]
    wide = [differing(own["phash256"]["full"], code) for code in copy["phash256"].values()]
    assert min(near) <= 4
    assert min(wide) <= 60
    assert {*fingerprint(padded(image, grey=grey)).fingerprints["phash64"]} == {"full"}


@pytest.mark.parametrize("shape", [(400, 260), (260, 400)])
@pytest.mark.parametrize("seed", range(4))
def test_bars_beside_a_margin_of_the_picture_are_cut_alone(shape, seed):
    paper = Image.new("RGB", shape, GREYS[0])
    drawing = draw(seed).resize((shape[0] * 6 // 10, shape[1] * 6 // 10))
    paper.paste(drawing, (shape[0] * 2 // 10, shape[1] * 2 // 10))
    own = fingerprint(saved(paper, "JPEG")).fingerprints["phash64"]["full"]
    copy = fingerprint(padded(paper, grey=GREYS[1]), may_be_padded=True).fingerprints["phash64"]
    assert min(differing(own, code) for code in copy.values()) <= 4


@given(
    st.tuples(*[st.integers(0, 30)] * 4), st.integers(0, 255), st.integers(1, 4), st.integers(0, 99)
)
def test_the_part_inside_is_what_was_laid_on_a_canvas(sides, grey, side, seed):
    left, top, right, bottom = sides
    noise = np.random.default_rng(seed).integers(0, 256, (40 * side, 50), dtype=np.uint8)
    pixels = np.pad(noise, ((top, bottom), (left, right)), constant_values=grey)
    parts = without_border(Image.fromarray(pixels))
    assert any(np.array_equal(part, noise) for part in parts) == any(sides)
    assert len(parts) <= 3


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (64, 64)])
def test_a_picture_of_one_grey_has_no_inside(size):
    assert without_border(Image.new("L", size, 7)) == []


def test_a_check_finds_padded_pictures(tmp_path):
    made, folder = Made(), tmp_path / "data"
    folder.mkdir()
    for seed in range(3):
        image = draw(seed).resize((400, 300))
        picture = made.picture(fingerprint(saved(image, "JPEG")))
        made.observe(f"https://a.example/{seed}.jpg", [made.headers("noai")], image_id=picture)
        (folder / f"{seed}.jpg").write_bytes(padded(image))
    (folder / "3.jpg").write_bytes(padded(draw(3).resize((400, 300))))
    result = check(folder, "--json", snapshot=made.snapshot(tmp_path).path)
    assert result.returncode == 1, result.stderr
    outcomes = json.loads(result.stdout)["outcomes"]
    assert (outcomes["reserved"], outcomes["clear"]) == (3, 1)
