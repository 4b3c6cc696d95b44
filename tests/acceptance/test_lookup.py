"""`registry lookup` and `registry snapshot`: bad input and exit codes."""

import hashlib
import json
from pathlib import Path

import pytest
from made import Made

URL = "https://art.example/1.jpg"
CODE = 0xC9B6A7D8469C1959


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    made = Made()
    made.observe(URL, [made.headers("noai", url=URL)], image_id=made.image(CODE))
    made.claim(
        phash64=(CODE ^ 0b111).to_bytes(8), meaning="conditional", licence_url="https://l.example"
    )
    return made.snapshot(tmp_path).path


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("missing.jpg", "not an existing picture file"),
        ("abc123", "16 (phash64)"),
        ("ftp://a.example/1.jpg", "an http(s) URL or a hash"),
        ("/tmp", "is a folder"),
    ],
)
def test_what_is_no_target_is_usage(run, snapshot: Path, target: str, text: str):
    result = run("registry", "lookup", target, "--snapshot", snapshot)
    assert result.returncode == 2
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut"])
def test_a_picture_that_cannot_be_read(run, snapshot: Path, tmp_path: Path, content: bytes):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    result = run("registry", "lookup", path, "--snapshot", snapshot)
    assert result.returncode == 4
    assert result.stderr.startswith("error: ")
    assert "x.jpg" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_hash_finds_what_is_near_strictest_first(run, snapshot: Path):
    result = run("registry", "lookup", f"{CODE:016X}", "--json", "--snapshot", snapshot)
    answer = json.loads(result.stdout)
    assert [(f["decision"], f["distance"]) for f in answer["found"]] == [
        ("reserved", 0),
        ("conditional", 3),
    ]
    assert answer["found"][1]["licence_url"] == "https://l.example"
    far = run("registry", "lookup", f"{CODE ^ 0xFFFF:016x}", "--snapshot", snapshot)
    assert far.returncode == 1
    wide = ("--distance", "16", "--snapshot", snapshot)
    assert run("registry", "lookup", f"{CODE ^ 0xFFFF:016x}", *wide).returncode == 0


def test_a_picture_is_looked_up_by_every_digest(run, tmp_path: Path):
    path = tmp_path / "x.jpg"
    path.write_bytes((Path("demo/site/www/pictures/tiger.jpg")).read_bytes())
    made = Made()
    made.claim(md5=hashlib.md5(path.read_bytes()).digest())
    result = run("registry", "lookup", path, "--json", "--snapshot", made.snapshot(tmp_path).path)
    assert json.loads(result.stdout)["decision"] == "reserved"


def test_what_a_terminal_would_obey_is_escaped(run, tmp_path: Path):
    made = Made()
    made.claim(url="https://a.example/1.jpg", evidence="\x1b[31mred", source="\x1b]0;own\x07")
    path = made.snapshot(tmp_path).path
    result = run("registry", "lookup", "https://a.example/1.jpg", "--snapshot", path)
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred" in result.stdout


RAW = "X-Robots-Tag: noimageai"


def test_a_mark_that_went_is_said_with_its_dates(run, tmp_path: Path):
    made = Made()
    image = made.image(CODE)
    made.observe(URL, [made.headers("noimageai", url=URL)], on=2, image_id=image)
    made.observe(URL, [made.headers(url=URL)], on=14, image_id=image)
    path = made.snapshot(tmp_path).path
    result = run("registry", "lookup", URL, "--snapshot", path)
    said = f"none now; noimageai seen from 2026-11-02 to 2026-11-14  at {URL}"
    assert f"    mark        {said}\n" in result.stdout
    (found,) = json.loads(run("registry", "lookup", URL, "--json", "--snapshot", path).stdout)[
        "found"
    ]
    assert (found["decision"], found["signals"]) == ("unspecified", [])
    assert [(m["name"], m["raw"]) for m in found["past"]] == [("noimageai", RAW)]
    made.observe(URL, [made.headers("noai", url=URL)], on=15, image_id=image)
    result = run("registry", "lookup", URL, "--snapshot", made.snapshot(tmp_path, 2).path)
    assert (
        f"    mark        X-Robots-Tag: noai  at {URL}\n    earlier     noimageai seen"
        in result.stdout
    )


def test_the_licence_of_a_conditional_answer_is_shown(run, snapshot: Path):
    result = run("registry", "lookup", f"{CODE:016x}", "--snapshot", snapshot)
    assert "    licence     https://l.example\n" in result.stdout


