"""Members of tar files: those that Python's tarfile finds, and more of damaged files."""

import gzip
import io
import tarfile

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tar_files import member, tar_bytes

from registry.datasets.tar import members as tar_members
from registry.datasets.tar.headers import BLOCK, parsed, records
from registry.datasets.tar.members import CUT, Damage, Members

FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
NAME = st.one_of(
    st.text(st.sampled_from("ab./é_"), min_size=1, max_size=12),
    st.integers(90, 300).map(lambda size: "d/" * (size // 4) + "x" * (size // 2) + ".jpg"),
)
FILE, LINK, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE
MEMBER = st.tuples(
    NAME.filter(lambda name: name.strip("/.")),
    st.binary(max_size=1200),
    st.sampled_from([FILE] * 6 + [FOLDER, LINK, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
)


class Trickle:
    """A stream that returns few bytes at a time and cannot be sought in, as a compressed one."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(min(size, 700))


def streams(data):
    return (io.BufferedReader(io.BytesIO(data), 64), Trickle(data))


def found_in(file, read=True):
    """Return name, content and oddness of each member, the damage, and whether the end is there."""
    members = Members(file)
    found = [
        one.why if isinstance(one, Damage) else (one.name, members.read() if read else b"", one.odd)
        for one in members
    ]
    return found, members.is_whole


def made(members, form):
    infos = []
    for name, content, kind in members:
        text = content if kind == FILE else b""
        infos.append(member(name, text, type=kind, linkname="x" * 150 if kind == LINK else "x"))
    return tar_bytes(infos, form)


def by_tarfile(data, **options):
    with tarfile.open(fileobj=io.BytesIO(data), **options) as tar:
        return [
            (info.name, tar.extractfile(info).read() if info.isreg() else b"", not info.isreg())
            for info in tar
            if info.isreg() or info.islnk() or info.issym()
        ]


@given(st.lists(MEMBER, max_size=6), st.sampled_from(FORMS), st.booleans())
def test_members_are_those_of_tarfile(members, form, read):
    try:
        data = made(members, form)
    except ValueError:
        # A name that the oldest format cannot hold.
        return
    for file in streams(data):
        found, is_whole = found_in(file, read)
        assert is_whole
        expected = [(name, text if read else b"", odd) for name, text, odd in by_tarfile(data)]
        assert [(name, text, bool(odd)) for name, text, odd in found] == expected


@given(st.lists(MEMBER, min_size=1, max_size=4), st.sampled_from(FORMS[1:]))
def test_bytes_of_members_together_are_those_of_the_file(members, form):
    members = [(name.strip("/") + ".jpg", content, FILE) for name, content, _ in members]
    content = tar_bytes([(name, text) for name, text, _ in members], form)
    for file in streams(content):
        read = Members(file)
        raw = b"".join(one.head + read.read() + read.padding() for one in read)
        assert content.startswith(raw)
        assert not content[len(raw) :].strip(b"\0")


SIZES = {f"{n}.jpg": 300 * n for n in range(1, 5)}
WHOLE = [(name, bytes([200 + size % 50]) * size, None) for name, size in SIZES.items()]
DATA = tar_bytes([(name, content) for name, content, _ in WHOLE])


def place_of(name):
    start = sum(BLOCK + -(-size // BLOCK) * BLOCK for one, size in SIZES.items() if one < name)
    return start, start + BLOCK + -(-SIZES[name] // BLOCK) * BLOCK


@pytest.mark.parametrize("kind", ["cut", "changed", "shortened", "lengthened", "zeros"])
@pytest.mark.parametrize("place", range(0, 6144, 128))
def test_damage_loses_only_what_it_touches(kind, place):
    end = {"cut": len(DATA), "zeros": place + 1024}.get(kind, place + 1)
    replaced = {
        "cut": b"",
        "changed": bytes([DATA[place] ^ 0x55]),
        "shortened": b"",
        "lengthened": DATA[place : place + 1] + b"more",
        "zeros": bytes(end - place),
    }[kind]
    data = DATA[:place] + replaced + DATA[end:]
    (found, is_whole), again = (found_in(file) for file in streams(data))
    assert again == (found, is_whole), "the same from disk and from a stream"
    touched = [place_of(name)[0] < end and place < place_of(name)[1] for name in SIZES]
    if kind in ("shortened", "lengthened"):
        # The next header is not where it is expected.
        touched = [one or before for one, before in zip(touched, [False, *touched], strict=False)]
    for member_, is_touched in zip(WHOLE, touched, strict=True):
        assert is_touched or member_ in found
    lost = [name for name, _, _ in WHOLE if name not in [one[0] for one in found]]
    if lost and kind != "zeros":
        assert not is_whole or any(isinstance(one, str) for one in found)


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_to_their_end(data):
    for file in streams(data):
        found, _ = found_in(file)
        assert len(found) <= 1 + len(data) // BLOCK
        if data.strip(b"\0"):
            assert found


def test_files_that_follow_one_another_are_read():
    data = tar_bytes([("a.jpg", b"1")]) + tar_bytes([("b.jpg", b"2")])
    for file in streams(data):
        found, is_whole = found_in(file)
        assert [one[0] for one in found] == ["a.jpg", "b.jpg"]
        assert is_whole
    assert [one[:2] for one in found] == [one[:2] for one in by_tarfile(data, ignore_zeros=True)]


def test_a_hole_is_damage():
    data = tar_bytes([("a.jpg", b"1" * 30000), ("b.jpg", b"2" * 30000), ("c.jpg", b"3")])
    for start, lost in ((0, "a.jpg"), (30720, "b.jpg")):
        with_hole = data[:start] + bytes(30720) + data[start + 30720 :]
        for file in streams(with_hole):
            found, _ = found_in(file)
            names = [one[0] for one in found if isinstance(one, tuple)]
            assert lost not in names
            assert "c.jpg" in names
            assert any("no content" in one for one in found if isinstance(one, str))


def test_a_missing_end_is_noticed():
    data = tar_bytes([("a.jpg", b"1")])[:1024]
    for file in streams(data):
        assert found_in(file) == ([("a.jpg", b"1", None)], False)
    for end in (1030, 1300):
        for file in streams(tar_bytes([("a.jpg", b"1"), ("b.jpg", b"2")])[:end]):
            found, is_whole = found_in(file)
            assert found[0] == ("a.jpg", b"1", None)
            assert found[1].startswith(CUT)
            assert not is_whole


def test_sparse_files_are_passed_in_their_length(tmp_path):
    after = tar_bytes([("b.jpg", b"2")])
    # An old GNU header with a further block of its map; one of PAX.
    info = member("a.jpg", b"x" * 600, type=tarfile.GNUTYPE_SPARSE)[0]
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[482] = 1
    head[148:156] = b"%06o\0 " % (sum(head[:148]) + sum(head[156:]) + 256)
    gnu = bytes(head) + bytes(BLOCK) + (b"x" * 600).ljust(1024, b"\0") + after
    pax = member("c", b"map", pax_headers={"GNU.sparse.name": "a.jpg", "GNU.sparse.major": "1"})
    for data in (gnu, tar_bytes([pax], tarfile.PAX_FORMAT)[:2048] + after):
        for file in streams(data):
            found, _ = found_in(file)
            assert found[0][0] == "a.jpg"
            assert "sparse" in found[0][2]
            assert found[1] == ("b.jpg", b"2", None)


def test_numbers_of_headers():
    block = bytearray(member("a", b"1")[0].tobuf(tarfile.USTAR_FORMAT))

    def with_size(field):
        block[124:136] = field
        block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
        header = parsed(bytes(block))
        return header and header.size

    assert with_size(b"00000000012\0") == 10
    assert with_size(b"         12 ") == 10
    assert with_size(b"\x80" + (1 << 40).to_bytes(11)) == 1 << 40
    assert with_size(bytes(12)) == 0
    assert with_size(b"-1".ljust(12, b"\0")) is None
    assert with_size(b"\xff" * 12) is None
    assert with_size(b"8".ljust(12, b"\0")) is None
    # Old programs add up signed bytes.
    block[0] = 0xE9
    with_size(b"1".ljust(12, b"\0"))
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256 - 256)
    assert parsed(bytes(block)).size == 1


@given(st.binary(max_size=60))
@example(b"9" * 4000 + b" a=b\n")
@example(b"0 a=b\n")
@example(b"5 ab\n")
def test_any_records_are_read(content):
    found = records(content)
    assert found is None or isinstance(found, dict)


def test_records_are_those_of_the_header():
    assert records(b"11 path=ab\n13 size=1234\n") == {b"path": b"ab", b"size": b"1234"}


def test_a_header_that_never_ends_is_not_kept(monkeypatch):
    monkeypatch.setattr(tar_members, "_MOST_META", 4096)
    long = member("n" * 9000 + ".jpg", b"1")
    data = tar_bytes([long, ("b.jpg", b"2")], tarfile.GNU_FORMAT)
    for file in streams(data):
        found, _ = found_in(file)
        assert "too long" in found[0]
        assert found[-1] == ("b.jpg", b"2", None)


@pytest.mark.parametrize("end", [40, 200, -1])
def test_an_error_of_decompression_is_the_end(end):
    data = gzip.compress(tar_bytes([("a.jpg", b"1"), ("b.jpg", bytes(range(256)) * 9)]))[:end]
    file = pa.CompressedInputStream(pa.PythonFile(io.BytesIO(data), "r"), "gzip")
    found, is_whole = found_in(file)
    assert not is_whole
    assert found[-1].startswith(CUT)
    assert "Truncated" in found[-1]


def test_a_stream_is_not_read_after_an_error():
    class Broken:
        """A stream that has zeros without end after an error, as Arrow's may."""

        calls = 0

        def read(self, size):
            self.calls += 1
            if self.calls == 3:
                raise OSError("incorrect data check")
            return bytes(min(size, 512))

    found, is_whole = found_in(Broken())
    assert not is_whole
    assert "incorrect data check" in found[-1]
