"""Paths of remote files: names, folders and patterns, without any network."""

import errno
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.cli.check import command
from registry.datasets import open_dataset
from registry.datasets.listing import listing_of
from registry.datasets.remote import faults, known, listing, places
from registry.datasets.remote.ahead import ahead
from registry.datasets.remote.faults import told_of
from registry.datasets.remote.naming import learn_of_all
from registry.datasets.remote.paths import RemotePath, is_url, path_of
from registry.datasets.remote.places import Info
from registry.datasets.remote.web import links_in
from registry.errors import UnreadableDataset


class Store:
    """Objects by URL, in memory."""

    def __init__(self, urls):
        self.urls, self.asked = dict.fromkeys(urls, b"abc"), []

    def look(self, url, head):
        self.asked.append(url)
        if url in self.urls:
            return Info(3, "v1"), None
        if any(one.startswith(url + "/") for one in self.urls):
            return Info(0, is_folder=True), None
        raise FileNotFoundError(url)

    def inside(self, folder, prefix):
        start = f"{folder}/{prefix}"
        for url in reversed(self.urls):
            if url.startswith(start):
                name, slash, _ = url.removeprefix(f"{folder}/").partition("/")
                yield name, Info(0, is_folder=True) if slash else Info(3, "v1")

    def fetch(self, url, start, end):
        return self.urls[url][start:end]

    def forget(self):
        """Nothing is kept."""


@pytest.fixture
def store(monkeypatch):
    def make(*urls):
        one = Store(urls)
        monkeypatch.setattr(places, "_place", lambda scheme: one)
        known.forget()
        return one

    yield make
    known.forget()


@pytest.mark.parametrize(
    ("url", "name", "parent", "suffix"),
    [
        ("s3://b/a/x.tar.gz", "x.tar.gz", "s3://b/a", ".gz"),
        ("s3://b/a%20/x?.csv", "x?.csv", "s3://b/a%20", ".csv"),
        ("S3://b/a//x", "x", "s3://b/a/", ""),
        ("s3://b/a/", "a", "s3://b", ""),
        ("https://h.example/a%20b.csv?x=/y.tar", "a b.csv", "https://h.example", ".csv"),
        ("https://h.example/a b.csv#top", "a b.csv", "https://h.example", ".csv"),
        ("https://h.example/a/", "a", "https://h.example", ""),
        ("hf://datasets/o/n/x.parquet", "x.parquet", "hf://datasets/o/n", ".parquet"),
    ],
)
def test_parts_of_a_path(url, name, parent, suffix):
    path = path_of(url)
    assert (path.name, path.suffix) == (name, suffix)
    assert str(path.parent) == parent.rstrip("/")


def test_other_names_beside_a_file():
    assert str(path_of("s3://b/a/00001.tar").with_name("00001.json")) == "s3://b/a/00001.json"
    beside = path_of("https://h.example/a.tar?sig=x").with_name("a b%.json")
    assert str(beside) == "https://h.example/a%20b%25.json?sig=x"
    assert str(path_of("https://h.example/d/") / "a?b") == "https://h.example/d/a%3Fb"
    assert path_of("s3://b/x.jpg").with_suffix(".txt") == RemotePath("s3://b/x.txt")
    assert path_of("s3://b/x").is_relative_to("s3://b")
    assert len({path_of("s3://b/x"), path_of("s3://b/x/")}) == 1
    assert pickle.loads(pickle.dumps(path_of("s3://b/x"))) == path_of("s3://b/x")


def test_what_is_remote():
    assert is_url("gs://b/x") and is_url("HTTPS://h.example/x")  # noqa: PT018
    assert path_of("a/b") == Path("a/b")
    with pytest.raises(UnreadableDataset, match="not read"):
        open_dataset(["ftp://h.example/x"])


def test_links_of_an_index_page():
    page = """<a href="../">up</a><a href="?C=M">sort</a><a href="b%20c.jpg">x</a>
    <A HREF="/d/e/">x</a><a href="https://h.example/d/f.txt">x</a>
    <a href="//other.example/d/g">x</a><a href="h/i.jpg">deeper</a><a href="100%25.jpg">x</a><a href="http://[">x</a><a>x</a>
    <a href="./">here</a><a href="%2e%2e%2fx">x</a>"""
    assert dict(links_in(page, "https://h.example/d/")) == {
        **{"b c.jpg": False, "e": True, "f.txt": False, "100%25.jpg": False},
        "%2e%2e%2fx": False,
    }


def test_files_below_a_folder_come_as_from_a_disk(store):
    store("s3://b/d/z.csv", "s3://b/d/a/2.csv", "s3://b/d/a/10.csv", "s3://b/d/.h/x", "s3://b/d/.x")
    found = [str(path) for path in listing_of(path_of("s3://b/d"))]
    assert found == ["s3://b/d/a/10.csv", "s3://b/d/a/2.csv", "s3://b/d/z.csv"]


