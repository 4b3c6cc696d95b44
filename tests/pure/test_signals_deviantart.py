"""DeviantArt's page state: the own work's flag, never another's, whatever the text."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import deviantart, page_excerpt, read

REAL = Path(__file__).parents[2].parent / "shared/wild/deviantart_page_2024-06-10.html.gz"
REAL_URL = "https://www.deviantart.com/sakimichan/art/Misty-510056679"
NAME = "deviantart:isAiUseDisallowed=true"


def page(state):
    literal = json.dumps(json.dumps(state))
    return f"<body><script>window.__INITIAL_STATE__ = JSON.parse({literal});</script>"


def reading(text, number):
    url = f"https://www.deviantart.com/a/art/W-{number}"
    return deviantart.read(Evidence("html", "page", url, text=text))


def test_real_page():
    if not REAL.is_file():
        pytest.skip("the real page is not beside this checkout")
    text = gzip.decompress(REAL.read_bytes()).decode()
    for evidence in (text, page_excerpt(text, REAL_URL)):
        signals = read(Evidence("html", "page", REAL_URL, text=evidence)).signals
        assert {(s.name, s.raw[:30]) for s in signals} == {
            (NAME, r"\"isAiUseDisallowed\":true"),
            ("noimageai", '<meta name="robots" content="m'),
        }


works = st.dictionaries(st.integers(1, 30), st.booleans(), min_size=1, max_size=8)


@given(works, st.integers(1, 30))
def test_own_flag_alone_decides(flags, own):
    entries = {
        str(number): {"deviationId": number, "isAiUseDisallowed": flag, "isAiGenerated": not flag}
        for number, flag in flags.items()
    }
    text = page({"@@entities": {"deviation": entries, "deviationExtended": {str(own): {}}}})
    found = reading(text, own)
    assert [signal.name for signal in found.signals] == [NAME] * bool(flags.get(own))
    assert all(signal.raw in text for signal in found.signals if '": ' not in text)
    url = f"https://www.deviantart.com/a/art/W-{own}"
    kept = page_excerpt(text, url)
    assert reading(kept, own) == found
    # Nothing of the other works is kept.
    assert len(kept) < 300


@pytest.mark.parametrize("escaped", [r"\'", r"\x41", r"\v", "\\\\", r"\\u0041", r"\/"])
def test_escapes_of_javascript(escaped):
    text = page({"title": "HERE", "works": {"7": {"deviationId": 7, "isAiUseDisallowed": True}}})
    found = reading(text.replace("HERE", escaped), 7)
    assert [signal.name for signal in found.signals] == [NAME]


@pytest.mark.parametrize(
    "url",
    [
        "https://deviantart.com.evil.example/a/art/W-7",
        "https://notdeviantart.com/a/art/W-7",
        "https://www.deviantart.com/a/art/W-7b",
        "https://www.deviantart.com/a/gallery/7",
        "https://www.deviantart.com/a/art/W-0",
        "https://www.deviantart.com/a?x=/art/W-7",
        "https://[",
    ],
)
def test_no_page_of_the_work(url):
    text = page({"7": {"deviationId": 7, "isAiUseDisallowed": True}})
    assert deviantart.read(Evidence("html", "page", url, text=text)).signals == ()


@pytest.mark.parametrize(
    "piece", [r"\"7\":{", r"\"7\":[", "[", "{", r"\\", r"\'", r"\"7\":{},", "</script>", "\ud800"]
)
def test_hostile_state(piece):
    literal = piece * 50_000
    text = f'<script>window.__INITIAL_STATE__ = JSON.parse("{literal}");</script>'
    found = reading(text, 7)
    assert found.signals == ()
    kept = deviantart.excerpt(text, "https://www.deviantart.com/a/art/W-7")
    assert reading(kept, 7) == found
    assert len(kept) < 100


@given(st.text(), st.text())
def test_any_text(state, url):
    text = f'<script>window.__INITIAL_STATE__ = JSON.parse("{state}");</script>'
    deviantart.read(Evidence("html", "page", url, text=text))
    assert len(reading(text, 7).warnings) <= 1
