"""TDMRep, the TDM Reservation Protocol (W3C Community Group).

Refuses: `tdm-reservation` 1; with a policy it is a condition.

Where: `/.well-known/tdmrep.json` of the host that serves the URL asked about;
the response headers of an image or page; meta tags in a page's `head`; XMP in a
file.

Examples:

    [{"location": "/art/", "tdm-reservation": 1, "tdm-policy": "https://a.example/policy.json"}]

    tdm-reservation: 1
    tdm-policy: https://a.example/policy.json

    <meta name="tdm-reservation" content="1">

    <tdm:reservation xmlns:tdm="http://www.w3.org/ns/tdmrep/">1</tdm:reservation>

Grammar: `tdm-reservation` is 1 or 0, in JSON a number; `tdm-policy` is a URL. The
file is an array of objects, each with a `location`, a pattern as in robots.txt,
and a reservation; the first entry that matches wins. Names of header fields and
meta tags are compared in lower case. In XMP the properties are elements,
attributes or `rdf:resource`, in the namespace that the report gives for PDF
(ending in `/`) or for EPUB 3 (in `#`).

What it says: 1 reserves text and data mining, and with it training; 0 means that
they are not reserved; another value has no meaning. A policy makes the reservation
conditional; with 0 it is not read. A later place replaces an earlier one,
property by property: file, header, then markup (`registry.verdict.precedence`). A page's
meta tag covers the page, not its images. An image's metadata replaces nothing.

Decisions: these are malformed: an object instead of the array, a truncated file, `"1"`,
`true`, `yes`, a misspelt property, a location that is missing, that is a URL or that lacks
its slash, a tag in the body, and `property` or `http-equiv` instead of `name`. Refusals
among them are kept as malformed, with their policy as the condition, and a 0 never
permits. If one place has 0 and 1, the 1 counts, since lines may have been joined; of
several policies the first. XMP is defined for PDF, and is read in images, too, but only as
a property of the file itself, not of its ingredients. A location is read up to 4096
characters, a file up to 1000 entries.

Who: Elsevier, IEEE, ACS, Springer Nature, Hachette, the French press; a plug-in
for WordPress.

Source: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from registry.agents.known import TRAINING
from registry.evidence.carriers import Carrier
from registry.evidence.web_page import is_web_page
from registry.model import Evidence, Meaning, PathRule, Reading, Signal, Use
from registry.signals import _markup, _tdmrep_file, _xml
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import absolute
from registry.text import quote
from registry.urls.key import host_of

CARRIERS = ("headers", "html", "tdmrep-json", "xmp")
HEADERS = ("tdm-reservation", "tdm-policy")
ADDRESSES = ("tdm-policy",)
LICENSABLE = True
SITE_FILES = (
    Carrier(
        "tdmrep-json",
        "site",
        ("/.well-known/tdmrep.json",),
        "media",
        endings=("tdmrep.json",),
        words="tdm-reservation",
    ),
)

MAX_MARKS = 100
MAX_WARNINGS = 20

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMESPACES = ("http://www.w3.org/ns/tdmrep/", "http://www.w3.org/ns/tdmrep#")
# Values written instead of 1 by people who meant 1; `?1` is the form of RFC 9651.
_YES = frozenset({"1", "1.0", "true", "yes", "?1"})
_USES: tuple[Use, ...] = ("tdm", *(use for use, _ in TRAINING))


@dataclass(frozen=True, slots=True)
class _Property:
    """One property as it was written; `fault` is an error outside its value."""

    value: str
    raw: str
    fault: str = ""


@dataclass(slots=True)
class _Statement:
    """The properties written in one place, in order."""

    reservations: list[_Property] = field(default_factory=list)
    policies: list[_Property] = field(default_factory=list)
    cut: bool = False

    def add(self, name: str, mark: _Property) -> None:
        """Add a property of this name; keep the first MAX_MARKS, and a correct 1 in any case."""
        marks = self.policies if name == "tdm-policy" else self.reservations
        if len(marks) < MAX_MARKS:
            marks.append(mark)
            return
        self.cut = True
        if marks is self.reservations and mark.value == "1" and not mark.fault:
            marks[-1] = mark


def read(evidence: Evidence) -> Reading:
    """Read TDMRep's properties in one place."""
    template = Signal("", "tdmrep", evidence.carrier, "image", "", evidence.url)
    warnings: list[str] = []
    if evidence.carrier == "tdmrep-json":
        signals = list(_of_file(evidence.text, replace(template, scope="site"), warnings))
    else:
        if evidence.carrier == "html" or evidence.about != "image":
            template = replace(template, scope="page")
        signals = list(_signals(_statement(evidence, warnings), template, warnings))
    if len(warnings) > MAX_WARNINGS:
        more = len(warnings) - MAX_WARNINGS
        warnings[MAX_WARNINGS:] = [f"and {more} more such warnings"]
    return Reading(tuple(signals), tuple(warnings))


