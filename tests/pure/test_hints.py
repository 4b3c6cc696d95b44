"""Hints: every near miss of the table has its corrected line, which is read; prose has none."""

import gzip
import json
import tarfile
import time
from pathlib import Path

import pytest

from bench.hostile_texts import FRAMES, PIECES, SHAPES, filled
from registry.cli._explanation import _as_json, _text
from registry.evidence.responses import Response
from registry.explain import Asked, explain
from registry.explain.hints import MAX_HINTS, hints_of, misplaced
from registry.model import Evidence
from registry.signals import read
from registry.sources.pieces import Piece, pieces_of

ROOT = Path(__file__).parents[2]
WILD = ROOT.parent / "shared" / "wild"
TABLE = ROOT / "tests/vectors/hints/near_misses.jsonl"
ROWS = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
MISSES = [row for row in ROWS if row["corrected"]]
ABOUT = {"headers": "image", "html": "page"}
SIZE = 5_000_000
# Much more than it takes, much less than what grows with the square of the size.
SECONDS = 30


def evidence(kind, given):
    about = ABOUT.get(kind, "site")
    if kind == "headers":
        return Evidence(kind, about, "", lines=tuple(map(tuple, given)))
    return Evidence(kind, about, "", text=given)


def hinted(piece):
    return hints_of(piece, read(piece).signals)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_near_misses_and_what_is_none(row):
    found = hinted(evidence(row["kind"], row["input"]))
    assert [hint.corrected for hint in found] == row["corrected"]
    assert all(hint.text and hint.place.startswith(row["kind"]) for hint in found)
    if "place" in row:
        assert found[0].place == row["place"]


@pytest.mark.parametrize("row", MISSES, ids=lambda row: row["id"])
def test_what_a_hint_says_is_read_as_a_refusal(row):
    for text in row["corrected"]:
        signals = read(in_its_place(row["kind"], text)).signals
        assert any("reserved" in dict(s.uses).values() for s in signals), text
        assert {s.conformance for s in signals} <= {"ok", "legacy"}, text


def in_its_place(kind, line):
    """Return a corrected line as evidence, with what it needs around it."""
    if line.startswith("<meta"):
        return evidence("html", f"<head>{line}</head>")
    if line.startswith(("X-Robots-Tag", "TDM-Reservation")):
        return evidence("headers", [line.split(": ", 1)])
    if kind != "robots-txt" or "\n" in line:
        return evidence(kind, line)
    is_agent = line.startswith("User-agent")
    return evidence(kind, f"{line}\nDisallow: /" if is_agent else f"User-agent: GPTBot\n{line}")


@pytest.mark.parametrize("row", MISSES, ids=lambda row: row["id"])
def test_a_hint_is_never_a_mark(row):
    piece = evidence(row["kind"], row["input"])
    explained = explain("x", row["kind"], [Piece(piece)], None, Asked(), [])
    assert explained.hints
    assert list(explained.signals) == list(read(piece).signals)


def test_hints_in_text_and_json():
    piece = evidence("html", "<p>x</p>\n<meta name=”robots” content=”noai”>")
    explained = explain("page.html", "html", [Piece(piece)], None, Asked(), [])
    line = next(line for line in _text(explained) if "hint" in line)
    assert "html, line 2: " in line
    assert line.endswith('did you mean: <meta name="robots" content="noai">')
    assert _as_json(explained)["hints"] == [
        {
            "text": "curly quotes are not valid quotation marks in HTML",
            "place": "html, line 2",
            "corrected": '<meta name="robots" content="noai">',
        }
    ]
    assert _as_json(explained)["verdict"] == "unspecified"


def test_a_robots_file_that_is_a_page():
    body = b"<p>User-agent: GPTBot<br>Disallow: /</p>"
    pieces, _ = pieces_of(Response("https://a.example/robots.txt", body=body), "robots-txt")
    explained = explain("robots.txt", "robots-txt", pieces, None, Asked(), [])
    assert [hint.corrected for hint in explained.hints] == ["User-agent: GPTBot\nDisallow: /"]
    assert explained.signals == ()
    assert "        Disallow: /" in list(_text(explained))


