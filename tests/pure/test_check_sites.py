"""What a site's files say together of the rows on its host, and what a crawl has weighed."""

import numpy as np
import pytest
from made import Made

from registry.check.index import CheckIndex
from registry.lookup import lookup

URL = "https://a.example/art/1.jpg"
ELSEWHERE = "https://a.example/art/never-seen.jpg"
LICENCE = """<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>
<permits type="usage">ai-train</permits><payment type="crawl"/></license></content></rsl>"""
RESERVED = '[{"location": "/", "tdm-reservation": 1}]'
TDMREP = "https://a.example/.well-known/tdmrep.json"


def ask(made, folder, url, policy="cautious"):
    return lookup(CheckIndex(made.snapshot(folder), policy), url)


@pytest.mark.parametrize("host", ["a.example", "licences.example"])
def test_a_refusal_and_a_licence_in_two_files_are_a_condition(tmp_path, host):
    made = Made()
    made.robots("a.example", "User-agent: *\nContent-Usage: train-ai=n\n")
    made.site_file("rsl-xml", "a.example", f"https://{host}/license.xml", LICENCE)
    answer = ask(made, tmp_path, ELSEWHERE)
    # A licence on another host speaks for the site that points to it, under its own name.
    assert answer.decision == ("conditional" if host == "a.example" else "reserved")
    assert len(answer.found) == 1


def test_the_file_that_decides_is_named(tmp_path):
    made = Made()
    made.robots("a.example", "User-agent: *\nDisallow: /private/\n")
    made.site_file("tdmrep-json", "a.example", TDMREP, RESERVED)
    (found,) = ask(made, tmp_path, ELSEWHERE).found
    assert (found.entry, found.by) == ("site-rule:2", "site")
    (found,) = ask(made, tmp_path / "again", "https://a.example/private/x.jpg").found
    assert found.entry == "site-rule:1"


def test_an_images_header_lifts_its_sites_reservation(tmp_path):
    made = Made()
    made.site_file("tdmrep-json", "a.example", TDMREP, RESERVED)
    header = made.fields(("tdm-reservation", "0"))
    made.observe(URL, [header], image_id=made.image())
    assert ask(made, tmp_path, URL).decision == "allowed"
    assert ask(made, tmp_path / "again", ELSEWHERE).decision == "reserved"


def test_a_claim_on_the_site_counts_beside_what_was_crawled(tmp_path):
    made = Made()
    made.observe(URL, [made.fields(("tdm-reservation", "0"))], image_id=made.image())
    made.claim(site="a.example")
    assert ask(made, tmp_path, URL).decision == "reserved"


def test_rules_of_another_host_in_a_sites_file_do_not_reach_its_own(tmp_path):
    made = Made()
    text = LICENCE.replace('url="/"', 'url="https://b.example/"')
    made.site_file("rsl-xml", "a.example", "https://a.example/license.xml", text)
    assert ask(made, tmp_path, ELSEWHERE).found == ()
    assert ask(made, tmp_path / "again", "https://b.example/x.jpg").found == ()


def test_entries_are_told_from_claims(tmp_path):
    made = Made()
    made.observe(URL, [made.headers("noai")], image_id=made.image())
    made.claim(url="https://b.example/x.jpg")
    index = CheckIndex(made.snapshot(tmp_path), "cautious")
    assert index.crawled(np.array([0, 1, -1])).tolist() == [True, False, False]
