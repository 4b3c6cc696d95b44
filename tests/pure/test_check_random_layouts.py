"""Random datasets of known truth: a row that offers a reserved picture is never called clear."""

import base64
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import imagehash
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_parts import RESERVED, Work, registry_of_works, works

from registry.checking.hash_family import ENOUGH
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.errors import UnreadableDataset

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PAIRS = pa.map_(pa.string(), pa.string())


def png(work: Work) -> bytes:
    content = io.BytesIO()
    work.image.save(content, "PNG")
    return content.getvalue()


def dhash(work: Work) -> str:
    return str(imagehash.dhash(work.image))


# What a cell may hold of a picture: type, how it is written, and how its column may be called.
FORMS: list[tuple[pa.DataType, Callable[[Work], object], tuple[str, ...]]] = [
    (pa.string(), lambda w: w.url, ("url", "image_url", "mirror", "text", "source", "author_img")),
    (pa.string(), lambda w: w.url.removeprefix("https:"), ("url", "alt_src", "x")),
    (pa.string(), lambda w: f" {w.url.replace('https', 'HTTPS')}\n", ("url", "link", "note")),
    (pa.string(), lambda w: f"https://m.example/{w.number}.jpg, {w.url}", ("url", "urls", "x")),
    (pa.string(), lambda w: json.dumps({"a": [{"src": w.url}]}), ("meta", "json", "url")),
    (pa.string(), lambda w: f"words\n![]({w.url})", ("text", "md")),
    (pa.string(), lambda w: f'<p><img class=a src="{w.url}">', ("html", "text")),
    (pa.binary(), lambda w: w.url.encode(), ("url", "link", "data")),
    (pa.large_string(), lambda w: w.sha256, ("sha256", "checksum", "hash", "id", "text")),
    (pa.string(), lambda w: w.md5.upper(), ("md5", "hash", "file_hash", "etag")),
    (pa.binary(), lambda w: bytes.fromhex(w.sha256), ("sha256", "image_sha256")),
    (pa.string(), lambda w: w.phash, ("phash", "image_phash", "pHash", "p_hash")),
    (pa.string(), dhash, ("phash", "perceptual_hash")),
    (pa.list_(pa.string()), lambda w: [w.url], ("images", "urls", "x")),
    (pa.list_(STRUCT), lambda w: [{"bytes": w.jpeg, "path": None}], ("images", "x")),
    (pa.struct([("u", pa.string()), ("n", pa.int64())]), lambda w: {"u": w.url, "n": 1}, ("info",)),
    (PAIRS, lambda w: [("alt", "words"), ("src", w.url)], ("attributes",)),
    (pa.list_(pa.list_(pa.uint8())), lambda w: [[1, 2], [3, 4]], ("image", "pixels")),
    (STRUCT, lambda w: {"bytes": w.resized, "path": "1.jpg"}, ("image", "photo")),
    (STRUCT, lambda w: {"bytes": None, "path": w.url}, ("image", "photo")),
    (pa.binary(), lambda w: w.jpeg, ("jpg", "image", "content", "x")),
    (pa.large_binary(), png, ("png", "blob")),
    (pa.string(), lambda w: base64.b64encode(w.jpeg).decode(), ("image", "b64", "x")),
    (pa.string(), lambda w: base64.urlsafe_b64encode(png(w)).decode(), ("image", "x")),
    (pa.string(), lambda w: f"data:image/jpeg;base64,{w.md5}", ("url", "image", "x")),
    (pa.string(), lambda w: png(w).hex(), ("image", "x")),
    (pa.string(), lambda w: f"see {w.url}, today", ("text", "note", "source")),
    (pa.string(), lambda w: f"\ufeff{w.url};", ("second", "parent_image", "licence_img")),
    (pa.string(), lambda w: f"sha256:{w.sha256}", ("digest", "id", "checksum")),
    (pa.binary(), lambda w: bytes.fromhex(w.md5), ("etag", "id")),
    (pa.list_(pa.string()), lambda w: ["x", f"<{w.url}>"], ("refs", "x")),
    (pa.list_(pa.int64()), lambda w: [*w.jpeg[:99]], ("content", "tokens")),
]
FREE = [work for work in works() if work.number not in RESERVED]
KNOWN = [work for work in works() if work.number in RESERVED]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory):
    return registry_of_works(tmp_path_factory.mktemp("registry"))


def column(rng: random.Random, rows: int, form: int) -> tuple[pa.Array, set[int]]:
    """Return a column of one form, and its rows that offer a reserved picture."""
    kind, write, _ = FORMS[form]
    first = rng.choice((0, 0, rows // 2, rows - 2))
    values: list[object] = [None] * rows
    offering = set()
    for row in range(first, rows):
        if rng.random() < 0.6:
            work = rng.choice(KNOWN if rng.random() < 0.3 else FREE)
            values[row] = write(work)
            offering |= {row} if work in KNOWN else set()
    if write is dhash and len(values) - values.count(None) < ENOUGH:
        # A few hashes of another algorithm may look like phashes by chance.
        offering.clear()
    return pa.array(values, kind), offering


@pytest.mark.parametrize("seed", range(60))
def test_no_row_that_offers_a_reserved_picture_is_clear(seed: int, tmp_path: Path, snapshot):
    rng = random.Random(seed)
    rows = rng.choice((8, 40, 400))
    columns: dict[str, pa.Array] = {}
    offering: set[int] = set()
    if rng.random() < 0.7:
        columns["url"] = pa.array([f"https://ok.example/{n}.jpg" for n in range(rows)])
    for form in rng.sample(range(len(FORMS)), rng.randrange(1, 4)):
        name = rng.choice(FORMS[form][2])
        if name in columns or (rows > 40 and form in (17, 18, 20, 21, 22, 23, 25)):
            continue
        columns[name], found = column(rng, rows, form)
        offering |= found
    names = [*columns]
    rng.shuffle(names)
    pq.write_table(pa.table({name: columns[name] for name in names}), tmp_path / "d.parquet")
    dataset = open_dataset([str(tmp_path / "d.parquet")])
    try:
        used = plan(dataset)
    except UnreadableDataset:
        return
    out = tmp_path / "rows.parquet"
    check(dataset, snapshot, used, CheckOptions(out=out, workers=1))
    outcomes = pq.read_table(out)["optout_outcome"].to_pylist()
    wrong = [row for row in offering if outcomes[row] == "clear"]
    assert not wrong, {name: values[wrong[0]] for name, values in columns.items()}
