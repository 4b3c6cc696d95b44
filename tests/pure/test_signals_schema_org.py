"""Licences in JSON-LD and microdata: kept, never a word on training, whatever the text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import schema_org
from registry.signals.schema_org import MAX_SIGNALS

OPEN, CLOSE = '<script type="application/ld+json">', "</script>"


def reading(text):
    return schema_org.read(Evidence("html", "page", "https://a.example/p", text=text))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
KEYS = st.sampled_from(["license", "usageInfo", "name", "@graph", "@id", 'x"license":'])
NODES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


def stated(node, found):
    """Collect what a walk over the parsed JSON finds, licences within licences left out."""
    if isinstance(node, list):
        for item in node:
            stated(item, found)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"license", "usageInfo"}:
                found += [(key, url) for url in schema_org._urls(value)]
            else:
                stated(value, found)
    return found


@given(NODES)
def test_what_a_walk_over_the_json_finds(node):
    script = json.dumps(node)
    found = [(name, url) for name, url, _ in schema_org._json_ld(script)]
    assert found == stated(node, [])
    assert all(raw in script for _, _, raw in schema_org._json_ld(script))


def test_exact_text_and_silence():
    key = '"license" : {"@id": "/l"}'
    (signal,) = reading(f"{OPEN}{{{key}}}{CLOSE}").signals
    assert (signal.raw, signal.licence_url) == (key, "https://a.example/l")
    assert signal.uses == ()


def test_bounds():
    crowd = ", ".join(f'"https://a.example/{number}"' for number in range(1000))
    found = reading(f'{OPEN}{{"license": [{crowd}]}}{CLOSE}')
    assert len(found.signals) == MAX_SIGNALS
    assert len(found.warnings) == 1
    assert max(len(signal.raw) for signal in found.signals) == 4096


@pytest.mark.parametrize(
    "piece", ['"license":', '"license":{', '"license":[', '"license":"', "[", '"license":"x",']
)
def test_hostile_scripts(piece):
    found = reading(OPEN + piece * 50_000 + CLOSE)
    assert len(found.signals) <= 1


@given(st.text())
def test_any_text(text):
    reading(OPEN + text + CLOSE)
    reading(f'<meta itemprop="license" content="{text}"><base href="{text}">')