def _statement(evidence: Evidence, warnings: list[str]) -> _Statement:
    statement = _Statement()
    if evidence.carrier == "headers":
        marks = _of_headers(evidence.lines)
    elif evidence.carrier == "html":
        marks = _of_page(evidence.text)
    else:
        marks = _of_xmp(evidence.text, warnings)
    for name, mark in marks:
        statement.add(name, mark)
    if statement.cut:
        warnings.append(f"more than {MAX_MARKS} marks of TDMRep in one place, not all were read")
    return statement


def _signals(stated: _Statement, template: Signal, warnings: list[str]) -> Iterator[Signal]:
    """Yield the signals of one place: at most a reservation, and its policy."""
    reservation = _reservation(stated.reservations, warnings)
    if reservation is not None and reservation.value == "0":
        yield _reserving(reservation, "allowed", template)
        return
    policy, url = _policy(stated.policies, template.url, warnings)
    if reservation is not None and reservation.fault:
        # The policy is put into the same signal, so that it is no condition of a correct 1.
        signal = _reserving(reservation, "conditional" if url else "reserved", template)
        yield replace(signal, conformance="malformed", licence_url=url)
        return
    if reservation is not None:
        yield _reserving(reservation, "reserved", template)
    if policy is not None and not policy.fault:
        yield replace(template, name="tdm-policy", raw=policy.raw, licence_url=url)


def _reserving(mark: _Property, meaning: Meaning, template: Signal) -> Signal:
    uses = tuple((use, meaning) for use in _USES)
    return replace(
        template, name=f"tdm-reservation={int(meaning != 'allowed')}", raw=mark.raw, uses=uses
    )


def _reservation(marks: list[_Property], warnings: list[str]) -> _Property | None:
    """Return the property that decides: a correct 1, else a misspelt 1, else 0 if all are 0."""
    faulty = [mark for mark in map(_judged, marks) if mark.fault]
    warnings += [f"tdm-reservation: {mark.fault}: {quote(mark.raw)}" for mark in faulty]
    for mark in marks:
        if mark.value == "1" and not mark.fault:
            if any(other.value != "1" for other in marks):
                warnings.append(f"tdm-reservation is 1 and not 1 in one place: {quote(mark.raw)}")
            return mark
    refusals = [mark for mark in faulty if mark.value.strip("\"' ").lower() in _YES]
    if refusals:
        return refusals[0]
    return marks[0] if marks and not faulty else None


def _judged(mark: _Property) -> _Property:
    return (
        mark if mark.fault or mark.value in {"0", "1"} else replace(mark, fault="neither 1 nor 0")
    )


def _policy(
    marks: list[_Property], base: str, warnings: list[str]
) -> tuple[_Property | None, str | None]:
    """Return the first policy with a usable URL, and that URL."""
    policies: list[tuple[_Property, str]] = []
    for mark in marks:
        url = absolute(mark.value, base)
        if url is None:
            warnings.append(f"tdm-policy is not a usable URL: {quote(mark.raw)}")
        else:
            policies.append((mark, url))
    if len({url for _, url in policies}) > 1:
        warnings.append(
            f"several policies in one place, the first is taken: {quote(policies[0][1])}"
        )
    warnings += [
        f"tdm-policy: {mark.fault}: {quote(mark.raw)}" for mark, _ in policies if mark.fault
    ]
    return policies[0] if policies else (None, None)


def _of_headers(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, _Property]]:
    """Yield the values of the fields; a comma separates the values of joined lines."""
    for given, value in lines:
        name = given.strip().lower()
        if name in HEADERS:
            raw = f"{given}: {value}"[:MAX_RAW]
            values = [value] if name == "tdm-policy" else value[:MAX_RAW].split(",", MAX_MARKS)
            for part in values:
                yield name, _Property(part.strip(" \t"), raw)


def _of_page(page: str) -> Iterator[tuple[str, _Property]]:
    for tag in _markup.tags(page):
        if tag.name != "meta":
            continue
        for attribute in ("name", "property", "http-equiv"):
            # EPUB 2 and EPUB 3 write the name with a colon.
            given = tag.attributes.get(attribute, "").strip().lower()
            name = given.replace(":", "-")
            if name not in HEADERS:
                continue
            fault = "" if attribute == "name" else f"{attribute} instead of name"
            fault = fault or ("" if given == name else "a colon in the name")
            fault = fault or ("in the body, not in the head" if tag.in_body else "")
            value = tag.attributes.get("content", "").strip()
            yield name, _Property(value[:MAX_RAW], tag.text[:MAX_RAW], fault)
            break


