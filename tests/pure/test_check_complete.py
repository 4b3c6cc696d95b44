"""A row is clear only if everything it offers to compare was compared."""

import random
from pathlib import Path

import imagehash
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_parts import works
from made import Made

from registry.checking import extraction
from registry.checking.columns import Choice, Columns
from registry.checking.complete import ColumnOffer, Problems, unchecked
from registry.checking.extraction import extract
from registry.checking.hash_family import pass_singly, sample_passes
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.errors import UnreadableDataset
from registry.index import Index
from registry.pictures.reading import Hashed

URL = "https://a.example/1.jpg"
PHASH = "c9b6a7d8469c1959"
OTHER = "00000000000000ff"


def texts(problems: Problems) -> list[str | None]:
    return [problems.of(row) for row in range(len(problems.numbers))]


def masks(*rows: int) -> np.ndarray:
    return np.array(rows, bool)


def test_a_row_is_clear_if_all_it_offers_was_compared():
    offers = [
        ColumnOffer(masks(1, 1, 0, 0, 0), masks(1, 0, 0, 0, 0), "bad-url"),
        ColumnOffer(
            masks(1, 1, 1, 0, 0), masks(1, 1, 0, 0, 0), "bad-md5", [(masks(0, 0, 1, 0, 0), "odd")]
        ),
        ColumnOffer(
            masks(0, 0, 0, 1, 0), masks(0, 0, 0, 1, 0), "bad-page_url", names_picture=False
        ),
    ]
    expected = [None, "bad-url", "odd", "page-only", "nothing-to-check"]
    assert texts(unchecked(5, offers)) == expected
    whole = texts(unchecked(5, offers, ["pictures-left-out", "empty-registry"]))
    assert whole == ["pictures-left-out", *expected[1:]]


def test_what_is_compared_with_nothing_is_not_compared():
    by_digest = ColumnOffer(masks(1, 1, 1, 0), masks(1, 1, 0, 0), "bad-md5", way="md5")
    by_address = ColumnOffer(masks(0, 1, 0, 0), masks(0, 1, 0, 0), "bad-url")
    by_page = ColumnOffer(masks(1, 0, 0, 1), masks(1, 0, 0, 1), "bad-page_url", names_picture=False)
    found = unchecked(4, [by_digest, by_address, by_page], (), frozenset({"md5"}))
    assert texts(found) == ["nothing-of-its-kind-recorded", None, "bad-md5", "page-only"]


@pytest.mark.parametrize(
    ("recorded", "unrecorded"),
    [
        ({"url": URL}, {"sha256", "md5", "fingerprint", "picture"}),
        ({"sha256": b"1" * 32}, {"md5", "fingerprint", "address"}),
        ({"phash64": bytes.fromhex(PHASH)}, {"sha256", "md5", "address"}),
        ({"site": "b.example"}, {"sha256", "md5", "fingerprint", "picture"}),
        ({}, set()),
    ],
)
def test_a_registry_without_digests_calls_no_digest_clear(tmp_path, recorded, unrecorded):
    made = Made()
    if recorded:
        made.claim(**recorded)
    index = Index(made.snapshot(tmp_path), "cautious")
    assert index.unrecorded == unrecorded
    rows = {"url": ["https://c.example/2.jpg"], "sha256": ["0" * 64], "phash": [PHASH[::-1]]}
    for name, values in rows.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({name: values}), path)
        dataset = open_dataset([str(path)])
        report = check(dataset, index.snapshot, plan(dataset), CheckOptions())
        kind = {"url": "address", "phash": "fingerprint"}.get(name, name)
        expected = "nothing-of-its-kind-recorded" if kind in unrecorded else None
        expected = expected if recorded else "empty-registry"
        assert list(report.tally.unchecked) == ([expected] if expected else []), (name, recorded)


def test_without_any_column_nothing_is_clear():
    assert texts(unchecked(2, [])) == ["nothing-to-check"] * 2


def column(name: str, role: str | None, doubt: str | None = None, by_hand: bool = False) -> Choice:
    return Choice(name, role, "", doubt, by_hand)  # type: ignore[arg-type]


def hash_nothing(pictures):
    known = {
        b"fine": Hashed(bytes(32), bytes(16), ((1, bytes(32)),)),
        b"bad": Hashed(problem="image-broken"),
    }
    return [known.get(data, Hashed()) for data in pictures]


STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# One row each: columns with their choices and values, and why the row is not clear.
REASONS = [
    ([(column("u", "url"), URL)], None),
    ([(column("u", "url"), None)], "nothing-to-check"),
    ([(column("u", "url"), "  ")], "nothing-to-check"),
    ([(column("u", "url"), "C:\\1.jpg")], "bad-url"),
    ([(column("u", "url"), "https://a.example/" + "x" * 70_000)], "bad-url"),
    ([(column("u", "url"), URL), (column("v", "url"), "no address")], "bad-url"),
    ([(column("p", "page_url"), URL)], "page-only"),
    ([(column("p", "page_url"), "nowhere")], "bad-page_url"),
    ([(column("u", "url"), URL), (column("p", "page_url"), "nowhere")], "bad-page_url"),
    ([(column("s", "source_url"), URL)], "page-only"),
    ([(column("s", "source_url"), "her sketchbook")], "nothing-to-check"),
    ([(column("u", "url"), URL), (column("s", "source_url"), "her sketchbook")], None),
    ([(column("m", "md5"), "0" * 32)], None),
    ([(column("m", "md5"), "0" * 31)], "bad-md5"),
    ([(column("u", "url"), URL), (column("m", "sha256"), "zz")], "bad-sha256"),
    ([(column("u", "url"), URL), (column("m", "sha256"), None)], None),
    ([(column("m", "md5"), bytes(16))], None),
    ([(column("m", "md5"), bytes(15))], "bad-md5"),
    ([(column("h", "phash64"), PHASH)], None),
    ([(column("h", "phash64"), "8" + "0" * 15)], "unfit-phash64"),
    ([(column("h", "phash64"), "c9b6")], "bad-phash64"),
    ([(column("h", "phash64", "hash-of-another-algorithm"), PHASH)], "hash-of-another-algorithm"),
    ([(column("h", "phash64", by_hand=True), OTHER)], None),
    ([(column("u", "url"), URL), (column("x", None, "column-not-read"), "a")], "column-not-read"),
    ([(column("u", "url"), URL), (column("x", None, "column-not-read"), ["a"])], "column-not-read"),
    ([(column("u", "url"), URL), (column("x", None, "column-not-read"), None)], None),
    ([(column("u", "url"), URL), (column("x", None), "ignored")], None),
    ([(column("i", "image"), b"fine")], None),
    ([(column("i", "image"), b"bad")], "image-broken"),
    ([(column("u", "url"), URL), (column("i", "image"), b"bad")], "image-broken"),
    ([(column("u", "url"), URL), (column("i", "image"), None)], None),
    ([(column("i", "image"), {"bytes": b"fine", "path": None})], None),
    ([(column("i", "image"), {"bytes": None, "path": "1.jpg"})], "image-not-embedded"),
    ([(column("u", "url"), URL), (column("i", "image"), {"bytes": None, "path": None})], None),
]


@pytest.mark.parametrize(("row", "reason"), REASONS)
def test_reasons(row, reason):
    arrays = [pa.array([value], STRUCT if isinstance(value, dict) else None) for _, value in row]
    arrays = [
        a.cast(pa.string()) if pa.types.is_null(a.type) and c.role != "image" else a
        for a, (c, _) in zip(arrays, row, strict=True)
    ]
    arrays = [a.cast(pa.binary()) if pa.types.is_null(a.type) else a for a in arrays]
    batch = pa.record_batch(arrays, names=[choice.column for choice, _ in row])
    found = extract(batch, Columns(tuple(choice for choice, _ in row)), hash_nothing)
    assert texts(unchecked(found.rows, found.offers)) == [reason]


def test_a_text_that_is_no_utf8_is_not_compared():
    broken = pa.Array.from_buffers(
        pa.string(), 2, pa.array([b"\xff\xfe", URL.encode()], pa.binary()).buffers()
    )
    found = extract(pa.record_batch([broken], ["u"]), Columns((column("u", "url"),)), hash_nothing)
    assert texts(unchecked(found.rows, found.offers)) == ["bad-url", None]


def test_whole_files_as_text_never_reach_what_reads_addresses(monkeypatch):
    seen = []
    real = extraction.key_column
    monkeypatch.setattr(extraction, "key_column", lambda text: seen.append(text) or real(text))
    batch = pa.record_batch([pa.array(["é" * (1 << 20), URL])], ["u"])
    extract(batch, Columns((column("u", "url"),)), hash_nothing)
    assert seen[0].to_pylist() == [None, URL]


def codes_of(name: str) -> list[int]:
    return [int(str(getattr(imagehash, name)(work.image)), 16) for work in works()]


