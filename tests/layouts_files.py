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


@layout("partly")
def img2dataset_files(folder: Path) -> Path:
    parquet(folder / "out/00000.parquet", url=ELSEWHERE, key=WORDS, status=WORDS)
    (folder / "out/00000_stats.json").write_text("{}")
    for work in works():
        place = folder / f"out/00000/{work.number:09d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(work.resized)
        place.with_suffix(".json").write_text(json.dumps({"url": work.url}))
    return folder / "out"


@layout("partly")
def img2dataset_files_without_table(folder: Path) -> Path:
    other = jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))
    for work in works():
        place = folder / f"out/{work.number:09d}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(other + bytes([work.number]))
        place.with_suffix(".json").write_text(json.dumps({"url": work.url}))
    return folder / "out"


@layout("partly")
def imagefolder_with_metadata(folder: Path) -> Path:
    other = jpeg_of(Image.effect_noise((64, 64), 90).convert("RGB"))
    lines = ["file_name,source_url"]
    for work in works():
        place = folder / f"train/{work.number}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(other + bytes([work.number]))
        lines.append(f"{work.number}.jpg,{work.url}")
    (folder / "train/metadata.csv").write_text("\n".join(lines))
    return folder / "train"


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
def sbu_json(folder: Path) -> Path:
    content = {"image_urls": [w.url for w in works()], "captions": ["cat"] * ROWS}
    return _written(folder / "sbu.json", json.dumps(content))


@layout("refused")
def journeydb_lines(folder: Path) -> Path:
    lines = (json.dumps({"img_path": f"000/{w.number}.jpg", "prompt": "cat"}) for w in works())
    return _written(folder / "train_anno.jsonl", "\n".join(lines))


@layout("refused")
def arrow_file(folder: Path) -> Path:
    table = pa.table({"url": URL})
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as file,
        pa.ipc.new_file(file, table.schema) as out,
    ):
        out.write_table(table)
    return folder / "data.arrow"


@layout("refused")
def saved_to_disk(folder: Path) -> Path:
    table = pa.table({"image": [{"bytes": w.jpeg, "path": None} for w in works()]})
    place = folder / "saved/data-00000-of-00001.arrow"
    place.parent.mkdir()
    with pa.OSFile(str(place), "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)
    _written(folder / "saved/state.json", "{}")
    return folder / "saved"


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
    return Path("s3:/") / "bucket/data.parquet"


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
