"""The main job through the installed commands: crawl, snapshot, check, look up.

The sample site and its dataset come with their truth, checked by hand; every
picture and every row must come out as it says.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import open_folder, wait_for_end

from demo.dataset import make_dataset
from demo.server import ROOT, SampleSite
from registry.index import Index
from registry.model import DECISIONS
from registry.snapshot.opened import open_snapshot

BIN = Path(sys.executable).parent


class Job:
    """A folder with a registry of its own, and the commands that use it."""

    def __init__(self, folder: Path, site: SampleSite) -> None:
        self.folder = folder
        self.site = site

    def run(self, *command: object, code: int = 0) -> str:
        environment = {**os.environ, "REGISTRY_HOME": str(self.folder / "home")}
        result = subprocess.run(
            [str(BIN / str(command[0])), *map(str, command[1:])],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert result.returncode == code, result.stderr + result.stdout
        assert "Traceback" not in result.stderr
        return result.stdout

    def filled(self, url: str) -> str:
        """Put the running hosts in the place of those of truth.json."""
        for role in ("site", "cdn", "other"):
            url = url.replace("{{" + role + "}}", self.site.netloc(role))
        return url


@pytest.fixture(scope="module")
def job() -> Iterator[Job]:
    with open_folder("main-job-") as folder, SampleSite() as site:
        made = Job(folder, site)
        made.run("registry", "init")
        made.run("crawler", "run", f"{site.url}/", "--delay", "0")
        made.run("registry", "snapshot", "build")
        hosts = {"cdn_url": site.cdn_url, "other_url": site.other_url}
        make_dataset(site.url, folder / "dataset.parquet", **hosts)
        yield made
        wait_for_end(folder)


def test_every_picture_of_the_site_comes_out_as_its_truth_says(job: Job):
    index = Index(open_snapshot(job.folder / "home/snapshots/000001"), "cautious")
    found: dict[str, set[tuple[str, str]]] = {}
    for row, entry in enumerate(index.snapshot.entries):
        decision = DECISIONS[index.decisions.ranks(np.array([row]))[0]]
        found.setdefault(entry.url, set()).add((decision, entry.relation))
    truth = json.loads((ROOT / "truth.json").read_text())["pictures"]
    assert len(truth) > 100
    for picture in truth:
        seen = found.pop(job.filled(picture["url"]))
        assert min((d for d, _ in seen), key=DECISIONS.index) == picture["decision"], picture
        assert {relation for _, relation in seen} == {picture["relation"]}, picture
    assert not found


def test_every_row_of_the_dataset_comes_out_as_its_truth_says(job: Job):
    out = job.folder / "rows.parquet"
    report = json.loads(
        job.run("registry", "check", "dataset.parquet", "--out", out, "--json", code=1)
    )
    truth = json.loads((job.folder / "dataset_truth.json").read_text())
    rows = pq.read_table(out).to_pylist()
    assert [r["optout_outcome"] for r in rows] == [t["outcome"] for t in truth]
    for row, expected in zip(rows, truth, strict=True):
        if expected["matched_by"]:
            assert row["optout_match"] in expected["matched_by"], expected
        reserved = row["optout_outcome"] in ("reserved", "conditional", "review")
        assert all(bool(row[f"optout_{n}"]) == reserved for n in ("entry", "signal", "since"))
    assert sum(report["outcomes"].values()) == report["rows"] == len(truth)


def test_the_same_check_gives_the_same_bytes(job: Job):
    pages = []
    for name in ("one", "two"):
        page, rows = job.folder / f"{name}.html", job.folder / f"{name}.parquet"
        job.run("registry", "check", "dataset.parquet", "--report", page, "--out", rows, code=1)
        pages.append((page.read_bytes(), rows.read_bytes()))
    assert pages[0] == pages[1]


def test_a_copy_of_a_marked_picture_is_found(job: Job, tmp_path: Path):
    copy = tmp_path / "found-somewhere.png"
    shutil.copy(ROOT / "www/pictures/tiger.jpg", copy)
    answer = json.loads(job.run("registry", "lookup", copy, "--json"))
    assert answer["decision"] == "reserved"
    best = answer["found"][0]
    assert (best["matched_by"], best["tier"]) == ("digest", "exact")
    assert best["signals"][0]["raw"].startswith("<meta")
    marks = {signal["name"] for signal in best["signals"]}
    assert marks == {"noai", "noimageai"}
    hashes = json.loads(job.run("registry", "hash", copy, "--json"))
    for target in (
        best["url"],
        hashes["sha256"],
        hashes["md5"],
        hashes["fingerprints"]["phash64"]["full"],
        hashes["fingerprints"]["phash256"]["full"],
    ):
        again = json.loads(job.run("registry", "lookup", target, "--json"))
        assert again["decision"] == "reserved", target


def test_a_url_of_a_closed_folder_that_was_never_seen_is_reserved_by_its_rule(job: Job):
    url = f"{job.site.url}/portfolio-closed/never-shown.jpg"
    text = job.run("registry", "lookup", url)
    assert "reserved" in text
    assert "Disallow: /portfolio-closed/" in text
    job.run("registry", "lookup", f"{job.site.url}/pictures/never-shown.jpg", code=1)


def test_lookup_says_what_silence_means_and_what_an_artist_can_do(job: Job):
    text = job.run("registry", "lookup", "0123456789abcdef", code=1)
    assert "no permission" in text
    assert "noai, noimageai" in text


def test_a_new_claim_is_in_the_next_check(job: Job):
    entries = job.folder / "entries.csv"
    entries.write_text("url\nhttps://re-host.example/never-claimed-before.jpg\n")
    url = "https://re-host.example/never-claimed-before.jpg"
    job.run("registry", "lookup", url, code=1)
    job.run("registry", "import", entries)
    assert "reserved" in job.run("registry", "lookup", url)
    changes = job.run(
        "registry", "snapshot", "diff", "home/snapshots/000001", "home/snapshots/000002"
    )
    assert changes.split() == ["absent", "->", "reserved", url, "says", "entries.csv"]
    assert json.loads(job.run("registry", "snapshot", "verify", "--json"))["serial"] == 2
