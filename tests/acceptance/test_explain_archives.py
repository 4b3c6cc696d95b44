"""`registry explain` on saved responses and WARC archives."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import image_files
import pytest
from archives import warc_record

NOAI = b"<meta name=robots content=noai>"
CLOSED = b"User-agent: *\nDisallow: /"


def chunked(body):
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.fixture
def shop(tmp_path):
    """An archive of two sites, whose files stand behind the pages they speak of."""
    records = [
        warc_record("http://a.example/1", b"<p>hello"),
        warc_record("http://a.example/2", gzip.compress(NOAI), "Content-Encoding: gzip"),
        warc_record("http://a.example/3", chunked(NOAI), "Transfer-Encoding: chunked"),
        warc_record("http://b.example/", b"<p>x"),
        warc_record("http://a.example/robots.txt", CLOSED + b"1", kind="text/plain"),
        warc_record("http://a.example/old", b"", "Location: /", status="301 Moved"),
        warc_record("http://a.example/ai.txt", CLOSED, status="404 Not Found"),
        warc_record("http://a.example/4", b"<p>asked", warc_type="request"),
    ]
    (tmp_path / "shop.warc").write_bytes(b"".join(records))
    (tmp_path / "shop.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
    return tmp_path


def verdicts(done):
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {answer["target"]: answer["verdict"] for answer in answers}


@pytest.mark.parametrize("name", ["shop.warc", "shop.warc.gz"])
def test_archive_with_the_rules_of_its_sites(explain, shop, name):
    done = explain(name, "--json")
    assert verdicts(done) == {
        "http://a.example/1": "reserved",
        "http://a.example/2": "reserved",
        "http://a.example/3": "reserved",
        "http://b.example/": "unspecified",
    }
    first = json.loads(done.stdout.splitlines()[0])
    assert [s["name"] for s in first["signals"] if s["decides"]] == ["robots-txt:disallow"]
    assert done.returncode == 0
    assert "3 other responses skipped" in done.stderr


def test_archive_on_standard_input(shop):
    with (shop / "shop.warc.gz").open("rb") as file:
        done = subprocess.run(
            [Path(sys.executable).parent / "registry", "explain", "-", "--json"],
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert len(verdicts(done)) == 4
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["shop.warc", "shop.warc.gz"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.9])
def test_a_cut_archive_is_read_up_to_there(explain, shop, name, share):
    whole = (shop / name).read_bytes()
    (shop / "cut").write_bytes(whole[: int(len(whole) * share)])
    done = explain("cut", "--json")
    assert done.returncode == 4
    assert verdicts(done)["http://a.example/1"] in {"reserved", "unspecified"}
    assert done.stderr.count("error: cut: ") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage" * 1000,
        b"WARC/1.0\r\n",
        b"WARC/1.0\r\n" + b"a" * 1_000_000,
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: -5\r\n\r\nx\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        b"\x1f\x8b" + b"x" * 1000,
    ],
    ids=["empty", "garbage", "head", "long", "negative", "huge", "not-gzip"],
)
def test_a_hostile_archive_is_one_line(explain, tmp_path, content):
    (tmp_path / "bad.warc").write_bytes(content)
    done = explain("bad.warc")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.count("error: bad.warc: ") == 1
    assert "Traceback" not in done.stderr
    assert "panicked" not in done.stderr


def test_saved_response(explain, tmp_path):
    moved = b"HTTP/2 301 \r\nX-Robots-Tag: noimageai\r\n\r\n"
    head = b"HTTP/2 200 \r\nContent-Type: text/html\r\n\r\n"
    (tmp_path / "page.html").write_bytes(moved + head + NOAI)
    done = explain("page.html", "--url", "https://a.example/art")
    assert done.stdout.splitlines() == [
        "page.html (html, page https://a.example/art)",
        "  headers: status 200, 1 line, no mark",
        "  html: 31 bytes",
        "  * noai  reserved: train, train-genai  <meta name=robots content=noai>",
        "verdict: reserved (policy cautious@2) by noai",
    ]


def test_saved_response_of_a_picture(explain, tmp_path):
    head = b"HTTP/1.1 200 OK\nContent-Type: image/png\nX-Robots-Tag: noimageai\n\n"
    (tmp_path / "saved").write_bytes(head + b"\x89PNG\r\n\x1a\n and no more")
    done = explain("saved")
    assert "saved (image)" in done.stdout
    assert "* noimageai" in done.stdout
    assert "xmp: none in the file" in done.stdout


def test_saved_site_file_is_known_by_its_address(explain, tmp_path):
    head = b"HTTP/1.1 200 OK\nContent-Type: application/json\nX-Robots-Tag: noindex\n\n"
    (tmp_path / "saved").write_bytes(head + b'[{"location": "/", "tdm-reservation": 1}]')
    done = explain("saved", "--url", "https://a.example/.well-known/tdmrep.json")
    assert "saved (tdmrep-json, " in done.stdout
    assert "verdict: reserved" in done.stdout


def test_a_saved_file_of_a_site_is_known_by_its_words(explain, tmp_path):
    head = b"HTTP/1.1 200 OK\nContent-Type: text/plain\n\n"
    (tmp_path / "saved").write_bytes(head + CLOSED)
    assert "saved (robots-txt)" in explain("saved").stdout
    (tmp_path / "saved").write_bytes(head + b"dear diary")
    done = explain("saved")
    assert "body: not read: its type is unknown" in done.stdout
    assert "add one of these" not in done.stderr
    assert "html: 10 bytes" in explain("saved", "--kind", "html").stdout


def test_a_name_is_believed_after_the_content(explain, tmp_path):
    (tmp_path / "wrong.html").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "page.jpg").write_bytes(b"<html>" + NOAI)
    done = explain("wrong.html", "page.jpg")
    assert "wrong.html (image)" in done.stdout
    assert "page.jpg (html)" in done.stdout
    assert done.stdout.count("but is a") == 2


def test_the_headers_of_a_revisit_are_read(explain, tmp_path):
    again = warc_record("http://a.example/1", b"", "X-Robots-Tag: noai", warc_type="revisit")
    robots = warc_record("http://a.example/robots.txt", CLOSED, kind="text/plain")
    same = warc_record("http://a.example/robots.txt", b"", kind="text/plain", warc_type="revisit")
    (tmp_path / "a.warc").write_bytes(again + robots + same)
    done = explain("a.warc", "--json")
    names = {s["name"] for s in json.loads(done.stdout)["signals"]}
    assert names == {"noai", "robots-txt:group", "robots-txt:disallow"}
    assert "html: not read: a revisit record" in explain("a.warc").stdout


def test_an_archive_without_a_response(explain, tmp_path):
    asked = warc_record("http://a.example/1", b"", warc_type="request")
    (tmp_path / "a.warc").write_bytes(asked)
    done = explain("a.warc")
    assert "error: a.warc: the archive has no responses" in done.stderr
    assert done.returncode == 4


def test_a_large_picture_in_an_archive_is_read_whole(explain, tmp_path):
    filling = image_files.chunk(b"IDAT", bytes(17 << 20))
    picture = image_files.png(filling, image_files.itxt(image_files.marked()))
    for name, more in (("whole", b""), ("cut", b"WARC-Truncated: length\r\n")):
        record = warc_record("http://a.example/1.png", picture, kind="image/png")
        (tmp_path / f"{name}.warc").write_bytes(
            record.replace(b"WARC-Date", more + b"WARC-Date", 1)
        )
    assert "verdict: reserved" in explain("whole.warc").stdout
    done = explain("cut.warc")
    assert "c2pa-json: not read: the file is incomplete" in done.stdout
    assert "none in the file" not in done.stdout
