"""URLs of the sizes of one picture are one picture; the answer says so."""

import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import Made

from registry.checking.plan import plan
from registry.checking.report import to_lines
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.index import Index
from registry.lookups import lookup
from registry.urls.key import url_key
from registry.urls.variants import same_picture

BLOG = "https://blog.example/wp-content/uploads/2024/05"
# URLs of each picture in several sizes.
PICTURES = [
    [f"{BLOG}/cat.jpg", f"{BLOG}/cat-300x200.jpg", f"{BLOG}/cat-1024x683.jpg"],
    [f"{BLOG}/dog.jpg", f"{BLOG}/dog-scaled.jpg"],
    ["https://i.redd.it/abc123.jpg", "https://preview.redd.it/abc123.jpg?width=640&auto=webp"],
    [
        "https://upload.wikimedia.org/wikipedia/commons/a/ab/Tower.jpg",
        "https://upload.wikimedia.org/wikipedia/commons/thumb/a/ab/Tower.jpg/320px-Tower.jpg",
    ],
    [
        "https://i.pinimg.com/236x/12/34/56/1234.jpg",
        "https://i.pinimg.com/originals/12/34/56/1234.jpg",
    ],
    ["https://plain.example/a.jpg"],
]
URLS = list(itertools.chain(*PICTURES))


MEANINGS = st.sampled_from(["reserved", "allowed"])


def picture_of(url):
    key = url_key(url)
    same = same_picture(key)
    return same[0] if same else key


def checked(folder, made, urls):
    pq.write_table(pa.table({"url": urls}), folder / "d.parquet")
    dataset, out = open_dataset([str(folder / "d.parquet")]), folder / "rows.parquet"
    snapshot = made.snapshot(folder)
    report = check(dataset, snapshot, plan(dataset), CheckOptions(out=out))
    return report, pq.read_table(out).to_pylist(), Index(snapshot, "cautious")


@given(
    st.lists(st.tuples(st.sampled_from(URLS), MEANINGS), max_size=6),
    st.lists(st.sampled_from(URLS), min_size=1, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_a_row_is_reserved_if_any_size_of_its_picture_is(tmp_path_factory, claims, urls):
    made = Made()
    made.claim(url="https://other.example/1.jpg")
    for url, meaning in claims:
        made.claim(url=url, meaning=meaning)
    report, rows, index = checked(tmp_path_factory.mktemp("sizes"), made, urls)
    reserved = {picture_of(url) for url, meaning in claims if meaning == "reserved"}
    same_url = {url for url, meaning in claims if meaning == "reserved"}
    expected = ["reserved" if picture_of(url) in reserved else "clear" for url in urls]
    assert [row["optout_outcome"] for row in rows] == expected
    sized = [url for url in urls if picture_of(url) in reserved and url not in same_url]
    assert report.tally.resized == len(sized)
    assert [row["url"] for row in rows if "another size" in row["optout_reason"]] == sized
    for url, outcome in zip(urls, expected, strict=True):
        assert (lookup(index, url).decision == "reserved") == (outcome == "reserved")


@pytest.mark.parametrize(("recorded", "row"), [*itertools.permutations(PICTURES[0], 2)])
def test_the_answer_says_that_it_is_by_another_size(tmp_path, recorded, row):
    made = Made()
    made.observe(recorded, [made.headers("noai", url=recorded)])
    report, rows, index = checked(tmp_path, made, [row, recorded, f"{BLOG}/other-300x200.jpg"])
    assert [one["optout_outcome"] for one in rows] == ["reserved", "reserved", "clear"]
    assert f"(another size of the picture at {recorded})" in rows[0]["optout_reason"]
    assert "(same URL)" in rows[1]["optout_reason"]
    assert report.tally.resized == 1
    assert any("another size of the picture: 1" in line for line in to_lines(report))
    (match,) = lookup(index, row).found
    assert match.other_size


def test_a_picture_that_is_gone_from_one_size_is_not_there(tmp_path):
    made = Made()
    made.claim(url="https://other.example/1.jpg")
    made.observe(PICTURES[0][1], refusal="http-404")
    _, rows, _ = checked(tmp_path, made, [PICTURES[0][0]])
    assert rows[0]["optout_outcome"] == "clear"


# Addresses at which a proxy, or the site itself, serves the picture {} of a site.
PROXIES = [
    "https://wsrv.nl/?url=https://{}",
    "https://wsrv.nl/?url={}&w=300",
    "https://shop.example/_next/image?url=https%3A%2F%2F{}&w=640&q=75",
    "https://i0.wp.com/{}?w=300",
    "https://res.cloudinary.com/demo/image/fetch/w_300/https://{}",
]
OF_SITE = "painter.example/works/y.jpg"


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("path", ["/", "/works/"])
def test_a_rule_of_the_site_of_the_original_counts_at_a_proxy(tmp_path, proxy, path):
    made = Made()
    made.robots("painter.example", f"User-agent: *\nDisallow: {path}\n")
    sites = (OF_SITE, OF_SITE.replace("painter.", "other."), OF_SITE.replace("works", "free"))
    urls = [proxy.format(one) for one in sites]
    _, rows, index = checked(tmp_path, made, urls)
    expected = ["reserved", "clear", "reserved" if path == "/" else "clear"]
    assert [row["optout_outcome"] for row in rows] == expected
    assert "rule of the site of its original" in rows[0]["optout_reason"]
    assert f"Disallow: {path}" in rows[0]["optout_reason"]
    decisions = [lookup(index, url).decision for url in urls]
    assert [one == "reserved" for one in decisions] == [one == "reserved" for one in expected]


def test_a_rule_for_the_original_counts_for_its_sizes(tmp_path):
    made = Made()
    made.robots("blog.example", f"User-agent: *\nDisallow: {BLOG[20:]}/cat.jpg\n")
    _, rows, index = checked(tmp_path, made, PICTURES[0] + PICTURES[1])
    assert [row["optout_outcome"] for row in rows] == ["reserved"] * 3 + ["clear"] * 2
    assert lookup(index, PICTURES[0][1]).decision == "reserved"


def test_the_key_of_a_platform_is_no_address_of_another_site(tmp_path):
    """`i.redd.it` stands for all addresses of a picture at Reddit; a rule of it is about it."""
    made = Made()
    made.robots("i.redd.it", "User-agent: *\nDisallow: /\n")
    _, rows, _ = checked(tmp_path, made, PICTURES[2])
    assert [row["optout_outcome"] for row in rows] == ["reserved", "clear"]
