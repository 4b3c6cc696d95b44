"""Site files at places where no crawler requests them. Pure."""

from __future__ import annotations

import re

from registry.explain.hints._hint import Hint

_ROBOTS = re.compile(
    r"(?:.*/)?(?:robots?|robot's)(?:\.txt|\.text|\.txt\.txt|\.html?|)$", re.IGNORECASE
)
_TDMREP = re.compile(r".*/tdm[-_]?rep\.json$", re.IGNORECASE)
_HOST = re.compile(r"^https?://[^/?#]+", re.IGNORECASE)


def misplaced(name: str, carrier: str) -> tuple[Hint, ...]:
    """Return a hint for a file name or URL that is nearly that of a site file.

    `carrier` is that of the file (or `image`). The folder of a file on disk does not
    matter: only its name is examined.
    """
    host = _HOST.match(name)
    path = name[host.end() :].partition("?")[0].partition("#")[0] if host else name
    last = path.rpartition("/")[2]
    if _ROBOTS.match(path) and (host or carrier == "robots-txt") and len(last) < 40:
        is_there = path == "/robots.txt" if host else last == "robots.txt"
        # A page may well be called /robots.
        if not is_there and (carrier != "html" or last.lower().endswith(".txt")) and "." in last:
            return (_hint(name, "/robots.txt"),)
    if host and _TDMREP.match(path) and path != "/.well-known/tdmrep.json":
        return (_hint(name, "/.well-known/tdmrep.json"),)
    return ()


def _hint(place: str, corrected: str) -> Hint:
    return Hint(f"crawlers request only {corrected}", place, corrected)
