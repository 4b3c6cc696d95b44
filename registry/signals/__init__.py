"""Readers: one file per vocabulary, each a pure function from evidence to signals.

A reader is a module of this package (its name does not start with `_`) with

- `CARRIERS`: the kinds of evidence it reads (`headers`, `html`, `xmp`, ...; docs/words.md),
- `HEADERS`: if it reads headers, the lower-case names of its fields, and
  `ADDRESSES`: those of them that hold a URL,
- `read(evidence) -> Reading`, which raises on no input,
- `VOCABULARY`: what its signals name as theirs, if that is not the module's name (with `-` for
  `_`); two readers may share one,
- `COVERS_IMAGES = True`: if a mark on a page covers the images shown there, whoever owns
  them; `LICENSABLE = True`: if its refusal and a licence that the same site offers for the
  same use are one condition. False where it declares neither,
- `SITE_FILES`: if its marks have a site's file of their own, the rows for it in the table of
  carriers. A carrier is declared by one reader; others may read it,
- if it reads of a page more than tags and data scripts, `excerpt(page, url) -> str`: one
  line of markup in which it reads the same, for `page_excerpt`,
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

# What a reader declares of its vocabulary, False by default.
Flag = Literal["COVERS_IMAGES", "LICENSABLE"]
# How every reader says that it did not read on: marks may be in the rest.
_UNREAD = re.compile("read up to there|not read|were not read")
# Characters of header values that are remembered with what they say.
MAX_REMEMBERED = 512
# Characters of a site's file up to which it is read anew each time.
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
    """Return the table of carriers: the files of sites that readers declare, then COMMON."""
    declared = (row for r in readers().values() for row in getattr(r, "SITE_FILES", ()))
    return Carriers((*declared, *COMMON))


@cache
def vocabularies_with(flag: Flag) -> frozenset[str]:
    """Return the vocabularies of which a reader declares a flag."""
    return frozenset(
        getattr(reader, "VOCABULARY", name.replace("_", "-"))
        for name, reader in readers().items()
        if getattr(reader, flag, False)
    )


@lru_cache(maxsize=4096)
def _is_read(name: str) -> Literal["no", "yes", "address"]:
    """Tell of a field, by its name as it was written, whether any reader reads it.

    `address`: it holds a URL, which may be relative to the evidence's own.
    """
    field = name.strip().lower()
    concerned = header_fields().get(field, ())
    if any(field in getattr(reader, "ADDRESSES", ()) for reader in concerned):
        return "address"
    return "yes" if concerned else "no"


@cache
def _of_carrier(carrier: str) -> tuple[ModuleType, ...]:
    return tuple(reader for reader in readers().values() if carrier in reader.CARRIERS)


def refuse_unknown(evidence: Evidence) -> None:
    """Raise UsageError for a carrier without a reader, and for lines and text interchanged."""
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
    """Return what is kept of a page as evidence: the tags that can carry marks, its data scripts.

    `url` is the page's own. What a reader finds elsewhere in a page it gives itself:
    `excerpt(page, url) -> str` of its module returns markup, one line, in which it reads
    the same. So all readers find the same marks in the excerpt as in the page. At most
    `limit` characters; tags with marks come before all others.
    """
    ordered = [reader for _, reader in sorted(readers().items())]
    given = [reader.excerpt(html, url) for reader in ordered if hasattr(reader, "excerpt")]

    def speaks(tag: str) -> bool:
        return bool(read(Evidence("html", "page", url, text=tag)).signals)

    return _excerpt.excerpt(html, given, limit, speaks)


def unread(reading: Reading) -> tuple[str, ...]:
    """Return the warnings that marks may be in a part of evidence which no reader read."""
    return tuple(text for text in reading.warnings if _UNREAD.search(text))


# A long file of a site takes seconds; a visit asks for what it says more than once.
@lru_cache(maxsize=2)
def _read_long(evidence: Evidence) -> Reading:
    return _read_text(evidence)


def _read_text(evidence: Evidence) -> Reading:
    return _joined([reader.read(evidence) for reader in _of_carrier(evidence.carrier)])


def _read_headers(evidence: Evidence) -> Reading:
    """Ask the readers of the fields there are, with those alone: most blocks hold none."""
    lines: list[tuple[str, str]] = []
    size = 0
    for line in evidence.lines:
        kind = _is_read(line[0])
        if kind != "no":
            lines.append(line)
            size += len(line[1]) if kind == "yes" else MAX_REMEMBERED + 1
    if not lines:
        return Reading()
    if size > MAX_REMEMBERED:
        return _read_fields(Evidence("headers", evidence.about, evidence.url, tuple(lines)))
    # A site sends the same few marks with every image; only the place differs.
    remembered = _remembered(evidence.about, tuple(lines))
    url = evidence.url
    return Reading(tuple([_at(url, s) for s in remembered.signals]), remembered.warnings)


@lru_cache(maxsize=1024)
def _remembered(about: Scope, lines: tuple[tuple[str, str], ...]) -> Reading:
    return _read_fields(Evidence("headers", about, "", lines))


def _read_fields(fields: Evidence) -> Reading:
    known = header_fields()
    concerned = {r for name, _ in fields.lines for r in known[name.strip().lower()]}
    if len(concerned) == 1:
        reading: Reading = concerned.pop().read(fields)
        return reading
    return _joined([r.read(fields) for r in sorted(concerned, key=lambda r: r.__name__)])


def _at(url: str, s: Signal) -> Signal:
    """Return a signal as it stands at a URL; `replace` takes four times as long."""
    fields = s.name, s.vocabulary, s.carrier, s.scope, s.raw, url, s.uses, s.agents, s.rule
    return Signal(*fields, s.conformance, s.licence_url, s.third_party)


def _joined(readings: list[Reading]) -> Reading:
    return Reading(
        signals=tuple(signal for reading in readings for signal in reading.signals),
        warnings=tuple(text for reading in readings for text in reading.warnings),
    )
