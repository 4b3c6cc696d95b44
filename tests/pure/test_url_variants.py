"""URLs of one picture in several sizes: the vectors of every plug-in, and properties."""

import json
import re
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.urls.key import url_key
from registry.urls.variants import LONGEST, MOST_CHANGES, candidates, plugins, same_picture

FOLDER = Path(__file__).parent.parent / "vectors/variants"


def vectors(name):
    """Return the vectors of a plug-in as (key, key of the picture, why)."""
    lines = map(json.loads, (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines())
    return [(url_key(v["url"]), v["picture"] and url_key(v["picture"]), v["why"]) for v in lines]


ALL = [vector for name in plugins() for vector in vectors(name)]
KEYS = [key for key, _, _ in ALL]
SHORT = [key for key in KEYS if len(key) < 500]


@pytest.mark.parametrize("name", plugins())
def test_vectors_hold(name):
    plugin = plugins()[name]
    for key, picture, why in vectors(name):
        given = plugin.picture(key)
        if picture is None:
            assert given in (None, key), f"{name}, {why}: {key[:200]}"
        else:
            assert (given or key) == picture, f"{name}, {why}: {key[:200]}"


@pytest.mark.parametrize("name", plugins())
def test_all_plugins_together_find_the_picture(name):
    """No other plug-in takes the key for its own, and none changes the picture's key again."""
    for key, picture, why in vectors(name):
        found = same_picture(key)
        if picture is None or picture == key:
            assert found is None, f"{name}, {why}: {key[:200]}"
        elif len(key) <= LONGEST:
            assert found == (picture, (name,)), f"{name}, {why}: {key[:200]}"


BLOG = "blog.example/wp-content/uploads/2020/01/photo"


@pytest.mark.parametrize(
    ("url", "picture", "names"),
    [
        (
            f"https://i0.wp.com/{BLOG}-300x200.jpg?resize=300%2C200&ssl=1",
            f"https://{BLOG}.jpg",
            ("photon", "wordpress"),
        ),
        (
            f"https://site.example/_next/image?url=https%3A%2F%2Fi2.wp.com%2F{BLOG}-scaled.jpg%3Fw%3D9&w=64&q=75",
            f"https://{BLOG}.jpg",
            ("nextjs", "photon", "wordpress"),
        ),
        (
            f"https://wsrv.nl/?url={BLOG}-1024x768-150x150.jpg",
            f"https://{BLOG}.jpg",
            ("wsrv", "wordpress"),
        ),
        (
            "https://site.example/cdn-cgi/image/width=80/https://images.unsplash.com/photo-1?w=9",
            "https://images.unsplash.com/photo-1",
            ("cloudflare", "unsplash"),
        ),
        (
            "https://res.cloudinary.com/demo/image/fetch/w_9/https://farm5.staticflickr.com/4567"
            "/49398982266_2ac8a1d2f0_z.jpg",
            "https://live.staticflickr.com/49398982266",
            ("cloudinary", "flickr"),
        ),
    ],
)
def test_a_proxy_of_a_size(url, picture, names):
    assert same_picture(url_key(url)) == (url_key(picture), names)


def test_changes_without_an_end_find_nothing():
    sizes = "-300x200" * (MOST_CHANGES + 1)
    assert same_picture(f"//{BLOG}{sizes}.jpg") is None
    assert same_picture(f"//{BLOG}{sizes[len('-300x200') :]}.jpg") == (
        f"//{BLOG}.jpg",
        ("wordpress",),
    )


def test_a_key_may_be_of_the_greatest_length():
    name = "a" * (LONGEST - len("//blog.example/wp-content/uploads/-300x200.jpg"))
    key = f"//blog.example/wp-content/uploads/{name}-300x200.jpg"
    assert same_picture(key) is not None
    assert same_picture(key.replace("aa", "aaa", 1)) is None


def test_what_becomes_the_end_is_normal():
    """An invisible end is kept before a query, and nowhere else."""
    key = url_key("https://images.pexels.com/photos/1/a.jpg%C2%A0?w=100")
    assert same_picture(key) == ("//images.pexels.com/photos/1/a.jpg", ("pexels",))


def test_another_spelling_of_the_host_is_no_matter():
    """Plug-ins see keys: the host is in lower case, a tracking parameter is gone."""
    key = url_key(
        "HTTPS://I.PinImg.com/736x/a7/7c/67/a77c67f95a4fec64de7969e98f29cf3b.jpg?fbclid=1"
    )
    assert same_picture(key)[1] == ("pinterest",)


def test_candidates_are_those_that_change():
    mask = candidates(pa.array([*KEYS, None, "", "//a.example/b.jpg"]))
    changed = [same_picture(key) is not None for key in KEYS]
    assert sum(changed) > 200
    missed = [KEYS[row] for row, is_one in enumerate(changed) if is_one and not mask[row]]
    assert missed == []
    assert mask[-3:].tolist() == [False] * 3


@pytest.mark.parametrize("key", ["//a.example/a-300x200.jpg", "//a.example/?w=300", "//wp.com/"])
def test_ordinary_keys_are_no_candidates(key):
    assert not candidates(pa.array([key]))[0]
    assert same_picture(key) is None


ODD = (
    "/ // ? & = % %2F %3A %FF %C2%A0 : , _ - . .. @ é ٣ \ud800 \x00 -300x200 _300x300 thumb/ ?w=1 "
    "&url= ?url=%2F s320/ =s0 _b.jpg /v1/fill/w_1,h_1/a.jpg full/max/0/default.jpg"
)
PIECES = st.one_of(st.sampled_from(SHORT), st.sampled_from(ODD.split()), st.text(max_size=5))


@st.composite
def damaged(draw):
    """Return the key of a vector with a part of it replaced by something else."""
    key = draw(st.sampled_from(SHORT))
    start = draw(st.integers(0, len(key)))
    end = draw(st.integers(start, min(len(key), start + draw(st.integers(0, 20)))))
    return key[:start] + draw(PIECES) * draw(st.integers(0, 3)) + key[end:]


@settings(max_examples=1000, deadline=None)
@given(text=damaged())
@example("")
@example("//")
@example("?")
@example("//thumb/a/ab/x/1px-x")
def test_properties(text):
    """On any text no plug-in raises; of any key, the result is a key, and its own result."""
    for plugin in plugins().values():
        assert plugin.picture(text) is None or isinstance(plugin.picture(text), str)
    same_picture(text)
    key = url_key(text)
    found = None if key is None else same_picture(key)
    if key is None or found is None:
        return
    picture, names = found
    assert picture != key
    assert names
    assert same_picture(picture) is None
    assert url_key(picture) == picture
    assert candidates(pa.array([key]))[0]


@settings(max_examples=1000, deadline=None)
@given(text=damaged())
def test_hints_and_hosts_cover_what_changes(text):
    key = url_key(text)
    for name, plugin in plugins().items() if key else ():
        if plugin.picture(key) not in (None, key):
            assert re.search(plugin.HINT, key), f"{name}: HINT does not match {key}"
            host = key[2:].partition("/")[0]
            assert re.fullmatch(getattr(plugin, "HOST", ".*"), host), f"{name}: HOST, {key}"


@pytest.mark.parametrize("name", plugins())
def test_hint_is_one_of_re2_without_captures(name):
    plugin = plugins()[name]
    assert pc.match_substring_regex(pa.array(["//a.example/"]), plugin.HINT).to_pylist() == [False]
    assert not re.compile(plugin.HINT).groups
    if hasattr(plugin, "HOST"):
        assert plugin.HINT.startswith(f"^//{plugin.HOST}/")


REPEATED = (
    "a / -1x1 _1x1 _0 %2F %25 &w=1 w_1, w_1/ /thumb/ 0/ a/ = v1/ : - s1- ../ .jpg /styles/ [ SL1_ "
    "f_a: g_a: max/1/"
)


@pytest.mark.parametrize("name", plugins())
def test_a_long_hostile_key_takes_linear_time(name):
    """Quadratic time would be minutes, exponential time no end: each key has 64 KiB."""
    picture = plugins()[name].picture
    starts = {re.match(r"(?://[^/]*/)?(?:[^/?]*/){0,3}", key)[0] for key, _, _ in vectors(name)}
    started = time.monotonic()
    for start in sorted(starts, key=len)[:4]:
        for piece in REPEATED.split():
            for middle in (piece, f"x{piece}"):
                picture(f"{start}{middle * (65_536 // len(middle))}")
                picture(f"{start}{middle * (65_536 // len(middle))}.jpg?x=1")
    assert time.monotonic() - started < 30
