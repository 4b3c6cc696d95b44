"""Columns that are named as hashes, or given that role, in every form that programs write."""

import base64
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.model import HASH_BYTES

ROWS, MARKED = 60, {3, 17, 41}
FORMS = {
    "hex": bytes.hex,
    "upper": lambda code: code.hex().upper(),
    "0x": lambda code: f"0x{code.hex()}",
    "base64": lambda code: base64.b64encode(code).decode(),
    "bytes": bytes,
    "decimal": lambda code: str(int.from_bytes(code, "big")).zfill(17),
    "number": lambda code: int.from_bytes(code, "big"),
    "signed": lambda code: int.from_bytes(code, "big", signed=True),
}
NUMBERS = ("decimal", "number", "signed")
CASES = [
    (role, form)
    for role in ("sha256", "md5", "phash64")
    for form in FORMS
    if role == "phash64" or form not in NUMBERS
]


def code_of(role, number):
    """Return a hash; of a phash half of the bits are ones, and the first, as of real ones."""
    digest = hashlib.sha256(f"{role} {number}".encode()).digest()
    if role != "phash64":
        return digest[: HASH_BYTES[role]]
    order = sorted(range(63), key=lambda bit: hashlib.sha256(digest + bytes([bit])).digest())
    return sum(1 << bit for bit in (63, *order[:31])).to_bytes(8, "big")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    made = Made()
    for number in MARKED:
        for role in ("sha256", "md5", "phash64"):
            made.claim(meaning="reserved", **{role: code_of(role, number)})
    return made.snapshot(tmp_path_factory.mktemp("registry"))


@pytest.mark.parametrize(("role", "form"), CASES)
@pytest.mark.parametrize("by_hand", [False, True])
def test_each_form_is_compared(tmp_path, snapshot, role, form, by_hand):
    values = [FORMS[form](code_of(role, number)) for number in range(ROWS)]
    name = "some" if by_hand else {"phash64": "phash"}.get(role, role)
    kind = {"number": pa.uint64(), "signed": pa.int64()}.get(form)
    pq.write_table(pa.table({name: pa.array(values, kind)}), tmp_path / "d.parquet")
    dataset, out = open_dataset([str(tmp_path / "d.parquet")]), tmp_path / "rows.parquet"
    columns = plan(dataset, {role: [name]} if by_hand else {})
    check(dataset, snapshot, columns, CheckOptions(out=out))
    found = pq.read_table(out)["optout_outcome"].to_pylist()
    assert {row for row, outcome in enumerate(found) if outcome == "reserved"} == MARKED
    # A bit pattern may be of another algorithm; every digest is compared.
    assert found.count("clear") >= (ROWS - len(MARKED) if role != "phash64" else ROWS // 2)


@pytest.mark.parametrize("text", ["abcdefgh", "0123456789abcdef", "x" * 16, "12", ""])
def test_other_texts_are_no_sha256(tmp_path, snapshot, text):
    pq.write_table(pa.table({"sha256": [code_of("sha256", 0).hex(), text]}), tmp_path / "d.parquet")
    dataset, out = open_dataset([str(tmp_path / "d.parquet")]), tmp_path / "rows.parquet"
    check(dataset, snapshot, plan(dataset), CheckOptions(out=out))
    assert pq.read_table(out)["optout_outcome"].to_pylist() == ["clear", "unchecked"]


def test_numbers_of_64_bits_in_json_lose_no_bit(tmp_path, snapshot):
    path, out = tmp_path / "d.jsonl", tmp_path / "rows.parquet"
    codes = [int.from_bytes(code_of("phash64", number), "big") for number in range(ROWS)]
    path.write_text("\n".join(json.dumps({"phash": code}) for code in codes))
    dataset = open_dataset([str(path)])
    check(dataset, snapshot, plan(dataset), CheckOptions(out=out))
    found = pq.read_table(out)["optout_outcome"].to_pylist()
    assert {row for row, outcome in enumerate(found) if outcome == "reserved"} == MARKED
