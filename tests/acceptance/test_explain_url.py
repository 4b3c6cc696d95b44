"""`registry explain URL`: one page or picture and its site files, robots.txt obeyed."""

import json

import pytest

from registry.signals import carriers

TIGER = "/works/tiger.html"
SITE_FILES = [path for _, path in carriers().requested(shows_pages=True)]


@pytest.fixture
def explain(run, site):
    def explain_here(path, *options):
        return run("registry", "explain", site.url + path, *options)

    return explain_here


def test_a_page_and_the_files_of_its_site(explain, site):
    done = explain(TIGER)
    assert done.stdout.splitlines()[0] == f"{site.url}{TIGER} (html)"
    assert f"  robots-txt: {site.url}/robots.txt, " in done.stdout
    assert f"  tdmrep-json: {site.url}/.well-known/tdmrep.json, http-404" in done.stdout
    assert "verdict: reserved (policy cautious@2) by noai, noimageai" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    # As a good guest: robots.txt first, nothing twice, and by our name.
    assert [request.path for request in site.requests] == ["/robots.txt", TIGER, *SITE_FILES]
    assert {request.user_agent.partition("/")[0] for request in site.requests} == {"OptoutRegistry"}


def test_a_picture(explain, site):
    done = explain("/pictures/moon.jpg", "--json")
    said = json.loads(done.stdout)
    assert (said["kind"], said["image_url"]) == ("image", f"{site.url}/pictures/moon.jpg")
    carriers = [piece["carrier"] for piece in said["evidence"]]
    assert carriers[:3] == ["headers", "xmp", "c2pa-json"]
    assert "ai-txt" in carriers


def test_marks_of_the_site(explain, site):
    site.replace("/.well-known/tdmrep.json", b'[{"location": "/", "tdm-reservation": 1}]')
    done = explain("/about.html")
    assert "* tdm-reservation=1" in done.stdout


def test_a_licence_that_robots_txt_points_to(explain, site):
    site.replace("/robots.txt", b"License: /terms.xml\nUser-agent: *\nAllow: /\n")
    site.replace("/robots.txt", f"License: {site.url}/terms.xml\n".encode())
    rsl = (
        b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
        b'<prohibits type="usage">ai-train</prohibits></license></content></rsl>'
    )
    site.replace("/terms.xml", rsl)
    done = explain("/about.html")
    assert f"rsl-xml: {site.url}/terms.xml" in done.stdout
    assert "* rsl:prohibits=ai-train" in done.stdout


def test_a_closed_page_is_not_asked_for(explain, site):
    site.replace("/robots.txt", b"User-agent: OptoutRegistry\nDisallow: /works/\n")
    done = explain(TIGER)
    assert "robots-txt:disallow  reserved: train, train-genai; for optoutregistry" in done.stdout
    assert "disallows it to OptoutRegistry" in done.stderr
    assert done.returncode == 4
    assert [request.path for request in site.requests] == ["/robots.txt"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_nothing_is_asked_for_without_the_robots_txt(explain, site, status):
    site.replace("/robots.txt", b"", status=status)
    done = explain(TIGER)
    assert f"cannot be fetched (http-{status}" in done.stderr
    assert done.returncode == 4
    assert [request.path for request in site.requests] == ["/robots.txt"]


def test_a_redirect_to_a_host_that_closes(explain, site):
    target = f"{site.other_url}/there"
    site.replace("/about.html", b"", status=302, headers=[("Location", target)])
    site.replace("/robots.txt", b"User-agent: *\nDisallow: /\n", role="other")
    done = explain("/about.html")
    assert done.returncode == 4
    assert f"{site.other_url}/robots.txt" in done.stdout
    assert "/there" not in [request.path for request in site.requests]


def test_a_web_page_in_the_place_of_a_file_is_none(explain, site):
    for path in SITE_FILES:
        site.replace(path, b"<!doctype html><title>Not found</title>")
    done = explain(TIGER)
    assert done.stdout.count("a web page was sent instead") == len(SITE_FILES) >= 6
    assert "warning" not in done.stdout


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nope", "responded with status 404"),
        ("/loop", "more than 5 redirects"),
        ("/file", "not a web address"),
    ],
)
def test_what_cannot_be_had_is_one_line(explain, site, path, says):
    site.replace("/loop", b"", status=302, headers=[("Location", "/loop")])
    site.replace("/file", b"", status=302, headers=[("Location", "file:///etc/hosts")])
    done = explain(path)
    assert done.returncode == 4
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr


def test_one_that_cannot_be_had_leaves_the_others(run, site):
    done = run("registry", "explain", f"{site.url}/nope", site.url + TIGER)
    assert "verdict: reserved" in done.stdout
    assert done.returncode == 4


def test_the_verdict_of_a_closed_page_is_of_the_address_reached(explain, site):
    site.replace("/about.html", b"", status=302, headers=[("Location", "/works/x.html")])
    site.replace("/robots.txt", b"User-agent: *\nDisallow: /works/\n")
    done = explain("/about.html")
    assert f"redirected to {site.url}/works/x.html" in done.stdout
    assert "verdict: reserved" in done.stdout
    assert "add one of these" not in done.stderr
    assert done.returncode == 4


@pytest.mark.parametrize(
    "rules", [b"<!-- our rules -->\nDisallow: /\n", b"<pre>\nUser-agent: *\nDisallow: /\n</pre>"]
)
def test_rules_among_tags_are_obeyed(explain, site, rules):
    site.replace("/robots.txt", rules)
    done = explain(TIGER)
    assert "disallows it to OptoutRegistry" in done.stderr
    assert "robots-txt:disallow" in done.stdout
    assert [request.path for request in site.requests] == ["/robots.txt"]


def test_a_long_robots_txt_is_read_to_five_mebibytes(explain, site):
    rules = b"User-agent: *\n" + b"# nothing to see here\n" * 200_000 + b"Disallow: /works/\n"
    site.replace("/robots.txt", rules)
    assert "disallows it to OptoutRegistry" in explain(TIGER).stderr
    site.replace("/robots.txt", rules + b"# nothing to see here\n" * 200_000)
    done = explain(TIGER)
    assert "disallows it to OptoutRegistry" in done.stderr
    assert "robots.txt longer than 5 MiB, read up to there" in done.stdout


def test_a_host_that_asks_for_a_pause_is_not_asked_again(explain, site):
    wait = [("Retry-After", "120")]
    site.replace("/ai.txt", b"", status=429, headers=wait)
    done = explain(TIGER)
    assert done.returncode == 0
    assert site.requests[-1].path == "/ai.txt"
    assert "/trust.txt, too-many-requests" in done.stdout
    site.requests.clear()
    site.replace("/robots.txt", b"", status=429, headers=wait)
    assert (
        "cannot be fetched (http-429: it responded with status 429 (Retry-After: 120 s))"
        in explain(TIGER).stderr
    )
    assert [request.path for request in site.requests] == ["/robots.txt"]
