"""`<meta name="robots">`: robots directives in a page.

Refuses: `noai`, `noimageai`, `noml`.

Where: a page's `head`; `name` is `robots` for all agents, or an agent's token.

Example:

    <meta name="robots" content="noai, noimageai">
    <meta name="GPTBot" content="noai">

Grammar: `content` is a list of directives as in `X-Robots-Tag`, without agent
prefixes. All tags count. Quoting, attribute order and character references are
those of HTML, so a parser reads them.

Who: DeviantArt, ArtStation, Cara, Sketchfab, Cohost, Giphy, Misskey (two tags a page),
WordPress plug-ins, Nuxt SEO; `noarchive` on Flickr.

What it says: as in `X-Robots-Tag`. By DeviantArt's definition `noai` covers
everything on the page and `noimageai` its images, so a mark on a page covers the
images that the page shows, whoever owns them.

Decisions: `robots`, agents of the list and names of search engines are read for
every directive, any other single name only for a refusal of training; names
that describe a page (`keywords`, `description`) are not agents. `name="ai"`, which
no document defines, means every agent that trains: a refusal of training there is
legacy and for all agents, `noindex` there is a mark for an agent `ai`. A tag in the
body is read as `noai(body)`, outside current documents, which allow the head
only; so is an agent prefix within `content`. `property="robots"`,
`http-equiv="X-Robots-Tag"` and several agents in one name are malformed
refusals. Comments, scripts, templates and visible text hold no marks. `data-noai`,
`rel="noai"` and `<meta name="ai-training">` are not marks: no site or program was
found that writes or reads them. A page is read to 8 MiB characters and 30,000 tags.

Sources: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag,
draft-illyes-repext-03, DeviantArt journal 934500371, the NoML open letter,
draft-canel-robots-ai-control-00; markup as found in public pages, 2024 to 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from registry.agents.known import agents
from registry.model import Evidence, Reading, Signal
from registry.signals import _directives, _markup
from registry.text import quote

CARRIERS = ("html",)
COVERS_IMAGES = True

MAX_SIGNALS = 500
MAX_WARNINGS = 20

# A name that occurs in pages, though no document defines it.
_ALL_AI = "ai"
_TOKEN = re.compile(r"[a-z0-9_.-]+")
# Names whose content is prose or keywords: there "noai" is not a mark.
_PROSE = {"abstract", "author", "category", "classification", "copyright", "description"} | {
    *("generator", "keywords", "news_keywords", "owner", "rights", "subject", "summary"),
    *("tags", "title", "topic"),
}


@dataclass(frozen=True, slots=True)
class _Address:
    """The agents that a meta tag addresses, and the fault in how it names them."""

    agents: tuple[str, ...]
    fault: str = ""
    only_refusals: bool = False
    means_all_ai: bool = False


def read(evidence: Evidence) -> Reading:
    """Read every robots meta tag of a page, in order."""
    signals: dict[tuple[object, ...], Signal] = {}
    warnings: list[str] = []
    if len(evidence.text) > _markup.MAX_PAGE:
        warnings.append(f"page longer than {_markup.MAX_PAGE} characters, read up to there")
    tags = _markup.tags(evidence.text)
    if len(tags) >= _markup.MAX_TAGS:
        warnings.append(f"page with more than {_markup.MAX_TAGS} tags, read up to there")
    for tag in tags:
        address = _address(tag) if tag.name == "meta" else None
        if address is None:
            continue
        warnings += _directives.too_long(tag.attributes.get("content", ""), "a meta tag's content")
        for mark in _tag_marks(tag, address):
            signal = _signal(mark, address, tag, evidence.url)
            signals.setdefault((signal.name, signal.agents, signal.conformance, signal.raw), signal)
            if mark.fault:
                warnings.append(f"{mark.name}: {mark.fault}: {quote(tag.text)}")
        if len(signals) >= MAX_SIGNALS:
            warnings.insert(
                0, f"more than {MAX_SIGNALS} robots marks on one page, the others not read"
            )
            break
    return Reading(tuple(signals.values()), tuple(dict.fromkeys(warnings))[:MAX_WARNINGS])


def _tag_marks(tag: _markup.Tag, address: _Address) -> Iterator[_directives.Mark]:
    for mark in _directives.marks(tag.attributes.get("content", "")):
        if not address.only_refusals or mark.name in _directives.AGAINST_TRAINING:
            yield _judged(mark, address, tag.in_body)


def _judged(mark: _directives.Mark, address: _Address, in_body: bool) -> _directives.Mark:
    """Return the mark with the conformance and fault of its tag."""
    if address.fault:
        return replace(mark, conformance="malformed", fault=address.fault)
    if mark.conformance == "malformed":
        return mark
    if mark.agent is not None:
        return replace(mark, conformance="legacy", fault="an agent within content")
    if address.means_all_ai and mark.name in _directives.AGAINST_TRAINING:
        return replace(mark, conformance="legacy", fault="no document defines the name 'ai'")
    if in_body:
        return replace(mark, conformance="legacy", fault="in the body, not in the head")
    return mark


def _address(tag: _markup.Tag) -> _Address | None:
    """Return the agents that the tag addresses; None if it is not a robots meta tag."""
    name = tag.attributes.get("name", "").strip().lower()
    if name:
        return _named(name)
    for attribute in ("property", "http-equiv"):
        value = tag.attributes.get(attribute, "").strip().lower()
        if value in {"robots", "x-robots-tag"}:
            return _Address((), f"{attribute} instead of name")
    return None


def _named(name: str) -> _Address | None:
    if name == "robots":
        return _Address(())
    if name == _ALL_AI or name in agents().purpose or name in agents().search_engines:
        return _Address((name,), means_all_ai=name == _ALL_AI)
    if name in _PROSE:
        return None
    if _TOKEN.fullmatch(name):
        return _Address((name,), only_refusals=True)
    several = tuple(part for part in re.split(r"[\s,;|]+", name) if part)
    if not several or len(several) > 20 or not all(map(_TOKEN.fullmatch, several)):
        return None
    everybody = "robots" in several
    return _Address(() if everybody else several, "several agents in one name", not everybody)


def _signal(mark: _directives.Mark, address: _Address, tag: _markup.Tag, url: str) -> Signal:
    return Signal(
        name=f"{mark.name}(body)" if tag.in_body else mark.name,
        vocabulary="robots-meta",
        carrier="html",
        scope="page",
        raw=tag.text[: _directives.MAX_RAW],
        url=url,
        uses=_directives.USES[mark.name],
        agents=_agents(mark, address),
        conformance=mark.conformance,
    )


def _agents(mark: _directives.Mark, address: _Address) -> tuple[str, ...]:
    if mark.agent:
        return (mark.agent,)
    everybody = address.means_all_ai and mark.name in _directives.AGAINST_TRAINING
    return () if everybody else address.agents
