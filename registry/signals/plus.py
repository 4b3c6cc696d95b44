"""PLUS Data Mining: the property of an image file's XMP about data mining.

Refuses: `DMI-PROHIBITED` and `DMI-PROHIBITED-...`.

Where: the XMP packet of an image file, property `DataMining` of the namespace
`http://ns.useplus.org/ldf/xmp/1.0/` (usual prefix `plus`).

Example:

    <rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining=
      "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-GENAIMLTRAINING"/>

Grammar: one URI of the vocabulary `http://ns.useplus.org/ldf/vocab/`, as an
attribute, as text or as `rdf:resource`; white space around it is ignored.
Three values refer to a statement in another property: `plus:OtherConstraints` (text, of
several languages `x-default` comes first), `Iptc4xmpExt:EmbdEncRightsExpr` and
`Iptc4xmpExt:LinkedEncRightsExpr`.

What it says: `DMI-UNSPECIFIED` has no effect; `DMI-ALLOWED` allows data mining;
`-AIMLTRAINING` reserves all training, `-GENAIMLTRAINING` generative training,
`DMI-PROHIBITED` all data mining, `-EXCEPTSEARCHENGINEINDEXING` all except search engine
indexing; `-SEE...` makes data mining conditional on the statement that it refers to, and
reserved if there is none. It is about the file that holds it, wherever the file is.

Decisions: of two different values the stricter counts, with a warning. A value
with another base or none, an unknown `DMI-PROHIBITED-...`, the printed label
("Prohibited ..."), another namespace, `Iptc4xmpExt:DMI`, and a value inside
another property, such as the record of a montage's ingredients, are malformed
refusals; an `ALLOWED` written so has no effect. A `DMI-PROHIBITED` in a packet that is
not well-formed or has a document type is a malformed refusal, too: XMP needs no document
type, and such a packet is not parsed. Search indexing counts as data mining, since the
vocabulary has a value that excepts it. `raw` is name and value: XML can write them in
several ways.

Who: photographers and picture agencies, by programs that write IPTC metadata;
ExifTool accepts and shows printed labels for the URIs, stegoeggo writes bare
tokens. Services that resize pictures often strip it: its absence means nothing.

Sources: IPTC Photo Metadata Standard 2023.1 (Data Mining, Other Constraints);
PLUS LDF 2.0.1, http://ns.useplus.org/LDF/ldf-XMPSpecification; XMP
specification part 1 (ISO 16684-1) for the forms of a property.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from registry.agents.known import TRAINING
from registry.model import Conformance, Evidence, Meaning, Reading, Scope, Signal, Use
from registry.signals import _directives, _xml
from registry.text import quote

CARRIERS = ("xmp",)

PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
VALUES = "http://ns.useplus.org/ldf/vocab/"
MAX_WARNINGS = 20
MAX_CONSTRAINTS = 20

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_Uses = tuple[tuple[Use, Meaning], ...]
_MINING: tuple[Use, ...] = ("tdm", "train", "train-genai")
_INDEXING: tuple[Use, ...] = ("search", "index")


def _all(meaning: Meaning) -> _Uses:
    return tuple((use, meaning) for use in (*_MINING, *_INDEXING))


USES: dict[str, _Uses] = {
    "DMI-UNSPECIFIED": (),
    "DMI-ALLOWED": _all("allowed"),
    "DMI-PROHIBITED-AIMLTRAINING": TRAINING,
    "DMI-PROHIBITED-GENAIMLTRAINING": (("train-genai", "reserved"),),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": (
        *((use, "reserved") for use in _MINING),
        *((use, "allowed") for use in _INDEXING),
    ),
    "DMI-PROHIBITED": _all("reserved"),
    "DMI-PROHIBITED-SEECONSTRAINT": _all("reserved"),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": _all("reserved"),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": _all("reserved"),
}
# Values that refer to a statement: the property that holds it, and the field within that.
_STATEMENTS = {
    "DMI-PROHIBITED-SEECONSTRAINT": (f"{{{PLUS}}}OtherConstraints", None),
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR": (
        f"{{{IPTC}}}EmbdEncRightsExpr",
        f"{{{IPTC}}}EncRightsExpr",
    ),
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR": (
        f"{{{IPTC}}}LinkedEncRightsExpr",
        f"{{{IPTC}}}LinkedRightsExpr",
    ),
}
_NAMES = frozenset({"datamining", "dmi"})
_PLAIN = re.compile(r"DMI-PROHIBITED[A-Z-]{0,40}")


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of a property, and its fault."""

    name: str
    text: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _FoundToken:
    """A token of the vocabulary, and the value that holds it."""

    token: str
    value: _Value
    conformance: Conformance
    fault: str = ""