@pytest.mark.parametrize(
    ("name", "kind", "corrected"),
    [
        ("https://a.example/robot.txt", "headers", "/robots.txt"),
        ("https://a.example/Robots.txt", "headers", "/robots.txt"),
        ("https://a.example/art/robots.txt", "headers", "/robots.txt"),
        ("https://a.example/robots.txt.txt", "headers", "/robots.txt"),
        ("robot.txt", "robots-txt", "/robots.txt"),
        ("folder/robot.txt", "robots-txt", "/robots.txt"),
        ("https://a.example/tdmrep.json", "headers", "/.well-known/tdmrep.json"),
        ("https://a.example/robots.txt", "robots-txt", None),
        ("https://a.example/robots.txt?x=1", "robots-txt", None),
        ("robots.txt", "robots-txt", None),
        ("folder/robots.txt", "robots-txt", None),
        ("our-rules.txt", "robots-txt", None),
        ("https://a.example/robots", "html", None),
        ("https://a.example/robots.html", "html", None),
        ("https://a.example/art/robot.jpg", "image", None),
        ("https://a.example/.well-known/tdmrep.json", "tdmrep-json", None),
        ("robot.html", "html", None),
    ],
)
def test_files_that_nobody_asks_for(name, kind, corrected):
    assert [hint.corrected for hint in misplaced(name, kind)] == [corrected] * bool(corrected)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/captures").rglob("*.html")))
def test_real_pages_give_no_hint(path):
    assert hinted(evidence("html", path.read_text("utf-8"))) == ()


@pytest.mark.skipif(not WILD.is_dir(), reason="the collection of real files is not here")
def test_real_files_give_hints_for_real_near_misses_alone():
    found = []
    with tarfile.open(WILD / "robots_ai_subset.tar.xz") as tar:
        for member in tar:
            if member.isfile():
                text = tar.extractfile(member).read().decode("utf-8", "replace")
                found += hinted(evidence("robots-txt", text))
    assert sorted(hint.corrected for hint in found) == ["Disallow: /", "User-agent: ChatGPT-User"]
    page = gzip.decompress((WILD / "deviantart_page_2024-06-10.html.gz").read_bytes()).decode()
    assert hinted(evidence("html", page)) == ()


HOSTILE = {
    "html": (
        *('<meta name="robots" content="noai', "&lt;meta noai", "<!-- <meta noai> ", "<script>"),
        *("<meta noai>", "<meta noai ", "meta ", "noai ", "<meta", "<!--<meta a", "<pre>", "&#60;"),
        *('"<meta content=noai ', "<meta name=”robots” content=”noai”>\n", "<style", "</script"),
        *("&lt;meta " + " " * 300 + "noai", "<meta a='no-ai", "<code>&lt;meta noai&gt;"),
    ),
    "robots-txt": (
        *(
            "User-agent a\n",
            "Content-Signal ai-train=no,\r",
            "ai-train=no,",
            "<",
            "<p>",
            "<a",
            "\r",
        ),
        *("<p>User-agent: a\n", "User-agent“", "\ufeff", "Disallow /\n", "<meta noai", "=", "- "),
    ),
    "tdmrep-json": ('{"tdm_reservation":1},', "[{“tdm-reservation”:1},", "“", '{"tdm_reservation"'),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_take_linear_time(kind):
    began = time.process_time()
    for piece in HOSTILE[kind]:
        for start in ("", "<p>") if kind == "robots-txt" else ("",):
            found = hints_of(evidence(kind, start + filled(piece, SIZE)))
            assert len(found) <= MAX_HINTS
            assert all(len(hint.text + hint.place) < 500 for hint in found)
            assert all(len(hint.corrected) < 10_000 for hint in found)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_of_the_readers(kind):
    for start, end in FRAMES[kind]:
        for piece in PIECES:
            hints_of(evidence(kind, start + filled(piece, 20_000) + end))
    for shape in SHAPES[kind].values():
        hints_of(evidence(kind, shape(20_000)))


def test_hostile_headers():
    lines = [("X-Robot-Tag", "no-ai, " * 1000), ("x" * 100_000, "noai"), ("noai", "noai" * 10**6)]
    assert len(hinted(evidence("headers", lines * 10_000))) <= MAX_HINTS