def test_phash_is_told_from_other_algorithms():
    assert sample_passes([])
    assert sample_passes(codes_of("phash"))
    assert sample_passes(codes_of("phash")[:1])
    for other in ("dhash", "dhash_vertical", "average_hash", "whash", "phash_simple"):
        assert not sample_passes(codes_of(other)), other


def test_hashes_of_another_maker_are_noticed_among_phashes():
    phash, dhash = (np.array(codes_of(name), np.uint64) for name in ("phash", "dhash"))
    assert pass_singly(phash).all()
    assert pass_singly(phash[:3]).all()
    assert pass_singly(dhash).sum() == 0
    mixed = pass_singly(np.concatenate([phash, dhash, phash]))
    assert mixed[:36].all()
    assert not mixed[44:76].any()
    assert mixed[84:].all()
    assert pass_singly(dhash[:5]).mean() < 0.5


# ---- for random datasets and registries, nothing that was not compared is clear

KINDS = {
    "url": st.sampled_from([URL, "https://b.example/2.png", "no address", "", None]),
    "page_url": st.sampled_from(["https://a.example/page", "nowhere", None]),
    "source": st.sampled_from([URL, "https://a.example/page", "a book", None]),
    "sha256": st.sampled_from(["0" * 64, "0" * 63, bytes(32).hex(), None]),
    "phash": st.sampled_from([PHASH, OTHER, "12", "0" * 16, None]),
    "images": st.sampled_from([[URL], [], None]),
    "caption": st.sampled_from(["words", URL, "1" * 64, f'{{"u": "{URL}"}}', f"![x]({URL})", None]),
    "tags": st.sampled_from([["a cat"], [URL], [], None]),
}
NESTED = ("images", "tags")
HIDDEN = (f'{{"u": "{URL}"}}', f"![x]({URL})")
ROWS = st.lists(st.fixed_dictionaries(KINDS), min_size=1, max_size=12)


def is_comparable(row: dict, used: Columns) -> bool:
    """Tell, value by value, whether all that a row offers can be compared, and names a picture."""
    doubts = {choice.column: choice.doubt for choice in used.choices}
    roles = {choice.column: choice.role for choice in used.choices}
    named = False
    for name, value in row.items():
        role = roles.get(name)
        if value in HIDDEN or (isinstance(value, list) and URL in value and not role):
            return False
        if value is None or value in ("", []) or (name not in roles):
            continue
        if doubts[name]:
            return False
        good = {
            "url": lambda v: v.startswith("https://"),
            "page_url": lambda v: v.startswith("https://"),
            "source_url": lambda v: True,
            "sha256": lambda v: len(v) == 64,
            "phash64": lambda v: len(v) == 16 and v not in ("0" * 16, OTHER),
            None: lambda v: True,
        }[role]
        if not all(good(one) for one in (value if isinstance(value, list) else [value])):
            return False
        named |= role in ("url", "sha256", "phash64")
    return named


@given(
    rows=ROWS,
    names=st.sets(st.sampled_from(sorted(KINDS)), min_size=1),
    seed=st.integers(0, 3),
    beside=st.sampled_from([None, "1.jpg", "0.tar", "README.md"]),
)
@settings(max_examples=90, deadline=None)
def test_no_row_whose_comparison_was_skipped_is_clear(tmp_path_factory, rows, names, seed, beside):
    folder: Path = tmp_path_factory.mktemp("random")
    rng, made = random.Random(seed), Made()
    if seed:
        made.claim(url=URL, meaning=rng.choice(["reserved", "allowed"]))
        made.claim(phash64=rng.randbytes(8), sha256=rng.randbytes(32))
        made.observe("https://a.example/3.jpg", [made.headers("noai")])
    rows = [{name: row[name] for name in sorted(names)} for row in rows]
    types = {name: pa.list_(pa.string()) if name in NESTED else pa.string() for name in names}
    schema = pa.schema(sorted(types.items()))
    (folder / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "data/d.parquet")
    if beside:
        (folder / "data" / beside).write_bytes(b"")
    dataset = open_dataset([str(folder / "data")])
    try:
        columns = plan(dataset)
    except UnreadableDataset:
        return
    out = folder / "rows.parquet"
    check(dataset, made.snapshot(folder), columns, CheckOptions(out=out))
    whole = seed > 0 and beside in (None, "README.md")
    for row, said in zip(rows, pq.read_table(out).to_pylist(), strict=True):
        if said["optout_outcome"] == "clear":
            assert whole, row
            assert is_comparable(row, columns), row
        if said["optout_outcome"] == "unchecked":
            assert said["optout_reason"]
            assert not whole or not is_comparable(row, columns), row
