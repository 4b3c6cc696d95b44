"""RSL 1.0 (Really Simple Licensing): licences for machines, in XML.

Refuses: `prohibits` of `ai-train`; a payment is a condition.

Where: a separate document (such as `/license.xml`), which a `License` line of
robots.txt, a `Link` header or a `<link>` of a page names; or the document itself
in a page's `<script type="application/rsl+xml">` or in a file's XMP.

Examples:

    License: https://gallery.example/license.xml
    Link: <https://gallery.example/license.xml>; rel="license"; type="application/rsl+xml"

    <rsl xmlns="https://rslstandard.org/rsl">
      <content url="/art/">
        <license><prohibits type="usage">ai-train</prohibits></license>
      </content>
    </rsl>

Grammar: `content` covers a path pattern as in robots.txt, a full URL, or with
`url=""` the page or file that holds the document. Its `license` elements hold `permits` and
`prohibits` of the types `usage`, `user` and `geo`, lists separated by spaces,
and `payment`. Uses: `all` holds `ai-all` and `search`; `ai-all` holds
`ai-train`, `ai-input` and `ai-index`. Case counts.

What it says: a prohibited use is reserved. A permitted use is allowed; if it requires a
payment, a licence server or a report, or is limited to users or countries, it is
conditional. If uses are permitted and training is not among them, it is reserved (section
3.5). The narrower of two contents of one document wins (`registry.verdict.precedence`). A
link has no effect except that it names the URL of the licence; a document that the
lines of a robots.txt group name permits nothing to other agents. `rsl:permits=USE` and
`rsl:prohibits=USE` carry this; `rsl:permits-user`, `rsl:payment`, `rsl:server`
and `rsl:terms` are shown beside them, and of `copyright` whom to ask (`rsl:licensor`,
`rsl:contactEmail`, `rsl:contactUrl`).

Decisions: if a content names no use at all, its terms, payment or server
are conditions for training, though no document says so (Stack Overflow's file is an
example). A payment with a licence or amount but without a type is not free, nor is one of
an unknown type. A document outside the namespace or with an element unknown in it
is malformed as a whole; of a list with commas, in capitals, with `train-ai` or
without a type only the list is malformed; a document that cannot be parsed, such as one
with a DTD, is searched for prohibitions. Malformed text can refuse, but never permits.
Contents on another host than the document's can refuse there, but never permit. In
a picture's XMP a licence for another host counts as a refusal for this copy, too.
`RSL:` in robots.txt is a malformed `License` line. The text of a signal is
that of the parsed element.

Who: Reddit, Medium, Quora, O'Reilly and Stack Overflow among others; the RSL
Collective licenses for many.

Source: https://rslstandard.org/rsl (Recommendation, 10 December 2025).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from registry.evidence.carriers import Carrier
from registry.model import Conformance, Evidence, Reading, Scope, Signal
from registry.signals import _markup, _robots_groups, _rsl_document, _xml
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import RSL_TYPE, absolute, licence_links, media_type
from registry.signals._robots_groups import Group, Line
from registry.signals._rsl_coverage import RslSource
from registry.text import quote

CARRIERS = ("headers", "html", "robots-txt", "rsl-xml", "xmp")
HEADERS = ("link",)
ADDRESSES = ("link",)
LICENSABLE = True
# Not requested from hosts: marks name the URL of a document.
SITE_FILES = (
    Carrier(
        "rsl-xml",
        "site",
        ("/license.xml", "/rsl.xml"),
        media_types=("application/rsl+xml",),
        words="<rsl",
    ),
)

MAX_DOCUMENTS = 20
MAX_LINES = 100
MAX_WARNINGS = _rsl_document.MAX_WARNINGS


def read(evidence: Evidence) -> Reading:
    """Read the licences in a piece of evidence, or the links to them."""
    if evidence.carrier == "rsl-xml":
        return _rsl_document.read_document(evidence.text, RslSource(evidence.url, "rsl-xml"))
    if evidence.carrier == "robots-txt":
        return _joined([_robots_lines(evidence)])
    if evidence.carrier == "xmp":
        return _joined(_in_packet(evidence))
    inline = _in_page(evidence) if evidence.carrier == "html" else []
    return _joined([_links(evidence), *inline])


def _joined(readings: Iterable[Reading]) -> Reading:
    listed = list(readings)
    warnings = [text for reading in listed for text in reading.warnings]
    signals = (signal for reading in listed for signal in reading.signals)
    return Reading(tuple(dict.fromkeys(signals)), tuple(warnings[:MAX_WARNINGS]))


def _links(evidence: Evidence) -> Reading:
    scope: Scope = "image" if evidence.about == "image" else "page"
    links, warnings = licence_links(evidence, rsl=True)
    signals = (_pointer("link", link.url, link.raw, evidence, scope) for link in links)
    return Reading(tuple(signals), tuple(warnings))


def _in_page(evidence: Evidence) -> list[Reading]:
    source = RslSource(evidence.url, "html", "page")
    texts = [
        tag.content.rpartition("</")[0]
        for tag in _markup.tags(evidence.text)
        if tag.name == "script" and media_type(tag.attributes.get("type", "")) == RSL_TYPE
    ]
    return _first(_rsl_document.read_document(text, source) for text in texts[: MAX_DOCUMENTS + 1])


def _in_packet(evidence: Evidence) -> list[Reading]:
    """Read the documents within an XMP packet."""
    root = _xml.parse(evidence.text).root if "rsl" in evidence.text else None
    if root is None:
        return []
    source = RslSource(evidence.url, "xmp", "image")
    roots = [
        element
        for element in root.iter()
        if _xml.local_name(element.tag) == "rsl" and "rslstandard.org" in element.tag
    ]
    return _first(
        _rsl_document.read_element(element, source) for element in roots[: MAX_DOCUMENTS + 1]
    )


def _first(readings: Iterable[Reading]) -> list[Reading]:
    listed = list(readings)
    if len(listed) <= MAX_DOCUMENTS:
        return listed
    text = f"more than {MAX_DOCUMENTS} RSL documents, the others not read"
    return [Reading((), (text,)), *listed[:MAX_DOCUMENTS]]


def _robots_lines(evidence: Evidence) -> Reading:
    """Read the `License` lines in groups and outside of groups."""
    signals: list[Signal] = []
    warnings: list[str] = []
    for group in _robots_groups.groups(_robots_groups.bounded(evidence.text)):
        so_far = _AgentsSoFar(group)
        for line in group.of("license", "licence", "rsl"):
            url = absolute(line.value)
            conformance: Conformance = "ok" if line.kind == "license" else "malformed"
            if (url is None or conformance != "ok") and len(warnings) < MAX_WARNINGS:
                warnings.append(f"malformed line {line.number + 1}: {quote(line.raw)}")
            if url is not None and len(signals) <= MAX_LINES:
                agents = so_far.before(line.number)
                pointer = _pointer("license-line", url, line.raw, evidence, "site")
                signals.append(replace(pointer, agents=agents, conformance=conformance))
    if len(signals) > MAX_LINES:
        warnings.insert(0, f"more than {MAX_LINES} License lines, the others not read")
    return Reading(tuple(signals[:MAX_LINES]), tuple(warnings))


class _AgentsSoFar:
    """The agents of a group that are named before a given line of it.

    By RFC 9309 agents named after the line are in the group, too, but the line is hardly
    meant for them.
    """

    def __init__(self, group: Group) -> None:
        self._names = deque(group.names)
        self._proper: dict[str, None] = {}
        self._guessed: dict[str, None] = {}
        self._agents: tuple[str, ...] = ()

    def before(self, number: int) -> tuple[str, ...]:
        """Return the agents named before a line; call it with increasing line numbers."""
        names: list[Line] = []
        while self._names and self._names[0].number < number:
            names.append(self._names.popleft())
        if names:
            whom = _robots_groups.addressees(Group(names))
            self._proper.update(dict.fromkeys(whom.proper))
            self._guessed.update(dict.fromkeys(whom.guessed))
            self._agents = tuple(self._proper or self._guessed)
        return self._agents


def _pointer(name: str, url: str, raw: str, evidence: Evidence, scope: Scope) -> Signal:
    return Signal(
        name=f"rsl:{name}",
        vocabulary="rsl",
        carrier=evidence.carrier,
        scope=scope,
        raw=raw[:MAX_RAW],
        url=evidence.url,
        licence_url=url,
    )
