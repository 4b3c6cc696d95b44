"""Whatever the bytes, a picture or UnreadablePicture: no other exception, ever."""

import io
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from registry.errors import UnreadablePicture
from registry.fingerprints import fingerprint

REASONS = {"empty", "not-an-image", "unsupported-format", "broken", "too-many-pixels"}


def _seeds() -> list[bytes]:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((6, 6, 1), np.uint8)))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    clear = image.copy()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    frames = {"save_all": True, "append_images": [image.rotate(90)]}
    made = [
        (image, "JPEG", {"exif": exif}),
        (image, "JPEG", {"progressive": True}),
        (image.convert("CMYK"), "JPEG", {}),
        (image, "MPO", frames),
        (clear, "PNG", {"exif": exif}),
        (image.convert("P"), "PNG", {"transparency": 3}),
        (Image.fromarray(rng.integers(0, 65536, (36, 36), dtype=np.uint16)), "PNG", {}),
        (image, "PNG", frames),
        (image, "GIF", {}),
        (image, "GIF", frames),
        (image, "WEBP", {"exif": exif}),
        (clear, "WEBP", {"lossless": True, **frames}),
        (clear, "AVIF", {"exif": exif}),
        (image, "BMP", {}),
        (image.convert("P"), "BMP", {}),
        (image, "TIFF", {}),
        (image.convert("F"), "TIFF", {}),
        (image, "JPEG2000", {}),
    ]
    seeds = []
    for picture, kind, options in made:
        data = io.BytesIO()
        picture.save(data, kind, **options)
        seeds.append(data.getvalue())
    return seeds


SEEDS = _seeds()
# Where in the file, as a share of it (headers come first, so low shares are likelier), and what.
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True) | st.floats(0, 0.1),
        st.integers(0, 8),
        st.binary(max_size=4)
        | st.sampled_from([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0"]),
    ),
    min_size=1,
    max_size=6,
)


def refusal(data: bytes) -> UnreadablePicture | None:
    try:
        picture = fingerprint(data, max_pixels=1_000_000)
    except UnreadablePicture as error:
        return error
    assert bool(picture.fingerprints) == (picture.unfit is None)
    assert picture.fingerprints.get("phash64") != {"full": "8000000000000000"}
    return None


def attempt(data: bytes) -> None:
    refused = refusal(data)
    if refused:
        assert refused.reason in REASONS
        assert "\n" not in refused.message


@settings(max_examples=1500)
@given(st.sampled_from(SEEDS), EDITS, st.none() | st.floats(0, 1))
def test_mutated_files(data, edits, cut):
    changed = bytearray(data)
    for share, removed, inserted in edits:
        at = int(share * len(changed))
        changed[at : at + removed] = inserted
    attempt(bytes(changed[: int(cut * len(changed))] if cut is not None else changed))


@given(st.binary(max_size=200))
def test_any_bytes(data):
    attempt(data)


@pytest.mark.parametrize("data", SEEDS)
def test_every_length_of_a_file_cut_short(data):
    for length in range(0, len(data), max(1, len(data) // 60)):
        attempt(data[:length])


def test_threads_share_nothing():
    results: list[list] = []

    def work() -> None:
        results.append([fingerprint(data) for data in SEEDS])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[fingerprint(data) for data in SEEDS]] * 4
