"""`trust.txt` (JournalList): whether a publisher's content may be trained on.

Refuses: `datatrainingallowed=no`.

Where: `/trust.txt` or `/.well-known/trust.txt` of the host that it covers.

Example:

    member=https://www.journallist.net/
    datatrainingallowed=no

Grammar: lines `name=value`, `#` starts a comment; names and values are compared
in any case.

What it says: `datatrainingallowed=no` reserves training for the whole host, `yes`
permits it. All other names are about associations, and have no effect here.

Decisions: a colon instead of the equals sign, and `false` or `0` instead of `no`, are
malformed refusals; only `yes` permits. If one file has `no` and `yes`, the `no` counts.
The file covers only the host that serves it: for an image on another host, the file of
the page's host is evidence about the page only. A web page sent in its place is not read.

Who: news publishers; JournalList's plug-in for WordPress; Lume.

Sources: https://journallist.net, draft-org-trust-relationship-protocol-00.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.agents.known import TRAINING
from registry.evidence.carriers import Carrier
from registry.evidence.web_page import is_web_page
from registry.model import Conformance, Evidence, Meaning, PathRule, Reading, Signal
from registry.signals._directives import MAX_RAW
from registry.text import quote

CARRIERS = ("trust-txt",)
SITE_FILES = (
    Carrier(
        "trust-txt",
        "site",
        ("/trust.txt", "/.well-known/trust.txt"),
        "pages",
        names=("trust.txt",),
    ),
)

MAX_TEXT = 1024 * 1024
MAX_MARKS = 20

_LINE = re.compile(
    r"^[ \t\ufeff]*+datatrainingallowed[ \t]*+([=:])[ \t]*+([^#\r\n]*+)", re.I | re.M
)
_NO = frozenset({"no", "false", "0"})


def read(evidence: Evidence) -> Reading:
    """Read the training lines of one trust.txt."""
    text = evidence.text[:MAX_TEXT].replace("\x00", "").replace("\r", "\n")
    if is_web_page("trust-txt", text):
        return Reading(warnings=(f"a web page instead of trust.txt: {quote(text)}",))
    warnings: list[str] = []
    if len(evidence.text) > MAX_TEXT:
        warnings.append(f"trust.txt longer than {MAX_TEXT} characters, read up to there")
    signals = list(_signals(text, evidence.url, warnings))
    refused = any(signal.meaning("train") == "reserved" for signal in signals)
    if refused and any(signal.meaning("train") == "allowed" for signal in signals):
        warnings.append("datatrainingallowed is yes and no in one file: no counts")
        signals = [signal for signal in signals if signal.meaning("train") == "reserved"]
    if warnings and not refused:
        # Text that was not understood may be a refusal.
        signals = []
    return Reading(tuple(signals), tuple(warnings))


def _signals(text: str, url: str, warnings: list[str]) -> Iterator[Signal]:
    for number, match in enumerate(_LINE.finditer(text)):
        if number == MAX_MARKS:
            warnings.append(f"more than {MAX_MARKS} training lines, the others not read")
            return
        raw, (sign, value) = match.group().strip()[:MAX_RAW], match.groups()
        value = value.strip().lower()
        if sign != "=" or value not in {"yes", "no"}:
            warnings.append(f"datatrainingallowed is neither yes nor no: {quote(raw)}")
        if value in _NO:
            ok = sign == "=" and value == "no"
            yield _signal(raw, url, number, "reserved", "ok" if ok else "malformed")
        elif sign == "=" and value == "yes":
            yield _signal(raw, url, number, "allowed", "ok")


def _signal(raw: str, url: str, order: int, meaning: Meaning, conformance: Conformance) -> Signal:
    return Signal(
        name=f"trust-txt:datatrainingallowed={'yes' if meaning == 'allowed' else 'no'}",
        vocabulary="trust-txt",
        carrier="trust-txt",
        scope="site",
        raw=raw,
        url=url,
        uses=tuple((use, meaning) for use, _ in TRAINING),
        rule=PathRule("/", "all", order),
        conformance=conformance,
    )
