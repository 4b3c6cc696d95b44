"""What a row's answer says in words: reason, mark, entry, since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from registry.checking.answers import CODE, MENTIONED, WAYS, Answers
from registry.checking.index import MAX_KEPT, NONE, names_of
from registry.model import OUTCOMES, TIERS, Signal, Verdict
from registry.text import visible
from registry.urls.key import split_key
from registry.urls.same import SAME, WITHOUT_TRACKING, how_equal

if TYPE_CHECKING:
    from registry.checking.index import CheckIndex
    from registry.checking.keys import Keys

MARKS_SHOWN = 3
FIELDS = (
    ("optout_outcome", pa.string()),
    ("optout_reason", pa.string()),
    ("optout_match", pa.string()),
    ("optout_distance", pa.int16()),
    ("optout_entry", pa.string()),
    ("optout_signal", pa.string()),
    ("optout_since", pa.timestamp("us", "UTC")),
    ("optout_licence", pa.string()),
)


@dataclass(frozen=True, slots=True)
class Words:
    """One matched entry or site rule in words.

    `since` is an aware datetime or None; `url` is what an entry's picture was recorded
    at, `licence` where the condition of a conditional one stands.
    """

    entry: str
    marks: tuple[str, ...]
    reason: str
    since: Any
    url: str | None = None
    licence: str | None = None


class Wording:
    """Words for answers, made once per entry and site rule that is met."""

    def __init__(self, index: CheckIndex) -> None:
        self.index = index
        self._entries: dict[int, Words] = {}
        self._seen: dict[int, str] = {}

    def of_entry(self, entry: int) -> Words:
        """Return the words for one entry."""
        if entry not in self._entries:
            if len(self._entries) >= MAX_KEPT:
                self._entries.clear()
            table = self.index.snapshot.entries
            self._entries[entry] = _words(
                table["entry"][entry].as_py(),
                self.index.entry_verdict(entry),
                table["since"][entry].as_py(),
                table["url"][entry].as_py(),
            )
        return self._entries[entry]

    def of_site(self, site: int, url_key: str) -> Words:
        """Return the words for one site rule and the URL key it refuses."""
        host, path = split_key(url_key)
        table = self.index.snapshot.sites
        row, verdict = self.index.site_verdict(host, path)
        if row != site:
            row, verdict = self.index.site_verdict(host, path, claims_only=True)
        if row != site:
            _, verdict = self.index.wider_verdict(host, path)
        return _words(table["entry"][site].as_py(), verdict, table["since"][site].as_py())

    def of_page_site(self, site: int, picture: str | None, page: str) -> Words:
        """Return the words for one site rule that refuses pictures on a page (URL keys)."""
        table = self.index.snapshot.sites
        row, verdict, _ = self.index.page_verdict(picture, page)
        if row != site:
            _, verdict, _ = self.index.page_verdict(picture, page, claims_only=True)
        return _words(table["entry"][site].as_py(), verdict, table["since"][site].as_py())

    def of_known(self, entry: int) -> str:
        """Return why a row whose URL is recorded is clear all the same."""
        if entry not in self._seen:
            if len(self._seen) >= MAX_KEPT:
                self._seen.clear()
            verdict = self.index.entry_verdict(entry)
            when = self.index.snapshot.entries["seen"][entry].as_py()
            dated = f" on {when:%Y-%m-%d}" if when else ""
            said = f"allowed: {_marks(verdict)}" if verdict.decision == "allowed" else "no mark"
            if self.index.entry_image[entry] == NONE:
                said += "; its picture was never obtained"
            self._seen[entry] = f"seen{dated}, {said}"
        return self._seen[entry]


def row_words(keys: Keys, found: Answers, wording: Wording, row: int) -> Words | None:
    """Return the words for what a row met, or None where it met nothing."""
    if found.site[row] != -1:
        site, column = int(found.site[row]), int(found.column[row])
        if found.page[row]:
            page = keys.pages[column][row].as_py()
            return wording.of_page_site(site, keys.picture_of(row), page)
        return wording.of_site(site, keys.urls[column][row].as_py())
    if found.entry[row] != -1:
        return wording.of_entry(int(found.entry[row]))
    return None


def out_columns(keys: Keys, found: Answers, wording: Wording) -> list[pa.Array]:
    """Return the `optout_*` columns of a batch, in the order of FIELDS."""
    records: list[tuple[Any, ...]] = []
    for row in range(keys.rows):
        outcome = OUTCOMES[found.outcome[row]]
        words = row_words(keys, found, wording, row)
        if words is None:
            records.append((outcome, _unmatched(found, wording, row), *[None] * 6))
            continue
        way, distance = WAYS[found.way[row]], int(found.distance[row])
        near = None if distance < 0 else distance
        reason = f"{words.reason} ({_how(keys, found, words, row)})"
        marks = ", ".join(words.marks)
        records.append((outcome, reason, way, near, words.entry, marks, words.since, words.licence))
    columns = zip(*records, strict=True) if records else [[] for _ in FIELDS]
    return [pa.array(list(v), t) for v, (_, t) in zip(columns, FIELDS, strict=True)]


def _how(keys: Keys, found: Answers, words: Words, row: int) -> str:
    way = WAYS[found.way[row]]
    if found.page[row] and way == "site":
        is_asked = found.outcome[row] == CODE["review"]
        return "rule of its page's site" + (": does it mean this picture?" if is_asked else "")
    if found.page[row]:
        is_all = found.outcome[row] != CODE["review"]
        return "all pictures of its page" if is_all else "a picture of its page"
    if way == "url":
        return _how_named(keys, found, words, row)
    if way == "site" and found.outcome[row] == CODE["review"]:
        return "claim on a wider host of its site: does it mean this one?"
    if way != "fingerprint":
        return {"digest": "same file", "site": "rule of its site"}[way]
    tier = TIERS[found.tier[row]] if found.tier[row] >= 0 else "within --distance"
    return f"same picture: {tier}, {found.distance[row]} of 64 bits differ"


def _how_named(keys: Keys, found: Answers, words: Words, row: int) -> str:
    column = found.column[row]
    if column == MENTIONED:
        return "its address is in another column, or among other things in one"
    how = how_equal(keys.written[column][row].as_py(), words.url or "") or SAME
    return how if how.startswith(WITHOUT_TRACKING) else SAME


def _unmatched(found: Answers, wording: Wording, row: int) -> str:
    if found.outcome[row] == CODE["unchecked"]:
        return str(found.problem[row])
    if found.known[row] != -1:
        return wording.of_known(int(found.known[row]))
    return "not recorded"


def _words(entry: str, verdict: Verdict, since: Any, url: str | None = None) -> Words:
    licence = verdict.licence_url if verdict.decision == "conditional" else None
    condition = f"; licence: {visible(licence)}" if licence else ""
    marks = _marks(verdict) + condition
    return Words(entry, tuple(names_of(verdict.deciding)), marks, since, url, licence)


def _marks(verdict: Verdict) -> str:
    """Quote the deciding marks with the place where each stood."""
    quoted = list(dict.fromkeys(_quote(signal) for signal in verdict.deciding))
    more = f"; and {len(quoted) - MARKS_SHOWN} more" if len(quoted) > MARKS_SHOWN else ""
    return "; ".join(quoted[:MARKS_SHOWN]) + more


def _quote(signal: Signal) -> str:
    text = visible(" ".join((signal.raw or signal.name).split()))
    return f"{text} at {visible(signal.url)}" if signal.url else text
