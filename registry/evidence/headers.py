"""Header field lines as evidence: which are kept, and their update by a 304 response. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from registry.model import Evidence, Scope

Lines = tuple[tuple[str, str], ...]

# Fields that may hold credentials.
SECRET = frozenset({"authorization", "proxy-authorization", "set-cookie", "set-cookie2"})
# Secrets, and fields that differ in every response: with them no two responses would
# have equal evidence.
LEFT_OUT = SECRET | frozenset(
    {
        "age",
        "alt-svc",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "date",
        "expires",
        "keep-alive",
        "nel",
        "report-to",
        "server-timing",
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
# Fields that change with every edit of a page, or with every response for it: its marks do not.
_LEFT_OUT_OF_PAGES = frozenset(
    {
        "cache-control",
        "content-length",
        "content-security-policy",
        "content-security-policy-report-only",
        "etag",
        "last-modified",
    }
)


def kept(lines: Iterable[tuple[str, str]], about: Scope = "image") -> Lines:
    """Return the field lines of an image's or a page's response that are stored, in their order."""
    left_out = LEFT_OUT | _LEFT_OUT_OF_PAGES if about == "page" else LEFT_OUT
    return tuple(line for line in lines if line[0].lower() not in left_out)


def refreshed(
    earlier: Iterable[Evidence], fresh: Lines, about: Scope = "image"
) -> tuple[Evidence, ...]:
    """Return the stored evidence of an image or page, its header lines updated from a 304 response.

    RFC 9111, section 3.2: fields in the 304 replace the stored ones of the same name; the
    others stay. Length and type of a 304 describe its empty body and are ignored. Evidence
    from inside the file stays.
    """
    updates = tuple((n, v) for n, v in kept(fresh, about) if not n.lower().startswith("content-"))
    names = {name.lower() for name, _ in updates}
    return tuple(
        replace(evidence, lines=_merged(evidence.lines, updates, names))
        if evidence.carrier == "headers"
        else evidence
        for evidence in earlier
        if evidence.about == about
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
