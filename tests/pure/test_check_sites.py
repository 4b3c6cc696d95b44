"""The site files of a host together, for the rows on it, and the rules that a crawl has applied."""

import numpy as np
import pytest
from made import Made

from registry.checking.wording import Wording
from registry.index import Index
from registry.lookups import lookup
from registry.model import DECISIONS
from registry.urls.key import url_key

URL = "https://a.example/art/1.jpg"
ELSEWHERE = "https://a.example/art/never-seen.jpg"
LICENCE = """<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>
<permits type="usage">ai-train</permits><payment type="crawl"/></license></content></rsl>"""
RESERVED = '[{"location": "/", "tdm-reservation": 1}]'
TDMREP = "https://a.example/.well-known/tdmrep.json"


def ask(made, folder, url, policy="cautious"):
    return lookup(Index(made.snapshot(folder), policy), url)


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
    index = Index(made.snapshot(tmp_path), "cautious")
    assert index.crawled(np.array([0, 1, -1])).tolist() == [True, False, False]


PAGE = "https://{}.example/page"
REFUSING = (("Content-Usage", "train-ai=n"),)


def test_entries_alike_but_for_their_hosts_are_decided_apart(tmp_path):
    """An entry's own marks meet its sites' licences: whose they are must not be lost."""
    made = Made()
    for image, page in (("a", "a"), ("c", "b")):
        header = made.fields(*REFUSING, about="page", url=PAGE.format(page))
        place = {"page_url": PAGE.format(page), "relation": "own", "image_id": made.image()}
        made.observe(f"https://{image}.example/1.jpg", [header], **place)
        made.site_file(
            "rsl-xml", f"{image}.example", f"https://{image}.example/license.xml", LICENCE
        )
    index = Index(made.snapshot(tmp_path), "cautious")
    ranks = [DECISIONS[rank] for rank in index.decisions.ranks(np.arange(2))]
    assert ranks == [index.decisions.verdict(entry).decision for entry in range(2)]
    assert ranks == ["conditional", "reserved"]


FREE = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
FREE += '<permits type="usage">ai-train</permits></license></content></rsl>'
INLINE = f'<body><script type="application/rsl+xml">{FREE}</script>'


def test_a_licence_within_a_page_permits_nobody_elses_image(tmp_path):
    made = Made()
    elsewhere = "https://cdn.b.example/1.jpg"
    made.observe(elsewhere, [made.page(INLINE)], relation="third-party", image_id=made.image())
    assert ask(made, tmp_path, elsewhere).decision == "unspecified"


def test_a_licence_in_a_file_speaks_for_its_paths_alone(tmp_path):
    text = FREE.replace('url="/"', 'url="/other/"')
    wrapped = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        f'syntax-ns#"><rdf:Description>{text}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    made = Made()
    made.observe(URL, [made._evidence("xmp", "image", URL, None, wrapped)], image_id=made.image())
    assert ask(made, tmp_path, URL).decision == "unspecified"


@pytest.mark.parametrize(
    ("pointer", "place", "decision"),
    [
        ("https://a.example/license.xml", "https://a.example/license.xml", "allowed"),
        ("https://a.example/other.xml", "https://a.example/license.xml", "unspecified"),
        (None, "https://a.example/license.xml", "unspecified"),
        ("https://b.example/license.xml", "https://b.example/license.xml", "unspecified"),
    ],
)
def test_a_licence_permits_where_it_stands_and_is_pointed_to(tmp_path, pointer, place, decision):
    made = Made()
    made.robots("a.example", f"User-agent: *\nLicense: {pointer}\n" if pointer else "# none\n")
    made.site_file("rsl-xml", "a.example", place, FREE)
    assert ask(made, tmp_path, ELSEWHERE).decision == decision


def test_a_permission_that_nothing_points_to_any_more_is_gone(tmp_path):
    made = Made()
    made.robots("a.example", "User-agent: *\nLicense: https://a.example/license.xml\n", on=1)
    made.site_file("rsl-xml", "a.example", "https://a.example/license.xml", FREE)
    made.robots("a.example", "User-agent: *\n", on=10)
    assert ask(made, tmp_path, ELSEWHERE).decision == "unspecified"


