"""Image files that are broken, or made to hurt: a warning, what could be read, and no more."""

import random
import struct
import tracemalloc
import zlib

import brotli
import image_files as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.evidence.xmp import containers, read_file_metadata
from registry.evidence.xmp._collector import MAX_BLOCKS, MAX_BYTES, MAX_PACKETS, MAX_WARNINGS
from registry.evidence.xmp._packet import MAX_KEPT
from registry.signals import read

PACKET = made.marked()
FILES = made.files(PACKET)
LONG = b"<a>" + b" " * 4 * MAX_BYTES


def check(data):
    """Read, and hold what holds for any bytes."""
    found = read_file_metadata(data)
    assert len(found.warnings) <= MAX_WARNINGS
    for evidence in found.evidence:
        assert 0 < len(evidence.text) <= 2 * MAX_KEPT
        evidence.text.encode("utf-8")
        assert "\0" not in evidence.text
        read(evidence)
    return found


@pytest.mark.parametrize("name", FILES)
def test_cut_at_every_place(name):
    data = FILES[name]
    for end in range(len(data)):
        check(data[:end])


@pytest.mark.parametrize("name", [name for name in FILES if name not in {"psd", "svg", "gif"}])
def test_cut_within_the_packet_is_told(name):
    data = FILES[name]
    found = check(data[: len(data) - len(data) // 3])
    assert found.warnings


@pytest.mark.parametrize("name", FILES)
def test_every_byte_changed(name):
    data = FILES[name]
    chance = random.Random(7)
    for place in range(len(data)):
        for value in {0, 255, data[place] ^ 1 << chance.randrange(8)}:
            check(data[:place] + bytes([value]) + data[place + 1 :])


@given(
    st.sampled_from(sorted(FILES)), st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=8)))
)
@settings(max_examples=400, deadline=None)
def test_bytes_overwritten(name, changes):
    data = bytearray(FILES[name])
    for place, piece in changes:
        data[place : place + len(piece)] = piece
    check(bytes(data))


@given(st.sampled_from(sorted(FILES)), st.integers(2, 200), st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_anything_behind_a_good_start(name, start, rest):
    check(FILES[name][:start] + rest)


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_no_container_raises_on_bytes_it_would_not_take(data):
    for container in containers().values():
        container.recognises(data)
        container.packets(data)


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: made.png(made.itxt(LONG, compressed=True)),
        lambda: made.png(made.raw_profile(b"zTXt", LONG)),
        lambda: made.jxl(made.box(b"brob", b"xml " + brotli.compress(LONG, quality=3))),
        lambda: made.heif(zlib.compress(LONG), encoding=b"deflate"),
        lambda: made.heif(b"<a>" * 100_000, extents=[(0, 0)] * 20_000),
    ],
    ids=["png", "png, raw profile", "jxl", "heif", "extents"],
)
def test_small_files_that_name_much(bomb):
    data = bomb()
    assert len(data) < 500_000
    tracemalloc.start()
    found = check(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert any("more than" in warning for warning in found.warnings)
    assert peak < 12 * MAX_BYTES


def test_circles_and_rows_without_end():
    circle = made.tiff(PACKET, following=8)
    found = check(circle)
    assert "loop" in found.warnings[0]
    assert len(found.evidence) == 1
    directories = b"".join(struct.pack("<HI", 0, 8 + 6 * (n + 1)) for n in range(5000))
    check(b"II*\0\x08\0\0\0" + directories)
    wide = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + b"\xbc\x02" * 2_000_000
    assert check(wide).warnings


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xd0" * 1_000_000,
        b"\xff\xd8\xff\xe0" + b"\xff" * 1_000_000,
        b"\xff\xd8" + b"\xff\xe1\0\0" * 500_000,
        b"\x89PNG\r\n\x1a\n" + bytes(1_000_000),
        b"RIFF" + struct.pack("<I", 1_000_000) + b"WEBP" + bytes(1_000_000),
        b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 500_000,
        b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1a" * 1_500_000,
        made.box(b"ftyp", b"avif") + made.box(b"free", b"") * 200_000,
        made.box(b"ftyp", b"avif") + b"\0\0\0\1free" + bytes(8),
        made.box(b"ftyp", b"avif") + b"\0\0\0\4free",
        made.box(b"ftyp", b"avif") + b"\0\0\0\0free" + bytes(100_000),
        b"8BPS\0\1" + bytes(24) + b"\0\x0f\xff\xff" + bytes(1_000_000),
    ],
)
def test_many_small_blocks(data):
    assert check(data).evidence == ()


def test_many_packets():
    data = made.jpeg(*(made.app1(made.marked(f"X{n}")) for n in range(MAX_PACKETS + 5)))
    found = check(data)
    assert len(found.evidence) == MAX_PACKETS
    assert "packets" in found.warnings[0]


def test_many_items():
    entry = made.box(
        b"infe", b"\2\0\0\1" + struct.pack(">HH", 2, 0) + b"mime\0application/rdf+xml\0"
    )
    iinf = made.box(b"iinf", bytes(4) + b"\xff\xff" + entry * (MAX_BLOCKS + 1))
    iloc = made.box(b"iloc", b"\1\0\0\0\0\0\xff\xff" + bytes(65535 * 8))
    data = made.box(b"ftyp", b"avif") + made.box(b"meta", bytes(4) + iinf + iloc)
    assert check(data).warnings