def _of_xmp(packet: str, warnings: list[str]) -> Iterator[tuple[str, _Property]]:
    """Yield the properties of the file itself: those of the direct children of `rdf:RDF`."""
    if "ns/tdmrep" not in packet:
        return
    parsed = _xml.parse(packet)
    if parsed.root is None:
        warnings.append(f"XMP that names TDMRep cannot be read: {parsed.fault}")
        return
    for node in (node for rdf in parsed.root.iter(f"{_RDF}RDF") for node in rdf):
        properties = list(node.attrib.items())
        properties += [(part.tag, part.get(f"{_RDF}resource") or part.text or "") for part in node]
        for name, value in properties:
            local = f"tdm-{_xml.local_name(name)}"
            namespace = _xml.namespace(name)
            if local in HEADERS and namespace.rstrip("/#") == _NAMESPACES[0].rstrip("/"):
                fault = "" if namespace in _NAMESPACES else "not TDMRep's namespace"
                raw = f"{name}: {value}"[:MAX_RAW]
                yield local, _Property(value.strip()[:MAX_RAW], raw, fault)


def _of_file(text: str, template: Signal, warnings: list[str]) -> Iterator[Signal]:
    """Yield the signals of every entry of a tdmrep.json."""
    if is_web_page("tdmrep-json", text):
        warnings.append(f"a web page instead of tdmrep.json: {quote(text)}")
        return
    file = _tdmrep_file.parse(text)
    if file.fault:
        warnings.append(f"tdmrep.json is {file.fault}: {quote(text)}")
    if file.cut:
        warnings.append("tdmrep.json is too long, only its first entries are read")
    for order, entry in enumerate(file.entries):
        if entry is None:
            warnings.append(f"entry {order + 1} of tdmrep.json is not an object")
            continue
        pattern, fault = _pattern(entry, template.url)
        fault = file.fault or fault
        if pattern is None:
            warnings.append(f"entry {order + 1}: {fault}: {quote(entry.raw)}")
            continue
        rule = PathRule(pattern, "first", order)
        stated = _entry_statement(entry, fault)
        signals = list(_signals(stated, replace(template, rule=rule), warnings))
        if any(signal.uses for signal in signals):
            yield from signals
        else:
            # An entry with only a policy must not win over a reservation in a later entry.
            warnings.append(f"entry {order + 1}: no reservation: {quote(entry.raw)}")


def _entry_statement(entry: _tdmrep_file.Entry, fault: str) -> _Statement:
    statement = _Statement()
    for name in HEADERS:
        for value, exact in entry.values(name):
            statement.add(name, _entry_mark(name, value, exact, entry.raw, fault))
    return statement


def _entry_mark(name: str, value: object, exact: bool, raw: str, fault: str) -> _Property:
    fault = fault or ("" if exact else "a misspelt property")
    if isinstance(value, str):
        text = value[:MAX_RAW]
    else:
        # A policy must be a string; a reservation of `1.0` or `true` is malformed, but clear.
        text = str(value) if name == "tdm-reservation" and isinstance(value, int | float) else ""
    # In Python True equals 1, but it is neither of the two numbers.
    is_bit = type(value) is int and text in {"0", "1"}
    if name == "tdm-reservation" and not is_bit:
        fault = fault or "not the number 1 or 0"
    return _Property(text, raw, fault)


def _pattern(entry: _tdmrep_file.Entry, url: str) -> tuple[str | None, str]:
    """Return the pattern of an entry (None: not usable) and its fault."""
    given = entry.values("location")
    stated = [(value, exact) for value, exact in given if value is not None and value != ""]
    if not stated:
        return "/", "no location"
    location, exact = stated[0]
    if not isinstance(location, str):
        return None, "location is not a string"
    pattern, fault = _path(location, url)
    if len(given) > 1:
        fault = fault or "several locations"
    return pattern, fault or ("" if exact else "a misspelt property")


def _path(location: str, url: str) -> tuple[str | None, str]:
    location = location.strip()
    if len(location) > MAX_RAW:
        return None, "location too long"
    if location.startswith(("/", "*")):
        return location, ""
    scheme, mark, rest = location.partition("://")
    if mark and scheme.lower() in {"http", "https"}:
        _, _, path = rest.partition("/")
        own = host_of(url)
        fault = "a URL for a location"
        # If the URL of the file is unknown, it may be that of any host.
        here = own is None or host_of(location) == own
        return (f"/{path}", fault) if here else (None, f"{fault}, of another host")
    return f"/{location}", "location without its slash"
