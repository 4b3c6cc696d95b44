"""Files beside a dataset: which of them keep its rows from being clear."""

import gzip
import json
from pathlib import Path

import pytest

from registry.datasets._left_out import left_out, reasons

ADDRESS = "https://art.example/works/1.jpg"
SHA256 = "5d" * 32
KEYS = {
    "SHA256SUMS": f"{SHA256}  1.jpg\n",
    "SOURCES.md": f"* [1.jpg]({ADDRESS}) by Ada\n",
    "1.url": f"[InternetShortcut]\nURL={ADDRESS}\n",
    "1.txt": f"{ADDRESS}\n",
    "1.jpg.txt": f"{SHA256}\n",
    "1.info": json.dumps({"url": ADDRESS}).replace("/", "\\/"),
    "index.html": f"<p><img src='{ADDRESS}'>",
    "meta.yaml": f"- file: 1.jpg\n  phash: {SHA256[:16]}\n",
    "urls.json": json.dumps([ADDRESS]),
    "list.jsonl": json.dumps({"url": ADDRESS}),
}
HARMLESS = {
    "README.md": f"Taken from {ADDRESS}.\n",
    "LICENSE": "https://licences.example/by/4.0/\n",
    "dataset_info.json": json.dumps({"homepage": ADDRESS, "checksum": SHA256}),
    "1.caption": f"a cat, more of them at {ADDRESS}\n",
    "00000_stats.json": json.dumps({"count": 10000, "duration": 12.5}),
    "make.py": f"SOURCE = '{ADDRESS}'\n",
    "notes.txt": "ten cats and a dog, 1234567890\n",
}


def why(folder: Path, name: str, content: bytes, *, beside_pictures: bool) -> list[str]:
    (folder / name).write_bytes(content)
    pictures = [folder / "1.jpg"] if beside_pictures else []
    return reasons(left_out([folder / name], pictures=pictures))


@pytest.mark.parametrize("beside_pictures", [False, True])
@pytest.mark.parametrize("name", KEYS)
def test_texts_with_addresses_or_digests_count(tmp_path: Path, name: str, beside_pictures: bool):
    content = KEYS[name].encode()
    assert why(tmp_path, name, content, beside_pictures=beside_pictures) == ["metadata-left-out"]


@pytest.mark.parametrize("name", HARMLESS)
def test_words_about_pictures_change_nothing(tmp_path: Path, name: str):
    content = HARMLESS[name].encode()
    assert why(tmp_path, name, content, beside_pictures=True) == []


def test_vectors_beside_a_table_change_nothing(tmp_path: Path):
    assert why(tmp_path, "img_emb_0.npy", b"\x93NUMPY", beside_pictures=False) == []


def test_a_packed_table_beside_pictures_counts(tmp_path: Path):
    packed = gzip.compress(ADDRESS.encode())
    found = why(tmp_path, "metadata.csv.gz", packed, beside_pictures=True)
    assert found == ["metadata-left-out"]
