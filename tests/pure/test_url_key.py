"""URL keys: a table of equal and unequal URLs, properties, and the column path."""

import string
import time
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.checking.mentions import PERHAPS_MORE
from registry.urls import columns
from registry.urls._kernel_hash import hash_texts
from registry.urls.columns import hosts_of_keys, key_column, url_keys
from registry.urls.key import host_of, url_key
from registry.urls.key_hash import hash64
from registry.urls.tracking import NAMES

KEYS = [
    # scheme, host, port, userinfo, fragment
    ("https://example.org/a.png", "//example.org/a.png"),
    ("http://example.org/a.png", "//example.org/a.png"),
    ("//example.org/a.png", "//example.org/a.png"),
    ("HTTPS://EXAMPLE.org/A.png", "//example.org/A.png"),
    ("https://example.org./a", "//example.org/a"),
    ("http://example.org:80/a", "//example.org/a"),
    ("https://example.org:443/a", "//example.org/a"),
    ("https://example.org:0443/a", "//example.org/a"),
    ("https://example.org:/a", "//example.org/a"),
    ("https://example.org:80/a", "//example.org:80/a"),
    ("http://example.org:8080/a", "//example.org:8080/a"),
    ("https://user:p@ss@example.org/a", "//example.org/a"),
    ("https://example.org/a#top", "//example.org/a"),
    ("https://example.org/a#x?y=1", "//example.org/a"),
    ("  https://example.org/a\n", "//example.org/a"),
    ("https://exam\nple.org/a", "//example.org/a"),
    ("https://my_host.example/a", "//my_host.example/a"),
    ("https://192.0.2.1/a", "//192.0.2.1/a"),
    ("https://[2001:DB8:0:0::1]:8080/a", "//[2001:db8::1]:8080/a"),
    # UTS 46, not transitional: sharp s is a letter of its own (as browsers do since 2016)
    ("https://bücher.example/a", "//xn--bcher-kva.example/a"),
    ("https://BÜCHER.example/a", "//xn--bcher-kva.example/a"),
    ("https://b%C3%BCcher.example/a", "//xn--bcher-kva.example/a"),
    ("https://xn--bcher-kva.example/a", "//xn--bcher-kva.example/a"),
    ("https://straße.example/", "//xn--strae-oqa.example/"),
    ("https://例え。テスト/", "//xn--r8jz45g.xn--zckzah/"),
    ("https://\N{PILE OF POO}.example/", "//xn--ls8h.example/"),
    # path
    ("https://example.org", "//example.org/"),
    ("https://example.org?x=1", "//example.org/?x=1"),
    ("https://example.org/a/../b/./c", "//example.org/b/c"),
    ("https://example.org/../a", "//example.org/a"),
    ("https://example.org/a/..", "//example.org/"),
    ("https://example.org/a/.", "//example.org/a/"),
    ("https://example.org/a/%2E%2e/b", "//example.org/b"),
    ("https://example.org/a/.../b", "//example.org/a/.../b"),
    ("https://example.org/.well-known/x", "//example.org/.well-known/x"),
    ("https://example.org//a//b", "//example.org//a//b"),
    # percent-encoding
    ("https://example.org/%7euser/%61", "//example.org/~user/a"),
    ("https://example.org/a%2fb", "//example.org/a%2Fb"),
    ("https://example.org/a b", "//example.org/a%20b"),
    ("https://example.org/é", "//example.org/%C3%A9"),
    ("https://example.org/100%", "//example.org/100%25"),
    ("https://example.org/%%341", "//example.org/%2541"),
    ("https://example.org/\ud800", "//example.org/%ED%A0%80"),
    ("https://example.org/a[1].png", "//example.org/a%5B1%5D.png"),
    # query
    ("https://example.org/a?", "//example.org/a"),
    ("https://example.org/a?b=2&a=1", "//example.org/a?b=2&a=1"),
    ("https://example.org/a?w=100&utm_source=x", "//example.org/a?w=100"),
    ("https://example.org/a?UTM_source=x&utm%5Fmedium=y", "//example.org/a"),
    ("https://example.org/a?not_utm_x=1", "//example.org/a?not_utm_x=1"),
    ("https://example.org/a?x=a/../b", "//example.org/a?x=a/../b"),
    ("https://example.org/utm_a.png", "//example.org/utm_a.png"),
    ("https://example.org/a?x='b'", "//example.org/a?x=%27b%27"),
    ("https://example.org/it's", "//example.org/it's"),
    # copied out of a page's source
    ("https://example.org/a?x=1&amp;y=2", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?x=1&AMP;y=2", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?x=1&amp;amp;y=2", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?x=1&#038;y=2", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?x=1&#x26;amp;y=2#z", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?x=1&%61mp;y=2", "//example.org/a?x=1&y=2"),
    ("https://example.org/a&amp;b.png", "//example.org/a&b.png"),
    ("https://example.org/a?amp;y=2", "//example.org/a?amp;y=2"),
    # what is invisible around it
    ("https://example.org/a.png\N{NO-BREAK SPACE}", "//example.org/a.png"),
    ("\N{NO-BREAK SPACE}https://example.org/a.png", "//example.org/a.png"),
    ("\ufeffhttps://example.org/a.png\u200b \ufeff\t", "//example.org/a.png"),
    ("https://example.org/a.png?x=1\u200b", "//example.org/a.png?x=1"),
    ("https://example.org/a.png\u200b#top", "//example.org/a.png"),
    ("https://example.org/a.png?\u200b", "//example.org/a.png"),
    ("https://example.org/a.png%C2%A0", "//example.org/a.png"),
    ("https://example.org/a.png%e2%80%8b%EF%BB%BF", "//example.org/a.png"),
    ("https://example.org/a%C2%A0b.png", "//example.org/a%C2%A0b.png"),
    ("https://example.org/a.png%C2%A0?x=1", "//example.org/a.png%C2%A0?x=1"),
    ("https://example.org/a.png%20", "//example.org/a.png%20"),
    ("https://example.org/a/..%C2%A0", "//example.org/"),
    # empty parameters
    ("https://example.org/a?&x=1", "//example.org/a?x=1"),
    ("https://example.org/a?x=1&&y=2&", "//example.org/a?x=1&y=2"),
    ("https://example.org/a?&", "//example.org/a"),
    ("https://example.org/a?x=", "//example.org/a?x="),
    # tracking
    ("https://example.org/a?fbclid=IwAR0", "//example.org/a"),
    ("https://example.org/a?FBCLID=1&w=100&gclid=2", "//example.org/a?w=100"),
    ("https://example.org/a?w=100&amp;fbclid=3", "//example.org/a?w=100"),
    ("https://example.org/a?w=100%C2%A0&fbclid", "//example.org/a?w=100"),
    ("https://example.org/a?fbclid_of=1", "//example.org/a?fbclid_of=1"),
    ("https://example.org/a&fbclid=1", "//example.org/a&fbclid=1"),
    # backslashes are slashes, but not in a query
    ("https://example.org\\a\\b.png", "//example.org/a/b.png"),
    ("https:\\\\example.org\\a.png", "//example.org/a.png"),
    ("https://example.org\\..\\a.png?x=\\", "//example.org/a.png?x=%5C"),
    ("http://a\\b/", "//a/b/"),
    ("https://example.org/a%5Cb.png", "//example.org/a%5Cb.png"),
    # IPv4 as the URL Standard reads it
    *(
        (f"http://{host}/a", "//127.0.0.1/a")
        for host in (
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0X7F.0.0.0x1",
            "2130706433",
            "017700000001",
            "0x7f000001",
            "0177.0.0.01",
            "127.0.0.1.",
            "127.1.",
            "000000000000000177.1",
            "\u2460\u2461\u2466.0.0.1",
            "%31%32%37.0.0.1",
            "127\u30020\uff0e0\uff611",
        )
    ),
    ("http://0x.0x.0", "//0.0.0.0/"),
    ("http://4294967295/", "//255.255.255.255/"),
    ("http://1.2.3.4x/", "//1.2.3.4x/"),
    ("http://1.2.3.0xg/", "//1.2.3.0xg/"),
    # IPv6: one form under every version of Python
    ("http://[::FFFF:127.0.0.1]/", "//[::ffff:7f00:1]/"),
    ("http://[0:0:1:0:0:0:0:1]/", "//[0:0:1::1]/"),
    ("http://[1:0:0:2:0:0:3:4]/", "//[1::2:0:0:3:4]/"),
    ("http://[0:1:2:3:4:5:6:7]/", "//[0:1:2:3:4:5:6:7]/"),
]
NO_KEY = [
    *("", " ", "a.png", "/a.png", "example.org/a.png", "http:example.org", "http:/example.org/a"),
    *("http://", "https:///a.png", "http://:80/", "http://user@/a", "http://./", "http://.a/"),
    *("http://a..b/", "http://a b/", "http://a%00b/", "http://a%/", "http://a<b>/"),
    *("http://256.1/", "http://1.2.3.4.5/", "http://4294967296/", "http://a.08/", "http://08.1/"),
    *("http://1.2.3.256/", "http://example.1/", "http://1..1/", f"http://{'9' * 5000}/"),
    *("data:image/png;base64,AAAA", "ftp://example.org/a", "javascript:alert(1)", "mailto:a@b.c"),
    *("http://example.org:x/", "http://example.org:65536/", "http://example.org:-1/"),
    *("http://[::1/", "http://[:::1/", "http://[::1]x/", "http://[v1.x]/", "http://[fe80::1%25e]/"),
    *("http://\ud800/", "http://a\ufffdb/", "\0", "://", "//", "///a"),
]


@pytest.mark.parametrize(("url", "key"), KEYS)
def test_key(url, key):
    assert url_key(url) == key


@pytest.mark.parametrize("url", NO_KEY)
def test_no_key(url):
    assert url_key(url) is None
    assert host_of(url) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTPS://u@Example.ORG.:8443/a:1/b?c", "example.org:8443"),
        ("http://example.org:80", "example.org"),
        ("https://[2001:DB8::1]:443/", "[2001:db8::1]"),
    ],
)
def test_host(url, host):
    assert host_of(url) == host


