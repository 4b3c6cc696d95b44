"""The terms of one RSL `license`: permitted and prohibited uses, limits, payment."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from registry.model import Use
from registry.signals import _xml
from registry.signals._directives import MAX_RAW
from registry.signals._licence_links import absolute
from registry.text import quote

RSL = "https://rslstandard.org/rsl"

_TRAIN: tuple[Use, ...] = ("train", "train-genai")
USAGE: dict[str, tuple[Use, ...]] = {
    "all": (*_TRAIN, "ai-input", "search", "index", "tdm"),
    "ai-all": (*_TRAIN, "ai-input"),
    "ai-train": _TRAIN,
    "ai-input": ("ai-input",),
    # `ai-index`, an index for AI systems, is not among the uses of `registry.model`.
    "ai-index": (),
    "search": ("search",),
}
# The token in the draft of July 2025.
_OLD = {"train-ai": "ai-train"}
_USERS = {"commercial", "non-commercial", "education", "government", "personal"}
_PAYMENTS = {"purchase", "subscription", "training", "crawl", "use", "contribution"} | {
    *("attribution", "free")
}
_MISSPELT = {
    "permit": "permits",
    "prohibit": "prohibits",
    "licence": "license",
    "contents": "content",
    "term": "terms",
}
# Attributes of `copyright`.
_CONTACTS = ("contactEmail", "contactUrl")
MAX_NAME = 200

_SEPARATOR = re.compile(r"[\s,;|]+")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_SCANNED = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|<(?:[\w.-]++:)?(?P<element>content|prohibits?)\b(?P<attributes>[^<>]*+)>(?P<text>[^<]*+)",
    re.DOTALL | re.IGNORECASE,
)
_URL = re.compile(r"\burl\s*+=\s*+[\"']([^\"']*+)")
_TYPE = re.compile(r"\btype\s*+=\s*+[\"']([^\"']*+)")


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a list of uses, the uses it covers, and its source text.

    `proper` is False if it is not written as the standard requires.
    """

    word: str
    uses: tuple[Use, ...]
    proper: bool
    raw: str


@dataclass(slots=True)
class Licence:
    """The terms of one `license`.

    `conditions` are the name, text and URL of each limit and payment; `conditional` is True
    if its permissions have any condition; `names_uses` is True if it has a list of uses,
    readable or not.
    """

    permits: list[Token] = field(default_factory=list)
    prohibits: list[Token] = field(default_factory=list)
    conditions: list[tuple[str, str, str | None]] = field(default_factory=list)
    conditional: bool = False
    names_uses: bool = False
    url: str | None = None


def kind(element: Element) -> str:
    """Return the local name of an element, with misspelt names of RSL corrected."""
    name = _xml.local_name(element.tag).lower()
    return _MISSPELT.get(name, name)


def children(parent: Element, *kinds: str) -> Iterator[Element]:
    """Yield the children with these names; those of other namespaces are extensions."""
    namespace = _xml.namespace(parent.tag)
    for child in parent:
        if kind(child) in kinds and _xml.namespace(child.tag) == namespace:
            yield child


def raw_text(element: Element) -> str:
    """Return an element's start tag and text without namespaces, as it was parsed."""
    attributes = "".join(f' {_xml.local_name(k)}="{html.escape(v)}"' for k, v in element.items())
    name, text = _xml.local_name(element.tag), html.escape((element.text or "").strip(), False)
    whole = f"<{name}{attributes}>{text}</{name}>" if text else f"<{name}{attributes}>"
    return whole[:MAX_RAW]


def licence(element: Element, base: str, warnings: list[str]) -> Licence:
    """Read one `license` element."""
    terms = Licence()
    for what in ("permits", "prohibits"):
        for child in children(element, what):
            _list(child, what, terms, warnings)
    for child in children(element, "payment"):
        _payment(child, base, terms, warnings)
    # A use is licensed only if it is reported: this is a condition.
    if next(children(element, "reporting"), None) is not None:
        terms.conditional = True
    return terms


def owner(content: Element) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the signals about who has the rights in a `content`."""
    for child in children(content, "copyright"):
        texts = {"licensor": child.text, **{name: child.get(name) for name in _CONTACTS}}
        for name, value in texts.items():
            text = " ".join((value or "")[:MAX_RAW].split())[:MAX_NAME]
            if text:
                yield name, f"{'copyright' if name == 'licensor' else name}: {text}"


def _list(element: Element, what: str, terms: Licence, warnings: list[str]) -> None:
    of = element.get("type")
    text = (element.text or "")[:MAX_RAW]
    if of in {"usage", None}:
        terms.names_uses = True
        tokens = terms.permits if what == "permits" else terms.prohibits
        tokens += _usage(text, raw_text(element), of is not None, warnings)
    elif of in {"user", "geo"}:
        words = _words(text)
        known = [
            w.lower() for w in words if (w in _USERS if of == "user" else _COUNTRY.fullmatch(w))
        ]
        terms.conditional = True
        if known and "," not in text:
            name = f"{what}-{of}={','.join(known)}"[:MAX_NAME]
            terms.conditions.append((name, raw_text(element), None))
        else:
            warnings.append(f"limit that is not a list of the standard: {quote(raw_text(element))}")
    else:
        warnings.append(f"RSL knows no {what} of this type: {quote(raw_text(element))}")


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in _SEPARATOR.split(text) if word))


def _usage(text: str, raw: str, typed: bool, warnings: list[str]) -> Iterator[Token]:
    separated = typed and not re.search(r"[,;|]", text)
    at_fault = not separated
    for word in _words(text):
        meant = _OLD.get(word.lower(), word.lower())
        if meant in USAGE:
            proper = separated and word == meant
            at_fault = at_fault or not proper
            yield Token(meant, USAGE[meant], proper, raw)
        else:
            at_fault = True
    if at_fault or not text.strip():
        warnings.append(f"not a list of RSL's uses, separated by spaces: {quote(raw)}")


def _payment(element: Element, base: str, terms: Licence, warnings: list[str]) -> None:
    """Read a payment: it is free only if it says so, or is empty."""
    of = (element.get("type") or "").strip()
    parts = list(children(element, "standard", "custom", "amount"))
    named = [child for child in parts if kind(child) != "amount"]
    urls = (absolute(child.text or "", base) for child in named)
    url = next((each for each in urls if each), None)
    terms.url = terms.url or url
    if of == "free" or (not of and not parts):
        return
    if of and of not in _PAYMENTS:
        warnings.append(f"RSL knows no payment of this type: {quote(raw_text(element))}")
    what = of if of in _PAYMENTS else kind([*named, *parts][0]) if parts else "unknown"
    terms.conditional = True
    terms.conditions.append((f"payment={what}", raw_text(element), url))


def scan(text: str) -> Iterator[tuple[str | None, str, str]]:
    """Yield the URLs of contents and the tokens that prohibit training, in text that is not XML.

    An item is (url, "", "") or (None, token, text). Comments are ignored.
    """
    for match in _SCANNED.finditer(text):
        element = (match["element"] or "").lower()
        if element == "content":
            url = _URL.search(match["attributes"])
            yield (html.unescape(url[1]) if url else "/"), "", ""
        elif element:
            of = _TYPE.search(match["attributes"])
            words = {_OLD.get(w, w) for w in _words(match["text"][:MAX_RAW].lower())}
            trains = sorted(w for w in words if "train" in USAGE.get(w, ()))
            if trains and (of is None or of[1] == "usage"):
                yield None, trains[0], match[0][:MAX_RAW]
