"""Hostile texts of any size for each carrier, for `bench.hostile` and the tests.

A text repeats a piece up to a size within a frame that places it where a reader
looks, or it is one of the shapes that have a name of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from registry.model import Evidence, Scope
from registry.signals import readers

PIECES = (
    *("<", '"', "'", ",", ":", "{", "[", "(", "*", "a", "\x00", "\ud800", " ", "\n", "\r"),
    *("%", "&", ";", "=", "/", "#", "-", "\t", "\U0001f600", "\u0130", "1", "\\", "$"),
    *("User-agent: a\n", "Disallow: /*a", "Disallow: /\n", "Disallow /\n", "noai,", "noai; "),
    *("a:noai,", "<meta name=robots content=noai>", "<meta name=robots content=", "</", "<!--"),
    *("train-ai=n;a=", "train-ai=n, ", "ai-train=no,", "<![CDATA[", "&#x41;", '{"a":', "[[[["),
    *("<a>", "<a b=", ' a="1"', " xmlns:a='b'", "<script>", "<template>", "<link rel=license ,"),
    *('<x>;rel="tdm-reservation",', "<link rel=license href=a>", "noai=", "\\u0041", "ai ", "?>"),
    *('"tdm-reservation":1,', "<content url='/'><license>", "<prohibits type='usage'>ai-train "),
    *("<iframe srcdoc='<p>'></iframe>", "<iframe srcdoc='", "<iframe srcdoc=&lt;>"),
    *("datatrainingallowed=no\n", "Training: deny\n", '{"location":"/","tdm-reservation":1},'),
)
# The places where each carrier's readers look, as (start, end).
FRAMES = {
    "html": (
        ("", ""),
        ("<head><meta name=robots content='", "'>"),
        ("<script type='application/ld+json'>", "</script>"),
        ('<script>window.__INITIAL_STATE__ = JSON.parse("', '");</script>'),
        ("<head><link rel=license href='", "'>"),
    ),
    "robots-txt": (
        ("", ""),
        ("User-agent: *\nContent-Usage: ", "\n"),
        ("User-agent: *\nContent-Signal: ", "\n"),
        ("User-agent: *\nDisallow: /", "\n"),
        ("DisallowAITraining: /", "\n"),
        ("License: ", "\n"),
    ),
    "xmp": (
        ("", ""),
        (
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf="
            "'http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
            "xmlns:plus='http://ns.useplus.org/ldf/xmp/1.0/'><plus:DataMining>",
            "</plus:DataMining></rdf:Description></rdf:RDF></x:xmpmeta>",
        ),
        ("<a b='", "'/>"),
    ),
    "rsl-xml": (
        ("", ""),
        ("<rsl xmlns='https://rslstandard.org/rsl'><content url='/'>", "</content></rsl>"),
        ("<rsl xmlns='https://rslstandard.org/rsl'><content url='/", "'/></rsl>"),
    ),
    "tdmrep-json": (("", ""), ("[", "]"), ('[{"tdm-reservation":1,"location":"', '"}]')),
    "c2pa-json": (
        ("", ""),
        ('{"active_manifest":"a","manifests":{"a":{"assertions":[', "]}}}"),
        (
            '{"active_manifest":"a","manifests":{"a":{"assertions":[{"label":'
            '"cawg.training-mining","data":{"entries":{"',
            '":{"use":"notAllowed"}}}}]}}}',
        ),
    ),
    "spawning-api": (("", ""), ('{"urls":[', "]}"), ('{"urls":[{"url":"', '"}]}')),
    "ai-txt": (("", ""), ("User-Agent: *\nDisallow: ", "\n"), ('{"permissions":{"', '":1}}')),
    "trust-txt": (("", ""), ("datatrainingallowed=", "\n")),
}
ABOUT: dict[str, Scope] = {"headers": "image", "html": "page", "xmp": "image", "c2pa-json": "image"}
ABOUT["spawning-api"] = "image"


def pairs() -> list[tuple[str, str]]:
    """Return every reader with every carrier it reads."""
    return [(name, carrier) for name, module in readers().items() for carrier in module.CARRIERS]


def evidence(reader: str, carrier: str, text: str, url: str = "https://a.example/x") -> Evidence:
    """Return a text as evidence for a reader; in headers it is the value of each of its fields."""
    about = ABOUT.get(carrier, "site")
    if carrier != "headers":
        return Evidence(carrier, about, url, text=text)
    lines = tuple((field, text) for field in readers()[reader].HEADERS)
    return Evidence(carrier, about, url, lines=lines)


def filled(piece: str, size: int) -> str:
    """Return a piece repeated up to a size in characters."""
    return (piece * (size // len(piece) + 1))[:size]


def cases(reader: str, carrier: str, size: int) -> Iterator[tuple[str, Evidence]]:
    """Yield every named case of about `size` characters for a reader and a carrier."""
    for piece in PIECES:
        for number, (start, end) in enumerate(FRAMES.get(carrier, (("", ""),))):
            text = start + filled(piece, size) + end
            yield f"{piece!r} in frame {number}", evidence(reader, carrier, text)
        if carrier == "headers":
            yield f"lines of {piece!r}", _many_lines(reader, [piece] * (size // 50))
    if carrier == "headers":
        values = [f"b{number}: noai, train-ai=n" for number in range(size // 50)]
        yield "lines, all different", _many_lines(reader, values)
    for name, shape in SHAPES.get(carrier, {}).items():
        yield name, evidence(reader, carrier, shape(size))


def _many_lines(reader: str, values: list[str]) -> Evidence:
    fields = readers()[reader].HEADERS
    lines = tuple((fields[n % len(fields)], value) for n, value in enumerate(values))
    return Evidence("headers", "image", "https://a.example/x.jpg", lines=lines)


def counted(piece: str, size: int) -> str:
    """Return a piece repeated up to a size, its `#` replaced by a number that never repeats."""
    each = len(piece) + len(str(size // len(piece)))
    return "".join(piece.replace("#", str(n)) for n in range(size // each))


def laughs(size: int) -> str:
    """Return an entity bomb: each entity is ten of the one before it."""
    entities = "".join(f"<!ENTITY l{n + 1} '{f'&l{n};' * 10}'>" for n in range(9))
    return f"<!DOCTYPE r [<!ENTITY l0 '{'a' * 10}'>{entities}]><r>{filled('&l9;', size)}</r>"


def blowup(size: int) -> str:
    """Return a quadratic blowup: one long entity, named many times."""
    half = size // 2
    return f"<!DOCTYPE r [<!ENTITY a '{filled('a', half)}'>]><r>{filled('&a;', half)}</r>"


def external(size: int) -> str:
    """Return XML with an external entity that names a file."""
    return f"<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><r>{filled('&a;', size)}</r>"


def nested(opening: str, closing: str, end: str = "") -> Callable[[int], str]:
    """Return a function of a size that returns a text of nested elements, all closed."""

    def shape(size: int) -> str:
        depth = size // (len(opening) + len(closing))
        return opening * depth + end + closing * depth

    return shape


def agents_by_rules(size: int) -> str:
    """Return a robots.txt with as many agents as rules, in one group."""
    return counted("User-agent: a#\n", size // 2) + counted("Disallow: /#\n", size // 2)


def _repeated(piece: str, start: str = "", end: str = "") -> Callable[[int], str]:
    return lambda size: start + counted(piece, size) + end


_RSL = "<rsl xmlns='https://rslstandard.org/rsl'>"
_PACKET = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
_XML: dict[str, Callable[[int], str]] = {
    "billion laughs": laughs,
    "quadratic blowup": blowup,
    "external entity": external,
    "deep nesting": nested("<a>", "</a>"),
    "namespaces by the thousand": _repeated(" xmlns:a#='b#'", "<r", "/>"),
    "attributes by the thousand": _repeated(" a#='1'", "<r", "/>"),
    "a parameter entity": lambda size: f"<!DOCTYPE r [<!ENTITY % a '{filled('%a;', size)}'>%a;]>",
    "a huge comment": lambda size: f"<r><!--{filled('- ', size)}--></r>",
    "elements, all different": _repeated("<a#/>", "<r>", "</r>"),
}
_JSON: dict[str, Callable[[int], str]] = {
    "deep arrays": nested("[", "]"),
    "deep objects": nested('{"a":', "}", "1"),
    "numbers too large": lambda size: f"[{filled('1e999999,', size - size % 9)}1]",
    "one huge integer": lambda size: f"[{{'a':{filled('9', size)}}}]".replace("'", '"'),
    "integers of 5,000 digits": lambda size: f"[{filled('9' * 5000 + ',', size)}1]",
    "keys, all different": _repeated('"a#":1,', "{", '"z":1}'),
    "one key many times": lambda size: "{" + '"a":1,' * (size // 6) + '"a":2}',
    "lone surrogates": lambda size: f'["{filled(chr(92) + "ud800", size - size % 6)}"]',
    "NaN and Infinity": lambda size: f"[{'NaN,-Infinity,' * (size // 14)}1]",
}
SHAPES: dict[str, dict[str, Callable[[int], str]]] = {
    "rsl-xml": {
        **_XML,
        "contents": _repeated(
            "<content url='/#'><license><prohibits type='usage'>ai-train</prohibits></license>"
            "</content>",
            _RSL,
            "</rsl>",
        ),
        "deep nesting in rsl": lambda size: _RSL + nested("<content>", "</content>")(size),
    },
    "xmp": {
        **_XML,
        "a gigantic packet": lambda size: f"{_PACKET}{filled(' ', size)}</x:xmpmeta>",
        "packets": _repeated(f"{_PACKET}#</x:xmpmeta>"),
    },
    "tdmrep-json": {
        **_JSON,
        "entries": _repeated('{"location":"/#","tdm-reservation":1},', "[", "1]"),
        "entries of two values": _repeated('{"location":"/#","tdm-reservation":#},', "[", "1]"),
    },
    "c2pa-json": {
        **_JSON,
        "manifests": _repeated(
            '"m#":{"assertions":[{"label":"cawg.training-mining","data":{"entries":{"a#":{"use":'
            '"notAllowed"}}}}]},',
            '{"manifests":{',
            '"z":1}}',
        ),
    },
    "spawning-api": {
        **_JSON,
        "urls": _repeated('{"url":"https://a.example/#"},', '{"urls":[', "1]}"),
    },
    "ai-txt": {
        **_JSON,
        "agents by rules": agents_by_rules,
        "groups": _repeated("User-Agent: a#\nDisallow: /\n"),
        "sections": _repeated("[a#]\nTraining: deny\n"),
    },
    "trust-txt": {"marks": _repeated("datatrainingallowed=no#\n")},
    "robots-txt": {
        "agents by rules": agents_by_rules,
        "groups": _repeated("User-agent: a#\nDisallow: /#\nContent-Usage: /# train-ai=n\n"),
        "rules of stars": _repeated("Disallow: /*a*b*c*d*#$\n", "User-agent: *\n"),
        "rules in no group": _repeated("Disallow: /#\n"),
        "agents misspelt": _repeated("User agent: GPTBot #\nDisallow: /\n"),
        "lines of preferences": _repeated("Content-Usage: /# train-ai=n\n", "User-agent: *\n"),
        "malformed preferences": _repeated("Content-Usage: train-ai=n # no\n", "User-agent: *\n"),
        "lines of signals": _repeated("Content-Signal: /# ai-train=no\n", "User-agent: *\n"),
        "licences": _repeated("License: https://a.example/#.xml\n"),
        "drafts": _repeated("DisallowAITraining: /#\n", "User-agent: *\n"),
        "comments": _repeated("# no ai training, please: TDM #\n"),
    },
    "html": {
        "scripts of data": _repeated(
            '<script type=\'application/ld+json\'>{"license":"https://a.example/#"}</script>'
        ),
        "one script of data": lambda size: (
            f"<script type='application/ld+json'>{nested('[', ']')(size)}</script>"
        ),
        "metas": _repeated("<meta name=robots content='b#:noai'>", "<head>"),
        "one meta of agents": _repeated("b#:noai,", "<head><meta name=robots content='", "'>"),
        "attributes by the thousand": _repeated(" a#=1", "<meta name=robots content=noai", ">"),
        "licence links": _repeated("<link rel=license href='/#'>", "<head>"),
        "tdm metas": _repeated("<meta name=tdm-reservation content=1#>", "<head>"),
        "items": _repeated("<div itemscope><a itemprop=license href='/#'>"),
        "deep nesting": nested("<div>", "</div>"),
        "states": _repeated('<script>window.__INITIAL_STATE__ = JSON.parse("{#");</script>'),
        "RSL in scripts": _repeated(
            f"<script type='application/rsl+xml'>{_RSL}<content url='/#'/></rsl></script>"
        ),
    },
    "headers": {
        "agents": _repeated("b#:noai,"),
        "agents, their lines joined": _repeated("b#:a,noai,"),
        "members": _repeated("a#=(a b c);noai;b=1, "),
        "links": _repeated('<https://a.example/#>; rel="license tdm-reservation"; a="#", '),
        "one quoted string": lambda size: f'<a>; rel="{filled(chr(92) + chr(34), size)}"',
    },
}
