"""Header field lines as evidence: which are kept, and their update by a 304 response. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from registry.model import Evidence

Lines = tuple[tuple[str, str], ...]

# Secrets, and fields that differ in every response: with them no two responses would
# have equal evidence.
LEFT_OUT = frozenset(
    {
        "age",
        "alt-svc",
        "authorization",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "date",
        "expires",
        "keep-alive",
        "nel",
        "proxy-authorization",
        "report-to",
        "server-timing",
        "set-cookie",
        "set-cookie2",
        "via",
        "x-amz-cf-id",
        "x-amz-id-2",
        "x-amz-request-id",
        "x-cache",
        "x-cache-hits",
        "x-request-id",
        "x-runtime",
        "x-served-by",
        "x-timer",
    }
)


def kept(lines: Iterable[tuple[str, str]]) -> Lines:
    """Return the field lines that are stored, not joined, in their order."""
    return tuple(line for line in lines if line[0].lower() not in LEFT_OUT)


def refreshed(earlier: Iterable[Evidence], fresh: Lines) -> tuple[Evidence, ...]:
    """Return an image's stored evidence, with its header lines updated from a 304 response.

    RFC 9111, section 3.2: fields in the 304 replace the stored ones of the same name; the
    others stay. Length and type of a 304 describe its empty body and are ignored. Evidence
    from inside the file stays.
    """
    updates = tuple((n, v) for n, v in kept(fresh) if not n.lower().startswith("content-"))
    names = {name.lower() for name, _ in updates}
    return tuple(
        replace(evidence, lines=_merged(evidence.lines, updates, names))
        if evidence.carrier == "headers"
        else evidence
        for evidence in earlier
        if evidence.about == "image"
    )


def _merged(stored: Lines, updates: Lines, names: set[str]) -> Lines:
    """Return the stored lines with the updates at the places of the fields they replace.

    So fields with unchanged values give equal evidence.
    """
    merged: list[tuple[str, str]] = []
    placed: set[str] = set()
    for name, value in stored:
        key = name.lower()
        if key not in names:
            merged.append((name, value))
        elif key not in placed:
            placed.add(key)
            merged.extend(line for line in updates if line[0].lower() == key)
    return (*merged, *(line for line in updates if line[0].lower() not in placed))