def read(evidence: Evidence) -> Reading:
    """Read every Data Mining property of a packet, and the constraints it refers to."""
    parsed = _xml.parse(evidence.text)
    scope: Scope = evidence.about
    if parsed.root is None:
        return _unparsed(evidence, f"XMP: {parsed.fault}", scope)
    marks: dict[tuple[str, Conformance], _FoundToken] = {}
    warnings: list[str] = []
    for value in _values(parsed.root):
        mark = _mark(value)
        fault = mark.fault if mark else _not_read(value)
        if fault and len(warnings) < MAX_WARNINGS - 1:
            warnings.append(f"plus:DataMining: {fault}: {quote(value.text)}")
        if mark is not None:
            marks.setdefault((mark.token, mark.conformance), mark)
    if sum(conformance == "ok" for _, conformance in marks) > 1:
        warnings.append("plus:DataMining has several values, the stricter counts")
    statements = _statements(parsed.root)
    signals = [_signal(mark, statements, evidence.url, scope) for mark in marks.values()]
    signals += _constraints(statements, evidence.url, scope)
    return Reading(tuple(signals), tuple(dict.fromkeys(warnings)))


def _unparsed(evidence: Evidence, fault: str, scope: Scope) -> Reading:
    """Search for clear refusals in a packet that could not be parsed."""
    signals: dict[str, Signal] = {}
    for match in _PLAIN.finditer(evidence.text):
        token = match[0] if match[0] in USES else "DMI-PROHIBITED"
        if token not in signals:
            start, end = max(match.start() - 100, 0), match.end() + 100
            value = _Value("", evidence.text[start:end])
            signals[token] = _signal(
                _FoundToken(token, value, "malformed"), {}, evidence.url, scope
            )
    warnings = [fault]
    warnings += [f"{fault}, but it holds {quote(s.raw)}" for s in signals.values()]
    return Reading(tuple(signals.values()), tuple(warnings[:MAX_WARNINGS]))


def _values(root: Element) -> Iterator[_Value]:
    """Yield the values of Data Mining properties: first those of the file, then nested ones."""
    top: set[int] = set()
    for node in _nodes(root):
        top.add(id(node))
        yield from _attribute_values(node, "")
        for element in node:
            if _xml.local_name(element.tag).lower() in _NAMES:
                top.add(id(element))
                yield _element_value(element, "")
    for element in root.iter():
        if id(element) in top:
            continue
        fault = "inside another property"
        yield from _attribute_values(element, fault)
        if _xml.local_name(element.tag).lower() in _NAMES:
            yield _element_value(element, fault)


def _nodes(root: Element) -> Iterator[Element]:
    """Yield the elements that hold properties of the file: children of an outermost `rdf:RDF`."""
    if root.tag == f"{{{_RDF}}}RDF":
        yield from root
        return
    for child in root:
        if child.tag == f"{{{_RDF}}}RDF":
            yield from child


def _attribute_values(node: Element, fault: str) -> Iterator[_Value]:
    for name, text in node.attrib.items():
        if _xml.local_name(name).lower() in _NAMES:
            yield _Value(name, text.strip(), fault)


def _element_value(element: Element, fault: str) -> _Value:
    resource = element.get(f"{{{_RDF}}}resource")
    if resource is not None:
        return _Value(element.tag, resource.strip(), fault)
    if not len(element):
        return _Value(element.tag, (element.text or "").strip(), fault)
    # If it has qualifiers, the value is in a property of its own.
    qualified = element.findtext(f"{{{_RDF}}}value")
    if qualified is not None:
        return _Value(element.tag, qualified.strip(), fault)
    return _Value(element.tag, _text(element), fault or "not a single value")


