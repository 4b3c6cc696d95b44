"""Marks beyond pages and headers, from the site to the check: site files, and the images' own."""

import json
from pathlib import Path

import pytest
from crawling import rows

REFUSED = b'[{"location": "/shop/*.jpg$", "tdm-reservation": 1, "tdm-policy": "/policy.json"}]'
LICENCE = b"""<rsl xmlns="https://rslstandard.org/rsl"><content url="/licensed/"><license>
<permits type="usage">ai-train</permits><payment type="crawl"/></license></content></rsl>"""
PICTURE = Path("demo/site/www/pictures/cat.jpg").read_bytes()
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining'
    b'="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/></rdf:RDF></x:xmpmeta>'
)


def with_packet(jpeg):
    body = b"http://ns.adobe.com/xap/1.0/\x00" + PACKET
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body + jpeg[2:]


@pytest.fixture
def marked(site):
    page = b'<img src="/%s">'
    for place, picture in {
        "shop/a.jpg": PICTURE,
        "licensed/b.jpg": PICTURE,
        "plain/c.jpg": PICTURE,
        "plain/d.png": PICTURE,
        "plain/e.jpg": with_packet(PICTURE),
    }.items():
        site.replace(f"/{place}", picture)
    images = ("shop/a.jpg", "licensed/b.jpg", "plain/c.jpg", "plain/d.png", "plain/e.jpg")
    site.replace("/start.html", b"".join(page % name.encode() for name in images))
    site.replace("/robots.txt", f"User-agent: *\nLicense: {site.url}/license.xml\n".encode())
    site.replace("/.well-known/tdmrep.json", REFUSED)
    site.replace("/ai.txt", b"# Spawning AI\nUser-Agent: *\nDisallow: *.png\nAllow: /\n")
    site.replace("/trust.txt", b"<!doctype html><p>datatrainingallowed=no")
    site.replace("/license.xml", LICENCE)
    return site


@pytest.fixture
def decided(run, marked, database_url, registry_home):
    def ask(name):
        url = f"{marked.url}/{name}"
        done = run("registry", "lookup", url, "--json", database=database_url)
        found = [f for line in done.stdout.splitlines() for f in json.loads(line)["found"]]
        mine = [f for f in found if f["url"] == url]
        return [(f["decision"], [s["name"] for s in f["signals"]]) for f in mine]

    return ask


def test_every_carrier_reaches_the_lookup(marked, crawl, decided, database_url):
    assert crawl(marked.url + "/start.html").returncode == 0
    files = dict(
        rows(database_url, "SELECT kind, refusal FROM site_rule WHERE url !~ 'known/(ai|trust)'")
    )
    assert files.items() >= {
        ("robots-txt", None),
        ("tdmrep-json", None),
        ("ai-txt", None),
        ("trust-txt", "not-trust-txt"),
        ("rsl-xml", None),
    }
    assert decided("shop/a.jpg") == [("conditional", ["tdm-reservation=1"])]
    ((decision, names),) = decided("licensed/b.jpg")
    assert (decision, set(names)) == ("conditional", {"rsl:permits=ai-train"})
    assert decided("plain/d.png") == [("reserved", ["ai-txt:disallow"])]
    assert decided("plain/e.jpg") == [("reserved", ["plus:DMI-PROHIBITED-AIMLTRAINING"])]
    ((decision, _),) = decided("plain/c.jpg")
    assert decision == "allowed"


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/.well-known/ai.txt", b"Spec-Version: 1.0\nTraining: deny\n", "ai-txt:training=deny"),
        ("/.well-known/ai.json", b'{"policies": {"training": "deny"}}', "ai-txt:training=deny"),
        ("/.well-known/trust.txt", b"datatrainingallowed=no\n", "datatrainingallowed=no"),
    ],
)
def test_files_at_well_known_places_are_asked_for(site, crawl, decided, path, body, name):
    site.replace("/start.html", b'<img src="/plain/d.png">')
    site.replace("/plain/d.png", PICTURE)
    site.replace(path, body)
    assert crawl(site.url + "/start.html", "--max-depth", 0).returncode == 0
    ((decision, names),) = decided("plain/d.png")
    assert decision == "reserved"
    assert any(name.partition(":")[0] in said for said in names), names
    asked = [request.path for request in site.requests]
    assert asked.count(path) == 1


def test_marks_in_long_files_and_behind_many_tags_count(marked, crawl, decided):
    """Files and pages far longer than people write; what nobody reads of one is told."""
    entries = b'{"location": "/other", "tdm-reservation": 0},' * 5000
    last = b'{"location": "/plain/*", "tdm-reservation": 1}'
    marked.replace("/.well-known/tdmrep.json", b"[" + entries + last + b"]")
    lines = b"".join(b"Allow: *.x%d\n" % number for number in range(2000))
    marked.replace("/ai.txt", b"User-Agent: *\n" + lines + b"Disallow: /plain/c.jpg\n")
    mark = b'<meta name="robots" content="noai">'
    for name, crowd in {
        "many": b'<meta property="og:x" content="%d">' % 10**60 * 1000 + b"<meta a=1>" * 20,
        "drawing": b"<svg><title/><path d='M0 0'/></svg>",
        "long": b"<p>" + b"x" * (9 << 20),
    }.items():
        marked.replace(f"/{name}.png", PICTURE)
        marked.replace(f"/{name}.html", crowd + mark + b'<img src="/%s.png">' % name.encode())
    links = b"".join(b'<a href="/%s.html">' % n for n in (b"many", b"drawing", b"long"))
    shown = b"".join(b'<img src="/plain/%s">' % n for n in (b"c.jpg", b"d.png"))
    marked.replace("/start.html", links + shown)
    marked.replace("/trust.txt", b"#" * (3 << 19) + b"\ndatatrainingallowed=no\n")
    done = crawl(marked.url + "/start.html", "--json")
    assert done.returncode == 0, done.stderr
    for name in ("many", "drawing", "long"):
        assert decided(f"{name}.png")[0][0] == "reserved", name
    names = dict(decided("plain/c.jpg"))["reserved"]
    assert {"tdm-reservation=1", "ai-txt:disallow"} <= set(names)
    assert dict(decided("plain/d.png"))["reserved"] == ["tdm-reservation=1"]
    assert json.loads(done.stdout)["left"] == {"marks": 1}
    assert "trust.txt longer than" in done.stderr


def test_a_file_that_goes_takes_its_marks_along(marked, crawl, decided):
    assert crawl(marked.url + "/start.html").returncode == 0
    marked.replace("/ai.txt", b"", status=404)
    marked.replace("/.well-known/tdmrep.json", b"", status=503)
    assert crawl(marked.url + "/start.html").returncode == 0
    assert [d for d, _ in decided("plain/d.png")] == ["unspecified"]
    # A file that cannot be had takes nothing back.
    assert decided("shop/a.jpg") == [("conditional", ["tdm-reservation=1"])]


def test_marks_in_the_file_stay_when_it_is_not_sent_again(marked, crawl, decided):
    assert crawl(marked.url + "/start.html").returncode == 0
    ended = crawl(marked.url + "/start.html", "--json")
    assert json.loads(ended.stdout)["unchanged"] >= 1
    assert decided("plain/e.jpg") == [("reserved", ["plus:DMI-PROHIBITED-AIMLTRAINING"])]
