"""Link traps are left after a bounded number of pages; galleries are read to their end.

The sites are functions from an address to its images and links.
"""

from collections import deque
from zlib import crc32

import pytest

from crawler.options import VisitLimits
from crawler.pages.links import PageLink
from crawler.visit.frontier import (
    BARREN_FOLDER,
    BARREN_NEXT,
    BARREN_VARIANTS,
    Frontier,
    Step,
)
from crawler.visit.url_shapes import folder_of, page_key, shape_of

SITE = "https://art.example"
UNDER_WAY = 2


def crawl(site, start="/", pages=10_000):
    """Return the addresses that a visit reads, and what it turned away."""
    frontier = Frontier(VisitLimits(pages=pages, depth=10**6))
    first = Step(PageLink(SITE + start), 0)
    assert frontier.admit(first.link.url, 0)
    queue, reading, read = deque([first]), deque(), []
    while queue or reading:
        while queue and len(reading) < UNDER_WAY:
            reading.append(queue.popleft())
        step = reading.popleft()
        url = step.link.url
        read.append(url)
        images, links = site(url.removeprefix(SITE))
        frontier.shows(url, images)
        for link in links:
            href, is_next = link if isinstance(link, tuple) else (link, False)
            target = SITE + href
            if frontier.admit(target, step.depth + 1, is_next=is_next):
                queue.append(Step(PageLink(target, is_next), step.depth + 1))
        queue.extend(frontier.read(url))
    return read, frontier.dropped()


def number(url):
    return int("".join(c for c in url.rpartition("/")[2] if c.isdigit()) or 0)


def mixed(text):
    """Return a number that looks like chance, and is the same in every run."""
    return crc32(text.encode())


def token(n):
    return f"{(n * 2654435761 + 12345) % 2**40:010x}x7"


def word(n):
    """Return a name made of words, which looks like no number and no hash."""
    words = (
        "amber",
        "birch",
        "cedar",
        "delta",
        "ember",
        "fjord",
        "grove",
        "heron",
        "inlet",
        "jade",
    )
    return "-".join(words[int(digit)] for digit in f"{n:05d}")


LOGO = ["/logo.png"]


def calendar(url):
    """A month of a year leads to the next month and the next year."""
    parts = url.split("/")
    year, month = (int(parts[2]), int(parts[3])) if len(parts) > 3 else (1901, 1)
    return LOGO, [f"/calendar/{year}/{month % 12 + 1}", f"/calendar/{year + 1}/{month}"]


TRAPS = {
    "numbers in the path": calendar,
    "a page lists a thousand": lambda url: (LOGO, [f"/day/{n}" for n in range(1000)]),
    "random next pages": lambda url: (LOGO, [("/" + token(mixed(url)), True)]),
    "random next words": lambda url: (LOGO, [(f"/show/{word(mixed(url) % 99999)}", True)]),
    "random words": lambda url: (
        LOGO,
        [f"/show/{word(mixed(f'{url} {n}') % 99999)}" for n in (1, 2)],
    ),
    "a session in the path": lambda url: (LOGO, [f"/s/{token(mixed(url))}/about"]),
    "a session in a parameter": lambda url: (LOGO, [f"/about?sid={token(mixed(url))}"]),
    "a session behind a semicolon": lambda url: (LOGO, [f"/a;jsessionid={token(mixed(url))}"]),
    "a path that grows": lambda url: (LOGO, [url.rstrip("/") + "/a/b"]),
    "numbers that grow": lambda url: (LOGO, [f"{url.rstrip('/')}/{len(url)}"]),
    "filters": lambda url: (LOGO, [f"/shop?c={mixed(url) % 9999}&page={n}" for n in range(5)]),
    "no images at all": lambda url: ([], [f"/day/{number(url) + n}" for n in (1, 2, 3)]),
    "pages that fail": lambda url: ([], [f"/day/{n}" for n in range(500)] if url == "/" else []),
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_left(name):
    read, left = crawl(TRAPS[name])
    # A page or two of other shapes lead into it; its first page may show the logo first.
    assert len(read) <= 2 * BARREN_FOLDER + 5
    if "words" not in name:
        assert len(read) <= 2 * BARREN_VARIANTS + 5
    if name not in {"a session behind a semicolon", "numbers that grow", "a path that grows"}:
        assert left.get("trap")


def test_random_next_pages_end_soonest():
    read, _ = crawl(TRAPS["random next pages"])
    assert len(read) <= 2 * BARREN_NEXT + 5


def works(url):
    """An index of 3,000 works on one page; each shows an image and leads to the next."""
    if url == "/":
        return LOGO, [f"/works/{n}" for n in range(3000)]
    return [*LOGO, f"/images/{number(url)}.jpg"], [(f"/works/{number(url) + 1}", True)] * (
        number(url) < 2999
    )


def index_and_works(url):
    """Index pages show thumbnails that the works show too."""
    if url.startswith("/works/"):
        return [f"/{number(url)}.jpg"], []
    page = number(url)
    shown = range(page * 20, page * 20 + 20)
    following = [(f"/page/{page + 1}", True)] * (page < 99)
    return [f"/{n}.jpg" for n in shown], [*following, *(f"/works/{n}" for n in shown)]


def diary(url):
    """One page in twenty shows a picture."""
    day = number(url)
    return [f"/{day}.jpg"] * (day % 20 == 0), [f"/diary/{day + 1}"] * (day < 1000)


def hashes(url):
    """Addresses of works look random."""
    if url == "/":
        return LOGO, [f"/w/{token(n)}" for n in range(1000)]
    return [f"{url}.jpg"], []


GALLERIES = {
    "works": (works, 3001),
    "index and works": (index_and_works, 2100),
    "a diary": (diary, 1001),
    "random names": (hashes, 1001),
}


@pytest.mark.parametrize("name", GALLERIES)
def test_a_gallery_is_read_to_its_end(name):
    site, size = GALLERIES[name]
    read, left = crawl(site)
    assert (len(set(read)), left) == (size, {})


def test_a_gallery_beside_a_trap_is_read():
    def both(url):
        if url == "/":
            return LOGO, [f"/day/{n}" for n in range(300)] + [f"/works/{n}" for n in range(300)]
        return ([f"/{number(url)}.jpg"] if url.startswith("/works") else LOGO), [
            f"/day/{number(url) + 1000}"
        ]

    read, left = crawl(both, pages=500)
    assert sum("/works/" in url for url in read) == 300
    assert left["trap"] > 200


def test_the_limit_of_pages_counts_what_is_asked_for():
    read, left = crawl(works, pages=50)
    assert len(read) == 50
    assert left["pages"] > 1000


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/calendar/1901/5", "/calendar/2026/12"),
        ("/w/8f3a9c2e1b", "/w/00ff11aa22bb"),
        ("/S(f5xk2qzj1w)/about", "/S(a1b2c3d4e5)/about"),
        ("/a;jsessionid=1A2B", "/a;jsessionid=99"),
        ("/a/b", "/a/b/a/b/a/b"),
        ("/x?month=1", "/x?month=2&year=3"),
        ("/img-0012.html", "/img-7.html"),
    ],
)
def test_addresses_of_one_shape(first, second):
    assert shape_of(SITE + first) == shape_of(SITE + second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("/works", "/about"), ("/a/1", "/b/1"), ("/x", "/x?a"), ("/works/tiger", "/works/lion")],
)
def test_addresses_of_different_shapes(first, second):
    assert shape_of(SITE + first) != shape_of(SITE + second)


