"""Every known layout is recognised on its sample without options, and its answer is right."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_parts import works
from made import Made

from registry.checking.columns import ROLES
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.layouts import known
from registry.errors import UnreadableDataset, UsageError
from registry.fingerprints import fingerprint

LAYOUTS = known()
TYPES = {"picture": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}


def picture(value):
    number = int(value.removeprefix("picture:"))
    return works()[number].jpeg


def cell(value, kind):
    if kind == "binary":
        return picture(value)
    return {"bytes": picture(value), "path": None} if kind == "picture" else value


def write(folder, layout):
    """Write the sample of a layout, and return the file."""
    sample = layout.sample
    path = folder / f"data.{sample['format']}"
    rows, types = sample["rows"], sample.get("types", {})
    if path.suffix == ".parquet":
        names = list(dict.fromkeys([*rows[0], *types]))
        arrays = [
            pa.array(
                [cell(row.get(name), types.get(name)) for row in rows],
                TYPES.get(types[name]) or pa.type_for_alias(types[name]) if name in types else None,
            )
            for name in names
        ]
        pq.write_table(pa.table(arrays, names), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif path.suffix == ".json":
        path.write_text(json.dumps({name: [row[name] for row in rows] for name in rows[0]}))
    else:
        with path.open("w", newline="") as file:
            out = csv.writer(
                file,
                delimiter="\t" if path.suffix == ".tsv" else ",",
                quoting=csv.QUOTE_MINIMAL,
                lineterminator="\n",
            )
            out.writerows([] if layout.without_names else [list(rows[0])])
            out.writerows(row.values() for row in rows)
    return path


def planted_in(folder, layout):
    """Return a snapshot that has the planted key of the first row of a sample."""
    made = Made()
    name = layout.sample.get("planted", "")
    *parents, last = name.split(".")
    value = layout.sample["rows"][0]
    for part in [*parents, last] if name else []:
        value = [one[part] for one in value] if isinstance(value, list) else value[part]
    role = layout.roles.get(name, "url")
    values = [one for one in value if "art.example" in one] if isinstance(value, list) else [value]
    for one in values:
        if role == "image":
            image = made.picture(fingerprint(picture(one)))
            made.observe("https://art.example/x.jpg", [made.headers("noai")], image_id=image)
        elif role == "phash64":
            made.claim(phash64=bytes.fromhex(one))
        elif role in ("sha256", "md5"):
            made.claim(**{role: bytes.fromhex(one)})
        elif role == "page_url":
            mark = made.headers("noai", url="https://cdn.example/other.jpg")
            made.observe("https://cdn.example/other.jpg", [mark], page_url=one)
        else:
            made.claim(url=one)
    made.claim(md5=bytes(16), sha256=bytes(32), phash64=bytes.fromhex("f0f0a5a5c3c3960f"))
    return made.snapshot(folder)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised_and_answered(name, tmp_path):
    layout = LAYOUTS[name]
    dataset = open_dataset([str(write(tmp_path, layout))])
    if "planted" not in layout.sample:
        with pytest.raises(UnreadableDataset):
            plan(dataset)
        return
    columns = plan(dataset)
    assert columns.layout == layout.name
    roles = {choice.column: choice.role for choice in columns.choices}
    assert layout.roles.items() <= roles.items()
    assert not any(roles[name] for name in layout.ignored)
    out = tmp_path / "rows.parquet"
    check(dataset, planted_in(tmp_path, layout), columns, CheckOptions(out=out))
    outcomes = pq.read_table(out)["optout_outcome"].to_pylist()
    assert outcomes[0] == "reserved"
    assert set(outcomes[1:]) == {layout.sample.get("others", "clear")}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_says_what_it_knows(name):
    layout = LAYOUTS[name]
    assert set(layout.roles.values()) <= set(ROLES)
    assert bool(layout.columns) != bool(layout.without_names)
    assert layout.columns or layout.roles
    assert not set(layout.roles) & set(layout.ignored)
    assert len(layout.sample["rows"]) >= 2
    assert layout.source


def test_a_column_that_only_looks_like_a_hash_is_refused(tmp_path):
    dataset = open_dataset([str(write(tmp_path, LAYOUTS["datacomp"]))])
    with pytest.raises(UsageError, match="an identifier"):
        plan(dataset, {"md5": ["uid"]})
    assert plan(dataset, {"ignore": ["sha256"]}).of("sha256") == ()
