"""Rows of tables become claims, or a sentence that says what would do."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import FULL_CLAIM

from registry.claims.columns import (
    COLUMNS,
    MOST_UNKNOWN,
    UnknownColumns,
    columns_of,
    meant_by,
)
from registry.claims.rows import UnreadableRow, claim_from_row
from registry.errors import UnreadableInput
from registry.matching.flat import is_flat
from registry.model import Claim
from registry.urls.key import host_of, url_key

SHA256 = "ab" * 32
URL = "https://art.example/a.jpg"


def test_a_row_with_everything() -> None:
    row = {
        "url": URL,
        "page_url": "http://art.example/gallery",
        "site": "Art.Example.",
        "path_pattern": "/a*",
        "sha256": SHA256.upper(),
        "md5": "cd" * 16,
        "phash64": "8f0e1d2c3b4a5968",
        "phash256": "0123456789abcdef" * 4,
        "width": "640",
        "height": 480.0,
        "meaning": "Conditional",
        "use": "tdm",
        "signal": "noai",
        "evidence": '<meta name="robots" content="noai">',
        "observed_at": "2024-05-31T12:00:00+02:00",
        "source": "a list",
        "claimant": "the artist",
        "licence_url": "https://art.example/licence",
        "something": "else",
    }
    assert claim_from_row(row, "file.csv") == FULL_CLAIM
    assert set(row) >= set(COLUMNS)


def test_blank_values_say_nothing() -> None:
    row = {"url": URL, "site": " ", "md5": None, "width": float("nan"), "source": "", "sha256": b""}
    assert claim_from_row(row, "file.csv") == Claim(source="file.csv", url=URL)


def test_options_serve_rows_that_are_silent() -> None:
    claim = claim_from_row({"url": URL}, "s", meaning="allowed", claimant="me")
    assert (claim.meaning, claim.claimant) == ("allowed", "me")
    row = {"url": URL, "meaning": "reserved", "claimant": "you", "source": "t"}
    claim = claim_from_row(row, "s", meaning="allowed", claimant="me")
    assert (claim.meaning, claim.claimant, claim.source) == ("reserved", "you", "t")


def test_an_address_is_kept_as_given() -> None:
    url = "HTTPS://Art.Example:443/a/../B.JPG?x=1&y= z#f"
    assert claim_from_row({"url": url}, "s").url == url


def test_quoted_evidence_may_be_of_several_lines() -> None:
    quoted = "User-agent: *\r\n\tDisallow: /"
    assert claim_from_row({"url": URL, "evidence": quoted}, "s").evidence == quoted


@given(st.text().map("https://{}".format) | st.text())
def test_every_address_and_host_has_a_key(text: str) -> None:
    with contextlib.suppress(UnreadableRow):
        assert url_key(claim_from_row({"url": text}, "s").url or "") is not None
    with contextlib.suppress(UnreadableRow):
        site = claim_from_row({"site": text}, "s").site
        assert host_of(f"https://{site}") == site or host_of(f"http://{site}") == site


def test_hashes_may_be_bytes() -> None:
    claim = claim_from_row({"sha256": bytes.fromhex(SHA256), "md5": b"0" * 16}, "s")
    assert (claim.sha256, claim.md5) == (SHA256, "30" * 16)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("art.example", "art.example"),
        ("  WWW.Art.Example. ", "www.art.example"),
        ("https://art.example/", "art.example"),
        ("https://art.example:443", "art.example"),
        ("art.example:8080", "art.example:8080"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
        ("Bücher.example", "xn--bcher-kva.example"),
        # As URL keys have it: UTS 46, and IPv6 in its short form.
        ("straße.example", "xn--strae-oqa.example"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("art.example:80", "art.example"),
        ("http://art.example:80/", "art.example"),
    ],
)
def test_a_site_is_a_host(given: str, host: str) -> None:
    assert claim_from_row({"site": given}, "s").site == host


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2024-05-31", datetime(2024, 5, 31, tzinfo=UTC)),
        ("2024-05-31T12:00:00Z", datetime(2024, 5, 31, 12, tzinfo=UTC)),
        ("2024-05-31 12:00:00", datetime(2024, 5, 31, 12, tzinfo=UTC)),
        (date(2024, 5, 31), datetime(2024, 5, 31, tzinfo=UTC)),
        (datetime(2024, 5, 31, 12), datetime(2024, 5, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc(given: object, moment: datetime) -> None:
    assert claim_from_row({"url": URL, "observed_at": given}, "s").observed_at == moment


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("url", "art.example/a.jpg", "starts with http:// or https://"),
        ("url", f'{URL}"', "without a quotation mark at its end"),
        ("url", "ftp://art.example/a.jpg", "starts with http:// or https://"),
        ("url", "https:///a.jpg", "starts with http:// or https://"),
        ("url", "https://art.example/a\nb", "without control characters"),
        ("url", "https://art*.example/a", "starts with http:// or https://"),
        ("url", "https://art.example:99999/a", "starts with http:// or https://"),
        ("url", "http://[::1/a", "starts with http:// or https://"),
        ("page_url", "https://a..b/", "starts with http:// or https://"),
        ("url", f"{URL}\ud83d", "without lone surrogates"),
        ("evidence", "said \ud83d so", "without lone surrogates"),
        ("source", "\udc80", "without lone surrogates"),
        ("source", "a\x1b]0;b\x07", "without control characters"),
        ("evidence", "a\x1b[2J", "without control characters"),
        ("site", "art.example\\x", "a host such as example.org"),
        ("site", ".".join(["a" * 50] * 6), "a host such as example.org"),
        ("site", "ftp://art.example", "a host such as example.org"),
        ("url", 7, "starts with http:// or https://"),
        ("url", b"\xff\xfe", "text in UTF-8"),
        ("url", ["https://art.example/"], "text"),
        ("page_url", "gallery.html", "starts with http:// or https://"),
        ("licence_url", "CC BY", "starts with http:// or https://"),
        ("site", "art.example/gallery", "a host such as example.org"),
        ("site", "art example", "a host such as example.org"),
        ("site", "*.example", "a host such as example.org"),
        ("site", "user@art.example", "a host such as example.org"),
        ("site", "art.example:port", "a host such as example.org"),
        ("site", "[::1", "a host such as example.org"),
        ("site", "ü" * 70 + ".example", "a host such as example.org"),
        ("path_pattern", "gallery/*", "starts with /"),
        ("sha256", SHA256[:-1], "64 hex digits"),
        ("sha256", "zz" * 32, "64 hex digits"),
        ("sha256", b"short", "64 hex digits"),
        ("md5", SHA256, "32 hex digits"),
        ("phash64", "12345", "16 hex digits"),
        ("phash64", 12345, "16 hex digits"),
        ("phash256", "0x" + "ab" * 31, "64 hex digits"),
        ("width", "wide", "number of pixels"),
        ("width", -1, "number of pixels"),
        ("width", 0, "number of pixels"),
        ("width", 1.5, "number of pixels"),
        ("height", 2**31, "number of pixels"),
        ("height", float("inf"), "number of pixels"),
        ("height", True, "text"),
        ("meaning", "forbidden", "one of reserved, conditional, allowed"),
        ("use", "training", "one of train, train-genai"),
        ("observed_at", "yesterday", "ISO 8601"),
        ("observed_at", "31.05.2024", "ISO 8601"),
        ("observed_at", "0001-01-01", "from 1970 on"),
        ("observed_at", 20240531.5, "ISO 8601"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_would_do(
    column: str, value: object, wanted: str
) -> None:
    row = {"url": URL, "site": "art.example", column: value}
    with pytest.raises(UnreadableRow) as caught:
        claim_from_row(row, "s")
    assert caught.value.message.startswith(f"column {column}: ")
    assert wanted in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(UnreadableRow) as caught:
        claim_from_row({"sha256": "x" * 10_000}, "s")
    assert len(caught.value.message) < 200


FLAT = ["0" * 16, "8" + "0" * 15, "f" * 16, "F" * 16]


@pytest.mark.parametrize("digits", FLAT)
def test_a_flat_hash_alone_is_refused(digits: str) -> None:
    with pytest.raises(UnreadableRow, match=r"phash64: .* is unfit"):
        claim_from_row({"phash64": digits}, "s")


@pytest.mark.parametrize("digits", FLAT)
def test_a_flat_hash_beside_an_address_is_left_out(digits: str) -> None:
    """The reservation of the address must not be lost with it."""
    row = {"url": URL, "phash64": digits, "phash256": digits * 4 if digits != FLAT[1] else None}
    assert claim_from_row(row, "s") == Claim(source="s", url=URL)


@pytest.mark.parametrize("digits", ["0" * 15 + "8", "0" * 15 + "1", "4" + "0" * 15, "8" * 16])
def test_a_hash_with_few_bits_is_not_flat(digits: str) -> None:
    assert not is_flat(digits)


@pytest.mark.parametrize(
    "row", [{}, {"url": ""}, {"page_url": URL}, {"phash256": "ab" * 32}, {"width": 5}]
)
def test_a_row_with_nothing_to_match_by_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(UnreadableRow, match="nothing to match by"):
        claim_from_row(row, "s")


def test_a_path_pattern_needs_its_site() -> None:
    with pytest.raises(UnreadableRow, match="column site is needed"):
        claim_from_row({"url": URL, "path_pattern": "/a"}, "s")


def test_column_names_are_taken_in_any_case() -> None:
    assert columns_of(["URL ", "Sha256", "title"]) == {"url": "URL ", "sha256": "Sha256"}


def test_a_table_without_a_usable_column_shows_its_own() -> None:
    with pytest.raises(UnreadableInput, match="columns seen: caption, width") as caught:
        columns_of(["caption", "width"])
    assert "url, sha256, md5, phash64, site" in caught.value.hint


@pytest.mark.parametrize("names", [["url", "URL"], ["sha-256", "url", "SHA 256"]])
def test_a_column_that_is_there_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(UnreadableInput, match=r"has the column .* twice: "):
        columns_of(names)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("sha-256", "sha256"),
        ("SHA 256", "sha256"),
        ("Page-URL", "page_url"),
        ("pageurl", "page_url"),
        ("licence.url", "licence_url"),
        ("\u200burl", "url"),
        ("path pattern", "path_pattern"),
    ],
)
def test_a_spelling_of_a_known_column_is_taken(name: str, known: str) -> None:
    assert columns_of([name, "md5"])[known] == name


def test_the_documented_name_goes_before_another_spelling() -> None:
    assert columns_of(["sha-256", "sha256"]) == {"sha256": "sha256"}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("image_url", "url"),
        ("image url", "url"),
        ("image-url", "url"),
        ("imageurl", "url"),
        ("urls", "url"),
        ("sha256sum", "sha256"),
        ("license_url", "licence_url"),
        ("website", "site"),
        ("title", None),
        ("sha1", None),
        ("", None),
    ],
)
def test_an_unknown_column_is_compared_with_known_ones(name: str, known: str | None) -> None:
    found = {"md5"} if known == "url" else {"md5", "url"}
    assert meant_by(name, found) == known
    assert meant_by(name, COLUMNS) is None


def test_an_address_beside_the_url_is_meant_for_no_other_column() -> None:
    assert meant_by("image_url", {"url"}) is None


def test_a_table_of_unknown_columns_is_asked_what_it_means() -> None:
    with pytest.raises(UnreadableInput, match=r"seen: image_url, title; did you mean url\?"):
        columns_of(["image_url", "title"])


def test_unknown_columns_are_kept_once_and_bounded() -> None:
    unknown = UnknownColumns()
    for file in ("a", "a", "b"):
        unknown.add(file, ["url", "title", "sha256sum"], {"url": "url"})
    first, second = unknown.listed()
    assert (first.column, first.did_you_mean, first.file, first.files) == (
        *("sha256sum", "sha256"),
        *("a", 2),
    )
    assert (second.column, second.did_you_mean, second.files) == ("title", None, 2)
    unknown.add("c", [f"x{number}" for number in range(10_000)], {})
    assert (len(unknown.listed()), unknown.are_more) == (MOST_UNKNOWN, True)


VALUES = st.none() | st.text() | st.binary() | st.integers() | st.floats() | st.booleans()


@given(st.dictionaries(st.sampled_from([*COLUMNS, "other"]), VALUES))
def test_any_row_is_a_claim_or_a_sentence(row: dict[str, object]) -> None:
    # Any other exception fails this test.
    with contextlib.suppress(UnreadableRow):
        claim = claim_from_row(row, "s")
        assert claim.url or claim.sha256 or claim.md5 or claim.phash64 or claim.site
