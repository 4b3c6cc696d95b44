"""Makes bundles and WARC files for tests, in the form in which a crawl writes them."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import psycopg
from begun import begun_visit
from fastwarc.warc import WarcRecord, WarcRecordType
from made import day

from registry.bundles.content import Bundle, Piece, Record, WarcPlace
from registry.bundles.verification import KnownRecords
from registry.db import records as records_of
from registry.db.values import evidence_digest
from registry.model import Evidence, Observation, Picture, SiteFile
from registry.snapshot.record_digests import record_digest

URL = "https://art.example/1.jpg"
PAGE = "https://art.example/page"
ROBOTS = "https://art.example/robots.txt"
PICTURE = Picture("ab" * 32, "cd" * 16, 640, 480, "JPEG", 1000)
REGISTRY = "0b9c8d1e-0000-4000-8000-000000000007"
HEADERS = Evidence("headers", "image", URL, (("X-Robots-Tag", "noai"), ("ETag", '"1"')))
PACKET = Evidence("xmp", "image", URL, text="<x:xmpmeta>DMI-PROHIBITED</x:xmpmeta>")
OF_PAGE = Evidence("headers", "page", PAGE, (("Content-Type", "text/html"),))
HTML = Evidence("html", "page", PAGE, text='<meta name="robots" content="noai, noimageai">é')
RULES = Evidence("robots-txt", "site", ROBOTS, text="User-agent: GPTBot\nDisallow: /\n")
ALL = (HEADERS, PACKET, OF_PAGE, HTML, RULES)
# What every response has, and evidence leaves out.
EVERY = (("Date", "Sun, 01 Nov 2026 12:00:00 GMT"), ("Set-Cookie", "a=b"))


def _member(kind: WarcRecordType, number: int, url: str, block: bytes, **fields: str) -> bytes:
    record = WarcRecord()
    record.init_headers(kind, f"uuid:00000000-0000-4000-8000-{number:012}".encode())
    record.record_date = datetime(2026, 11, 1, 12, tzinfo=UTC)
    record.headers["WARC-Target-URI"] = url
    for name, value in fields.items():
        record.headers[name.replace("_", "-")] = value
    record.set_bytes_content(block)
    file = BytesIO()
    record.write(file, checksum_data=True)
    return gzip.compress(file.getvalue(), mtime=0)


def records(
    evidence: Sequence[Evidence], number: int = 1, *, status: int = 200, url: str = ""
) -> bytes:
    """Return the records of one response that gave this evidence."""
    lines = [line for e in evidence if e.carrier == "headers" for line in e.lines]
    head = "".join(f"{name}: {value}\r\n" for name, value in (*EVERY, *lines))
    body = "".join(e.text for e in evidence if e.about != "image")
    asked = evidence[0].url
    of = f"<urn:uuid:00000000-0000-4000-8000-{number * 10:012}>"
    there = url or asked
    found = _member(
        WarcRecordType.response,
        number * 10,
        there,
        f"HTTP/1.1 {status} \r\n{head}\r\n{body}".encode(),
        **({"Optout_URL": asked} if url else {}),
    )
    sent = b"GET / HTTP/1.1\r\nHost: art.example\r\n\r\n"
    found += _member(WarcRecordType.request, number * 10 + 1, there, sent, WARC_Concurrent_To=of)
    for part in evidence:
        if part.about == "image" and part.carrier != "headers":
            found += _member(
                WarcRecordType.metadata,
                number * 10 + 2,
                there,
                part.text.encode(),
                WARC_Refers_To=of,
                Optout_Carrier=part.carrier,
            )
    return found


@dataclass
class WarcFile:
    """A WARC file that begins with a warcinfo record."""

    name: str = "optout-20261101T120000Z-3f9a1c2e-00001.warc.gz"
    content: bytes = field(
        default_factory=lambda: _member(WarcRecordType.warcinfo, 1, "", b"robots: obey\r\n")
    )

    def add(self, *evidence: Evidence) -> WarcPlace:
        """Append the records of a response; return where they are."""
        data = records(evidence, len(self.content))
        place = WarcPlace(self.name, len(self.content), len(data))
        self.content += data
        return place

    def write(self, folder: Path) -> Path:
        """Write it into a folder, which is returned."""
        folder.mkdir(exist_ok=True)
        (folder / self.name).write_bytes(self.content)
        return folder


def digest(evidence: Evidence) -> str:
    return evidence_digest(evidence).hex()


def record(name: str, **fields: object) -> Record:
    """Return a record with the digest of its fields."""
    return Record(name, record_digest(fields).hex(), fields)


def made() -> tuple[Bundle, bytes]:
    """Return a bundle of one observation and a robots.txt, and its WARC records."""
    observation = record(
        "observation:7",
        observed_at="2026-11-01T12:00:00+00:00",
        image_url=URL,
        page_url=PAGE,
        fetched_url=URL,
        relation="own",
        status=200,
        sha256="ab" * 32,
        evidence=[digest(e) for e in (HEADERS, PACKET, OF_PAGE, HTML)],
    )
    rule = record(
        "site-rule:2",
        observed_at="2026-11-01T11:59:00+00:00",
        host="art.example",
        kind="robots-txt",
        url=ROBOTS,
        status=200,
        evidence=[digest(RULES)],
    )
    warc, places = b"", {}
    for number, group in enumerate(((HEADERS, PACKET), (OF_PAGE, HTML), (RULES,)), start=1):
        data = records(group, number)
        place = WarcPlace("a.warc.gz", 100 + len(warc), len(data), len(warc))
        places |= dict.fromkeys(group, place)
        warc += data
    pieces = tuple(Piece(digest(e), e, places[e]) for e in ALL)
    again = replace(observation, again=3, again_at="2026-11-09T12:00:00+00:00")
    bundle = Bundle(REGISTRY, "0.1", "2026-11-20T12:00:00+00:00", (again, rule), pieces)
    return bundle, warc


def known(bundle: Bundle) -> KnownRecords:
    """Return a snapshot's digests of all records of a bundle."""
    digests = {r.name: record_digest(r.fields) for r in bundle.records}
    return KnownRecords(bundle.registry, 3, "2026-11-19T12:00:00+00:00", digests)


def point(conn: psycopg.Connection, places: Mapping[Evidence, WarcPlace]) -> None:
    """Store where the records of evidence are."""
    for evidence, place in places.items():
        conn.execute(
            "INSERT INTO evidence_record SELECT id, %s, %s, %s FROM evidence WHERE digest = %s",
            [place.file, place.place, place.size, evidence_digest(evidence)],
        )


def write_registry(conn: psycopg.Connection, folder: Path) -> None:
    """Record an image, its page and robots.txt three times, and write their WARC file."""
    visit = begun_visit(conn, start_url=PAGE, started_at=day(1))
    evidence = (OF_PAGE, HTML, HEADERS, PACKET)
    for number in (1, 2, 3):
        seen = Observation(day(number), URL, PAGE, URL, "own", 200, None, PICTURE, evidence)
        rules = SiteFile(day(number), "art.example", ROBOTS, "robots-txt", 200, None, RULES)
        records_of.write(conn, visit, [seen], [rules])
    file = WarcFile()
    places = {HEADERS: file.add(HEADERS, PACKET), HTML: file.add(OF_PAGE, HTML)}
    places |= {PACKET: places[HEADERS], RULES: file.add(RULES)}
    point(conn, places)
    file.write(folder)
