"""Near misses in robots.txt: lines without a colon, misspelt names, curly quotes, HTML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from registry.explain.hints._hint import NearMiss
from registry.explain.hints._meta import MAX_TAG, WORTH, meant
from registry.explain.hints._spelling import (
    AROUND,
    HEADER_NAMES,
    ROBOTS_KEYS,
    TO_PLAIN,
    directives,
    letters,
)
from registry.model import Evidence

MAX_LINES = 20_000
MAX_LINE = 300
# Most lines that a hint repeats of a page sent in place of robots.txt.
MAX_SHOWN = 20
_LINE = re.compile(r"[^\r\n]+")
_TAG = re.compile(r"<[^<>]{0,200}>")
_TOKEN = re.compile(r"\*|[A-Za-z0-9_.-]+")
_PATH = re.compile(r"[/*]\S*")
# Name and value of a record whose colon is missing or is another character.
_NO_COLON = re.compile(r"([A-Za-z][A-Za-z_-]*+)[\s=]\s*(.+)", re.DOTALL)
_MEMBER = re.compile(r"[a-z]++(?:-[a-z]++)*+=[a-z]++")
_REFUSING = {
    "Content-Signal": frozenset(("ai-train=no", "ai-input=no")),
    "Content-Usage": frozenset(("train-ai=n",)),
}
_WITH_PATHS = frozenset(("Disallow", "DisallowAITraining"))
_HTML = "robots.txt is a web page; its rules are read from plain text only"


def near_misses(evidence: Evidence) -> Iterator[NearMiss]:
    """Yield the near misses of a robots.txt."""
    start = evidence.text[:2000].lstrip("\ufeff \t\r\n").lower()
    if start.startswith("<") and not start.startswith("<meta"):
        yield from _in_html(evidence.text)
        return
    line, counted = 1, 0
    byte_order_mark = len(evidence.text) - len(evidence.text.lstrip("\ufeff\u00ef\u00bb\u00bf"))
    for match in islice(_LINE.finditer(evidence.text, byte_order_mark), MAX_LINES):
        line += _ends(evidence.text, counted, match.start())
        counted = match.start()
        text = match[0].partition("#")[0][: MAX_LINE + 1].strip()
        if 4 < len(text) <= MAX_LINE:
            yield from _near_miss(line, text)


def _ends(text: str, start: int, end: int) -> int:
    """Count the line ends of any kind between two places."""
    between = text[start:end]
    return between.count("\n") + between.count("\r") - between.count("\r\n")


def _near_miss(line: int, text: str) -> Iterator[NearMiss]:
    if text.startswith("<") and WORTH.search(text, 0, MAX_TAG):
        if corrected := meant(text):
            yield NearMiss(
                line, "a meta tag belongs in the head of a page, not in robots.txt", corrected
            )
        return
    # In a path every character may be intended.
    plain = text.translate(TO_PLAIN)
    name, colon, value = plain.partition(":")
    if colon and letters(name) in HEADER_NAMES and letters(name).startswith("x"):
        if words := directives(value):
            says = "X-Robots-Tag is a response header; it is not read in robots.txt"
            yield NearMiss(line, says, f"X-Robots-Tag: {', '.join(words)}")
        return
    has_colon = bool(colon) and letters(name) in ROBOTS_KEYS
    if not has_colon:
        split = _NO_COLON.fullmatch(plain)
        name, value = (split[1], split[2]) if split else ("", "")
    key = ROBOTS_KEYS.get(letters(name), "")
    if key in _WITH_PATHS:
        value = text[-len(value.strip()) :] if value.strip() else ""
    quoted = key not in _WITH_PATHS or value.strip()[:1] in AROUND
    corrected = _corrected(key, value.strip(AROUND if quoted else None)) if key else ""
    if corrected and not _is_proper(text, key, corrected):
        yield NearMiss(line, _fault(name.strip(), key, has_colon), corrected)


def _corrected(key: str, value: str) -> str:
    """Return the correct form of a record; empty if its value is not that of a refusal."""
    if key == "User-agent":
        return f"{key}: {value}" if _TOKEN.fullmatch(value) else ""
    if key in _REFUSING:
        return _list_of_members(key, value)
    return f"{key}: {value}" if _PATH.fullmatch(value) else ""


def _list_of_members(key: str, value: str) -> str:
    """Return the correct form of a list of `name=value`, with its path; empty without a refusal."""
    path, blank, rest = value.partition(" ")
    with_path = bool(blank) and _PATH.fullmatch(path) is not None
    plain = "".join((rest if with_path else value).split()).replace('"', "").replace("'", "")
    members = plain.lower().split(",")
    if not all(map(_MEMBER.fullmatch, members)) or _REFUSING[key].isdisjoint(members):
        return ""
    return f"{key}: {path + ' ' if with_path else ''}{', '.join(members)}"


def _is_proper(text: str, key: str, corrected: str) -> bool:
    """Return whether a line is correct, ignoring letter case and blanks."""
    name, colon, value = text.partition(":")
    wanted = corrected.partition(":")[2]
    same = "".join(value.split()) == "".join(wanted.split())
    return bool(colon) and name.strip().lower() == key.lower() and same


def _fault(name: str, key: str, has_colon: bool) -> str:
    if not has_colon:
        return f"{key} needs a colon"
    if name.lower() != key.lower():
        return f"{name!r} is misspelt"
    return "it has quotation marks, or characters that only look like plain ones"


def _in_html(text: str) -> Iterator[NearMiss]:
    """Yield one near miss for a page with rules: whether they are read depends on the reader."""
    line_of: dict[str, int] = {}
    for tagged in islice(_LINE.finditer(text), MAX_LINES):
        for part in _TAG.split(tagged[0][: MAX_LINE * 4]):
            name, colon, value = part.translate(TO_PLAIN).partition(":")
            key = ROBOTS_KEYS.get(letters(name)) if colon and len(name) < MAX_LINE else None
            corrected = _corrected(key, value.strip(AROUND)) if key else ""
            if corrected and corrected not in line_of:
                line_of[corrected] = _ends(text, 0, tagged.start()) + 1
        if len(line_of) >= MAX_SHOWN:
            break
    if any(line.startswith("User-agent") for line in line_of) and len(line_of) > 1:
        yield NearMiss(next(iter(line_of.values())), _HTML, "\n".join(line_of))
