"""`registry.guard` on datasets of the package `datasets`: counts of a check of the same rows."""

import multiprocessing
import pickle

import pytest
from guarding import COLUMNS, guard_snapshot, jpeg, outcome_of, quick_pictures, rows_of

import registry
from registry.errors import UnreadableDataset, UsageError

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.usefixtures(quick_pictures.__name__)
PICTURES = datasets.Features({"image": datasets.Image(), "n": datasets.Value("int32")})


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return guard_snapshot(tmp_path_factory.mktemp("guard"))


def table(count=3000, seed=1):
    return datasets.Dataset.from_list(rows_of(count, seed))


def clear(count=3000, seed=1):
    return [row for row in rows_of(count, seed) if outcome_of(row) == "clear"]


def pictures():
    """Six pictures; number 1 is recorded, 4 is broken."""
    images = [{"bytes": jpeg(n) if n != 4 else b"x", "path": f"{n}.jpg"} for n in range(6)]
    return datasets.Dataset.from_dict({"image": images, "n": range(6)}, features=PICTURES)


def numbers(rows):
    return [int(row["n"]) for row in rows]


def test_a_table_keeps_its_rows_in_order(snapshot, tmp_path):
    given = table()
    guarded = registry.guard(given, snapshot, columns=COLUMNS)
    assert isinstance(guarded.dataset, datasets.Dataset)
    assert guarded.dataset.to_list() == clear()
    assert guarded.dataset.features == given.features
    given.to_parquet(tmp_path / "rows.parquet")
    report = registry.check(tmp_path / "rows.parquet", snapshot, columns=COLUMNS)
    assert guarded.tally == report.tally
    # Rows that were chosen before, in another order, in another format.
    chosen = given.shuffle(seed=3).select(range(50)).with_format("numpy", columns=["n"])
    guarded = registry.guard(chosen, snapshot, columns=COLUMNS)
    kept = set(numbers(clear()))
    assert numbers(guarded) == [n for n in numbers(chosen) if n in kept]
    assert guarded.dataset.format == chosen.format


def test_all_rows_none_and_no_rows(snapshot):
    free = table().filter(lambda url: url == "https://free.example/5.jpg", input_columns="url")
    free = free.remove_columns("sha256")
    assert registry.guard(free, snapshot).dataset is free
    assert len(registry.guard(free, snapshot, keep=["reserved"]).dataset) == 0
    none = registry.guard(free.select([]), snapshot, columns=COLUMNS | {"sha256": []})
    assert len(none.dataset) == none.tally.rows == 0


def test_pictures_are_compared_as_files(snapshot, tmp_path):
    guarded = registry.guard(pictures(), snapshot)
    assert numbers(guarded) == [0, 2, 3, 5]
    assert guarded.dataset[0]["image"].size == (320, 240)
    pictures().to_parquet(tmp_path / "rows.parquet")
    report = registry.check(tmp_path / "rows.parquet", snapshot)
    assert guarded.tally == report.tally
    stream = registry.guard(pictures().to_iterable_dataset(), snapshot)
    rows = list(stream)
    assert rows == list(guarded)
    assert rows[0]["image"].size == (320, 240)
    assert stream.tally == report.tally
    assert stream.dataset.features == PICTURES
    stream.close()


def test_pictures_named_by_path_are_read_where_they_are_local(snapshot, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number))
    names = [str(tmp_path / f"{n}.jpg") for n in (0, 1, 2, 7)] + ["hf://datasets/a/b.jpg"]
    features = datasets.Features({"image": datasets.Image(decode=False)})
    given = datasets.Dataset.from_dict({"image": names}, features=features)
    guarded = registry.guard(given, snapshot)
    assert [row["image"]["path"] for row in guarded] == [names[0], names[2]]
    assert guarded.tally.unchecked == {"image-not-embedded": 2}
    stream = registry.guard(given.to_iterable_dataset(), snapshot)
    assert list(stream) == list(guarded)
    assert stream.tally == guarded.tally
    stream.close()


def test_a_stream_is_filtered_as_it_is_read(snapshot):
    given = table().to_iterable_dataset(num_shards=4)
    guarded = registry.guard(given, snapshot, columns=COLUMNS)
    assert guarded.tally.rows == 0
    assert next(iter(guarded)) == clear()[0]
    guarded = registry.guard(given, snapshot, columns=COLUMNS)
    assert list(guarded) == clear()
    assert guarded.tally == registry.guard(table(), snapshot, columns=COLUMNS).tally


