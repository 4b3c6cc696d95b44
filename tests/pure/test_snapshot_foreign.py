"""Snapshots that somebody else wrote: what does not fit together is refused by the file's name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from layout_parts import works
from made import Made

from registry.cli.snapshot import command
from registry.errors import UnreadableSnapshot
from registry.fingerprints import fingerprint
from registry.index import Index
from registry.snapshot import store
from registry.snapshot.contents import refuse_unreadable
from registry.snapshot.format import schemas
from registry.snapshot.manifest import FileEntry, manifest_to_json
from registry.snapshot.references import NEVER_NULL, POINTERS, TIMES


def foreign(folder: Path, name: str, column: str, value: Any) -> Path:
    """Return a snapshot whose first row of a table holds another value, sealed as it should be."""
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
    snapshot = made.snapshot(folder)
    rows = pa.ipc.open_file(str(snapshot.path / name)).read_all().to_pylist()
    rows[0][column] = value
    loose = pa.schema([field.with_nullable(True) for field in schemas()[name]])
    with pa.ipc.new_file(str(snapshot.path / name), loose) as writer:
        writer.write_table(pa.Table.from_pylist(rows, loose))
    path = snapshot.path / name
    entry = FileEntry(path.stat().st_size, len(rows), store.file_sha256(path))
    manifest = replace(snapshot.manifest, files={**snapshot.manifest.files, name: entry})
    (snapshot.path / "manifest.json").write_text(manifest_to_json(manifest))
    return snapshot.path


@pytest.mark.parametrize("value", [-1, -(2**31), 99, 2**31 - 1])
@pytest.mark.parametrize("pointer", POINTERS, ids=" ".join)
def test_a_row_that_points_nowhere_is_refused(tmp_path: Path, pointer: tuple[str, str], value: int):
    path = foreign(tmp_path, *pointer, value)
    with pytest.raises(UnreadableSnapshot, match=pointer[0]) as caught:
        store.open_snapshot(path)
    assert pointer[1] in caught.value.message


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, names in NEVER_NULL.items() for column in names]
)
def test_a_gap_is_refused(tmp_path: Path, name: str, column: str):
    path = foreign(tmp_path, name, column, None)
    with pytest.raises(UnreadableSnapshot, match=name):
        # A check does not read the digests of records; `snapshot verify` does.
        refuse_unreadable(store.open_snapshot(path))


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, 253_402_300_800_000_000])
@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, names in TIMES.items() for column in names]
)
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, name: str, column: str, value: int):
    with pytest.raises(
        UnreadableSnapshot, match=f"{name} is damaged.*{column} has times out of range"
    ):
        store.open_snapshot(foreign(tmp_path, name, column, value))


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


@pytest.mark.parametrize("text", BAD_SIGNALS)
def test_signals_that_are_none_are_refused(tmp_path: Path, text: str):
    snapshot = store.open_snapshot(foreign(tmp_path, "signals.arrow", "signals", text))
    with pytest.raises(UnreadableSnapshot, match="signals"):
        Index(snapshot, "cautious").decisions.ranks(np.array([0]))


def test_the_rules_of_a_site_that_are_none_are_refused(tmp_path: Path):
    snapshot = store.open_snapshot(foreign(tmp_path, "sites.arrow", "signals", "[1]"))
    with pytest.raises(UnreadableSnapshot, match="signals"):
        Index(snapshot, "cautious").sites.rows(snapshot.sites["host"][0].as_py())


MARK = '"name": "n", "raw": "r", "url": "u", "since": "2026-01-01T00:00:00+00:00"'
BAD_PAST = [
    *("", "{", "{}", "null", "[1]", "[" * 100_000, f"[{{{MARK}}}]"),
    *(f'[{{{MARK}, "until": {until}}}]' for until in ('"x"', "1", '"2026-02-01T00:00:00"')),
    f'[{{{MARK}, "until": "2026-02-01T00:00:00+00:00", "name": 5}}]',
]


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        *(("signals.arrow", "signals", text) for text in BAD_SIGNALS),
        *(("sites.arrow", "signals", text) for text in BAD_SIGNALS),
        *(("entries.arrow", "past", text) for text in BAD_PAST),
    ],
)
def test_verify_reads_all_texts(tmp_path: Path, table: str, column: str, text: str):
    path = foreign(tmp_path, table, column, text)
    result = CliRunner().invoke(command, ["verify", str(path)])
    assert isinstance(result.exception, UnreadableSnapshot)
    assert f"{table} is damaged" in result.exception.message


def test_verify_takes_what_a_build_writes(tmp_path: Path):
    fine = f'[{{{MARK}, "until": "2026-02-01T00:00:00+00:00"}}]'
    for text in (fine, None):
        path = foreign(tmp_path / str(text is None), "entries.arrow", "past", text)
        assert CliRunner().invoke(command, ["verify", str(path)]).exit_code == 0