def _text(element: Element) -> str:
    """Return the text within an element and its `rdf:resource` addresses, shortened."""
    pieces: list[str] = []
    size = 0
    for part in element.iter():
        tail = None if part is element else part.tail
        for text in (part.text, part.get(f"{{{_RDF}}}resource"), tail):
            if text and (stripped := text.strip()):
                pieces.append(stripped)
                size += len(stripped)
        if size > _directives.MAX_RAW:
            break
    return " ".join(pieces)[: _directives.MAX_RAW]


def _mark(value: _Value) -> _FoundToken | None:
    """Return the token in a value, also one in a wrong form; None if there is none."""
    token = value.text.removeprefix(VALUES)
    proper = value.name == f"{{{PLUS}}}DataMining" and not value.fault
    if proper and token in USES and token != value.text:
        return _FoundToken(token, value, "ok")
    last = re.split(r"[/#:\s]", value.text[-200:])[-1].upper()
    if last.startswith("DMI-PROHIBITED"):
        token = last if last in USES else "DMI-PROHIBITED"
    elif value.text[:10].upper() == "PROHIBITED":
        token = "DMI-PROHIBITED"
    else:
        return None
    fault = value.fault or ("not a URI of the vocabulary" if proper else "not the property itself")
    return _FoundToken(token, value, "malformed", fault)


def _not_read(value: _Value) -> str:
    """Return the warning for a value without a token; none outside PLUS, as other vocabularies
    use the name for other things.
    """
    return "not a value of the vocabulary" if value.name.startswith(f"{{{PLUS}}}") else ""


def _statements(root: Element) -> dict[str, list[str]]:
    """Return for each token the texts of the properties that it refers to."""
    texts_of: dict[str, list[str]] = {token: [] for token in _STATEMENTS}
    for node in _nodes(root):
        for token, (name, within) in _STATEMENTS.items():
            texts = texts_of[token]
            if within is None and node.get(name, "").strip():
                texts.append(node.get(name, "").strip())
            for element in node.findall(name):
                texts += _constraint(element) if within is None else _fields(element, within)
    return texts_of


def _constraint(element: Element) -> list[str]:
    """Return the default text (`x-default`) of a property with one text per language."""
    choices = list(element.iter(f"{{{_RDF}}}li"))
    choices.sort(key=lambda choice: choice.get(_LANGUAGE, "").lower() != "x-default")
    texts = (_text(choice) for choice in [*choices, element])
    return [text for text in texts if text][:1]


def _fields(element: Element, name: str) -> Iterator[str]:
    """Yield the texts of one field in a property's structures."""
    for part in element.iter():
        text = _element_value(part, "").text if part.tag == name else part.get(name, "")
        if text.strip():
            yield text.strip()


def _signal(mark: _FoundToken, statements: dict[str, list[str]], url: str, scope: Scope) -> Signal:
    texts = statements.get(mark.token, [])
    uses = USES[mark.token]
    if texts:
        uses = tuple((use, "conditional") for use, _ in uses)
    if mark.conformance != "ok":
        uses = tuple((use, meaning) for use, meaning in uses if meaning != "allowed")
    linked = mark.token == "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR"
    addresses = [text for text in texts if linked and text.startswith(("https://", "http://"))]
    name = mark.value.name.replace(f"{{{PLUS}}}", "plus:").replace(f"{{{IPTC}}}", "Iptc4xmpExt:")
    raw = f"{name}={mark.value.text}" if name else mark.value.text
    return Signal(
        name=f"plus:{mark.token}",
        vocabulary="plus",
        carrier="xmp",
        scope=scope,
        raw=raw[: _directives.MAX_RAW],
        url=url,
        uses=uses,
        conformance=mark.conformance,
        licence_url=addresses[0][: _directives.MAX_RAW] if addresses else None,
    )


def _constraints(statements: dict[str, list[str]], url: str, scope: Scope) -> list[Signal]:
    texts = list(dict.fromkeys(statements["DMI-PROHIBITED-SEECONSTRAINT"]))[:MAX_CONSTRAINTS]
    return [
        Signal(
            name="plus:OtherConstraints",
            vocabulary="plus",
            carrier="xmp",
            scope=scope,
            raw=text[: _directives.MAX_RAW],
            url=url,
        )
        for text in texts
    ]
