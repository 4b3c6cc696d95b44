"""`registry.guard` on rows of programs: outcomes of an oracle, counts of a check, bad rows."""

import datetime
import decimal
import json
import multiprocessing
import os
import pickle
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from drawn import draw, saved
from guarding import (
    COLUMNS,
    DIGESTS,
    MARKED,
    URLS,
    checked,
    guard_snapshot,
    jpeg,
    outcome_of,
    quick_pictures,
    rows_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from made import Made

import registry
from registry.errors import UnreadableDataset, UnreadableSnapshot, UsageError
from registry.guarding import counts, row_check
from registry.guarding.rows import RowShape
from registry.guarding.values import DECODED, plain_value

FREE = "https://free.example/5.jpg"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return guard_snapshot(tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"url": st.sampled_from([*URLS]), "sha256": st.sampled_from([*DIGESTS])}
        ),
        max_size=15,
    ),
    st.sampled_from([1, 5, 99]),
    st.sets(st.sampled_from(["clear", "unchecked", "conditional"]), min_size=1),
)
def test_rows_are_passed_on_by_an_oracle_and_counted_as_in_a_check(
    snapshot, folder, rows, batch, keep
):
    rows = [*rows_of(2, 0), *rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_check, "FIRST", (2, 1 << 20))
        patch.setattr(row_check, "LATER", (batch, 1 << 20))
        guarded = registry.guard(iter(rows), snapshot, keep=sorted(keep), columns=COLUMNS)
        assert list(guarded) == [row for row in rows if outcome_of(row) in keep]
    assert guarded.tally.outcomes == Counter(map(outcome_of, rows))
    assert guarded.tally == checked(rows, folder, snapshot, columns=COLUMNS)


def test_pictures_are_compared_as_in_a_check(snapshot, folder):
    rows = [{"image": {"bytes": jpeg(n), "path": f"{n}.jpg"}} for n in range(3)]
    rows += [{"image": {"bytes": None, "path": "gone.jpg"}}, {"image": {"bytes": b"x", "path": ""}}]
    guarded = registry.guard(rows, snapshot)
    assert list(guarded) == [rows[0], rows[2]]
    assert guarded.tally == checked(rows, folder, snapshot)
    assert guarded.tally.outcomes == {"reserved": 1, "clear": 2, "unchecked": 2}
    guarded.close()


@pytest.mark.usefixtures(quick_pictures.__name__)
def test_a_decoded_picture_is_matched_but_never_clear(snapshot):
    rows = [{"image": draw(1), "n": 1}, {"image": draw(2), "n": 2}, {"image": None, "n": 3}]
    rows += [{"image": draw(1).convert("CMYK"), "n": 4}, {"image": np.array(draw(1)), "n": 5}]
    guarded = registry.guard(rows, snapshot, columns={"image": ["image"]})
    assert not list(guarded)
    assert guarded.tally.outcomes == {"reserved": 2, "unchecked": 3}
    assert guarded.tally.unchecked == {"row-not-read": 2, "nothing-to-check": 1}
    assert guarded.tally.unread[1] == (1, f"image: {DECODED}")
    guarded.close()


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"url": FREE, "new": MARKED}, "reserved"),
        ({"url": FREE, "new": {"a": [1, MARKED]}}, "reserved"),
        ({"url": FREE, "new": jpeg(1)}, "unchecked"),
        ({"url": FREE, "new": [{"bytes": jpeg(1)}]}, "unchecked"),
        ({"url": FREE, "new": saved(draw(1, width=60), "BMP")}, "unchecked"),
        ({"url": FREE, "new": draw(1)}, "unchecked"),
        ({"url": FREE, "caption": jpeg(1)}, "unchecked"),
        ({"url": FREE, "new": object()}, "unchecked"),
        ({"url": FREE, "optout:unread": None}, "unchecked"),
        ({"url": jpeg(1)}, "unchecked"),
        ({"url": [FREE]}, "unchecked"),
        ({"url": FREE, "new": [0.5] * 9}, "clear"),
        ({"url": FREE, "new": datetime.date(2026, 11, 28)}, "clear"),
        ({"caption": "no URL"}, "unchecked"),
        ({}, "unchecked"),
    ],
)
def test_later_rows_may_hold_anything(snapshot, row, outcome):
    first = [{"url": FREE, "caption": "words", "n": n} for n in range(row_check.FIRST[0])]
    guarded = registry.guard([*first, row], snapshot)
    assert len(list(guarded)) == len(first) + (outcome == "clear")
    assert guarded.tally.outcomes == Counter({"clear": len(first)}) + Counter([outcome])


