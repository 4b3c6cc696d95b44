"""Licences of the work, licensors and creators: these decide nothing about training.

Refuses: nothing; the URL of a licence is kept, and whom to ask and to credit.

Where: a `Link` header or a `<link>` with the relation `license`, unless its type
is that of RSL; in a file's XMP the web statement of rights, Creative Commons'
licence, PLUS's licensor and owner, and IPTC's creator, contact and credit line.

Examples:

    Link: <https://creativecommons.org/licenses/by/4.0/>; rel="license"
    <link rel="license" href="/licence.html">
    <rdf:Description xmpRights:WebStatement="https://agency.example/terms">

Grammar: links as in RFC 8288 and HTML; XMP properties are attributes,
`rdf:resource` or text, in any order and under any prefix.

What it says: nothing for any use. The URL is kept, and shown as the licence with
the decision that other marks make (`licence:link`, `licence:web-statement`,
`licence:cc-license`, `licence:licensor`). So are names and addresses:
`licence:licensor-name`, `licence:licensor-email`, `licence:owner`, `licence:creator`,
`licence:creator-email`, `licence:creator-url`, `licence:credit`
(`registry.verdict.licensing`).

Decisions: Creative Commons licences do not mention training; whether NC, ND or SA
apply to it is not settled, so none of them permits and none reserves. Prose
(`dc:rights`, `xmpRights:UsageTerms`) is not read. Where a URL is expected, values that
are not http(s) URLs are ignored. Names are kept up to 200 characters, and at most 10 of
each kind.

Who: Wikimedia Commons, Flickr and stock agencies; Google shows these addresses as
"licensable" images.

Sources: https://www.iptc.org/std/photometadata/specification/IPTC-PhotoMetadata,
https://developer.adobe.com/xmp/docs/XMPNamespaces/xmpRights/,
https://wiki.creativecommons.org/wiki/XMP, http://ns.useplus.org/LDF/ldf-XMPSpecification,
RFC 8288.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from registry.model import Evidence, Reading, Scope, Signal
from registry.signals import _xml
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import absolute, licence_links

CARRIERS = ("headers", "html", "xmp")
HEADERS = ("link",)
ADDRESSES = ("link",)

MAX_SIGNALS = 100

_RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_RDF_RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
_PROPERTIES = {
    "{http://ns.adobe.com/xap/1.0/rights/}WebStatement": "web-statement",
    "{http://creativecommons.org/ns#}license": "cc-license",
    "{http://web.resource.org/cc/}license": "cc-license",
    "{http://ns.useplus.org/ldf/xmp/1.0/}LicensorURL": "licensor",
}
# Properties with a text, or with a list of them.
_TEXTS = {
    "{http://ns.useplus.org/ldf/xmp/1.0/}LicensorName": "licensor-name",
    "{http://ns.useplus.org/ldf/xmp/1.0/}LicensorEmail": "licensor-email",
    "{http://ns.useplus.org/ldf/xmp/1.0/}CopyrightOwnerName": "owner",
    "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}CiEmailWork": "creator-email",
    "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}CiUrlWork": "creator-url",
    "{http://purl.org/dc/elements/1.1/}creator": "creator",
    "{http://ns.adobe.com/photoshop/1.0/}Credit": "credit",
    "{http://creativecommons.org/ns#}attributionName": "credit",
}
MAX_TEXT, MAX_TEXTS = 200, 10


def read(evidence: Evidence) -> Reading:
    """Read the licence links of a response, or the licence properties of an XMP packet."""
    scope: Scope = "image" if evidence.about == "image" else "page"
    if evidence.carrier == "xmp":
        # The readers of reservations warn about a packet that cannot be parsed.
        root = _xml.parse(evidence.text).root
        stated = [] if root is None else [*_stated(root), *_texts(root)]
        signals = [_signal(*each, evidence, scope) for each in stated]
        return Reading(tuple(dict.fromkeys(signals))[:MAX_SIGNALS])
    links, warnings = licence_links(evidence, rsl=False)
    signals = [_signal("link", link.url, link.raw, evidence, scope) for link in links]
    return Reading(tuple(signals), tuple(warnings))


def _texts(root: Element) -> Iterator[tuple[str, None, str]]:
    """Yield name and text of the properties of a packet that name a licensor or creator."""
    counts = Counter[str]()
    for element in root.iter():
        given = [(key, value) for key, value in element.items() if key in _TEXTS]
        if element.tag in _TEXTS:
            items = list(element.iter(_RDF_ITEM)) or [element]
            given += [(element.tag, item.text or "") for item in items]
        for key, value in given:
            text = " ".join(value[:MAX_RAW].split())[:MAX_TEXT]
            counts[key] += bool(text)
            if text and counts[key] <= MAX_TEXTS:
                yield _TEXTS[key], None, f"{_xml.local_name(key)}: {text}"


def _stated(root: Element) -> Iterator[tuple[str, str, str]]:
    """Yield name, URL and text of the properties of a packet that name a licence."""
    for element in root.iter():
        for key, value in _values(element):
            url = absolute(value)
            if url is not None:
                yield _PROPERTIES[key], url, f"{_xml.local_name(key)}: {value.strip()}"


def _values(element: Element) -> Iterator[tuple[str, str]]:
    for key, value in element.items():
        if key in _PROPERTIES:
            yield key, value
    if element.tag in _PROPERTIES:
        yield element.tag, element.get(_RDF_RESOURCE) or element.text or ""


def _signal(name: str, url: str | None, raw: str, evidence: Evidence, scope: Scope) -> Signal:
    return Signal(
        name=f"licence:{name}",
        vocabulary="licence",
        carrier=evidence.carrier,
        scope=scope,
        raw=raw[:MAX_RAW],
        url=evidence.url,
        licence_url=url,
    )
