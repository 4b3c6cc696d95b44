"""Layouts of datasets of 40 rows, with known truth: hashes and pictures in other forms."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from layout_parts import ELSEWHERE, RESERVED, ROWS, Work, layout, simple, texts, works


def the_form(number: int, digest: str) -> str:
    base64_form = base64.b64encode(bytes.fromhex(digest)).decode()
    forms = (f"sha256:{digest}", f"0x{digest}", f'"{digest}"', base64_form, f"sha256-{base64_form}")
    return forms[number % len(forms)]


@layout("all")
def digests_in_other_forms(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, checksum=texts(lambda w: the_form(w.number, w.sha256)))


@layout("all")
def digests_as_bytes_without_a_name(folder: Path) -> Path:
    raw = pa.array([bytes.fromhex(w.md5 if w.number % 2 else w.sha256) for w in works()])
    return simple(folder, url=ELSEWHERE, etag=raw)


@layout("all")
def digests_as_bytes_in_a_struct(folder: Path) -> Path:
    structs = pa.array([{"sum": bytes.fromhex(w.sha256), "n": 1} for w in works()])
    return simple(folder, url=ELSEWHERE, info=structs)


@layout("all")
def fingerprints_in_other_forms(folder: Path) -> Path:
    code = texts(lambda w: f"0x{w.phash}" if w.number % 2 else str(int(w.phash, 16)))
    return simple(folder, url=ELSEWHERE, code=code)


@layout("all")
def fingerprints_as_numbers(folder: Path) -> Path:
    numbers = pa.array([int(w.phash, 16) - (1 << 64) for w in works()])
    return simple(folder, url=ELSEWHERE, hash=numbers)


@layout("all")
def fingerprints_of_a_few(folder: Path) -> Path:
    few = texts(lambda w: w.phash if w.number in RESERVED else None)
    return simple(folder, url=ELSEWHERE, code=few)


@layout("all")
def fingerprints_in_a_struct(folder: Path) -> Path:
    structs = pa.array([{"code": w.phash, "n": 1} for w in works()])
    return simple(folder, url=ELSEWHERE, info=structs)


@layout("partly")
def fingerprints_in_json(folder: Path) -> Path:
    return simple(folder, url=ELSEWHERE, meta=texts(lambda w: json.dumps({"v": w.phash})))


@layout("partly")
def fingerprints_as_bits(folder: Path) -> Path:
    bits = [[c == "1" for c in f"{int(w.phash, 16):064b}"] for w in works()]
    return simple(folder, url=ELSEWHERE, code=pa.array(bits))


@layout("partly")
def json_of_its_own_type(folder: Path) -> Path:
    meta = texts(lambda w: json.dumps({"sha256": w.sha256}))
    return simple(folder, url=ELSEWHERE, meta=pa.ExtensionArray.from_storage(pa.json_(), meta))


@layout("partly")
def pictures_as_tensors(folder: Path) -> Path:
    small = np.stack([np.asarray(w.image.resize((16, 12))) for w in works()])
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(small)
    return simple(folder, url=ELSEWHERE, t=tensors)


@layout("all")
def json_with_escaped_slashes(folder: Path) -> Path:
    def write(work: Work) -> bytes:
        return json.dumps({"v": work.plain_url}).replace("/", "\\/").encode()

    return simple(folder, url=ELSEWHERE, meta=pa.array([write(w) for w in works()]))


@layout("partly")
def pictures_within_texts(folder: Path) -> Path:
    def write(work: Work) -> str:
        text = base64.b64encode(work.jpeg).decode()
        forms = (json.dumps({"v": text}), f"data:;base64,{text}", repr(work.jpeg))
        return (*forms, work.jpeg.hex(" "), str([*work.jpeg]))[work.number % 5]

    return simple(folder, url=ELSEWHERE, meta=texts(write))


@layout("partly")
def base64_as_bytes(folder: Path) -> Path:
    encoded = pa.array([base64.b64encode(w.jpeg) for w in works()])
    return simple(folder, url=ELSEWHERE, content=encoded)


@layout("partly")
def files_as_lists_of_numbers(folder: Path) -> Path:
    numbers = pa.array([[*w.jpeg] for w in works()], pa.list_(pa.int64()))
    parts = pa.array([{"data": [[*w.jpeg]]} for w in works()])
    half = ROWS // 2
    return simple(
        folder,
        url=ELSEWHERE,
        content=pa.concat_arrays([numbers[:half], pa.nulls(half, numbers.type)]),
        parts=pa.concat_arrays([pa.nulls(half, parts.type), parts[half:]]),
    )
