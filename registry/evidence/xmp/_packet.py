"""The part of an XMP packet that is kept: all of it, or an excerpt with its rights statements.

A packet of up to `MAX_KEPT` characters is kept without its white space padding.
From a longer one, such as Photoshop writes with the history of an image, and from
one with an extension, an excerpt is kept: a new packet with the properties that
readers read or that are about rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers import expat

MAX_KEPT = 64 * 1024
MAX_ELEMENTS = 500_000

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
# By namespace: the usual prefix, and the names that are kept (empty: all).
_KEPT: dict[str, tuple[str, frozenset[str]]] = {
    "http://ns.useplus.org/ldf/xmp/1.0/": ("plus", frozenset()),
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": (
        "Iptc4xmpExt",
        frozenset({"EmbdEncRightsExpr", "LinkedEncRightsExpr"}),
    ),
    "http://ns.adobe.com/xap/1.0/rights/": ("xmpRights", frozenset()),
    "http://creativecommons.org/ns#": ("cc", frozenset()),
    "http://www.w3.org/ns/tdmrep/": ("tdm", frozenset()),
    "http://www.w3.org/ns/tdmrep#": ("tdmrep", frozenset()),
    "https://rslstandard.org/rsl": ("rsl", frozenset()),
    "http://purl.org/dc/elements/1.1/": ("dc", frozenset({"rights", "creator"})),
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": (
        "Iptc4xmpCore",
        frozenset({"CreatorContactInfo"}),
    ),
    "http://ns.adobe.com/photoshop/1.0/": ("photoshop", frozenset({"Credit"})),
    "http://purl.org/dc/terms/": ("dcterms", frozenset({"provenance", "rights", "license"})),
}
# Kept in every namespace: some files have them in the wrong one.
_KEPT_ANYWHERE = frozenset({"datamining", "dmi", "rsl"})
_MARKS = ("DMI-PROHIBITED", "DataMining", "tdmrep", "rslstandard.org")
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    # A packet without a byte order mark.
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The texts that are kept of one packet, with warnings about the parts left out."""

    texts: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A new packet, the number of its properties, and the number of those left out as too long."""

    text: str
    properties: int
    left_out: int


def kept(parts: Sequence[bytes]) -> Kept:
    """Return the kept texts of a packet, given its parts: the packet, then its extension."""
    texts = [decoded(part) for part in parts]
    if len(texts) == 1 and len(texts[0]) <= MAX_KEPT:
        return Kept((texts[0],))
    short = excerpt(texts)
    if short is not None:
        long = f"{short.left_out} properties too long to be kept with the others"
        return Kept((short.text,), (long,) if short.left_out else ())
    return Kept(tuple(map(around_marks, texts)), ("not well-formed XML, kept as plain text",))


def decoded(content: bytes) -> str:
    """Return a packet as text, without padding, NUL characters and the byte order mark."""
    content = content.lstrip(b" \t\r\n")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, "replace").replace("\0", "").strip("\ufeff \t\r\n")
    # The padding is before the end of the wrapper.
    body, wrapper, end = text.rpartition("<?xpacket end")
    return f"{body.rstrip()}\n{wrapper}{end}" if wrapper else text


def around_marks(text: str) -> str:
    """Return at most MAX_KEPT characters of a text, around the first word of a mark."""
    places = [place for mark in _MARKS if (place := text.find(mark)) >= 0]
    start = max(min(places, default=0) - MAX_KEPT // 2, 0) if len(text) > MAX_KEPT else 0
    return text[start : start + MAX_KEPT]


def excerpt(texts: Sequence[str]) -> Excerpt | None:
    """Return the rights statements of the texts as one packet; None if a text is malformed.

    A text with entity declarations counts as malformed, one with only a document type does not.
    """
    writer = _Writer()
    try:
        for text in texts:
            writer.read(text)
    except (expat.ExpatError, ValueError):
        return None
    nodes = _fitting(writer.nodes)
    head = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
    left_out = writer.left_out + len(writer.nodes) - len(nodes)
    return Excerpt(f"{head}{''.join(nodes)}</rdf:RDF></x:xmpmeta>", len(nodes), left_out)


def _fitting(nodes: Sequence[str]) -> list[str]:
    """Return the properties that fit into MAX_KEPT, shortest first, in their original order."""
    budget = MAX_KEPT
    chosen: set[int] = set()
    for index in sorted(range(len(nodes)), key=lambda index: len(nodes[index])):
        budget -= len(nodes[index])
        if budget >= 0:
            chosen.add(index)
    return [node for index, node in enumerate(nodes) if index in chosen]


def _is_kept(namespace: str, name: str) -> bool:
    _, names = _KEPT.get(namespace, ("", frozenset({""})))
    return not names or name in names or name.lower() in _KEPT_ANYWHERE


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition(" ")
    return namespace, local


class _Writer:
    """Parses documents and writes the properties that are kept."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.left_out = 0
        self._elements = 0
        self._reset()

    def _reset(self) -> None:
        self._depth = 0
        # Depth of the open rdf:RDF element, and of the property that is being kept.
        self._rdf = 0
        self._property = 0
        self._pieces: list[str] = []
        self._size = 0
        self._resource = ""

    def read(self, text: str) -> None:
        """Parse one document. Raises ExpatError or ValueError if it is malformed."""
        self._reset()
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._refuse
        content = text.encode("utf-8", "replace")
        if content.startswith(b"<?xml") and content[5:6] in b" \t\r\n":
            # The text is decoded, so the encoding that it declares is wrong.
            content = content.partition(b"?>")[2]
        parser.Parse(content.strip(), True)

    def _refuse(self, *_: object) -> None:
        raise ValueError("entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise ValueError("elements")
        namespace, local = _split(name)
        if self._property:
            self._add(_tag(name, attributes))
        elif not self._rdf:
            self._rdf = self._depth if (namespace, local) == (_RDF, "RDF") else 0
        elif self._depth == self._rdf + 1:
            self._resource = attributes.get(f"{_RDF} about", "")[: MAX_KEPT // 16]
            for attribute, value in attributes.items():
                if _is_kept(*_split(attribute)):
                    self.nodes.append(_node(self._resource, {attribute: value}))
        elif self._depth == self._rdf + 2 and _is_kept(namespace, local):
            self._property = self._depth
            self._add(_tag(name, attributes))

    def _end(self, name: str) -> None:
        if self._property:
            self._add(f"</{_prefixed(name)[0]}>")
        if self._depth == self._property:
            if self._size <= MAX_KEPT:
                self.nodes.append(_node(self._resource, {}, "".join(self._pieces)))
            else:
                self.left_out += 1
            self._property, self._pieces, self._size = 0, [], 0
        if self._depth == self._rdf:
            self._rdf = 0
        self._depth -= 1

    def _data(self, text: str) -> None:
        from xml.sax.saxutils import escape

        if self._property:
            self._add(escape(text))

    def _add(self, piece: str) -> None:
        self._size += len(piece)
        if self._size <= MAX_KEPT:
            self._pieces.append(piece)


def _node(resource: str, attributes: dict[str, str], content: str = "") -> str:
    named = {f"{_RDF} about": resource, **attributes}
    return f"{_tag(f'{_RDF} Description', named)}{content}</rdf:Description>"


def _tag(name: str, attributes: dict[str, str]) -> str:
    """Return a start tag that declares the prefixes it uses."""
    # Imported here, since it loads an HTTP client and only the few long packets need it.
    from xml.sax.saxutils import quoteattr

    shown, namespace = _prefixed(name)
    declared = {shown.rpartition(":")[0]: namespace}
    written = []
    for attribute, value in attributes.items():
        shown_attribute, of = _prefixed(attribute, len(declared))
        if of:
            declared[shown_attribute.partition(":")[0]] = of
        written.append(f" {shown_attribute}={quoteattr(value)}")
    spaces = [
        f" xmlns:{prefix}={quoteattr(uri)}"
        for prefix, uri in declared.items()
        if prefix not in {"", "rdf", "xml"}
    ]
    return f"<{shown}{''.join(spaces)}{''.join(written)}>"


def _prefixed(name: str, number: int = 0) -> tuple[str, str]:
    """Return a name with its prefix, and its namespace; `number` makes unknown prefixes unique."""
    namespace, local = _split(name)
    if namespace == _XML:
        return f"xml:{local}", namespace
    if namespace == _RDF:
        return f"rdf:{local}", namespace
    if namespace in _KEPT:
        return f"{_KEPT[namespace][0]}:{local}", namespace
    return (f"n{number}:{local}", namespace) if namespace else (local, "")
