"""WARC records in a bundle: copied byte for byte, and compared with the evidence from them."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bundled import (
    EVERY,
    HEADERS,
    HTML,
    OF_PAGE,
    PACKET,
    PAGE,
    RULES,
    WarcFile,
    known,
    made,
    records,
)
from made import day

from crawler.warc.captures import Capture
from crawler.warc.records import capture_records
from registry.bundles.content import Bundle, WarcPlace
from registry.bundles.readme import readme
from registry.bundles.verification import verify
from registry.bundles.warc_folders import add_records
from registry.bundles.warc_records import fault, parts_of
from registry.model import Evidence

FAULTS = {
    "another header": ([replace(HEADERS, lines=(("X-Robots-Tag", "all"),))], HEADERS, "lines are"),
    "one header more": (
        [replace(HEADERS, lines=(*HEADERS.lines, ("X-Robots-Tag", "all")))],
        HEADERS,
        "lines are",
    ),
    "another URL": ([replace(HEADERS, url=PAGE)], HEADERS, "of another URL"),
    "another body": ([OF_PAGE, replace(HTML, text="x")], HTML, "another text"),
    "no body": ([OF_PAGE], HTML, "another text"),
    "another packet": ([HEADERS, replace(PACKET, text="x")], PACKET, "no record has"),
    "another carrier": ([HEADERS, replace(PACKET, carrier="c2pa-json")], PACKET, "no record has"),
    "another site file": ([replace(RULES, text="")], RULES, "another text"),
}


@pytest.mark.parametrize(("written", "evidence", "named"), FAULTS.values(), ids=FAULTS)
def test_records_of_other_evidence_are_found(
    written: list[Evidence], evidence: Evidence, named: str
):
    assert named in fault(evidence, parts_of(records(written)))


def test_records_give_their_evidence():
    for group in ((HEADERS, PACKET), (OF_PAGE, HTML), (RULES,)):
        parts = parts_of(records(group))
        assert [fault(evidence, parts) for evidence in group] == [""] * len(group)


def test_a_response_of_the_url_that_a_redirect_led_to():
    moved = "https://cdn.example/1.jpg"
    assert fault(HEADERS, parts_of(records([HEADERS], url=moved))) == ""
    assert fault(HEADERS, parts_of(records([replace(HEADERS, url=moved)]))) != ""


def test_records_of_two_responses_are_found():
    one, other = records([HEADERS], 1), records([HEADERS, PACKET], 2)
    parts = [*parts_of(one), *parts_of(other)[2:]]
    assert "does not belong" in fault(PACKET, parts)
    assert "does not belong" in fault(HEADERS, parts_of(one + other))
    assert "not a response" in fault(HEADERS, parts_of(one)[1:])


ODD = [
    replace(HEADERS, lines=(("X-Robots-Tag", "caf\xe9\r\n noai "), ("Cookie", "a"), ("B", ""))),
    replace(HEADERS, url="https://art.example/\ud800\u2028.jpg"),
    replace(HTML, text="\0\ud800\U0010ffff\r\n\r\n<meta name=robots content=noai>"),
    replace(RULES, text=""),
    replace(PACKET, text="\r\n\r\n"),
]


@pytest.mark.parametrize("evidence", [HEADERS, PACKET, HTML, RULES, *ODD], ids=repr)
def test_records_that_the_crawler_writes_give_their_evidence(evidence: Evidence):
    lines = (*EVERY, *evidence.lines)
    capture = Capture(evidence.url, day(1), 200, lines, (), (evidence,), (evidence,))
    ids = map(str, range(1, 9))
    members = map(gzip.compress, capture_records(capture, "0", lambda: next(ids)))
    parts = parts_of(b"".join(members))
    assert fault(evidence, parts) == ""
    other = replace(evidence, lines=(*evidence.lines, ("A", "b")), text=evidence.text + "x")
    assert fault(other, parts) != ""


def test_a_304_response_updates_header_lines():
    fresh = replace(HEADERS, lines=(("X-Robots-Tag", "noai"), ("Content-Length", "0")))
    stored = replace(HEADERS, lines=(("Content-Type", "image/jpeg"), *HEADERS.lines))
    parts = parts_of(records([fresh], status=304))
    assert fault(stored, parts) == ""
    assert fault(replace(stored, lines=stored.lines[:1]), parts) != ""


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", ""),
        (b"WARC/1.1\r\n", "damaged"),
        (records([HEADERS])[:-3], "truncated"),
        (records([HEADERS]) + b"\0", "damaged|truncated"),
    ],
)
def test_records_that_are_none(data: bytes, named: str):
    if not data:
        assert fault(HEADERS, parts_of(data))
        return
    with pytest.raises(ValueError, match=named):
        parts_of(data)


def test_a_bomb_in_warc_records_is_refused():
    bomb = gzip.compress(b"WARC/1.1\r\n" + bytes(80 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="larger"):
        parts_of(bomb)
    with pytest.raises(ValueError, match="no WARC record"):
        parts_of(gzip.compress(bomb))
    with pytest.raises(ValueError, match="larger"):
        parts_of(gzip.compress(b"WARC/1.1\r\n") * 2 + bomb)


def placed(*places: WarcPlace) -> Bundle:
    bundle, _ = made()
    pieces = [replace(p, warc=None) for p in bundle.evidence]
    for number, place in enumerate(places):
        pieces[number] = replace(pieces[number], warc=place)
    return replace(bundle, evidence=tuple(pieces))


def test_records_are_copied_byte_for_byte_and_once(tmp_path: Path):
    file = WarcFile()
    image, page = file.add(HEADERS, PACKET), file.add(OF_PAGE, HTML)
    other = tmp_path / "other"
    other.mkdir()
    folders = [other, file.write(tmp_path / "warc")]
    bundle, warc, missing = add_records(placed(image, image, page, page), folders)
    assert missing == []
    assert warc == file.content[image.place :]
    offsets = [piece.warc.offset for piece in bundle.evidence if piece.warc]
    assert offsets == [0, 0, image.size, image.size]
    assert verify(bundle, readme(bundle), warc, known(bundle)).is_proven


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda f, p: (f, replace(p, file="gone.warc.gz")), "no such file"),
        (lambda f, p: (f, replace(p, file="../warc/" + p.file)), "not valid"),
        (lambda f, p: (f[: p.place + 10], p), "shorter"),
        (lambda f, p: (f, replace(p, place=p.place + 1, size=p.size - 1)), "damaged"),
        (lambda f, p: (f, replace(p, size=p.size - 1)), "truncated"),
        (
            lambda f, p: (f.replace(b"", b"", 0), replace(p, place=0, size=p.place)),
            "not a response",
        ),
    ],
)
def test_records_that_are_not_there_are_named(
    tmp_path: Path, harm: Callable[[bytes, WarcPlace], tuple[bytes, WarcPlace]], reason: str
):
    file = WarcFile()
    place = file.add(HEADERS, PACKET)
    file.content, place = harm(file.content, place)
    folder = file.write(tmp_path / "warc")
    bundle, warc, (missing,) = add_records(placed(place), [folder])
    assert (warc, missing.place) == (b"", place)
    assert reason in missing.reason
    assert bundle.evidence[0].warc == place
