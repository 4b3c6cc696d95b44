r"""DeviantArt's page state: the artist's setting for each work.

Refuses: the artist's setting for the work.

Where: a script of a work's page, `window.__INITIAL_STATE__ = JSON.parse("...")`:
JSON within a JavaScript string, in which every work that the page mentions has
its own entry, about forty on a page.

Example:

    {\"145564099\":{\"deviationId\":145564099,\"isAiUseDisallowed\":true}}

Who: DeviantArt only. Works are opted out unless the artist changes the setting.

Grammar: an object under the work's number, whose `deviationId` is that number
and whose `isAiUseDisallowed` is `true`.

What it says: training with this work is reserved. `false` is no permission, only
the absence of this mark. `isAiGenerated` is only about how a work was made.

Decisions: only the entry of the page's own work counts, never a neighbour's. Its
number is at the end of the page's URL; for a copy of the page from another site, at the
end of the URL in `<link rel="canonical">`, or else in `og:url`. The format is
undocumented, but its meaning is clear and the site itself writes it, so the mark counts as
well formed. The state is read up to 2 MiB characters, and the excerpt of a page keeps only
this work's flags of it.

Sources: a page as captured on 10 June 2024 (github.com/oscarotero/Embed,
tests/cache); DeviantArt journal 934500371 (November 2022) for what the setting
means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry.agents.known import TRAINING
from registry.model import Evidence, Reading, Signal
from registry.signals import _markup
from registry.signals._directives import MAX_RAW

CARRIERS = ("html",)
COVERS_IMAGES = True

MAX_STATE = 2 * 1024 * 1024
MAX_URL = 2048
MAX_ENTRIES = 20

_SITE = re.compile(r"https?://(?:[a-z0-9-]+\.)*deviantart\.com(?=[:/?#]|$)", re.IGNORECASE)
_NUMBER = re.compile(
    r"/(?:art|journal|deviation|view|status-update|poll)/(?:[^/]*-)?([0-9]{1,18})/?$",
    re.ASCII,
)
_START = "window.__INITIAL_STATE__ = JSON.parse("
_STATE = re.compile(r"window\.__INITIAL_STATE__\s*+=\s*+JSON\.parse\(\s*+(?=\")")
_FLAG = re.compile(r'"isAiUseDisallowed"[ \t\r\n]*+:[ \t\r\n]*+(?:true|false)')
# An escape that is valid in JavaScript but not in JSON, after an even number of backslashes.
_JS_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*+)\\(?:x([0-9a-fA-F]{2})|([^\"\\/bfnrtu]))")
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class _Work:
    """The page's own work: its number, its flag, and the flag's exact JSON."""

    number: str
    disallowed: bool
    text: str


def read(evidence: Evidence) -> Reading:
    """Read the flag of the page's own work."""
    work, warnings = _own_work(evidence.text, evidence.url)
    if work is None or not work.disallowed:
        return Reading(warnings=warnings)
    signal = Signal(
        name="deviantart:isAiUseDisallowed=true",
        vocabulary="deviantart",
        carrier="html",
        scope="page",
        raw=_escaped(work.text)[:MAX_RAW],
        url=evidence.url,
        uses=TRAINING,
    )
    return Reading((signal,), warnings)


def excerpt(page: str, url: str) -> str:
    """Return a script with only the flag of the page's own work; empty if it has none.

    For a state that cannot be read it has an unclosed script, which gives the same warning.
    """
    work, warnings = _own_work(page, url)
    kept = f'<script>{_START}"</script>' if warnings else ""
    if work is None:
        return kept
    entry = f'{{"{work.number}":{{"deviationId":{work.number},{work.text}}}}}'
    state = _escaped(f'{{"@@entities":{{"deviation":{entry}}}}}')
    return f'{kept}<script>{_START}"{state}");</script>'


def _own_work(page: str, url: str) -> tuple[_Work | None, tuple[str, ...]]:
    tags = _markup.tags(page)
    number = _own_number(tags, url[:MAX_URL])
    if number is None:
        return None, ()
    works: list[_Work] = []
    warnings: list[str] = []
    for tag in tags:
        start = _STATE.search(tag.content) if tag.name == "script" else None
        if start is None:
            continue
        state = _decoded(_as_json(tag.content[start.end() : start.end() + MAX_STATE]), 0)
        if isinstance(state, str):
            works += _entries(state, number)
        else:
            warnings.append("page state is not JSON in a string, or is too long")
    # A work with several entries is reserved if one of them reserves it.
    work = max(works, key=lambda work: work.disallowed, default=None)
    return work, tuple(dict.fromkeys(warnings))


def _own_number(tags: tuple[_markup.Tag, ...], url: str) -> str | None:
    """Return the number of the work that a page is about."""
    if _SITE.match(url):
        return _number(url)
    canonical = (
        tag.attributes.get("href", "")
        for tag in tags
        if tag.name == "link" and "canonical" in tag.attributes.get("rel", "").lower().split()
    )
    shared = (
        tag.attributes.get("content", "")
        for tag in tags
        if tag.name == "meta" and tag.attributes.get("property", "").lower() == "og:url"
    )
    address = next(canonical, None) or next(shared, "")
    return _number(address.strip()[:MAX_URL])


def _number(url: str) -> str | None:
    path = url.partition("?")[0].partition("#")[0]
    match = _NUMBER.search(path) if _SITE.match(url) else None
    return match[1].lstrip("0") or None if match else None


def _entries(state: str, number: str) -> Iterator[_Work]:
    """Yield the entries of one work in a state.

    Within a JSON string a quotation mark is escaped by a backslash, so this finds only
    keys, and no text that looks like one.
    """
    key = re.compile(rf'"{number}"[ \t\r\n]*+:[ \t\r\n]*+(?={{)')
    position = 0
    for _ in range(MAX_ENTRIES):
        place = key.search(state, position)
        if place is None:
            return
        position = place.end()
        entry = _decoded(state, position)
        if not isinstance(entry, dict) or str(entry.get("deviationId")) != number:
            continue
        flag, text = entry.get("isAiUseDisallowed"), _FLAG.search(state, position)
        if isinstance(flag, bool) and text is not None:
            yield _Work(number, flag, re.sub("(true|false)$", json.dumps(flag), text[0]))


def _as_json(literal: str) -> str:
    r"""Return a JavaScript string with escapes that JSON lacks, such as `\'`, replaced."""
    return _JS_ESCAPE.sub(lambda m: m[1] + (f"\\u00{m[2]}" if m[2] else m[3]), literal)


def _decoded(text: str, position: int) -> object:
    """Return the JSON value at a position; None if it is invalid or nested too deeply."""
    try:
        return _DECODER.raw_decode(text, position)[0]
    except (ValueError, RecursionError):
        return None


def _escaped(text: str) -> str:
    """Return JSON escaped as in a JavaScript string."""
    return json.dumps(text)[1:-1]