def test_a_stream_is_mapped_shuffled_and_batched(snapshot):
    given = table().to_iterable_dataset(num_shards=4)
    before = given.shuffle(seed=1, buffer_size=50)
    kept = set(numbers(clear()))
    guarded = registry.guard(before, snapshot, columns=COLUMNS)
    assert numbers(guarded) == [n for n in numbers(before) if n in kept]
    after = guarded.dataset.map(lambda row: {"n": row["n"] + 1}).shuffle(seed=2).batch(7)
    rows = [n for batch in after for n in batch["n"]]
    assert sorted(rows) == [n + 1 for n in sorted(kept)]
    assert rows == [n for batch in after for n in batch["n"]]
    # Rows of unknown types.
    mapped = given.map(lambda row: {"twice": 2 * row["n"]})
    assert mapped.features is None
    assert numbers(registry.guard(mapped, snapshot, columns=COLUMNS)) == numbers(clear())


def test_a_stream_keeps_its_format(snapshot):
    given = pictures().to_iterable_dataset().with_format("numpy")
    rows = list(registry.guard(given, snapshot))
    assert numbers(rows) == [0, 2, 3, 5]
    assert rows[0]["image"].shape == (240, 320, 3)
    arrow = table().to_iterable_dataset().with_format("arrow")
    rows = list(registry.guard(arrow, snapshot, columns=COLUMNS))
    assert [row["n"][0].as_py() for row in rows] == numbers(clear())


@pytest.mark.parametrize("stop", [0, 100, 300])
def test_a_stream_goes_on_from_a_state(snapshot, stop):
    given = table().to_iterable_dataset(num_shards=2)
    first = registry.guard(given, snapshot, columns=COLUMNS).dataset
    rows = iter(first)
    passed = [next(rows) for _ in range(stop + 1)]
    second = registry.guard(given, snapshot, columns=COLUMNS).dataset
    second.load_state_dict(first.state_dict())
    assert [*passed, *second] == clear()


def test_splits_are_guarded_one_by_one(snapshot):
    splits = {"train": table(40, 1), "test": table(30, 2)}
    guarded = registry.guard(datasets.DatasetDict(splits), snapshot, columns=COLUMNS)
    assert {name: one.to_list() for name, one in guarded.dataset.items()} == {
        "train": clear(40, 1),
        "test": clear(30, 2),
    }
    assert guarded.tally.rows == 70
    streams = datasets.IterableDatasetDict(
        {name: one.to_iterable_dataset() for name, one in splits.items()}
    )
    lazy = registry.guard(streams, snapshot, columns=COLUMNS)
    assert {name: list(one) for name, one in lazy.dataset.items()} == {
        name: one.to_list() for name, one in guarded.dataset.items()
    }
    assert lazy.tally == guarded.tally
    with pytest.raises(UsageError, match="no stage"):
        next(guarded([]))
    named = splits["test"].add_column("optout:unread", [None] * 30)
    with pytest.raises(UnreadableDataset, match="optout:unread"):
        registry.guard(named, snapshot, columns=COLUMNS)


def _shard(dataset, index, sender):
    sender.send(numbers(dataset.shard(num_shards=2, index=index)))
    sender.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_workers_read_the_shards_of_a_stream(snapshot, tmp_path):
    """As the workers of a loader do."""
    given = table(600).to_iterable_dataset(num_shards=4)
    guarded = registry.guard(given, snapshot, columns=COLUMNS, counts=tmp_path / "counts")
    context = multiprocessing.get_context("fork")
    receivers, workers = [], []
    for index in range(2):
        receiver, sender = context.Pipe(duplex=False)
        workers.append(context.Process(target=_shard, args=(guarded.dataset, index, sender)))
        workers[-1].start()
        sender.close()
        receivers.append(receiver)
    shares = [receiver.recv() for receiver in receivers]
    for worker in workers:
        worker.join()
    assert sorted(n for share in shares for n in share) == numbers(clear(600))
    alone = registry.guard(table(600), snapshot, columns=COLUMNS).tally
    assert guarded.tally.outcomes == alone.outcomes
    assert guarded.tally.rows == 600


def test_a_guarded_stream_can_be_sent(snapshot):
    given = pictures().to_iterable_dataset()
    guarded = registry.guard(given, snapshot)
    sent = pickle.loads(pickle.dumps(guarded))
    assert numbers(sent) == [0, 2, 3, 5]
    assert sent.tally.outcomes == {"reserved": 1, "clear": 4, "unchecked": 1}
    assert guarded.tally.rows == 0
    sent.close()