def test_what_stands_in_one_folder():
    assert folder_of(SITE + "/works/tiger") == folder_of(SITE + "/works/lion/")
    assert folder_of(SITE + "/works/tiger") != folder_of(SITE + "/other/tiger")
    assert folder_of(SITE + "/") == folder_of(SITE + "/tiger")


SESSION = "0123456789abcdef0123456789abcdef"
SESSIONS = (
    f";jsessionid={SESSION.upper()}.node1",
    f"?PHPSESSID={SESSION}",
    "?zenid=q7rkn2vb4tq0s9p1m3c5x8z6d2",
    "?session_id=0B4A2DC8-0F5A-4C1E-9D0B-5C8F0E4B7A11",
    "?CFID=123&CFTOKEN=87654321",
    "?cfid=123&cftoken=3fe2fd83a6b0d1a4-F8A2A5C4-D0B7-1EC2-5A8F0E4B7A11",
)
# Of WordPress, for each comment of a post.
COMMENTS = ("?replytocom=17", "?replytocom=17#respond")
NO_SESSIONS = (
    *("?session_id=1", "?session_id=2024", "?session_id=20240102030405060708", "?zenid=garden"),
    *("?replytocom=sunrise", "?comment=17"),
    *(";jsessionid=1", "?session_id=autumn-exhibition-of-painters-2024", "?CFID=87654321"),
)


@pytest.mark.parametrize("session", [*SESSIONS, *COMMENTS])
def test_a_session_makes_no_other_page(session):
    assert page_key(SITE + "/a" + session) == page_key(SITE + "/a")
    assert page_key(f"{SITE}/b{session}") != page_key(SITE + "/a")


@pytest.mark.parametrize("parameter", NO_SESSIONS)
def test_numbers_and_words_are_no_sessions(parameter):
    assert page_key(SITE + "/a" + parameter) != page_key(SITE + "/a")
    assert page_key(SITE + "/a;v=1?b=2") != page_key(SITE + "/a;v=2?b=2")


def test_pages_by_number_are_read_and_folded_ones_counted():
    links = [f"/s?session_id={n}" for n in range(1, 5)]
    tokens = [f"/t?session_id={n}{SESSION}" for n in range(1, 5)]
    again = ["/t", tokens[0].replace("?", "?b=1&"), "/s?session_id=1", tokens[1]]
    site = {"/": ([], links + tokens + again)}
    read, left = crawl(lambda url: site.get(url, (["/a.png"], [])))
    assert read == [SITE + path for path in ["/", *links, tokens[0], again[1]]]
    assert left == {"sessions": 4}


@pytest.mark.parametrize("odd", ["", "x", "http://", "http://a.example/" + "/a" * 5000, "//?#"])
def test_odd_addresses_have_a_shape(odd):
    assert isinstance(shape_of(odd), str)
    assert isinstance(folder_of(odd), str)
