"""Licences of images in the form of schema.org; they do not mention AI.

Refuses: nothing; the URL of a licence is kept, and whom to credit.

Where: JSON-LD scripts of a page, its head or its body; microdata on `meta`,
`link` and on links with the word "license".

Examples:

    <script type="application/ld+json">
    {"@type": "ImageObject", "license": "https://a.example/licence",
     "acquireLicensePage": "https://a.example/buy"}</script>
    <link itemprop="license" href="/licence">
    <a itemprop="acquireLicensePage" href="/buy">buy</a>

Who: stock agencies, photographers and shops, for the licensable badge of image search.

Grammar: JSON-LD keys `license`, `acquireLicensePage` and `usageInfo`, with or
without `https://schema.org/` or `schema:` before them; values are a URL, an
object with `@id` or `url`, or a list of these. Microdata: `itemprop` is a list of
names; the value is `href`, or `content` on `meta`.

What it says: nothing for any use, neither a reservation nor a permission. The URL is
kept as `licence_url`, so that an answer can name where a licence is available. The text of
`creator` (its `name`) and `creditText` is kept if the page has only one (`schema:creator`,
`schema:creditText`): of several it is not known which picture they are about.

Decisions: properties are read anywhere in a script: an image's licence is often on a
neighbouring node, and none of them decides anything. In a script that is not valid JSON,
the values that are valid are read. Values that are not http(s) URLs are
ignored, and so is `copyrightNotice`, which is prose. Keys written with escapes and
JSON-LD contexts that rename them are not followed. At most 2,000 values of a page are
examined, and 100 marks are read.

Sources: https://schema.org/license, https://schema.org/acquireLicensePage,
https://schema.org/usageInfo,
https://developers.google.com/search/docs/appearance/structured-data/image-license-metadata
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from registry.model import Evidence, Reading, Signal
from registry.signals import _markup
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import absolute, base_url, media_type
from registry.text import quote

CARRIERS = ("html",)

MAX_SIGNALS = 100
MAX_VALUES = 2000
MAX_WARNINGS = 20
# Number of values that are not JSON after which the rest of a script is not read.
MAX_FAULTS = 20

_PROPERTIES = ("license", "acquireLicensePage", "usageInfo")
# Within a JSON string a quotation mark is escaped by a backslash: only keys match.
_KEY = re.compile(
    rf'"(?:https?://schema\.org/|schema:)?({"|".join(_PROPERTIES)})"[ \t\r\n]*+:[ \t\r\n]*+'
)
_PERSONS = ("creator", "creditText")
_PERSON_KEY = re.compile(_KEY.pattern.replace("|".join(_PROPERTIES), "|".join(_PERSONS)))
MAX_NAME = 200
_DECODER = json.JSONDecoder(strict=False)


def read(evidence: Evidence) -> Reading:
    """Read the licence properties of a page, in order."""
    signals: dict[tuple[str, str], Signal] = {}
    stated = [item for tag in _markup.tags(evidence.text) for item in _properties(tag)]
    base = base_url(evidence) if stated else ""
    for name, reference, raw in islice(stated, MAX_VALUES):
        url = absolute(reference, base)
        if url is not None and len(signals) < MAX_SIGNALS and (name, url) not in signals:
            signals[name, url] = _signal(name, url, raw, evidence.url)
    persons = _persons(evidence)
    warnings: dict[str, None] = {}
    if len(stated) > MAX_VALUES or len(signals) == MAX_SIGNALS:
        warnings["very many licence properties on one page, the first were read"] = None
    for name, reference, raw in islice(stated, MAX_VALUES):
        if not reference:
            warnings[f"{name} cannot be read: {quote(raw)}"] = None
    return Reading((*signals.values(), *persons), tuple(warnings)[:MAX_WARNINGS])


def _persons(evidence: Evidence) -> list[Signal]:
    """Return whom the page names as creator and for credit, where it names one."""
    texts: dict[str, set[str]] = {name: set() for name in _PERSONS}
    if any(name in evidence.text for name in _PERSONS):
        scripts = (tag.content for tag in _markup.tags(evidence.text) if _is_json_ld(tag))
        for name, value in islice((pair for s in scripts for pair in _named(s)), MAX_VALUES):
            texts[name].add(value)
    return [
        Signal(f"schema:{name}", "schema-org", "html", "page", f"{name}: {text}", evidence.url)
        for name, (text, *others) in ((n, t) for n, t in texts.items() if t)
        if not others
    ]


def _named(script: str) -> Iterator[tuple[str, str]]:
    """Yield property and text of what a script says of creators."""
    for key in islice(_PERSON_KEY.finditer(script), MAX_VALUES):
        try:
            value, _ = _DECODER.raw_decode(script, key.end())
        except (ValueError, RecursionError):
            continue
        for item in value if isinstance(value, list) else [value]:
            text = item.get("name") if isinstance(item, dict) else item
            if isinstance(text, str) and text.strip() and absolute(text) is None:
                yield key[1], " ".join(text[:MAX_RAW].split())[:MAX_NAME]


def _is_json_ld(tag: _markup.Tag) -> bool:
    kind = media_type(tag.attributes.get("type", "")) if tag.name == "script" else ""
    return bool(tag.content) and kind == "application/ld+json"


def _properties(tag: _markup.Tag) -> Iterator[tuple[str, str, str]]:
    """Yield name, URL and exact text of the properties of one tag; no URL if it cannot be read."""
    if tag.name != "script":
        if "itemprop" in tag.attributes:
            yield from _microdata(tag)
    elif _is_json_ld(tag):
        yield from _json_ld(tag.content)


def _microdata(tag: _markup.Tag) -> Iterator[tuple[str, str, str]]:
    value = tag.attributes.get("content" if tag.name == "meta" else "href", "")
    for name in tag.attributes["itemprop"].split():
        if value and name in _PROPERTIES:
            yield name, value, tag.text


def _json_ld(script: str) -> Iterator[tuple[str, str, str]]:
    position = faults = values = 0
    while faults < MAX_FAULTS and values <= MAX_VALUES and (key := _KEY.search(script, position)):
        position = key.end()
        try:
            value, position = _DECODER.raw_decode(script, position)
        except (ValueError, RecursionError):
            faults += 1
            yield key[1], "", script[key.start() : key.start() + MAX_RAW]
            continue
        values += 1
        raw = script[key.start() : position]
        for url in _urls(value):
            yield key[1], url, raw


def _urls(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        url = (item.get("@id") or item.get("url")) if isinstance(item, dict) else item
        if isinstance(url, str):
            yield url


def _signal(name: str, licence_url: str, raw: str, url: str) -> Signal:
    return Signal(
        name=f"schema:{name}",
        vocabulary="schema-org",
        carrier="html",
        scope="page",
        raw=raw[:MAX_RAW],
        url=url,
        licence_url=licence_url,
    )