STARTS = ("https://", "http://", "HTTPS://", "//", "https:/", "")
HOSTS = (
    *("a.example", "Art.Example", "x_y-z.example.org", "127.0.0.1", "b.4", "a..b", "a.b.", ".a"),
    *("a.b:80", "a.b:443", "a.b:8080", "a.b:", "a.b:00080", "a.b:x", "user@a.b", "é.fr", "%61.b"),
    *("[::1]", "0x7f.1", ""),
)
PARTS = (
    *("http", "https", ":", "//", "/", "\\", "a", "B", ".", "..", " ", "%", "%2", "%20"),
    *("%41", "%7e", "%7E", "%c3%a9", "%C2%A0", "%E2%80%8B", "é", "\u200b", "\xa0", "漢", "?"),
    *("&", "=", "#", "&amp;", "&AMP;", "amp;", "&#38;", "utm_source=x", "UTM_x", "gclid=1"),
    *("fbclid", "_ga", "w=1", "@", "[", "]", "'", '"', "<", "|", "^", "`", "{", "~", "+"),
    *(",", ";", "$", "!", "*", "(", ")", "\t", "\n", "\r", "\x00", "\x7f", "%00", "%0a"),
    *("%2f", "%2F", "%25", "%zz", "%3A", "%3a", "http:", "https%3a//", "/.", "/./", "/../"),
    *("/.jpg", "/...", "a.jpg", "%D0%B0.png", "12345"),
)


