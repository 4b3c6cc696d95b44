"""Snapshots that somebody else wrote: what does not fit together is refused by the file's name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from layout_parts import works
from made import Made, seal

from registry.cli.snapshot import command
from registry.errors import UnreadableSnapshot
from registry.fingerprints import fingerprint
from registry.index import Index
from registry.snapshot.format import INDEX_FILE, KINDS, MANIFEST, schema_of
from registry.snapshot.manifest import manifest_to_json
from registry.snapshot.opened import Snapshot, open_snapshot


def made_snapshot(folder: Path) -> Snapshot:
    """Return a snapshot with rows of every kind."""
    made = Made()
    known = fingerprint(works()[0].jpeg)
    image = made.picture(
        replace(
            known,
            fingerprints={
                name: {"full": views["full"], "black": "5" * len(views["full"])}
                for name, views in known.fingerprints.items()
            },
        )
    )
    made.observe("https://a.example/1.jpg", [made.headers("noai")], image_id=image)
    made.robots("a.example", "User-agent: *\nDisallow: /\n")
    made.claim(url="https://b.example/1.jpg", phash64=bytes(range(8)))
    made.claim(site="c.example")
    return made.snapshot(folder)


def rewrite(path: Path, content: bytes) -> None:
    """Write a file anew: the old one may be mapped."""
    path.unlink()
    path.write_bytes(content)


def file_of(snapshot: Snapshot, kind: str) -> str:
    return next(s.files[kind] for s in snapshot.manifest.segments if kind in s.files)


def foreign(folder: Path, kind: str, column: str, value: Any) -> Path:
    """Return a snapshot whose first row of a kind holds another value, sealed as it should be."""
    snapshot = made_snapshot(folder)
    path = snapshot.path / file_of(snapshot, kind)
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    rows = table.to_pylist()
    rows[0][column] = value
    whole = schema_of(kind)
    plain = pa.schema(
        (f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in whole
    )
    columns = [
        made.dictionary_encode() if pa.types.is_dictionary(field.type) else made
        for field, made in zip(whole, pa.RecordBatch.from_pylist(rows, plain).columns, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=table.schema.names)
    path.unlink()  # it is mapped
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    seal(snapshot.path, file_of(snapshot, kind))
    return snapshot.path


COLUMNS = [(kind, name, values) for kind, held in KINDS.items() for name, values in held.items()]


@pytest.mark.parametrize(
    ("kind", "column"), [(k, name) for k, name, _ in COLUMNS if not name.endswith("?")]
)
def test_a_gap_is_refused(tmp_path: Path, kind: str, column: str):
    path = foreign(tmp_path, kind, column, None)
    with pytest.raises(UnreadableSnapshot, match=f"{kind}-0"):
        Index(open_snapshot(path), "cautious")


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, 253_402_300_800_000_000])
@pytest.mark.parametrize(("kind", "column"), [(k, n) for k, n, v in COLUMNS if v == "time"])
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, kind: str, column: str, value: int):
    path = foreign(tmp_path, kind, column, value)
    with pytest.raises(UnreadableSnapshot, match=f"{column} has times out of range"):
        Index(open_snapshot(path), "cautious")


@pytest.mark.parametrize("value", [-1, 0, 99, 2**62])
@pytest.mark.parametrize("kind", ["views", "observations"])
def test_a_row_whose_picture_is_not_there_is_refused(tmp_path: Path, kind: str, value: int):
    path = foreign(tmp_path, kind, "picture", value)
    with pytest.raises(UnreadableSnapshot, match=f"{kind}-0.*pictures that are not there"):
        Index(open_snapshot(path), "cautious")


def arrays() -> list[str]:
    """Return the arrays of numbers of rows and places, as a build names them."""
    lists = ("picture", "url", "page", "host", "sha256", "md5", "print", "prints")
    tables = ("url", "page", "host", "sha256", "md5")
    return [
        *("entry-class.u32", "class-example.u32", "print-wide.u32", "code-prints.u32"),
        *(f"{name}-{part}.u32" for name in lists for part in ("lists", "rows")),
        *(f"{name}-starts.u32" for name in tables),
        *(f"code{place}-{part}.u32" for place in range(3) for part in ("starts", "rows")),
    ]


@pytest.mark.parametrize("value", [2**31, 2**32 - 2])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("name", arrays())
def test_a_number_past_the_end_is_refused(tmp_path: Path, name: str, place: int, value: int):
    snapshot = made_snapshot(tmp_path)
    start, size = snapshot.manifest.arrays[name]
    array = np.array(snapshot.array(name))
    array[place] = value
    whole = (snapshot.path / INDEX_FILE).read_bytes()
    rewrite(snapshot.path / INDEX_FILE, whole[:start] + array.tobytes() + whole[start + size :])
    seal(snapshot.path, INDEX_FILE)
    with pytest.raises(UnreadableSnapshot, match=name):
        Index(open_snapshot(snapshot.path), "cautious")


@pytest.mark.parametrize("cut", ["entry-class.u32", "entry-since.i64", "code1-codes.u64"])
def test_an_array_of_another_size_is_refused(tmp_path: Path, cut: str):
    snapshot = made_snapshot(tmp_path)
    start, size = snapshot.manifest.arrays[cut]
    arrays = {**snapshot.manifest.arrays, cut: (start, size - 8)}
    changed = replace(snapshot.manifest, arrays=arrays)
    (snapshot.path / MANIFEST).write_text(manifest_to_json(changed))
    with pytest.raises(UnreadableSnapshot, match=cut):
        Index(open_snapshot(snapshot.path), "cautious")


BAD_SIGNALS = [
    "",
    "{",
    "{}",
    "[1]",
    "[[]]",
    '[{"name": "x"}]',
    "[" * 100_000,
    '[{"name": 5, "vocabulary": "v", "carrier": "c", "scope": "image", "raw": "r"}]',
    '[{"name": "n", "vocabulary": "v", "carrier": "c", "scope": "all", "raw": "r"}]',
    '[{"name": "n", "vocabulary": "v", "carrier": "c", "scope": "image", "raw": "r", "more": 1}]',
    '[{"name": "n", "vocabulary": "v", "carrier": "c", "scope": "image", "raw": "r",'
    ' "uses": [["train", "never"]]}]',
    '[{"name": "n", "vocabulary": "v", "carrier": "c", "scope": "image", "raw": "r",'
    ' "rule": {"pattern": 1, "precedence": "first", "order": 0}}]',
]


BAD_SETS = [
    *(f'{{"shape": "x", "signals": {text or "x"}}}' for text in BAD_SIGNALS),
    *("", "{", "[]", "1", '{"signals": []}', '{"shape": "x", "signals": [{"at": "elsewhere"}]}'),
]


@pytest.mark.parametrize("text", [text for text in BAD_SETS if text != '{"signals": []}'])
def test_signals_that_are_none_are_refused(tmp_path: Path, text: str):
    snapshot = open_snapshot(foreign(tmp_path, "observations", "signals", text))
    with pytest.raises(UnreadableSnapshot, match="signals"):
        Index(snapshot, "cautious").decisions.ranks(np.array([0]))


def test_the_rules_of_a_site_that_are_none_are_refused(tmp_path: Path):
    snapshot = open_snapshot(foreign(tmp_path, "site-files", "signals", "[1]"))
    with pytest.raises(UnreadableSnapshot, match="signals"):
        Index(snapshot, "cautious").sites.place("//a.example/")


MARK = '"name": "n", "raw": "r", "url": "u", "since": "2026-01-01T00:00:00+00:00"'
BAD_PAST = [
    *("", "{", "{}", "null", "[1]", "[" * 100_000, f"[{{{MARK}}}]"),
    *(f'[{{{MARK}, "until": {until}}}]' for until in ('"x"', "1", '"2026-02-01T00:00:00"')),
    f'[{{{MARK}, "until": "2026-02-01T00:00:00+00:00", "name": 5}}]',
]


@pytest.mark.parametrize(
    ("kind", "column", "text"),
    [
        *(("observations", "signals", text) for text in BAD_SETS),
        *(("observations", "rules", text) for text in BAD_SETS),
        *(("claims", "signals", text) for text in BAD_SETS),
        *(("site-files", "signals", text) for text in BAD_SIGNALS),
        *(("site-claims", "signals", text) for text in BAD_SIGNALS),
        *(("observations", "past", text) for text in BAD_PAST),
    ],
)
def test_verify_reads_all_texts(tmp_path: Path, kind: str, column: str, text: str):
    path = foreign(tmp_path, kind, column, text)
    result = CliRunner().invoke(command, ["verify", str(path)])
    assert isinstance(result.exception, UnreadableSnapshot)
    assert f"segments/{kind}-0" in result.exception.message


def test_verify_takes_what_a_build_writes(tmp_path: Path):
    fine = f'[{{{MARK}, "until": "2026-02-01T00:00:00+00:00"}}]'
    for text in (fine, None):
        path = foreign(tmp_path / str(text is None), "observations", "past", text)
        assert CliRunner().invoke(command, ["verify", str(path)]).exit_code == 0
