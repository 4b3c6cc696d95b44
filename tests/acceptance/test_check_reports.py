"""`registry check` with its reports: --report as page, Markdown and JSON, --ai-act, --croissant."""

import base64
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checking import REGISTRY, said_in_one_line
from PIL import Image
from reported import MARKED, dataset_in, snapshot_in

# Reads a description with the reference implementation, and prints its first record.
READ = """
import sys, mlcroissant
dataset = mlcroissant.Dataset(sys.argv[1])
print(len(dataset.metadata.ctx.issues.errors))
print(next(iter(dataset.records("rows")))["rows/url"].decode())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with the dataset, its snapshot, and everything that is written of them."""
    made: Path = tmp_path_factory.mktemp("reports")
    snapshot_in(made)
    dataset_in(made)
    written = ("--report", "r.html", "--ai-act", "a.json", "--croissant", "c.json")
    result = run(made, *written)
    assert result.returncode == 1, result.stderr
    (made / "stdout.txt").write_text(result.stdout)
    return made


def run(folder: Path, *options: str, dataset: str = "artworks.parquet", text: str | None = None):
    command = [str(REGISTRY), "check", dataset, "--snapshot", "snapshot-1", *options]
    return subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False
    )


def test_the_page_shows_pictures_of_every_mark_encoded_again(folder: Path):
    page = (folder / "r.html").read_text("utf-8")
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    # Three marks were found by fingerprint, two rows of each are shown.
    assert len(pictures) == 6
    for data in pictures:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= 240
    shown = re.findall(r"copies\.example/([\w-]+)\.webp</code></dd>", page)
    assert set(shown) < set(MARKED)
    assert page.count("<dd>fingerprint: same picture: certain") == 6


def test_markdown_and_json_hold_the_same_counts(folder: Path):
    urls = ("--column", "ignore=image")
    assert run(folder, "--report", "r.md", *urls).returncode == 1
    result = run(folder, "--report", "r.json", "--json", *urls)
    printed, written = json.loads(result.stdout), json.loads((folder / "r.json").read_text())
    assert printed == written
    text = (folder / "r.md").read_text("utf-8")
    for outcome, rows in written["outcomes"].items():
        assert f"| {outcome} | {rows:,} |" in text
    assert sum(written["years"].values()) == sum(written["matched_by"].values())
    assert written["years"]["2016"] == 11
    assert written["files"] == {
        "files": 1,
        "size": (folder / "artworks.parquet").stat().st_size,
        "state": written["files"]["state"],
    }


def test_the_summary_counts_the_domains_of_all_rows(folder: Path):
    summary = json.loads((folder / "a.json").read_text())
    domains = summary["2_list_of_data_sources"]["2_3_data_crawled_and_scraped"]
    domains = domains["most_relevant_domain_names"]
    # The last two of 91 rows have no URL, and an address that is none.
    assert (domains["rows_with_a_url"], domains["rows_without_a_url"]) == (88, 2)
    assert domains["domain_names_in_all"] == 11
    assert list(domains["top_10_percent"]) == ["list-0.example", "list-1.example"]


def test_the_description_names_the_file_and_its_digest(folder: Path):
    described = json.loads((folder / "c.json").read_text())
    [file] = described["distribution"]
    sums = subprocess.run(
        ["sha256sum", "artworks.parquet"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert file["sha256"] == sums.stdout.split()[0]
    assert file["contentUrl"] == "artworks.parquet"
    assert [one["name"] for one in described["recordSet"][0]["field"]] == [
        "url",
        "caption",
        "image",
    ]


@pytest.mark.skipif(
    importlib.util.find_spec("mlcroissant") is None, reason="mlcroissant is not installed"
)
def test_the_reference_implementation_reads_the_description(folder: Path, tmp_path: Path):
    shutil.copytree(folder / "snapshot-1", tmp_path / "snapshot-1")
    (tmp_path / "list.csv").write_text("url,n\nhttps://closed.example/1.jpg,3\n")
    assert run(tmp_path, "--croissant", "c.json", dataset="list.csv").returncode == 1
    result = subprocess.run(
        [sys.executable, "-c", READ, "c.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["0", "https://closed.example/1.jpg"]


def test_standard_input_has_a_report_without_files_and_pictures(folder: Path):
    options = ("--report", "s.html", "--croissant", "s.json")
    text = "url\nhttps://closed.example/1.jpg\n"
    result = run(folder, *options, dataset="-", text=text)
    assert result.returncode == 1, result.stderr
    assert "data:image" not in (folder / "s.html").read_text("utf-8")
    assert "distribution" not in json.loads((folder / "s.json").read_text())


def test_one_check_writes_several_reports(folder: Path):
    result = run(folder, "--report", "several.md", "--report", "several.html")
    assert result.returncode == 1, result.stderr
    assert all((folder / f"several.{ending}").stat().st_size for ending in ("md", "html"))


def test_wrong_names_are_refused_before_the_check(folder: Path):
    for option, name in (("--report", "r.pdf"), ("--croissant", "c")):
        said_in_one_line(run(folder, option, name), 2, "is written", "hint: name")
        assert not (folder / name).exists()
    same = run(folder, "--report", "x.json", "--ai-act", "x.json")
    said_in_one_line(same, 2, "--report and --ai-act name the same file")
