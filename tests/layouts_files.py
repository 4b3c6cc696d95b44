"""Layouts of datasets of 40 rows, with known truth: pictures, and formats that are not read."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from layout_parts import (
    ELSEWHERE,
    ROWS,
    SHA256,
    URL,
    WORDS,
    Work,
    ints,
    jpeg_of,
    layout,
    parquet,
    simple,
    texts,
    works,
)
from PIL import Image

# ---- pictures


@layout("all")
def img2dataset_parquet(folder: Path) -> Path:
    status = texts(lambda w: "success")
    return simple(
        folder,
        url=ELSEWHERE,
        caption=WORDS,
        key=WORDS,
        status=status,
        error_message=pa.nulls(ROWS),
        jpg=pa.array([w.resized for w in works()]),
        sha256=SHA256,
    )


@layout("all")
def huggingface_pictures(folder: Path) -> Path:
    structs = [{"bytes": w.resized, "path": f"{w.number}.jpg"} for w in works()]
    return simple(folder, image=pa.array(structs), artist=ints(), style=ints())


@layout("all")
def huggingface_path_before_bytes(folder: Path) -> Path:
    kind = pa.struct([("path", pa.string()), ("bytes", pa.large_binary())])
    structs = [{"path": None, "bytes": w.jpeg} for w in works()]
    return simple(folder, picture=pa.array(structs, kind))


@layout("partly")
def huggingface_paths_without_bytes(folder: Path) -> Path:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    structs = [{"bytes": None, "path": f"/data/{w.number}.jpg"} for w in works()]
    return simple(folder, image=pa.array(structs, kind), url=ELSEWHERE)


@layout("all")
def pick_a_pic(folder: Path) -> Path:
    other = jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))
    return simple(
        folder,
        are_different=pa.array([True] * ROWS),
        image_0_url=texts(lambda w: f"https://gen.example/a/{w.number}.png"),
        image_1_url=texts(lambda w: f"https://gen.example/b/{w.number}.png"),
        jpg_0=pa.array([other] * ROWS),
        jpg_1=pa.array([w.resized for w in works()]),
    )


@layout("all")
def bytes_under_another_name(folder: Path) -> Path:
    return simple(folder, blob=pa.array([w.jpeg for w in works()]), label=ints())


@layout("all")
def pictures_as_base64(folder: Path) -> Path:
    return simple(folder, image=texts(lambda w: base64.b64encode(w.jpeg).decode()))


@layout("all")
def base64_beside_urls(folder: Path) -> Path:
    encoded = texts(lambda w: base64.b64encode(w.jpeg).decode())
    return simple(folder, url=ELSEWHERE, image_base64=encoded)


@layout("all")
def several_pictures_a_row(folder: Path) -> Path:
    structs = [[{"bytes": w.jpeg, "path": None}] for w in works()]
    return simple(folder, url=ELSEWHERE, images=pa.array(structs))


@layout("all")
def lists_of_urls_beside_one(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, image_urls=pa.array([[w.url] for w in works()]))


@layout("all")
def lists_of_urls(folder: Path) -> Path:
    return simple(folder, image_urls=pa.array([[w.url] for w in works()]), captions=WORDS)


@layout("all")
def a_folder_of_pictures(folder: Path) -> Path:
    for work in works():
        place = folder / f"pictures/{work.number:03d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(work.resized)
        place.with_suffix(".txt").write_text("a caption, comma, separated")
    return folder / "pictures"


def pictures(folder: Path, name: str = "{:09d}.jpg", content: bytes | None = None) -> list[Path]:
    """Write the works, or other pictures of one content, as files."""
    paths = []
    for work in works():
        paths.append(folder / name.format(work.number))
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(work.resized if content is None else content + bytes([work.number]))
    return paths


def noise() -> bytes:
    return jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))


@layout("all")
def captions_with_addresses(folder: Path) -> Path:
    for path, work in zip(pictures(folder / "10_cat", content=noise()), works(), strict=True):
        path.with_suffix(".caption").write_text(f"a cat\nfrom {work.url}")
    return folder


@layout("all")
def a_digest_in_the_json_of_a_file(folder: Path) -> Path:
    for path, work in zip(pictures(folder / "works", content=noise()), works(), strict=True):
        content = {"author": {"name": "Ada"}, "checksum": work.sha256}
        Path(f"{path}.json").write_text(json.dumps(content))
    return folder / "works"


@layout("partly")
def a_json_that_is_cut_off(folder: Path) -> Path:
    for path in pictures(folder / "works", content=noise()):
        path.with_suffix(".json").write_text('{"url": "https://img.exa')
    return folder / "works"


def img2dataset_json(path: Path, work: Work) -> None:
    content = {"url": work.url, "key": path.stem, "status": "success", "exif": "{}"}
    path.with_suffix(".json").write_text(json.dumps(content))


def img2dataset_table(path: Path, **columns: pa.Array) -> None:
    keys, status = texts(lambda w: f"{w.number:09d}"), texts(lambda w: "success")
    parquet(path, **columns, key=keys, status=status, error_message=pa.nulls(ROWS))
    path.with_name(f"{path.stem}_stats.json").write_text('{"count": 40, "successes": 40}')


@layout("all")
def img2dataset_files(folder: Path) -> Path:
    img2dataset_table(folder / "out/00000.parquet", url=URL)
    for path, work in zip(pictures(folder / "out/00000", content=noise()), works(), strict=True):
        img2dataset_json(path, work)
    return folder / "out"


@layout("all")
def img2dataset_files_of_other_addresses_than_their_table(folder: Path) -> Path:
    img2dataset_table(folder / "out/00000.parquet", url=ELSEWHERE)
    for path, work in zip(pictures(folder / "out/00000", content=noise()), works(), strict=True):
        img2dataset_json(path, work)
    return folder / "out"


@layout("all")
def img2dataset_files_with_a_table_alone(folder: Path) -> Path:
    img2dataset_table(folder / "out/00000.parquet", url=ELSEWHERE, sha256=SHA256)
    pictures(folder / "out/00000", content=noise())
    return folder / "out"


@layout("all")
def img2dataset_files_without_table(folder: Path) -> Path:
    for path, work in zip(pictures(folder / "out", content=noise()), works(), strict=True):
        img2dataset_json(path, work)
    return folder / "out"


@layout("partly")
def a_table_beside_a_folder_of_other_pictures(folder: Path) -> Path:
    parquet(folder / "out/00000.parquet", url=ELSEWHERE, key=WORDS, status=WORDS)
    pictures(folder / "out/00000")
    return folder / "out"


@layout("all")
def imagefolder_with_metadata(folder: Path) -> Path:
    pictures(folder / "train", "{}.jpg", noise())
    lines = ["file_name,source_url", *(f"{w.number}.jpg,{w.url}" for w in works())]
    (folder / "train/metadata.csv").write_text("\n".join(lines))
    return folder / "train"


@layout("all")
def imagefolder_of_splits_and_labels(folder: Path) -> Path:
    lines = []
    for work in works():
        name = f"{'test' if work.number % 4 == 0 else 'train'}/{work.number % 3}/{work.number}.jpg"
        place = folder / "data" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(work.resized)
        lines.append(json.dumps({"file_name": name, "text": "a cat"}))
    (folder / "data/metadata.jsonl").write_text("\n".join(lines))
    return folder / "data"


@layout("all")
def imagefolder_of_several_pictures_a_row(folder: Path) -> Path:
    pictures(folder / "data", "b/{}.jpg")
    pictures(folder / "data", "a/{}.jpg", noise())
    names = [[f"a/{w.number}.jpg", f"b/{w.number}.jpg"] for w in works()]
    parquet(
        folder / "data/metadata.parquet",
        file_names=pa.array(names),
        left_file_name=texts(lambda w: f"./a/{w.number}.jpg"),
    )
    return folder / "data"


@layout("all")
def imagefolder_of_which_no_row_names_half(folder: Path) -> Path:
    pictures(folder / "data", "{:02d}.jpg")
    lines = ["file_name,text", *(f"{w.number:02d}.jpg,cat" for w in works()[: ROWS // 2])]
    (folder / "data/metadata.csv").write_text("\n".join(lines))
    return folder / "data"


@layout("partly")
def imagefolder_of_which_pictures_are_missing(folder: Path) -> Path:
    paths = pictures(folder / "data", "{:02d}.jpg")
    lines = ["file_name,url", *(f"{w.number:02d}.jpg,{w.url}" for w in works())]
    (folder / "data/metadata.csv").write_text("\n".join(lines))
    for path in paths[1:30]:
        path.unlink()
    return folder / "data"


@layout("all")
def metadata_that_names_no_files(folder: Path) -> Path:
    lines = ["name,text", *(f"{w.number:02d}.jpg,cat" for w in works())]
    pictures(folder / "data", "{:02d}.jpg")
    (folder / "data/metadata.csv").write_text("\n".join(lines))
    return folder / "data"


# ---- formats that are not read


@layout("all")
def csv_file(folder: Path) -> Path:
    lines = ["url,text", *(f"{w.url},cat" for w in works())]
    return _written(folder / "data.csv", "\n".join(lines))


@layout("all")
def tsv_without_header(folder: Path) -> Path:
    return _written(folder / "cc12m.tsv", "\n".join(f"{w.url}\tcat" for w in works()))


@layout("all")
def json_lines(folder: Path) -> Path:
    lines = (json.dumps({"url": w.url, "text": "cat"}) for w in works())
    return _written(folder / "data.jsonl", "\n".join(lines))


@layout("refused")
def journeydb_lines(folder: Path) -> Path:
    lines = (json.dumps({"img_path": f"000/{w.number}.jpg", "prompt": "cat"}) for w in works())
    return _written(folder / "train_anno.jsonl", "\n".join(lines))


@layout("refused")
def diffusiondb_metadata(folder: Path) -> Path:
    names = texts(lambda w: f"{w.number}.png")
    user = texts(lambda w: hashlib.sha256(bytes([w.number])).hexdigest())
    return simple(folder, image_name=names, prompt=WORDS, user_name=user)


@layout("refused")
def datacomp_subset(folder: Path) -> Path:
    np.save(folder / "subset.npy", np.zeros(ROWS, "u8,u8"))
    return folder / "subset.npy"


@layout("refused")
def remote(folder: Path) -> Path:
    return Path("ftp:/") / "host/data.parquet"


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