def test_strictest_comes_before_nearest(run, tmp_path: Path):
    made = Made()
    made.claim(phash64=CODE.to_bytes(8), meaning="allowed")
    made.claim(phash64=(CODE ^ 0b11).to_bytes(8))
    path = made.snapshot(tmp_path).path
    result = run("registry", "lookup", f"{CODE:016x}", "--json", "--snapshot", path)
    found = json.loads(result.stdout)["found"]
    assert [(f["decision"], f["distance"]) for f in found] == [("reserved", 2), ("allowed", 0)]


def test_a_256_bit_hash_finds_what_is_near(run, tmp_path: Path):
    made = Made()
    wide = int(f"{CODE:016x}" * 4, 16)
    made.claim(phash64=CODE.to_bytes(8), phash256=wide.to_bytes(32))
    path = made.snapshot(tmp_path).path
    for bits, found in ((0, True), (60, True), (61, False)):
        text = f"{wide ^ ((1 << bits) - 1):064x}"
        result = run("registry", "lookup", text, "--json", "--snapshot", path)
        assert bool(json.loads(result.stdout)["found"]) == found, bits


def test_one_of_several_targets_is_enough(run, snapshot: Path):
    result = run("registry", "lookup", "0" * 32, URL, "--snapshot", snapshot)
    assert result.returncode == 0
    assert "nothing recorded" in result.stdout


def test_verify_names_the_damaged_file_and_diff_finds_changes(run, snapshot: Path, tmp_path: Path):
    assert run("registry", "snapshot", "verify", snapshot).returncode == 0
    assert run("registry", "snapshot", "diff", snapshot, snapshot).returncode == 1
    made = Made()
    made.observe(URL, [], image_id=made.image(CODE))
    newer = made.snapshot(tmp_path, 2).path
    result = run("registry", "snapshot", "diff", snapshot, newer, "--json")
    assert result.returncode == 0
    assert {
        "what": f"{URL} on https://a.example/page",
        "before": "reserved",
        "after": "unspecified",
    } in (json.loads(result.stdout))
    (snapshot / "index").unlink()
    broken = run("registry", "snapshot", "verify", snapshot)
    assert broken.returncode == 4
    assert "index is damaged: it is missing" in broken.stderr


def test_no_snapshot_yet(run, registry_home: Path):
    result = run("registry", "snapshot", "verify")
    assert result.returncode == 4
    assert "registry snapshot build" in result.stderr


def test_a_database_without_tables_says_to_run_init(
    run, empty_database_url: str, registry_home: Path
):
    result = run("registry", "lookup", URL, database=empty_database_url)
    assert result.returncode == 3
    assert "registry init" in result.stderr
    result = run("registry", "snapshot", "build", database=empty_database_url)
    assert result.returncode == 3
    assert "registry init" in result.stderr


def test_a_page_is_found_by_its_url_and_a_claimed_site_with_www(run, tmp_path: Path):
    made = Made()
    page = "https://art.example/page"
    made.observe(URL, [made.headers("noai", url=URL)], image_id=made.image(), page_url=page)
    made.claim(site="claimed.example")
    path = made.snapshot(tmp_path).path
    result = run("registry", "lookup", page, "--snapshot", path)
    assert result.returncode == 0
    assert f"{page} (a page): reserved\n" in result.stdout
    assert "pictures of the page: 1 recorded; a row that names only the page is reserved" in (
        result.stdout
    )
    assert "matched by  the page that shows it\n" in result.stdout
    www = run("registry", "lookup", "https://www.claimed.example/1.jpg", "--snapshot", path)
    assert "(url): reserved\n" in www.stdout
    assert "a claim on claimed.example covers www.claimed.example" in www.stdout
    other = run("registry", "lookup", "https://img.claimed.example/1.jpg", "--snapshot", path)
    assert "may not cover img.claimed.example: a person must decide" in other.stdout
    assert "(url): unspecified\n" in other.stdout


@pytest.mark.parametrize("digits", ["0" * 16, "8" + "0" * 15, "F" * 16])
def test_the_hash_of_one_colour_is_not_compared(run, snapshot: Path, digits: str):
    for options in ([], ["--distance", "64"]):
        result = run("registry", "lookup", digits, "--snapshot", snapshot, *options)
        assert result.returncode == 1
        assert result.stdout.startswith(f"{digits} (phash64): flat, so it was not compared\n")
        assert "nothing recorded" not in result.stdout
    answer = json.loads(run("registry", "lookup", digits, "--json", "--snapshot", snapshot).stdout)
    assert (answer["unfit"], answer["found"]) == ("flat", [])


def test_a_digest_that_looks_like_the_hash_of_one_colour_is_compared(run, snapshot: Path):
    answer = run("registry", "lookup", "0" * 64, "--snapshot", snapshot)
    assert answer.returncode == 1
    assert "flat, so only its digests were compared" in answer.stdout