def made_up(rng) -> str:
    """Return a URL that has something unusual in most cases."""
    if rng.random() < 0.2:
        return "".join(rng.choice(PARTS) for _ in range(rng.randrange(12)))
    start = rng.choice(STARTS[:2] if rng.random() < 0.8 else STARTS)
    host = rng.choice(HOSTS[:3] if rng.random() < 0.6 else HOSTS)
    rest = "".join(rng.choice(PARTS) for _ in range(rng.randrange(7)))
    return start + host + rng.choice("///?#") + rest


ALPHABET = (
    string.ascii_letters
    + string.digits
    + "%25./:?#@&=_-~[]\\ \t\xa0\u200b'éß。\ud800\N{PILE OF POO}"
)
PIECES = st.sampled_from(
    [
        *("http://", "https://", "//", "example.org", "EXAMPLE.org.", ":80", ":443", "@", "[::1]"),
        *("/", "/../", "/.", "..", "%", "%2e", "%41", "%C3%A9", "é", "?", "&", "utm_x=1", "#"),
        *("xn--", "127.1", "0x7f", "017", ".1", "&amp;", "&#38;", "amp;", "&&", "?&", "fbclid=1"),
        *("&gclid", "\\", "\xa0", "\u200b", "\ufeff", "%C2%A0", "%E2%80%8B", "=", "'"),
    ]
)
URLS = st.one_of(
    st.text(),
    st.text(ALPHABET).map("https://example.org/{}".format),
    st.text(ALPHABET).map("https://{}".format),
    st.lists(PIECES | st.text(ALPHABET, max_size=3), max_size=12).map("".join),
)


@given(URLS)
def test_a_key_is_its_own_key_and_plain_ascii(url):
    key = url_key(url)
    if key is not None:
        assert url_key(key) == key
        assert key.isascii()
        assert key.isprintable()
        assert " " not in key


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encoding_unreserved_or_illegal_characters_changes_nothing(name):
    name = name.translate(dict.fromkeys(map(ord, "/\\?#%")))
    bare = name.strip().replace("\t", "").replace("\n", "").replace("\r", "")
    kept = "!$&'()*+,;=:@"
    assert url_key(f"https://example.org/x{bare}x") == url_key(
        f"https://example.org/x{quote(bare, safe=kept)}x"
    )


@pytest.fixture(params=[False, True], ids=["singly", "compiled"])
def compiled(request, monkeypatch):
    """Columns are read row by row, or by the compiled kernel."""
    monkeypatch.setattr(columns, "is_compiled", lambda rows: request.param)


