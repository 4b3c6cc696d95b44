"""Readers: one file per vocabulary, each a pure function from evidence to signals.

A reader is a module of this package (its name does not start with `_`) with

- `CARRIERS`: the carriers it reads (`headers`, `html`, `xmp`, ...; docs/words.md),
- `HEADERS`: if it reads headers, the lower-case names of its fields, and
  `ADDRESSES`: those of them that hold a URL,
- `read(evidence) -> Reading`, which raises on no input,
- `VOCABULARY`: the vocabulary of its signals, if it is not the module's name (with `-` for
  `_`); two readers may share one,
- `COVERS_IMAGES = True`: if a mark on a page covers the images shown there, whoever owns
  them; `LICENSABLE = True`: if its refusal and a licence that the same site offers for the
  same use are one condition. False where it declares neither,
- `SITE_FILES`: if its marks have a site file of their own, the rows for it in the table of
  carriers. A carrier is declared by one reader; others may read it,
- `excerpt(page, url) -> str`, if it reads more of a page than tags and data scripts: one
  line of markup in which it finds the same marks as in the page, for `page_excerpt`,
- a docstring that is the vocabulary's reference page,

and vectors in `tests/vectors/NAME.jsonl`. There is no list to edit.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import ModuleType
from typing import Literal

from registry.errors import UsageError
from registry.evidence.carriers import COMMON, Carriers
from registry.model import Evidence, Reading, Scope, Signal
from registry.plugins import discover
from registry.signals import _excerpt

# A property of a vocabulary that its reader declares; False by default.
Flag = Literal["COVERS_IMAGES", "LICENSABLE"]
# Words of the warnings about text that a reader did not read: it may hold marks.
_UNREAD = re.compile("read up to there|not read|were not read")
# Most characters of header values whose reading is cached.
MAX_REMEMBERED = 512
# Most characters of a site file whose reading is not cached.
MAX_QUICK = 64 * 1024


@cache
def readers() -> dict[str, ModuleType]:
    """Return every reader by name."""
    return discover(__name__, ("CARRIERS", "read"))


@cache
def header_fields() -> dict[str, tuple[ModuleType, ...]]:
    """Return the readers of every header field, by its lower-case name."""
    readers_of: dict[str, tuple[ModuleType, ...]] = {}
    for reader in readers().values():
        for field in getattr(reader, "HEADERS", ()):
            readers_of[field] = (*readers_of.get(field, ()), reader)
    return readers_of


@cache
def carriers() -> Carriers:
    """Return the table of carriers: the site files that readers declare, then COMMON."""
    declared = (row for r in readers().values() for row in getattr(r, "SITE_FILES", ()))
    return Carriers((*declared, *COMMON))


@cache
def vocabularies_with(flag: Flag) -> frozenset[str]:
    """Return the vocabularies for which a reader declares the flag."""
    return frozenset(
        getattr(reader, "VOCABULARY", name.replace("_", "-"))
        for name, reader in readers().items()
        if getattr(reader, flag, False)
    )


@lru_cache(maxsize=4096)
def _is_read(name: str) -> Literal["no", "yes", "address"]:
    """Return whether any reader reads a header field; `name` is in any letter case.

    `address`: a reader does, and the field holds a URL, which may be relative to the
    evidence's own.
    """
    field = name.strip().lower()
    readers_of_field = header_fields().get(field, ())
    if any(field in getattr(reader, "ADDRESSES", ()) for reader in readers_of_field):
        return "address"
    return "yes" if readers_of_field else "no"


@cache
def _of_carrier(carrier: str) -> tuple[ModuleType, ...]:
    return tuple(reader for reader in readers().values() if carrier in reader.CARRIERS)


def refuse_unknown(evidence: Evidence) -> None:
    """Raise UsageError if no reader reads the carrier, or if lines and text are interchanged."""
    if not _of_carrier(evidence.carrier):
        known = sorted({carrier for reader in readers().values() for carrier in reader.CARRIERS})
        raise UsageError(f"no reader reads {evidence.carrier!r}", "carriers: " + ", ".join(known))
    if evidence.carrier == "headers" and evidence.text:
        raise UsageError("headers are lines, not a text", "lines=((name, value), ...)")
    if evidence.carrier != "headers" and evidence.lines:
        raise UsageError(f"{evidence.carrier} is a text, not lines", "text=...")


def read(evidence: Evidence) -> Reading:
    """Run every reader of this carrier over one piece of evidence.

    Bad input gives fewer signals and more warnings, never an exception.
    """
    if evidence.carrier == "headers":
        return _read_headers(evidence)
    if evidence.about == "site" and len(evidence.text) > MAX_QUICK:
        return _read_long(evidence)
    return _read_text(evidence)


def page_excerpt(html: str, url: str = "", limit: int = 65536) -> str:
    """Return the excerpt of a page that is kept as evidence.

    It holds the tags that can carry marks, the data scripts, and the lines that the `excerpt`
    functions of readers return. All readers find the same marks in it as in the page. `url` is
    that of the page. The excerpt has at most `limit` characters; if it is cut, tags with marks
    are kept first.
    """
    ordered = [reader for _, reader in sorted(readers().items())]
    given = [reader.excerpt(html, url) for reader in ordered if hasattr(reader, "excerpt")]

    def has_mark(tag: str) -> bool:
        return bool(read(Evidence("html", "page", url, text=tag)).signals)

    return _excerpt.excerpt(html, given, limit, has_mark)


def unread(reading: Reading) -> tuple[str, ...]:
    """Return the warnings about parts of the evidence that were not read and may hold marks."""
    return tuple(text for text in reading.warnings if _UNREAD.search(text))


# Reading a long site file takes seconds, and a visit needs its signals more than once.
@lru_cache(maxsize=2)
def _read_long(evidence: Evidence) -> Reading:
    return _read_text(evidence)


def _read_text(evidence: Evidence) -> Reading:
    return _joined([reader.read(evidence) for reader in _of_carrier(evidence.carrier)])


def _read_headers(evidence: Evidence) -> Reading:
    """Call only the readers of the fields that occur: most header blocks have none of them."""
    lines: list[tuple[str, str]] = []
    size = 0
    for line in evidence.lines:
        is_read = _is_read(line[0])
        if is_read != "no":
            lines.append(line)
            size += len(line[1]) if is_read == "yes" else MAX_REMEMBERED + 1
    if not lines:
        return Reading()
    if size > MAX_REMEMBERED:
        return _read_fields(Evidence("headers", evidence.about, evidence.url, tuple(lines)))
    # A site sends the same few marks with every image; only the URL differs.
    remembered = _remembered(evidence.about, tuple(lines))
    url = evidence.url
    return Reading(tuple([_at(url, s) for s in remembered.signals]), remembered.warnings)


@lru_cache(maxsize=1024)
def _remembered(about: Scope, lines: tuple[tuple[str, str], ...]) -> Reading:
    return _read_fields(Evidence("headers", about, "", lines))


def _read_fields(fields: Evidence) -> Reading:
    known = header_fields()
    needed = {r for name, _ in fields.lines for r in known[name.strip().lower()]}
    if len(needed) == 1:
        reading: Reading = needed.pop().read(fields)
        return reading
    return _joined([r.read(fields) for r in sorted(needed, key=lambda r: r.__name__)])


def _at(url: str, s: Signal) -> Signal:
    """Return a copy of a signal with another URL; `replace` takes four times as long."""
    fields = s.name, s.vocabulary, s.carrier, s.scope, s.raw, url, s.uses, s.agents, s.rule
    return Signal(*fields, s.conformance, s.licence_url, s.third_party)


def _joined(readings: list[Reading]) -> Reading:
    return Reading(
        signals=tuple(signal for reading in readings for signal in reading.signals),
        warnings=tuple(text for reading in readings for text in reading.warnings),
    )
