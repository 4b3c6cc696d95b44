"""Whom a claim on a site speaks for: the site and `www.`; of other subdomains a person decides."""

import pyarrow as pa
import pytest
from made import Made

from registry.checking.answers import answer
from registry.checking.complete import ColumnOffer
from registry.checking.keys import Keys
from registry.checking.wording import Wording
from registry.index import Index
from registry.lookups import lookup
from registry.model import OUTCOMES

CLAIMED = "example.org"
FULL = "/art/1.jpg"
CASES = [
    # claimed host, host asked about, what a check says
    ("example.org", "example.org", "reserved"),
    ("example.org", "www.example.org", "reserved"),
    ("www.example.org", "example.org", "reserved"),
    ("www.example.org", "www.example.org", "reserved"),
    ("example.org", "img.example.org", "review"),
    ("www.example.org", "img.example.org", "review"),
    ("example.org", "a.b.c.d.example.org", "review"),
    ("art.example.org", "x.art.example.org", "review"),
    ("artstation.com", "alice.artstation.com", "review"),
    ("art.example.org", "example.org", "clear"),
    ("art.example.org", "shop.example.org", "clear"),
    ("github.io", "alice.github.io", "clear"),
    ("co.uk", "alice.co.uk", "clear"),
    ("bob.github.io", "alice.github.io", "clear"),
    ("alice.github.io", "www.alice.github.io", "reserved"),
    ("example.org", "notexample.org", "clear"),
    ("example.org:8080", "www.example.org:8080", "reserved"),
    ("example.org", "example.org:8080", "review"),
    ("example.org", "www.example.org:8080", "review"),
    ("example.org", "img.example.org:8080", "review"),
    ("example.org:8080", "example.org", "clear"),
    ("1.2.3.4", "1.2.3.4:8080", "review"),
    ("1.2.3.4", "9.1.2.3.4.example", "clear"),
    ("2.3.4", "1.2.3.4", "clear"),
]


def outcomes(index: Index, *urls: str | None) -> list[str]:
    from registry.urls.columns import key_column

    column = pa.array(urls, pa.string())
    held = column.is_valid().to_numpy(False)
    offers = [ColumnOffer(held, held, "bad-url")]
    keys = Keys(rows=len(urls), urls=[key_column(column)], offers=offers)
    return [OUTCOMES[code] for code in answer(keys, index, None).outcome]


def test_the_row_that_a_person_must_see_quotes_the_claim(tmp_path):
    made = Made()
    made.claim(site=CLAIMED, evidence="all of it")
    index = Index(made.snapshot(tmp_path), "cautious")
    at = index.sites.place(f"//img.{CLAIMED}{FULL}")
    row = index.sites.row(at, index.sites.wider_verdict(at)[0])
    words = Wording(index).of_site(row, f"//img.{CLAIMED}{FULL}")
    assert (words.entry, "all of it" in words.reason) == ("claim:1", True)


@pytest.mark.parametrize(("claimed", "host", "expected"), CASES)
def test_a_check_and_a_look_up_agree_on_whom_a_claim_means(tmp_path, claimed, host, expected):
    made = Made()
    made.claim(site=claimed)
    index = Index(made.snapshot(tmp_path), "cautious")
    url = f"https://{host}{FULL}"
    assert outcomes(index, url, None)[0] == expected
    found = lookup(index, url).found
    assert [f.in_question for f in found] == {"clear": [], "review": [True]}.get(expected, [False])
    decisions = {"reserved": ["reserved"], "review": ["unspecified"], "clear": []}
    assert [f.verdict.decision for f in found] == decisions[expected]


def test_a_permission_is_for_its_own_host_alone(tmp_path):
    made = Made()
    made.claim(site=CLAIMED, meaning="allowed")
    index = Index(made.snapshot(tmp_path), "cautious")
    assert lookup(index, f"https://{CLAIMED}{FULL}").decision == "allowed"
    assert lookup(index, f"https://www.{CLAIMED}{FULL}").found == ()


def test_a_claim_on_paths_says_nothing_of_other_subdomains_but_www(tmp_path):
    made = Made()
    made.claim(site=CLAIMED, path_pattern="/art/")
    index = Index(made.snapshot(tmp_path), "cautious")
    hosts = (CLAIMED, f"www.{CLAIMED}", f"img.{CLAIMED}")
    assert outcomes(index, *(f"https://{host}{FULL}" for host in hosts)) == [
        "reserved",
        "reserved",
        "clear",
    ]
    assert outcomes(index, f"https://www.{CLAIMED}/free.jpg") == ["clear"]


def test_rules_files_are_for_their_own_host(tmp_path):
    made = Made()
    made.robots(CLAIMED, "User-agent: *\nDisallow: /\n")
    index = Index(made.snapshot(tmp_path), "cautious")
    hosts = (CLAIMED, f"www.{CLAIMED}", f"img.{CLAIMED}")
    assert outcomes(index, *(f"https://{host}{FULL}" for host in hosts)) == [
        "reserved",
        "clear",
        "clear",
    ]


def test_what_is_recorded_of_a_page_is_found_by_its_url(tmp_path):
    made = Made()
    page = "https://a.example/page"
    one, two = ("https://a.example/1.jpg", "https://cdn.example/2.jpg")
    made.observe(one, [made.headers("noai", url=one)], image_id=made.image(), page_url=page)
    made.observe(two, [], image_id=made.image(), page_url=page)
    made.observe("https://b.example/3.jpg", page_url="https://b.example/page", refusal="http-404")
    index = Index(made.snapshot(tmp_path), "cautious")
    found = lookup(index, "http://a.example/page#top")
    assert [(f.url, f.on_page, f.verdict.decision) for f in found.found] == [
        (one, True, "reserved"),
        (two, True, "unspecified"),
    ]
    assert (found.decision, found.page) == ("reserved", "review")
    silent = lookup(index, "https://b.example/page")
    assert (silent.page, silent.decision, len(silent.found)) == ("unchecked", "unspecified", 1)
    assert lookup(index, one).page is None
    assert lookup(index, "https://a.example/another").found == ()
