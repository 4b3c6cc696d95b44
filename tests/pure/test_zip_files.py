"""Files of zip archives: those that Python's zipfile finds, and more of damaged archives."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zip_files import zip_bytes

from registry.datasets.zip import files as zip_files
from registry.datasets.zip import records as zip_records
from registry.datasets.zip.files import ContentError, ZipFile

METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
NAMES = st.text(st.sampled_from("abé./ü"), min_size=1, max_size=8).filter(
    lambda name: not name.endswith("/")
)
FILES = st.dictionaries(NAMES, st.binary(max_size=400), max_size=6)
OPTIONS = st.fixed_dictionaries(
    {"unseekable": st.booleans(), "zip64": st.booleans(), "comment": st.binary(max_size=30)}
)


def opened(data):
    return ZipFile(io.BytesIO(data))


def found_in(data):
    """Return the content of each file, or why it cannot be read, and the damage."""
    archive = opened(data)
    found = {}
    for entry in archive.entries:
        try:
            found[entry.name] = archive.content(entry)
        except ContentError as error:
            found[entry.name] = str(error)
    return found, archive.damage


@given(FILES, METHODS, OPTIONS, st.binary(max_size=40))
def test_files_are_those_of_zipfile(files, method, options, before):
    data = before + zip_bytes(files, method, **options)
    assert found_in(data) == (files, None)
    archive = opened(data)
    with zipfile.ZipFile(io.BytesIO(data)) as theirs:
        for ours, info in zip(archive.entries, theirs.infolist(), strict=True):
            assert (ours.name, ours.size, ours.packed, ours.crc) == (
                *(info.filename, info.file_size, info.compress_size, info.CRC),
            )
            assert ours.at == info.header_offset
            assert archive.start(ours, 5) == files[ours.name][:5]


@given(FILES, METHODS, OPTIONS)
def test_without_a_directory_files_are_found_by_their_headers(files, method, options):
    data = zip_bytes(files, method, **options)
    cut = data[: data.rfind(b"PK\1\2") if files else 0]
    found, damage = found_in(cut)
    assert "directory" in damage
    assert found == files


@pytest.mark.parametrize("place", range(0, 900, 9))
@pytest.mark.parametrize("kind", ["cut", "changed", "zeros"])
def test_damage_is_seen(kind, place):
    files = {f"{n}.jpg": bytes([n + 1]) * 150 for n in range(4)}
    data = zip_bytes(files, zipfile.ZIP_STORED)
    end = {"cut": len(data), "changed": place + 1, "zeros": place + 60}[kind]
    changed = bytes([data[place] ^ 0xFF]) if kind == "changed" else bytes(60)
    content, damage = found_in(data[:place] + (b"" if kind == "cut" else changed) + data[end:])
    wrong = {name for name, value in content.items() if files.get(name) != value}
    lost = files.keys() - content.keys()
    if lost:
        assert damage or any(isinstance(value, str) for value in content.values())
    for name in wrong & files.keys():
        assert isinstance(content[name], str), "a wrong content is never returned"
    if kind == "changed":
        assert len(lost) + len(wrong) <= 2


@given(st.binary(max_size=2000), st.integers(0, 2000), st.binary(min_size=1, max_size=40))
def test_any_bytes_are_read_to_their_end(data, place, inserted):
    whole = zip_bytes({"a.jpg": b"x" * 50, "b.jpg": data[:100]}, zipfile.ZIP_DEFLATED)
    for one in (data, whole[:place] + inserted + whole[place:]):
        found, damage = found_in(one)
        assert found or damage


def patched(files, name, **fields):
    """Return an archive in which numbers of a record of the directory are others."""
    data = bytearray(zip_bytes(files))
    at = data.find(name.encode(), data.find(b"PK\1\2")) - 46
    offsets = {"flags": (8, "<H"), "method": (10, "<H"), "packed": (20, "<L"), "size": (24, "<L")}
    offsets |= {"place": (42, "<L")}
    for field, value in fields.items():
        offset, form = offsets[field]
        struct.pack_into(form, data, at + offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"flags": 1}, "encrypted"),
        ({"method": 14}, "method 14"),
        ({"size": 600 << 20}, "larger than 512 MiB"),
        ({"size": 300 << 20}, "zip bomb"),
        ({"size": 3}, "damaged"),
        ({"packed": 100000, "size": 100000}, "overlaps"),
        ({"packed": 900, "size": 900}, "overlaps"),
        ({"place": 0}, "damaged"),
        ({"place": 70000}, "damaged"),
        ({"method": 8}, "damaged"),
    ],
)
def test_files_that_are_not_read(fields, why):
    files = {"a.jpg": b"a" * 100, "b.jpg": b"b" * 100, "c.jpg": b"c" * 100}
    found, damage = found_in(patched(files, "b.jpg", **fields))
    assert why in found["b.jpg"]
    assert found["c.jpg"] == files["c.jpg"]
    assert damage is None


def test_two_records_of_one_place_are_not_read():
    files = {"aa.jpg": b"a" * 100, "bb.jpg": b"b" * 100}
    data = zip_bytes(files)
    record = data[data.find(b"PK\1\2") : data.rfind(b"PK\1\2")]
    start = data.find(b"PK\1\2")
    end = zip_records.end_of(3, 3 * len(record), start)
    found = opened(data[: data.rfind(b"PK\5\6")] + record + end)
    assert len(found.entries) == 3
    for entry in (found.entries[0], found.entries[2]):
        with pytest.raises(ContentError, match="overlaps"):
            found.content(entry)
    assert found.content(found.entries[1]) == files["bb.jpg"]


def test_a_bomb_is_not_unpacked_beyond_its_size():
    data = zip_bytes({"a.jpg": bytes(8 << 20)}, zipfile.ZIP_DEFLATED)
    at = data.find(b"PK\1\2")
    # The directory says 1,000 bytes.
    small = data[: at + 24] + struct.pack("<L", 1000) + data[at + 28 :]
    archive = opened(small)
    with pytest.raises(ContentError, match="damaged"):
        archive.content(archive.entries[0])
    assert len(archive.start(archive.entries[0], 512)) == 512


def test_too_many_files_are_not_kept(monkeypatch):
    monkeypatch.setattr(zip_files, "MOST_FILES", 2)
    archive = opened(zip_bytes({f"{n}.jpg": b"x" for n in range(5)}))
    assert len(archive.entries) == 2
    assert "more than" in archive.damage


def test_numbers_of_large_archives():
    data = zip_bytes({"a.jpg": b"x" * 10}, zip64=True)
    (entry,) = opened(data).entries
    for place in (7, 5 << 30):
        large = entry._replace(size=6 << 30, packed=5 << 30)
        record = zip_records.moved(large, place)
        assert zip_records.entry_at(record, 0, 0)[4:7] == (5 << 30, 6 << 30, place)
        small = zip_records.entry_at(zip_records.moved(entry, place), 0, 0)
        assert small[:7] == (*entry[:6], place)
    end = zip_records.end_of(70000, 5 << 30, 6 << 30)
    directory = zip_records.directory_in(end, 11 << 30)
    assert directory == (6 << 30, 5 << 30, 70000, 0)


def test_a_comment_may_look_like_the_end():
    data = zip_bytes({"a.jpg": b"x"}, comment=b"PK\5\6" + bytes(30))
    assert found_in(data) == ({"a.jpg": b"x"}, None)
