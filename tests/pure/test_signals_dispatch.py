"""Header lines go to the readers of their fields, and what is remembered is what would be read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import MAX_REMEMBERED, header_fields, read, readers

NAMES = st.sampled_from([*header_fields(), "X-Robots-Tag", " Content-Usage ", "LINK", "Server"])
VALUES = st.one_of(
    st.sampled_from(
        [
            *("noai", "gptbot: noai", "train-ai=n", "ai-train=no", "1", "0", "/policy.json"),
            *("https://b.example/p", "*;noai", "x" * (MAX_REMEMBERED + 1)),
            '</l.xml>; rel="license"; type="application/rsl+xml"',
            '<l.xml>; rel="license"',
        ]
    ),
    st.text(max_size=30),
)
URLS = st.sampled_from(
    ["", "https://a.example/x/1.jpg", "https://b.example/y?z", "//odd", "\ud800"]
)


def asked_one_by_one(evidence):
    readings = [r.read(evidence) for r in readers().values() if "headers" in r.CARRIERS]
    return (
        [signal for reading in readings for signal in reading.signals],
        [text for reading in readings for text in reading.warnings],
    )


@given(
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    about=st.sampled_from(["image", "page"]),
    urls=st.lists(URLS, min_size=2, max_size=3),
)
@settings(max_examples=400)
def test_what_is_remembered_is_what_the_readers_say(lines, about, urls):
    for url in urls:
        evidence = Evidence("headers", about, url, tuple(lines))
        reading = read(evidence)
        assert (list(reading.signals), list(reading.warnings)) == asked_one_by_one(evidence)


def test_fields_that_hold_addresses_are_fields_that_are_read():
    for reader in readers().values():
        assert set(getattr(reader, "ADDRESSES", ())) <= set(getattr(reader, "HEADERS", ()))
