"""Pages made to cost more time than they are long, or to name more than anybody can keep."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from found import all_sizes, find_images
from hypothesis import given
from hypothesis import strategies as st

from crawler.pages import srcset
from crawler.pages.image_groups import SizeOffer, settle
from crawler.pages.images import ImageCandidate, bounded
from crawler.pages.srcset import Size
from registry.urls.absolute import MAX_ADDRESS, absolute

PAGE = "https://art.example/works/1"


def sizes(number: int) -> str:
    return ", ".join(f"{n}.jpg {n + 1}w" for n in range(number))


GROWING: dict[str, Callable[[int], str]] = {
    "one link": lambda n: '<a href="/x">' + "".join(f'<img src="{i}.jpg">' for i in range(n)),
    "one picture": lambda n: "<picture>" + '<source srcset="a.jpg 2x"><img src="b.jpg">' * n,
    "pictures in pictures": lambda n: (
        '<picture><img src="b.jpg">' * n + '<source srcset="a.jpg">' * n
    ),
    "images in elements in elements": lambda n: '<div><img src="b.jpg">' * n,
    "sizes that two pictures claim": lambda n: (
        f'<img srcset="A.jpg 9999w, {sizes(n)}"><img srcset="B.jpg 9999w, {sizes(n)}">'
    ),
    "sizes of sizes": lambda n: "".join(
        f'<img srcset="{i}.jpg 2x, {i + 1}.jpg 1x">' for i in range(n)
    ),
    "sizes of sizes, upwards": lambda n: "".join(
        f'<img srcset="{i + 1}.jpg 2x, {i}.jpg 1x">' for i in range(n)
    ),
}


def calls(task: Callable[[], object]) -> int:
    """Return how many functions a task calls."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        task()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("name", GROWING)
def test_twice_the_page_is_twice_the_work(name: str) -> None:
    page = GROWING[name]
    find_images(page(2), PAGE)
    once, twice = (calls(lambda n=n: find_images(page(n), PAGE)) for n in (200, 400))  # type: ignore[misc]
    assert twice < 2.5 * once


def test_chains_of_sizes_are_settled() -> None:
    # Where each step of the chain were walked again for every group, this would not end.
    number = 30_000
    chain = [
        {
            url: SizeOffer(url, (1, rank, 0), "img")
            for url, rank in ((f"{n + 1}", 2.0), (f"{n}", 1.0))
        }
        for n in range(number)
    ]
    assert sum(map(len, settle(chain))) == number + 1


SETS = (
    "image-set(",
    "image-set(url(",
    "image-set('",
    "image-set('\"",
    "image-set((a)",
    "image-set('\")",
)


@pytest.mark.parametrize(
    "opened", ["url(", "url( ", "url('", 'url("', "url(url(", "url('\"", *SETS]
)
def test_styles_that_only_open(opened: str) -> None:
    style = (opened * 80_000)[:80_000].replace('"', "&quot;")
    assert find_images(f'<p style="{style}">', PAGE) is not None
    blanks = "url(" + " " * 80_000
    assert find_images(f'<p style="{blanks}">', PAGE) == []


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("URL( a.jpg )", "a.jpg"),
        ("url('a(1).jpg')", "a(1).jpg"),
        ("url(&quot;a'b.jpg&quot;)", "a'b.jpg"),
        ("url(a%20b.jpg)", "a%20b.jpg"),
        ("url('')", None),
        ("url()", None),
    ],
)
def test_addresses_in_styles(style: str, name: str | None) -> None:
    found = [image.url for image in find_images(f'<p style="{style}">', PAGE)]
    assert found == ([f"https://art.example/works/{name}"] if name else [])


@pytest.mark.parametrize("unit", ["w", "x"])
def test_numbers_of_any_length_are_read(unit: str) -> None:
    (huge, small) = all_sizes(f"a {'9' * 5000}{unit}, b {'0' * 5000}1{unit}")
    assert (huge.url, small.url) == ("a", "b")
    assert (huge.width or huge.density or 0) > 10**9
    assert (small.width or small.density) == 1
    assert all_sizes(f"a 2w {'9' * 5000}h") == [Size("a", 2)]
    assert all_sizes(f"a {'0' * 5000}w") == []


@given(
    st.lists(
        st.sampled_from(
            [
                *("a", "b.jpg", ",", ", ", " ", "\n", " 1w", " 20w", " 0w", " 9999999999w"),
                *(" 99999999999w", " 2x", " 3h", "(", ")", "w", "\xa0", " \u0663w"),
            ]
        ),
        max_size=14,
    ).map("".join)
)
def test_plain_sizes_are_read_as_any_others(value: str) -> None:
    with patch.object(srcset, "_PLAIN", re.compile("(?!)")):
        by_all_rules = all_sizes(value)
    assert all_sizes(value) == by_all_rules


def test_images_and_sizes_are_bounded_and_counted() -> None:
    many = tuple(f"{PAGE}/{n}" for n in range(60))
    page = [ImageCandidate(f"{PAGE}/{n}.jpg", many if n in (1, 2002) else ()) for n in range(2003)]
    kept, left = bounded(page)
    assert len(kept) == 2000
    assert kept[1].variants == many[:50]
    assert left == {"images": 3, "variants": 10}
    assert bounded(page[:1]) == ((page[0],), Counter())


def test_a_base_too_long_for_any_address_is_left_out() -> None:
    html = f'<base href="/{"a" * MAX_ADDRESS}/"><img src="a.jpg">'
    assert [image.url for image in find_images(html, PAGE)] == ["https://art.example/works/a.jpg"]


LABEL = "a" * 63


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://art.example/open/../private/x", "https://art.example/private/x"),
        ("https://art.example/open/%2E%2e/private/x", "https://art.example/private/x"),
        ("/a/./b/.%2e/c/..", "https://art.example/a/"),
        ("/../../x/.", "https://art.example/x/"),
        ("/a//../b/...", "https://art.example/a/b/..."),
        ("https://art.example/a?b=/../c", "https://art.example/a?b=/../c"),
        ("https://art.example", "https://art.example"),
        ("https://me:secret@art.example:81/a", "https://art.example:81/a"),
        ("https://a@b@art.example/", "https://art.example/"),
        ("https://@/a", None),
        ("// :", None),
        ("https://a b.example/", None),
        ("https://[fe80::1%25eth0]/", None),
        ("https://a_b.\u00e4.example/", "https://a_b.xn--4ca.example/"),
        (f"https://{LABEL}.example/", f"https://{LABEL}.example/"),
        (f"https://{LABEL}a.example/", None),
        (f"https://{'a.' * 125}xyz/", f"https://{'a.' * 125}xyz/"),
        (f"https://{'a.' * 126}xyz/", None),
    ],
)
def test_addresses_as_they_are_asked_for(href: str, expected: str | None) -> None:
    assert absolute(PAGE, href) == expected


@given(
    st.text(alphabet="ab1/.%2eE@:?#[]\\ \t\x00\xe4\u3002&;='|^{", max_size=40),
    st.sampled_from(["", "/", "https://", "https://art.example/", "http://a/../"]),
)
def test_an_address_is_its_own(text: str, start: str) -> None:
    found = absolute(PAGE, start + text)
    if found is not None:
        assert absolute(found, found) == found
        segments = urlsplit(found).path.lower().replace("%2e", ".").split("/")
        assert not {".", ".."} & set(segments)