def test_values_of_libraries_are_plain():
    notes = []
    given = {
        "time": datetime.datetime(2026, 11, 28, 9, tzinfo=datetime.UTC),
        "number": decimal.Decimal("1.5"),
        "scalar": np.float32(0.5),
        "vector": np.array([1, 2]),
        "embedding": np.ones((2, 2), np.float32),
        "view": memoryview(b"ab"),
        "list": (1, "a", (b"b",)),
    }
    assert plain_value(given, notes) == {
        "time": "2026-11-28 09:00:00+00:00",
        "number": "1.5",
        "scalar": 0.5,
        "vector": [1, 2],
        "embedding": [[1, 1], [1, 1]],
        "view": b"ab",
        "list": [1, "a", [b"b"]],
    }
    assert not notes
    deep = []
    for _ in range(200):
        deep = [deep]
    plain_value(deep, notes)
    assert notes == ["nested too deeply"]


def test_columns_of_nulls_take_texts_and_pictures():
    shape = RowShape.of([{"a": None, "image": {"bytes": None, "path": None}, "l": []}])
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert shape.schema.types == [pa.string(), struct, pa.list_(pa.string())]
    batch = shape.batch([{"image": {"bytes": b"x"}}, {"image": b"y"}])
    assert batch.schema.names == ["a", "image", "l"]
    assert [row["bytes"] for row in batch.column("image").to_pylist()] == [b"x", b"y"]


def test_dropped_rows_are_handed_over_with_their_answers(snapshot):
    dropped = []
    rows = [{"url": FREE}, {"url": MARKED}, {"url": None}]
    guarded = registry.guard(rows, snapshot, on_drop=lambda *pair: dropped.append(pair))
    assert list(guarded) == rows[:1]
    assert [(row, answer["optout_outcome"]) for row, answer in dropped] == [
        (rows[1], "reserved"),
        (rows[2], "unchecked"),
    ]
    assert dropped[0][1]["optout_match"] == "url"


def test_the_report_is_that_of_a_check(snapshot, folder):
    rows = rows_of(20, 3)
    guarded = registry.guard(rows, snapshot)
    assert guarded.report().to_json()["rows"] == 0
    list(guarded)
    checked(rows, folder, snapshot)
    ours = guarded.report().to_json()
    theirs = registry.check(folder / "rows.parquet", snapshot).to_json()
    differs = {name for name, value in ours.items() if value != theirs[name]}
    assert differs - {"seconds", "checked_at"} == {"dataset", "format", "files"}
    assert guarded.report().exit_code == 1


@pytest.mark.parametrize(
    ("dataset", "options", "error"),
    [
        ("rows.parquet", {}, UsageError),
        ({"url": [FREE]}, {}, UsageError),
        (7, {}, UsageError),
        ([(FREE, 1)], {}, UsageError),
        ([{"words": "x"}], {}, UnreadableDataset),
        ([{"url": FREE}], {"keep": "clear"}, UsageError),
        ([{"url": FREE}], {"keep": ["clean"]}, UsageError),
        ([{"url": FREE}], {"policy": "none"}, UsageError),
        ([{"url": FREE}], {"workers": 0}, UsageError),
        ([{"url": FREE}], {"columns": {"url": ["link"]}}, UsageError),
        (None, {}, UsageError),
    ],
)
def test_bad_input_is_refused(snapshot, dataset, options, error):
    with pytest.raises(error):
        list(registry.guard(dataset, snapshot, **options))


