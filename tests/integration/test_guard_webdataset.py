"""`registry.guard` in pipelines of the package webdataset: counts of a check of the same shards."""

import io
import json
import pickle
import warnings

import pytest
from drawn import draw
from guarding import MARKED, guard_snapshot, jpeg, quick_pictures
from tar_files import shard

import registry
from registry.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    wds = pytest.importorskip("webdataset")

# The package leaves files to the garbage collector.
pytestmark = [
    pytest.mark.usefixtures(quick_pictures.__name__),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FREE = "https://free.example/5.jpg"
PAIRS = [(f"{n:03d}", MARKED if n % 3 == 0 else FREE) for n in range(24)]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return guard_snapshot(tmp_path_factory.mktemp("guard"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two shards of samples; the picture of sample 001 is recorded, that of 004 is broken."""
    folder = tmp_path_factory.mktemp("shards")
    for number in range(2):
        members = []
        for place, (key, url) in enumerate(PAIRS[number::2]):
            content = b"broken" if key == "004" else jpeg(int(key) % 7)
            members += [(f"{key}.jpg", content), (f"{key}.txt", f"caption {place}".encode())]
            members.append((f"{key}.json", json.dumps({"url": url, "key": key}).encode()))
        shard(folder / f"{number:05d}.tar", *members)
    return folder


def pipeline(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wds.WebDataset(str(folder / "{00000..00001}.tar"), shardshuffle=False, **options)


def clear(key):
    number = int(key)
    return number % 3 != 0 and number % 7 != 1 and key != "004"


CLEAR = [key for number in range(2) for key, _ in PAIRS[number::2] if clear(key)]


def test_a_pipeline_passes_on_what_a_check_calls_clear(snapshot, folder):
    guarded = registry.guard(pipeline(folder), snapshot)
    samples = list(guarded)
    assert [sample["__key__"] for sample in samples] == CLEAR
    given = {sample["__key__"]: sample for sample in pipeline(folder)}
    assert all(sample == given[sample["__key__"]] for sample in samples)
    report = registry.check(folder / "{00000..00001}.tar", snapshot)
    assert guarded.tally == report.tally
    assert report.tally.outcomes["unchecked"] == 1
    assert guarded.report().format == "webdataset"
    guarded.close()


def test_a_stage_is_followed_by_others(snapshot, folder):
    stage = registry.guard(None, snapshot)
    decoded = pipeline(folder).compose(stage).decode("pil").to_tuple("jpg", "json")
    pairs = list(decoded)
    assert [record["key"] for _, record in pairs] == CLEAR
    assert pairs[0][0].size == (320, 240)
    assert stage.tally.outcomes["clear"] == len(CLEAR)
    stage.close()


def test_pictures_that_were_decoded_before_are_never_clear(snapshot, folder):
    decoded = pipeline(folder, handler=wds.ignore_and_continue).decode(
        "pil", handler=wds.ignore_and_continue
    )
    guarded = registry.guard(decoded, snapshot)
    assert not list(guarded)
    outcomes = guarded.tally.outcomes
    assert outcomes["reserved"] == sum(n % 3 == 0 or n % 7 == 1 for n in range(24))
    assert outcomes["clear"] == 0
    assert "decoded picture" in guarded.tally.unread[0][1]
    # Texts and objects may be decoded.
    texts = registry.guard(pipeline(folder).decode(only=["json", "txt"]), snapshot)
    assert [sample["__key__"] for sample in texts] == CLEAR
    assert texts.tally.outcomes == registry.check(folder, snapshot).tally.outcomes
    guarded.close()
    texts.close()


def test_batches_and_tuples_are_refused(snapshot, folder):
    with pytest.raises(UsageError, match="type tuple"):
        list(registry.guard(pipeline(folder).to_tuple("jpg"), snapshot))
    with pytest.raises(UsageError, match="a batch of samples"):
        list(registry.guard(pipeline(folder).batched(4), snapshot))


def test_a_guarded_pipeline_can_be_sent(snapshot, folder, tmp_path):
    guarded = registry.guard(pipeline(folder), snapshot, counts=tmp_path / "counts")
    sent = pickle.loads(pickle.dumps(guarded.dataset))
    assert [sample["__key__"] for sample in sent] == CLEAR
    assert guarded.tally.rows == 24


def test_samples_made_in_memory(snapshot):
    content = io.BytesIO()
    draw(1).save(content, "JPEG", quality=80)
    samples = [
        {"__key__": "a", "__url__": "x", "jpg": content.getvalue(), "cls": 1},
        {"__key__": "b", "__url__": "x", "jpg": jpeg(2), "cls": 2, "npy": None},
        {"__key__": "c", "__url__": "x", "jpg": jpeg(3), "cls": 2, "pyd": b"\x80\x04."},
    ]
    guarded = registry.guard(samples, snapshot)
    assert list(guarded) == samples[1:2]
    assert guarded.tally.unread == [(2, ".pyd is not read and may hold a picture or its keys")]
    guarded.close()