def agree(urls: list[str | None]) -> None:
    """Compare the columns of keys and hosts with `url_key` and `host_of`, row by row."""
    known = key_column(pa.array(urls, pa.string()))
    keys = [None if url is None else url_key(url) for url in urls]
    assert known.keys().to_pylist() == keys
    assert known.has.tolist() == [key is not None for key in keys]
    for row, (url, key) in enumerate(zip(urls, keys, strict=True)):
        assert known.key(row) == key
        if key is not None:
            assert int(known.hashes[row]) == hash64(key.encode()), url
            assert int(known.hosts[row]) == hash64(host_of(url).encode()), url
            assert not known.plain[row] or url.partition(":")[2] == key, url
    holds_more = pc.match_substring_regex(known.text.cast(pa.binary()), PERHAPS_MORE)
    for row in np.flatnonzero(holds_more.fill_null(False).to_numpy(False)).tolist():
        assert known.odd[row], urls[row]


@pytest.mark.usefixtures("compiled")
def test_columns_know_every_url_of_the_tables():
    agree([url for url, _ in KEYS if is_text(url)] + [None] + list(filter(is_text, NO_KEY)))
    agree([f"https://a.example/{name}=1" for name in sorted(NAMES)])
    agree([f"https://a.example/?x&{name}=1" for name in sorted(NAMES)])
    agree([f"https://a.example/?x&{name.upper()}" for name in sorted(NAMES)])
    agree(["https://a.example/" + "x" * size for size in (0, 1, 15, 16, 17, 4096, 20_000)])


@pytest.mark.usefixtures("compiled")
@given(st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_columns_of_made_up_urls(rng):
    agree([made_up(rng) for _ in range(200)])


@given(st.binary(max_size=80))
def test_texts_are_hashed_alike_singly_and_in_columns(data):
    text = data.decode("utf-8", "replace")
    hashes = hash_texts(pa.array(["", text, text[:8], "x" + text]))
    expected = [hash64(one.encode()) for one in ("", text, text[:8], "x" + text)]
    assert hashes.tolist() == expected


HASHED = [
    *("480fe49664288f5d", "0de5a96320ab66a9", "9ba74fae84bca382", "1bdde6840697c7bb"),
    "51aa8a4d4c1150ee",
]


def test_the_hash_is_the_one_that_snapshots_hold():
    """A change of these is a new version of URL keys."""
    texts = (b"", b"a", b"//a.example/", b"//a.example/works/1.jpg", bytes(range(64)))
    assert [f"{hash64(text):016x}" for text in texts] == HASHED


@pytest.mark.usefixtures("compiled")
def test_every_escape_is_decoded_or_kept_in_columns_too():
    written = [f"%{byte:02X}" for byte in range(256)] + [f"%{byte:02x}" for byte in range(256)]
    written += [chr(byte) for byte in range(1, 256)]
    urls = [f"https://example.org/{one}x{two}{one}" for one in written for two in ("", "?")]
    agree(urls)


def is_text(url: str) -> bool:
    return url.isascii() or url.encode("utf-8", "ignore").decode() == url


ARROW_URLS = URLS.filter(is_text)


@given(st.lists(st.none() | ARROW_URLS, max_size=20))
@example([None])
@example([])
def test_columns_equal_the_scalar_functions(urls):
    column = pa.array(urls, pa.string())
    expected = [None if url is None else url_key(url) for url in urls]
    assert url_keys(column).to_pylist() == expected
    hosts = hosts_of_keys(url_keys(column))
    assert hosts.to_pylist() == [None if url is None else host_of(url) for url in urls]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "is_compiled", lambda rows: True)
        agree(urls)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()]
)
def test_columns_of_every_string_kind_and_in_chunks(kind):
    urls = [url for url, _ in KEYS if url.encode("utf-8", "ignore").decode() == url]
    chunks = pa.chunked_array([urls, [None], [], urls[::-1]], pa.string()).cast(kind)
    expected = [url_key(url) for url in urls]
    assert url_keys(chunks).to_pylist() == [*expected, None, *expected[::-1]]
    assert url_keys(chunks).type == pa.string()


def test_a_column_of_nulls_and_a_slice():
    assert url_keys(pa.nulls(3)).to_pylist() == [None] * 3
    column = pa.array(["no", "https://a.b/c", "HTTP://A.b"])[1:]
    assert url_keys(column).to_pylist() == ["//a.b/c", "//a.b/"]


def test_a_long_hostile_address_takes_linear_time():
    """Quadratic time would be minutes: each of these has 64 KiB."""
    started = time.monotonic()
    for middle in ("%C2%A0", "%E2%80%8B", "&amp;", "&amp;amp;", "/..", "/%2e.", "utm_a=1&", "%"):
        repeated = middle * (65_536 // len(middle))
        for address in (f"https://a.example/{repeated}x", f"https://a.example/?{repeated}"):
            assert url_key(address)
    assert time.monotonic() - started < 30