def test_a_guard_that_was_sent_opens_the_snapshot_itself(tmp_path):
    snapshot = guard_snapshot(tmp_path / "a")
    guarded = registry.guard(rows_of(30, 1), snapshot)
    passed = list(guarded)
    sent = pickle.loads(pickle.dumps(guarded))
    assert list(sent) == passed
    assert sent.tally == guarded.tally
    text = pickle.dumps(registry.guard(rows_of(30, 1), snapshot))
    snapshot.path.rename(tmp_path / "old")
    other = Made()
    other.claim(url=FREE)
    other.snapshot(tmp_path / "b").path.rename(snapshot.path)
    with pytest.raises(UnreadableSnapshot, match="another snapshot"):
        list(pickle.loads(text))


def _read(guarded, share, sender):
    rows = list(guarded(rows_of(600, 5)[share::2]))
    sender.send((os.getpid(), [row["n"] for row in rows], guarded.tally.rows))
    sender.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_counts_of_processes_are_added(snapshot, folder, tmp_path, method):
    """As the workers of a loader do: each has a part of the rows."""
    rows = rows_of(600, 5)
    stage = registry.guard(None, snapshot, columns=COLUMNS, counts=tmp_path / "counts")
    if method == "fork":
        # What the parent did is not counted twice.
        list(stage(rows[:1]))
    context = multiprocessing.get_context(method)
    receivers, processes = [], []
    for share in range(2):
        receiver, sender = context.Pipe(duplex=False)
        processes.append(context.Process(target=_read, args=(stage, share, sender)))
        processes[-1].start()
        sender.close()
        receivers.append(receiver)
    ends = [receiver.recv() for receiver in receivers]
    for process in processes:
        process.join()
    assert len({one[0] for one in ends} | {os.getpid()}) == 3
    passed = sorted(number for one in ends for number in one[1])
    assert passed == [row["n"] for row in rows if outcome_of(row) == "clear"]
    expected = Counter(map(outcome_of, rows))
    expected += Counter(["reserved"] if method == "fork" else [])
    assert stage.tally.outcomes == expected
    assert len([*(tmp_path / "counts").iterdir()]) == (3 if method == "fork" else 2)
    assert stage.tally.rows == expected.total()
    assert stage.report().tally.hosts == stage.tally.hosts


def test_a_folder_of_counts_is_for_one_check(snapshot, tmp_path, monkeypatch):
    place = tmp_path / "counts"
    monkeypatch.setattr(counts, "_MOST_BYTES", 2000)
    monkeypatch.setattr(row_check, "LATER", (10, 1 << 20))
    first = registry.guard(rows_of(200, 1), snapshot, counts=place)
    list(first)
    (file,) = place.iterdir()
    assert len(file.read_text().splitlines()) < 20
    again = registry.guard(rows_of(100, 2), snapshot, counts=place)
    list(again)
    alone = registry.guard(rows_of(200, 1) + rows_of(100, 2), snapshot)
    list(alone)
    assert again.tally.outcomes == alone.tally.outcomes
    assert again.tally.rows == 300
    # A process that is killed may leave a part of a line.
    with file.open("a") as end:
        end.write('{"rows"')
    (place / f"000-killed{counts._SUFFIX}").write_text('{"snap')
    assert first.tally.rows == 300
    registry.guard(None, snapshot, counts=place)
    with pytest.raises(UsageError, match="another snapshot, policy"):
        registry.guard(None, snapshot, counts=place, policy="letter")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        registry.guard(None, snapshot, counts=tmp_path / "other")


def test_counts_are_lines_of_json(snapshot, tmp_path):
    list(registry.guard(rows_of(5, 1), snapshot, counts=tmp_path / "counts"))
    (file,) = (tmp_path / "counts").iterdir()
    head, part = map(json.loads, file.read_text().splitlines())
    assert head["snapshot"] == snapshot.manifest.digest
    assert part["rows"] == 5
