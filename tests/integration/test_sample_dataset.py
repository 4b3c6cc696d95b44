"""The sample dataset is the same every time, and its truth says what the rows hold."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import imagehash
import pyarrow.parquet as pq
import pytest

from demo.dataset import make_dataset, rows

SITE, CDN, OTHER = "http://127.0.0.1:8000", "http://127.0.0.2:8000", "http://127.0.0.3:8000"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "dataset.parquet"
    make_dataset(SITE, out, cdn_url=CDN, other_url=OTHER)
    return out


@pytest.fixture(scope="module")
def said(made: Path) -> list[dict[str, Any]]:
    truth: list[dict[str, Any]] = json.loads(made.with_name("dataset_truth.json").read_text())
    return truth


@pytest.fixture(scope="module")
def pictures() -> dict[str, dict[str, Any]]:
    import demo.content

    text = (demo.content.ROOT / "truth.json").read_text("utf-8")
    filled = demo.content.filled(
        text, {"site": "127.0.0.1:8000", "cdn": "127.0.0.2:8000", "other": "127.0.0.3:8000"}
    )
    return {picture["url"]: picture for picture in json.loads(filled)["pictures"]}


def url_of(picture: str) -> str:
    role, _, path = picture.partition("/")
    return {"site": SITE, "cdn": CDN, "other": OTHER}[role] + "/" + path


def test_the_columns_are_those_of_coyo(made: Path) -> None:
    schema = pq.read_schema(made)
    assert [(field.name, str(field.type)) for field in schema] == [
        ("url", "string"),
        ("text", "string"),
        ("width", "int32"),
        ("height", "int32"),
        ("image_phash", "string"),
    ]
    assert pq.ParquetFile(made).num_row_groups > 1


def test_making_it_again_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "dataset.parquet"
    make_dataset(SITE, again, cdn_url=CDN, other_url=OTHER)
    assert again.read_bytes() == made.read_bytes()
    truth = "dataset_truth.json"
    assert again.with_name(truth).read_bytes() == made.with_name(truth).read_bytes()


def test_truth_has_one_line_for_each_row(made: Path, said: list[dict[str, Any]]) -> None:
    table = pq.read_table(made).to_pylist()
    assert len(table) == len(rows()) == len(said) >= 60
    for number, (row, line) in enumerate(zip(table, said, strict=True)):
        assert line["row"] == number
        assert (line["url"], line["text"], line["phash"]) == (
            row["url"],
            row["text"],
            row["image_phash"],
        )
        assert bool(row["width"]) == bool(line["picture"])
    assert Counter(line["outcome"] for line in said).keys() == {"reserved", "clear", "unchecked"}


def test_outcomes_follow_from_the_truth_about_the_site(
    said: list[dict[str, Any]], pictures: dict[str, dict[str, Any]]
) -> None:
    for line in said:
        own = pictures.get((line["url"] or "").partition("#")[0].partition("?")[0])
        by_url = own is not None and own["decision"] == "reserved"
        shown = pictures[url_of(line["picture"])] if line["picture"] else None
        # Sizes of one picture look alike, so the full one's reservation is found.
        by_hash = shown is not None and "reserved" in {
            shown["decision"],
            pictures[shown["full"]]["decision"],
        }
        path = urlsplit(line["url"] or "").path
        by_site = path.startswith(("/portfolio-closed/", "/private/", "/members/"))
        ways = {"url": by_url, "fingerprint": by_hash, "site": by_site}
        if line["outcome"] == "reserved":
            assert any(ways[way] for way in line["matched_by"]), line
        else:
            assert not any(ways.values()), line
            assert line["matched_by"] == []
        empty = not line["url"] and not line["phash"]
        assert (line["outcome"] == "unchecked") == empty, line


def test_hashes_are_well_formed_and_near_their_picture(said: list[dict[str, Any]]) -> None:
    for line in said:
        if line["phash"]:
            assert len(imagehash.hex_to_hash(line["phash"]).hash) == 8
            assert line["phash"] == line["phash"].lower()
        if line["picture"]:
            assert 0 <= line["distance"] <= 2, line
    assert {line["distance"] for line in said} == {None, 0, 2}
    changes = {line["change"] for line in said}
    assert changes == {"none", "jpeg40", "webp50", "half", "grey", "contrast"}


def test_strangers_are_far_from_every_picture(said: list[dict[str, Any]]) -> None:
    known = {line["phash"] for line in said if line["picture"]}
    strangers = {line["phash"] for line in said if line["phash"] and not line["picture"]}
    assert len(strangers) == 11
    for stranger in strangers:
        far = min(imagehash.hex_to_hash(stranger) - imagehash.hex_to_hash(one) for one in known)
        assert far >= 18


def test_every_kind_of_row_is_there(said: list[dict[str, Any]]) -> None:
    urls = [line["url"] for line in said]
    assert urls.count(None) == 4
    assert any(url and "?" in url for url in urls)
    assert any(url and "#" in url for url in urls)
    assert sum(bool(url and url.startswith("https://re-host.example/")) for url in urls) == 12
    ways = Counter(way for line in said for way in line["matched_by"])
    assert ways.keys() == {"url", "fingerprint", "site"}
