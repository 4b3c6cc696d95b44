"""Layouts of datasets of 40 rows, with known truth: pictures and metadata in tar and zip files."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
from layout_parts import ELSEWHERE, URL, WORDS, Work, jpeg_of, layout, parquet, texts, works
from PIL import Image
from tar_files import tar_bytes

Files = Callable[[Work], dict[str, bytes]]
KEYS = texts(lambda w: f"{w.number:09d}")


@cache
def noise(number: int) -> bytes:
    """Return a picture that is in no registry."""
    del number
    return jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))


def as_json(**values: object) -> bytes:
    return json.dumps(values, indent=4).encode()


def metadata(work: Work, url: str) -> bytes:
    """Return what img2dataset says of a sample."""
    sha256 = hashlib.sha256(work.resized).hexdigest()
    return as_json(
        url=url,
        caption=f"picture {work.number}",
        key=f"{work.number:09d}",
        status="success",
        error_message=None,
        width=120,
        height=90,
        exif="{}",
        sha256=sha256,
    )


def shards(folder: Path, files: Files, suffix: str = ".tar", pack: Callable = bytes) -> Path:
    """Write two shards of samples; `files` are those of each by ending."""
    folder.mkdir(exist_ok=True)
    for number in range(2):
        members = [
            (f"{work.number:09d}.{ending}", content)
            for work in works()[number * 20 : number * 20 + 20]
            for ending, content in files(work).items()
        ]
        (folder / f"{number:05d}{suffix}").write_bytes(pack(tar_bytes(members)))
    return folder


def mirror(work: Work) -> str:
    return f"https://mirror.example/{work.number}.jpg"


@layout("all")
def webdataset_folder(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"jpg": w.resized, "json": metadata(w, mirror(w))})


@layout("all")
def webdataset_packed(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"png": w.resized}, ".tar.gz", gzip.compress)


@layout("all")
def webdataset_in_braces(folder: Path) -> Path:
    shards(folder, lambda w: {"jpg": w.resized, "txt": b"a cat"})
    return folder / "{00000..00001}.tar"


@layout("all")
def webdataset_of_urls(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"jpg": noise(w.number), "json": metadata(w, w.url)})


@layout("all")
def webdataset_with_two_pictures(folder: Path) -> Path:
    return shards(
        folder / "shards", lambda w: {"0.jpg": noise(w.number), "1.jpg": w.resized, "cls": b"7"}
    )


@layout("all")
def webdataset_of_several_endings(folder: Path) -> Path:
    """The first samples are all of one kind, a later one of another."""
    return shards(folder / "shards", lambda w: {"jpg" if w.number < 30 else "image.bin": w.resized})


@layout("all")
def webdataset_of_rare_endings(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"gif" if w.number % 8 == 6 else "jpg": w.resized})


@layout("all")
def webdataset_with_embeddings(folder: Path) -> Path:
    vector = b"\x93NUMPY\1\0v\0{'descr': '<f2', 'fortran_order': False, 'shape': (1, 768), }"
    return shards(folder / "shards", lambda w: {"jpg": w.resized, "clip.npy": vector})


@layout("partly")
def webdataset_with_pixels(folder: Path) -> Path:
    pixels = b"\x93NUMPY\1\0v\0{'descr': '|u1', 'fortran_order': False, 'shape': (9, 9, 3), }"
    return shards(folder / "shards", lambda w: {"jpg": w.resized, "npy": pixels})


@layout("partly")
def webdataset_with_pickles(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"jpg": w.resized, "pyd": b"\x80\4."})


@layout("partly")
def webdataset_with_broken_json(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"jpg": w.resized, "json": w.url.encode()})


@layout("all")
def webdataset_with_urls_in_lists(folder: Path) -> Path:
    found = [{"url": mirror(w), "image": {"found": [w.url]}} for w in works()]
    return shards(
        folder / "shards", lambda w: {"jpg": noise(w.number), "json": as_json(**found[w.number])}
    )


@layout("refused")
def webdataset_of_tables(folder: Path) -> Path:
    return shards(folder / "shards", lambda w: {"csv": f"url\n{w.url}\n".encode()})


@layout("partly")
def webdataset_beside_a_table_of_urls(folder: Path) -> Path:
    """The table is about other files: the rows are those of the table."""
    shards(folder / "out", lambda w: {"jpg": w.resized})
    parquet(folder / "out/metadata.parquet", url=URL)
    return folder / "out"


@layout("all")
def img2dataset_webdataset(folder: Path) -> Path:
    shards(folder / "out", lambda w: {"jpg": w.resized, "json": metadata(w, mirror(w))})
    beside(folder / "out", url=ELSEWHERE)
    return folder / "out"


@layout("all")
def img2dataset_webdataset_without_json(folder: Path) -> Path:
    shards(folder / "out", lambda w: {"jpg": noise(w.number), "txt": b"a cat"})
    beside(folder / "out", url=URL)
    return folder / "out"


@layout("partly")
def img2dataset_webdataset_with_other_keys(folder: Path) -> Path:
    shards(folder / "out", lambda w: {"jpg": w.resized})
    for number in range(2):
        parquet(folder / f"out/{number:05d}.parquet", url=ELSEWHERE, key=WORDS, status=WORDS)
    return folder / "out"


@layout("all")
def img2dataset_parquet_with_statistics(folder: Path) -> Path:
    beside(folder / "out", url=ELSEWHERE)
    for number in range(2):
        part = works()[number * 20 : number * 20 + 20]
        parquet(
            folder / f"out/{number:05d}.parquet",
            url=[mirror(w) for w in part],
            key=[f"{w.number:09d}" for w in part],
            jpg=[w.resized for w in part],
        )
    return folder / "out"


def beside(folder: Path, url: pa.Array) -> None:
    """Write the tables and statistics of img2dataset; a row in each could not be downloaded."""
    for number in range(2):
        part = slice(number * 20, number * 20 + 20)
        success = [*["success"] * 20, "failed_to_download"]
        parquet(
            folder / f"{number:05d}.parquet",
            url=[*url.to_pylist()[part], "https://gone.example/1.jpg"],
            key=[*KEYS.to_pylist()[part], f"9{number:08d}"],
            status=success,
            error_message=[*[None] * 20, "HTTP Error 404: Not Found"],
        )
        stats = {"count": 21, "status_dict": {"see https://gone.example": 1}}
        (folder / f"{number:05d}_stats.json").write_text(json.dumps(stats))


# ---- zip


def zipped(path: Path, files: dict[str, bytes | str], pack: int = zipfile.ZIP_STORED) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", pack) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def pictures(take: Callable[[Work], bytes] = lambda w: w.resized) -> dict[str, bytes | str]:
    return {f"images/{w.number}.jpg": take(w) for w in works()}


def unknown() -> dict[str, bytes | str]:
    return pictures(lambda w: noise(w.number))


@layout("all")
def diffusiondb_zip(folder: Path) -> Path:
    said = {f"{w.number}.jpg": {"p": f"cat {w.number}", "se": w.number} for w in works()}
    return zipped(
        folder / "part-000001.zip", {**pictures(), "images/part-000001.json": json.dumps(said)}
    )


@layout("all")
def folder_of_zips(folder: Path) -> Path:
    files = list(pictures().items())
    for number in range(2):
        part = dict(files[number * 20 : number * 20 + 20])
        zipped(folder / f"parts/part-{number}.zip", part, zipfile.ZIP_DEFLATED)
    return folder / "parts"


@layout("all")
def zip_with_a_table(folder: Path) -> Path:
    lines = ["file_name,source", *(f"images/{w.number}.jpg,{w.url}" for w in works())]
    return zipped(folder / "a.zip", {**unknown(), "metadata.csv": "\n".join(lines)})


@layout("all")
def zip_with_json_lines(folder: Path) -> Path:
    lines = (json.dumps({"file_name": f"{w.number}.jpg", "url": w.url}) for w in works())
    return zipped(folder / "a.zip", {**unknown(), "images/metadata.jsonl": "\n".join(lines)})


@layout("all")
def zip_with_json_beside_each(folder: Path) -> Path:
    beside: dict[str, bytes | str] = {
        f"images/{w.number}.json": metadata(w, w.url) for w in works()
    }
    return zipped(folder / "a.zip", {**unknown(), **beside})


@layout("all")
def zip_with_a_readme(folder: Path) -> Path:
    return zipped(folder / "a.zip", {**pictures(), "README.md": "see https://a.example"})


@layout("partly")
def zip_with_a_list_of_urls(folder: Path) -> Path:
    urls = "\n".join(w.url for w in works())
    return zipped(folder / "a.zip", {**unknown(), "images/urls.txt": urls})


@layout("partly")
def zip_with_a_table_of_other_names(folder: Path) -> Path:
    lines = ["id,url", *(f"x{w.number},{w.url}" for w in works())]
    return zipped(folder / "a.zip", {**unknown(), "metadata.csv": "\n".join(lines)})


@layout("partly")
def zip_with_parquet(folder: Path) -> Path:
    table = parquet(folder / "metadata.parquet", url=URL).read_bytes()
    return zipped(folder / "parts/a.zip", {**unknown(), "metadata.parquet": table})


@layout("refused")
def zip_of_tables(folder: Path) -> Path:
    return zipped(folder / "a.zip", {"data.csv": "\n".join(["url", *URL.to_pylist()])})