def test_what_a_listing_says_is_not_asked_again(store):
    place = store("s3://b/d/1.csv", "s3://b/d/2.csv")
    listing_of(path_of("s3://b/d"))
    assert path_of("s3://b/d/1.csv").stat().st_size == 3
    assert not path_of("s3://b/d/3.csv").exists()
    assert place.asked == []
    assert path_of("s3://b/d").is_dir()
    assert place.asked == ["s3://b/d"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("d/*.csv", ["d/1.csv", "d/2.csv"]),
        ("d/[12].csv", ["d/1.csv", "d/2.csv"]),
        ("*/1.*", ["d/1.csv", "e/1.csv"]),
        ("**/*.csv", ["d/1.csv", "d/2.csv", "d/f/3.csv", "e/1.csv"]),
        ("d/.*", ["d/.h"]),
        ("d/1.csv/*", []),
    ],
)
def test_patterns(store, pattern, found):
    names = ("d/1.csv", "d/2.csv", "d/f/3.csv", "d/.h", "e/1.csv")
    store(*(f"s3://b/{name}" for name in names))
    assert sorted(listing.matching("s3://b", pattern)) == [f"s3://b/{name}" for name in found]


def test_a_folder_of_very_many_objects(store):
    names = [f"s3://b/d/{number:06d}.jpg" for number in range(50_000)]
    store(*names)
    found = listing_of(path_of("s3://b/d"))
    assert len(found) == 50_000
    assert str(found[-1]) == names[-1]
    assert sum(len(run.names) for run in found._runs) < 50_000 * 12


def test_names_that_lead_nowhere_are_refused(store):
    store("s3://b/d//x.csv")
    with pytest.raises(UnreadableDataset, match=r"\(empty\)"):
        listing_of(path_of("s3://b/d"))


def test_results_come_in_order_and_only_a_few_ahead():
    begun = []
    results = ahead(lambda item: (begun.append(item), item * 2)[1], iter(range(100)))
    assert next(results) == 0
    assert len(begun) <= 17
    assert list(results) == [2 * item for item in range(1, 100)]


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (FileNotFoundError("x"), errno.ENOENT),
        (PermissionError("x"), errno.EACCES),
        (TimeoutError(), errno.ETIMEDOUT),
        (ConnectionResetError(104, "reset"), errno.EIO),
        (ValueError("no bucket"), errno.EINVAL),
    ],
)
def test_errors_are_told(error, number):
    told = told_of(error)
    assert told.errno == number
    assert told.strerror
    assert "\n" not in told.strerror


@pytest.mark.parametrize(("error", "times"), [(TimeoutError(), 2), (ConnectionError("x"), 4)])
def test_a_silent_server_is_asked_once_more(monkeypatch, error, times):
    monkeypatch.setattr(faults, "PAUSES", (0.0, 0.0, 0.0))
    asked = []

    def work():
        asked.append(1)
        raise error

    with pytest.raises(OSError, match=r"did not answer in time|x"):
        faults.retried(work)
    assert len(asked) == times


def test_a_missing_package_is_named():
    code = """
import sys
sys.modules.update(s3fs=None, fsspec=None, aiohttp=None)
from registry.cli import main
sys.argv = ["registry", "check", "s3://bucket/a.parquet"]
main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'optout-registry[remote]'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 3


@pytest.mark.parametrize("option", ["--out", "--report", "--snapshot"])
def test_results_are_written_to_the_local_disk(option, tmp_path):
    ran = CliRunner().invoke(command, [str(tmp_path), option, "s3://bucket/rows.parquet"])
    assert "only a dataset to check may be remote" in ran.output
    assert ran.exit_code == 2


def test_many_shards_are_asked_for_by_a_listing(store):
    place = store(*(f"s3://b/d/{number:05d}.tar" for number in range(20)), "s3://b/d/other.json")
    learn_of_all([path_of(f"s3://b/d/{number:05d}.tar") for number in range(30)])
    assert path_of("s3://b/d/00019.tar").exists()
    assert not path_of("s3://b/d/00020.tar").exists()
    assert not path_of("s3://b/d/00000.json").exists()
    assert place.asked == []
    assert path_of("s3://b/d/other.json").exists()
    assert place.asked == ["s3://b/d/other.json"]


@pytest.mark.parametrize(("sent", "rows"), [(2, 3), (0, None), (9, None)])
def test_answers_of_a_wrong_length(store, monkeypatch, sent, rows):
    """Some stores end an answer early without an error, or send the whole file."""
    monkeypatch.setattr(faults, "PAUSES", (0.0, 0.0))
    place = store("s3://b/x.csv")

    def fetch(url, start, end):
        return b"abcdefghi"[start : start + sent if sent > 3 else min(start + sent, end)]

    monkeypatch.setattr(place, "fetch", fetch)
    if rows:
        assert path_of("s3://b/x.csv").open().read() == b"abc"
        return
    with pytest.raises(OSError, match=r"ended early|more bytes"):
        path_of("s3://b/x.csv").open().read()
