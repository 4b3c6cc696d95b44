"""Names of members of archives as keys and endings, and what a member of an ending may hold."""

import pytest
from tar_files import JPEG

from registry.datasets.tar.samples import key_and_ending, kind_of, kind_of_start

# Names of members: key and ending as `base_plus_ext` of webdataset makes them, or none.
NAMES = {
    "0001.jpg": ("0001", "jpg"),
    "0001.JPG": ("0001", "jpg"),
    "a/b.c/0001.left.jpg": ("a/b.c/0001", "left.jpg"),
    "./0001.seg.png": ("./0001", "seg.png"),
    "a.b/c": ("a.b/c", ""),
    "README": ("README", ""),
    "a/._0001.jpg": ("a/._0001.jpg", ""),
    "__MACOSX/x.jpg": ("__MACOSX/x", "jpg"),
    "__meta__.json": ("__meta__.json", ""),
    "0001.": ("0001", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_keys(name):
    assert key_and_ending(name) == NAMES[name]


def npy(kind, shape):
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\1\0v\0" + head.encode()


def test_kinds_of_files():
    kinds = {"jpg": "picture", "left.AVIF".lower(): "picture", "meta.json": "json", "cls": "text"}
    kinds |= {"mp3": "harmless", "csv": "table", "pyd": "closed", "mp4": "closed", "x": "unknown"}
    kinds |= {"json.gz": "closed", "jpg.zst": "closed"}
    assert {ending: kind_of(ending) for ending in kinds} == kinds
    starts = [
        ("dat", JPEG, "picture"),
        ("", JPEG, "picture"),
        ("", b"words", "harmless"),
        ("dat", b"words \xc3", "text"),
        ("dat", b"\0\1", "closed"),
        ("dat", b"", "harmless"),
        ("npy", npy("<f2", "(768,)"), "harmless"),
        ("npy", npy("<f4", "(1, 768)"), "harmless"),
        ("npy", npy("<i8", "(77,)"), "harmless"),
        ("npy", npy("<f4", "(3, 64, 64)"), "closed"),
        ("npy", npy("|u1", "(64, 64, 3)"), "closed"),
        ("npy", npy("|u1", "(9999,)"), "closed"),
        ("npy", npy("|O", "(2,)"), "closed"),
        ("npy", b"\x93NUMPY", "closed"),
    ]
    for ending, start, kind in starts:
        assert kind_of_start(ending, start) == kind, (ending, start)
