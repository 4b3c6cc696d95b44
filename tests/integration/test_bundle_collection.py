"""The bundle of a record holds what counted when it was last read, and a snapshot proves it."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from begun import begun_visit
from bundled import (
    HEADERS,
    HTML,
    OF_PAGE,
    PACKET,
    PAGE,
    PICTURE,
    ROBOTS,
    RULES,
    URL,
    write_registry,
)
from made import day

from registry.bundles.collection import collect
from registry.bundles.content import Bundle
from registry.bundles.files import read_bundle, write_bundle
from registry.bundles.known import known_records
from registry.bundles.verification import Verification, verify
from registry.bundles.warc_folders import add_records
from registry.db import records
from registry.errors import UnreadableSnapshot
from registry.model import Evidence, Observation, SiteFile
from registry.snapshot.publish import publish_folder


def bundle_of(conn: psycopg.Connection, name: str) -> Bundle:
    bundle = collect(conn, name, day(20))
    assert bundle is not None
    return bundle


def verified(conn: psycopg.Connection, bundle: Bundle, folder: Path) -> Verification:
    """Write a bundle, read it again, and verify it against a new snapshot."""
    written, warc, _ = add_records(bundle, [folder / "warc"])
    write_bundle(folder / "b.zip", written, warc)
    opened = read_bundle(folder / "b.zip")
    snapshot = publish_folder(conn, folder / f"snapshot-{len(list(folder.iterdir()))}")
    known = known_records(snapshot, [record.name for record in opened.bundle.records])
    return verify(opened.bundle, opened.readme, opened.warc, known)


def names(bundle: Bundle) -> list[str]:
    return [record.name for record in bundle.records]


def rules(on: int, text: str | None, *, seconds: int = 0, refusal: str | None = None) -> SiteFile:
    evidence = None if text is None else Evidence("robots-txt", "site", ROBOTS, text=text)
    when = day(on) + timedelta(seconds=seconds)
    status = 200 if refusal is None else 404
    return SiteFile(when, "art.example", ROBOTS, "robots-txt", status, refusal, evidence)


def seen(on: int, *evidence: Evidence, refusal: str | None = None) -> Observation:
    picture = None if refusal else PICTURE
    return Observation(day(on), URL, PAGE, URL, "own", 200, refusal, picture, evidence)


def test_a_bundle_of_a_recorded_image_is_verified(conn: psycopg.Connection, tmp_path: Path):
    write_registry(conn, tmp_path / "warc")
    bundle = bundle_of(conn, "observation:1")
    assert names(bundle) == ["observation:1", "site-rule:1"]
    assert [piece.evidence for piece in bundle.evidence] == [OF_PAGE, HTML, HEADERS, PACKET, RULES]
    subject = bundle.subject
    assert (subject.first, subject.last, subject.again) == (
        day(1).isoformat(),
        day(3).isoformat(),
        2,
    )
    result = verified(conn, bundle, tmp_path)
    assert result.is_proven
    assert {check.outcome for check in result.checks if "of https" in check.what} == {
        "fits",
        "unchecked",
    }
    # The header lines of the page have no mark, so a crawl wrote no record for them.
    unchecked = [c.what for c in result.checks if c.reason == "none was written"]
    assert unchecked == [f"WARC record of headers of {PAGE}"]
    assert len(result.marks) == 4


def test_equal_readings_after_a_snapshot_leave_the_digest(conn: psycopg.Connection, tmp_path: Path):
    write_registry(conn, tmp_path / "warc")
    snapshot = publish_folder(conn, tmp_path / "before")
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(9, OF_PAGE, HTML, HEADERS, PACKET)])
    bundle = bundle_of(conn, "observation:1")
    assert bundle.subject.again == 3
    known = known_records(snapshot, names(bundle))
    assert set(known.digests) == {"observation:1", "site-rule:1"}
    assert known.digests["observation:1"].hex() == bundle.subject.digest


def test_a_changed_row_of_the_database_is_found(conn: psycopg.Connection, tmp_path: Path):
    write_registry(conn, tmp_path / "warc")
    bundle = bundle_of(conn, "observation:1")
    conn.execute("UPDATE observation SET observed_at = observed_at - interval '1 year'")
    result = verified(conn, bundle, tmp_path)
    assert not result.is_proven
    conn.execute("UPDATE evidence SET text = text || ' ' WHERE carrier = 'html'")
    result = verified(conn, bundle_of(conn, "observation:1"), tmp_path)
    (wrong,) = [check for check in result.checks if check.outcome == "differs"]
    assert wrong.what.startswith(f"html of {PAGE}")


def finish(conn: psycopg.Connection) -> None:
    """End all visits: only visits that finished take anything back."""
    conn.execute("UPDATE visit SET state = 'finished'")


def test_evidence_that_still_counts_comes_with_the_observation_that_has_it(
    conn: psycopg.Connection, tmp_path: Path
):
    """The last reading was refused; the marks of the picture and its page still count."""
    visit = begun_visit(conn)
    challenge = Evidence("headers", "image", URL, (("Server", "shield"),))
    other_page = Evidence("html", "page", PAGE, text='<meta name="robots" content="noai">')
    records.write(conn, visit, [seen(1, HTML, HEADERS)])
    records.write(conn, visit, [seen(2, other_page, HEADERS)])
    records.write(conn, visit, [seen(3, challenge, refusal="http-403")])
    finish(conn)
    bundle = bundle_of(conn, "observation:3")
    assert names(bundle) == ["observation:3", "observation:2"]
    result = verified(conn, bundle, tmp_path)
    assert result.is_proven
    assert {mark.record for mark in result.marks} == {"observation:2"}
    # A bundle of an earlier one has nothing of later ones.
    assert names(bundle_of(conn, "observation:1")) == ["observation:1"]


def test_site_files_are_those_in_force_at_the_last_reading(
    conn: psycopg.Connection, tmp_path: Path
):
    closed, opened = "User-agent: *\nDisallow: /\n", "User-agent: *\nAllow: /\n"
    visit = begun_visit(conn)
    records.write(conn, visit, [], [rules(1, opened)])
    records.write(conn, visit, [], [rules(2, closed)])
    # A failed reading changes nothing.
    records.write(conn, visit, [], [rules(3, None, refusal="timeout")])
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(4, HEADERS)])
    visit = begun_visit(conn)
    records.write(conn, visit, [], [rules(6, opened)])
    finish(conn)
    assert names(bundle_of(conn, "observation:1")) == ["observation:1", "site-rule:2"]
    # The same image, read once more after that.
    records.write(conn, visit, [seen(7, HEADERS)])
    assert names(bundle_of(conn, "observation:1")) == ["observation:1", "site-rule:4"]
    records.write(conn, visit, [], [rules(8, None, refusal="http-404")])
    records.write(conn, visit, [seen(9, HEADERS)])
    assert names(bundle_of(conn, "observation:1")) == ["observation:1"]


def test_readings_of_a_visit_that_takes_nothing_back_are_added(
    conn: psycopg.Connection, tmp_path: Path
):
    """A visit that was cut short may have read a challenge page."""
    closed, opened = "User-agent: *\nDisallow: /\n", "User-agent: *\nAllow: /\n"
    bare = Evidence("headers", "image", URL, (("X-Robots-Tag", "all"),))
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(1, HEADERS)], [rules(1, closed)])
    finish(conn)
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(2, bare)], [rules(2, opened)])
    conn.execute("UPDATE visit SET state = 'interrupted' WHERE id = %s", [visit])
    bundle = bundle_of(conn, "observation:2")
    assert names(bundle) == ["observation:2", "observation:1", "site-rule:1", "site-rule:2"]
    assert verified(conn, bundle, tmp_path).is_proven
    finish(conn)
    assert names(bundle_of(conn, "observation:2")) == ["observation:2", "site-rule:2"]


def test_a_site_file_that_the_same_visit_read_later_is_among_them(conn: psycopg.Connection):
    visit = begun_visit(conn)
    records.write(conn, visit, [seen(1, HEADERS)], [rules(1, "User-agent: *\n", seconds=5)])
    assert names(bundle_of(conn, "observation:1")) == ["observation:1", "site-rule:1"]


def test_a_host_in_an_earlier_spelling(conn: psycopg.Connection, tmp_path: Path):
    visit = begun_visit(conn)
    file = SiteFile(day(1), "ART.example", ROBOTS, "robots-txt", 200, None, RULES)
    records.write(conn, visit, [seen(2, HEADERS)], [file])
    bundle = bundle_of(conn, "observation:1")
    assert bundle.records[1].fields["host"] == "ART.example"
    result = verified(conn, bundle, tmp_path)
    assert result.is_proven
    assert "site-rule:1" in {mark.record for mark in result.marks}


def test_characters_that_a_database_cannot_store(conn: psycopg.Connection, tmp_path: Path):
    visit = begun_visit(conn)
    odd = Evidence("html", "page", PAGE, text="a\0\ud800\U0010ffff<meta name=robots content=noai>")
    url = "https://art.example/\0.jpg"
    records.write(conn, visit, [Observation(day(1), url, PAGE, picture=PICTURE, evidence=(odd,))])
    bundle = bundle_of(conn, "observation:1")
    assert bundle.evidence[0].evidence == odd
    assert bundle.subject.fields["image_url"] == url
    assert verified(conn, bundle, tmp_path).is_proven


def test_a_bundle_of_a_site_file(conn: psycopg.Connection, tmp_path: Path):
    write_registry(conn, tmp_path / "warc")
    bundle = bundle_of(conn, "site-rule:1")
    assert names(bundle) == ["site-rule:1"]
    result = verified(conn, bundle, tmp_path)
    assert result.is_proven
    assert [mark.carrier for mark in result.marks] == ["robots-txt"]


@pytest.mark.parametrize("name", ["observation:9", "site-rule:9"])
def test_a_record_that_is_not_there(conn: psycopg.Connection, name: str):
    assert collect(conn, name, day(20)) is None


def test_the_same_database_gives_the_same_bundle(conn: psycopg.Connection, tmp_path: Path):
    write_registry(conn, tmp_path / "warc")
    for name in ("one", "two"):
        bundle, warc, missing = add_records(bundle_of(conn, "observation:1"), [tmp_path / "warc"])
        assert missing == []
        write_bundle(tmp_path / name, bundle, warc)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_empty_folder_is_no_snapshot(tmp_path: Path):
    with pytest.raises(UnreadableSnapshot):
        known_records(tmp_path, ["observation:1"])
