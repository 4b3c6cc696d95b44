"""How two URLs of one key are equal, and which parameters are for tracking."""

import pytest
from hypothesis import given
from test_url_key import URLS

from registry.urls.key import url_key
from registry.urls.same import how_equal
from registry.urls.tracking import NAMES, TRACKING, is_tracking

URL = "https://example.org/a.jpg?w=100"
SPELLING = "same URL in another spelling"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (URL, "same URL"),
        ("http://EXAMPLE.org/a.jpg?w=100", SPELLING),
        (URL + "\N{NO-BREAK SPACE}", SPELLING),
        (URL + "&", SPELLING),
        (URL + "#top", SPELLING),
        (URL + "&fbclid=1", "same URL without tracking parameters (fbclid)"),
        (
            URL + "&amp;FbClid=1&utm_source=x",
            "same URL without tracking parameters (fbclid, utm_source)",
        ),
        ("http://example.org/a.jpg?gclid=1&w=100", "same URL without tracking parameters (gclid)"),
        (URL + "&x=1", None),
        ("https://example.org/a.jpg", None),
        ("no URL", None),
    ],
)
def test_how_equal(other, said):
    assert how_equal(URL, other) == said
    assert how_equal(other, URL) == said


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("?fbclid=1", "?fbclid=1", "same URL"),
        ("?fbclid=1", "?fbclid=1&", SPELLING),
        ("?fbclid=1", "?fbclid=2", "same URL without tracking parameters (fbclid)"),
        ("?fbclid=1", "?gclid=1", "same URL without tracking parameters (fbclid, gclid)"),
        ("?a&fbclid=1", "?a&gclid=1&fbclid=1", "same URL without tracking parameters (gclid)"),
        ("?gclid&fbclid", "?fbclid&gclid", "same URL without tracking parameters (gclid, fbclid)"),
    ],
)
def test_how_equal_where_both_are_tracked(ours, theirs, said):
    assert how_equal(f"https://example.org/{ours}", f"https://example.org/{theirs}") == said


@given(URLS, URLS)
def test_how_equal_says_something_of_equal_keys_only(url, other):
    key = url_key(url)
    assert (how_equal(url, other) is not None) == (key is not None and key == url_key(other))
    assert how_equal(url, url) == (None if key is None else "same URL")


def test_the_table_of_tracking_parameters():
    assert sum(map(len, TRACKING.values())) == len(NAMES)
    assert all(name == name.lower() for name in NAMES)
    assert all("(" in who for who in TRACKING), "every entry has its source"
    assert {"fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid"} <= NAMES
    assert {"mc_eid", "mc_cid", "igshid", "yclid", "_ga", "_gl", "twclid", "ttclid"} <= NAMES


@pytest.mark.parametrize("name", ["w", "v", "ref", "source", "id", "token", "sig", "expires", "si"])
def test_what_may_name_another_file_is_kept(name):
    assert not is_tracking(f"{name}=1")
    assert url_key(f"https://example.org/a?{name}=1") == f"//example.org/a?{name}=1"