def test_the_host_that_answered_speaks_too(tmp_path):
    made = Made()
    place = "https://cdn.b.example/.well-known/tdmrep.json"
    made.site_file("tdmrep-json", "cdn.b.example", place, RESERVED)
    made.observe(URL, [], fetched_url="https://cdn.b.example/1.jpg", image_id=made.image())
    assert ask(made, tmp_path, URL).decision == "reserved"


def test_a_refusal_is_not_dated_from_a_permission(tmp_path):
    made = Made()
    made.robots("a.example", "User-agent: *\nContent-Signal: ai-train=yes\n", on=1)
    made.observe(URL, [], on=1, image_id=made.image())
    made.observe(URL, [made.headers("noai")], on=10, image_id=1)
    (found,) = [f for f in ask(made, tmp_path, URL).found if f.by == "url"]
    assert (found.verdict.decision, found.since.day) == ("reserved", 10)


def test_a_licence_for_another_hosts_urls_is_none_for_the_same_path_here(tmp_path):
    made = Made()
    text = LICENCE.replace('url="/"', 'url="https://b.example/art/"')
    made.site_file("rsl-xml", "a.example", "https://a.example/license.xml", text)
    made.observe(URL, [], image_id=made.image())
    assert ask(made, tmp_path, URL).decision == "unspecified"


def test_a_mark_that_was_stripped_later_is_found_by_the_look_of_the_picture(tmp_path):
    """A site takes the metadata off its files: the picture that carried the mark is still known."""
    wrapped = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:Data'
        'Mining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
    )
    made = Made()
    code, wide = 0x9C3A5B71E2D4866F, bytes(range(32))
    marked = made._evidence("xmp", "image", URL, None, wrapped)
    made.observe(URL, [marked], on=1, image_id=made.image(code, phash256=wide))
    bare = made.fields(("ETag", "x"))
    made.observe(URL, [bare], on=10, image_id=made.image(code, phash256=wide))
    answer = ask(made, tmp_path, URL)
    assert answer.decision == "reserved"
    assert {f.by for f in answer.found if f.verdict.decision == "reserved"} == {"fingerprint"}


def test_a_claim_is_worded_as_itself_beside_what_was_weighed_already(tmp_path):
    made = Made()
    made.robots("a.example", "User-agent: *\nDisallow: /\n")
    made.observe(URL, [], image_id=made.image())
    made.claim(site="a.example", evidence="the owner says so")
    index = Index(made.snapshot(tmp_path), "cautious")
    at = index.sites.place(url_key(URL))
    row = index.sites.row(at, index.sites.verdict(at, claims_only=True)[0])
    words = Wording(index).of_site(row, url_key(URL))
    assert (words.entry, "the owner says so" in words.reason) == ("claim:1", True)


@pytest.mark.parametrize("relation", ["own", "cdn", "third-party"])
def test_a_site_refuses_for_its_images_on_another_host(tmp_path, relation):
    made = Made()
    refusing = (
        '<rsl xmlns="https://rslstandard.org/rsl"><content url="https://cdn.example/"><license>'
        '<prohibits type="usage">ai-train</prohibits></license></content></rsl>'
    )
    image = "https://cdn.example/1.jpg"
    made.robots("a.example", "User-agent: *\nLicense: https://a.example/license.xml\n")
    made.site_file("rsl-xml", "a.example", "https://a.example/license.xml", refusing)
    made.robots("cdn.example", "User-agent: *\nContent-Usage: train-ai=y\n")
    made.observe(image, [], relation=relation, image_id=made.image())
    # Anybody may list anybody's URLs: only images that the site shows as its own are meant.
    expected = "allowed" if relation == "third-party" else "reserved"
    assert ask(made, tmp_path, image).decision == expected


def test_a_licence_to_which_another_agent_is_led_permits_nothing_anywhere(tmp_path):
    made = Made()
    made.robots("a.example", "User-agent: GPTBot\nLicense: https://a.example/license.xml\n")
    made.site_file("rsl-xml", "a.example", "https://a.example/license.xml", FREE)
    made.observe(URL, [], image_id=made.image())
    for place in (URL, ELSEWHERE):
        folder = tmp_path / str(len(place))
        assert ask(made, folder, place).decision == "unspecified"
