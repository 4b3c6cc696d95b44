"""The texts of a row's answer: reason, mark, entry, since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.checking.complete import UNREADABLE
from registry.checking.outcomes import CODE, MENTIONED, WAYS, Answers
from registry.index.decisions import MAX_KEPT, names_of
from registry.index.prints import MOST_SIMILAR
from registry.matching.key_table import NONE
from registry.model import OUTCOMES, TIERS, Signal, Verdict
from registry.text import visible
from registry.urls.same import SAME, WITHOUT_TRACKING, how_equal
from registry.urls.variants import same_picture
from registry.verdict.licensing import NO_TERMS, Terms, host_of_marks, terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.index import Index
    from registry.snapshot.entries import Entry
    from registry.snapshot.site_entries import Site

MARKS_SHOWN = 3
# Rows whose entries are read at a time.
READ_ROWS = 20_000
FIELDS = (
    ("optout_outcome", pa.string()),
    ("optout_reason", pa.string()),
    ("optout_match", pa.string()),
    ("optout_distance", pa.int16()),
    ("optout_entry", pa.string()),
    ("optout_signal", pa.string()),
    ("optout_since", pa.timestamp("us", "UTC")),
    ("optout_licence", pa.string()),
    ("optout_licensor", pa.string()),
    ("optout_contact", pa.string()),
    ("optout_creator", pa.string()),
    ("optout_credit", pa.string()),
    ("optout_proof", pa.string()),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The texts about one matched entry or site rule.

    `since` is an aware datetime or None; `url` is where the entry's picture was recorded,
    `licence` is the URL of the condition of a conditional one. `terms` name whom to ask.
    """

    entry: str
    marks: tuple[str, ...]
    reason: str
    since: Any
    url: str | None = None
    licence: str | None = None
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class KnownWords:
    """The texts about a row that is clear: the reason, and the mark that allows it, if one does."""

    reason: str
    proof: str | None = None
    terms: Terms = NO_TERMS


class Wording:
    """Makes the texts of answers, once for each matched entry."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._entries: dict[int, Words] = {}
        self._seen: dict[int, KnownWords] = {}
        self._terms: dict[tuple[int, int], Terms] = {}

    def of_entry(self, entry: int) -> Words:
        """Return the texts of an entry."""
        if entry not in self._entries:
            self.read(np.array([entry]))
        return self._entries[entry]

    def read(self, entries: NDArray[np.int64]) -> None:
        """Make the texts of some entries, all at once."""
        new = np.array(sorted(set(entries.tolist()) - self._entries.keys()), np.int64)
        if len(self._entries) + len(new) >= MAX_KEPT:
            self._entries.clear()
            new = np.unique(entries)
        for number, row in self.index.snapshot.entries.some(new).items():
            verdict = self.index.decisions.on(row)
            place = row.source if row.relation is None else host_of_marks(verdict)
            self._entries[number] = _words(row.name, verdict, row.since, place, row.url)

    def of_site(self, site: int, url_key: str) -> Words:
        """Return the texts of a site rule that refuses a URL key."""
        sites = self.index.sites
        at = sites.place(url_key)
        part, verdict = sites.verdict(at, with_texts=True)
        if sites.row(at, part) != site:
            part, verdict = sites.verdict(at, claims_only=True, with_texts=True)
        if sites.row(at, part) != site:
            _, verdict = sites.wider_verdict(at, with_texts=True)
        return self._of_site(site, verdict)

    def of_page_site(self, site: int, picture: str | None, page: str) -> Words:
        """Return the texts of a site rule that refuses pictures on a page (both as URL keys)."""
        sites = self.index.sites
        own, at = sites.place(picture) if picture else None, sites.place(page)
        part, verdict, _ = sites.page_verdict(own, at, with_texts=True)
        if sites.row(at, part) != site:
            _, verdict, _ = sites.page_verdict(own, at, claims_only=True, with_texts=True)
        return self._of_site(site, verdict)

    def _of_site(self, site: int, verdict: Verdict) -> Words:
        row = self.index.snapshot.sites[site]
        return _words(row.name, verdict, row.since, row.source if row.is_claim else row.host)

    def terms_of_site(self, site: int, marks: int) -> Terms:
        """Return the terms of a site rule, given the number of its marks."""
        if (site, marks) not in self._terms:
            if len(self._terms) >= MAX_KEPT:
                self._terms.clear()
            row = self.index.snapshot.sites[site]
            terms = self.index.sites.terms_of_marks()[marks] or NO_TERMS
            place = row.source if row.is_claim else row.host
            self._terms[site, marks] = replace(terms, licensor=terms.licensor or place)
        return self._terms[site, marks]

    def of_known(self, entry: int) -> KnownWords:
        """Return the texts of a row that is clear, and whose URL is recorded."""
        if entry not in self._seen:
            if len(self._seen) >= MAX_KEPT:
                self._seen.clear()
            row = self.index.snapshot.entries[entry]
            verdict = self.index.decisions.on(row)
            is_allowed = verdict.decision == "allowed"
            marks = f"allowed: {_marks(verdict)}" if is_allowed else "no mark"
            if self.index.tables.pictures(np.array([entry]))[0] == NONE:
                marks += "; its picture was never fetched"
            reason = f"seen on {row.seen:%Y-%m-%d}, {marks}"
            proof = _proof(_marks(verdict), row) if is_allowed else None
            self._seen[entry] = KnownWords(reason, proof, terms_of(verdict))
        return self._seen[entry]

    def of_permit(self, site: int, url_key: str) -> KnownWords:
        """Return the texts of a row that is clear, and which a rule of its site allows."""
        words, row = self.of_site(site, url_key), self.index.snapshot.sites[site]
        reason = f"not recorded, allowed by a rule of its site: {words.reason}"
        return KnownWords(reason, _proof(words.reason, row), words.terms)


def row_words(keys: Keys, answers: Answers, wording: Wording, row: int) -> Words | None:
    """Return the texts of a row's match, or None if it has none."""
    if answers.site[row] != -1:
        site, column = int(answers.site[row]), int(answers.column[row])
        if answers.page[row]:
            page = keys.pages[column].key(row) or ""
            return wording.of_page_site(site, keys.picture_of(row), page)
        return wording.of_site(site, _address(keys, answers, row))
    if answers.entry[row] != -1:
        return wording.of_entry(int(answers.entry[row]))
    return None


def _address(keys: Keys, answers: Answers, row: int) -> str:
    """Return the URL key that a rule of a site is about: the row's, or that of its original."""
    key = keys.urls[int(answers.column[row])].key(row) or ""
    original = same_picture(key) if answers.resized[row] else None
    return original[0] if original else key


def out_columns(keys: Keys, answers: Answers, wording: Wording) -> list[pa.Array]:
    """Return the `optout_*` columns of a batch, in the order of FIELDS."""
    records: list[tuple[Any, ...]] = []
    for row in range(keys.rows):
        if row % READ_ROWS == 0:
            matched = answers.entry[row : row + READ_ROWS]
            wording.read(matched[matched != -1])
        outcome = OUTCOMES[answers.outcome[row]]
        words = row_words(keys, answers, wording, row)
        if words is None:
            known = _unmatched(keys, answers, wording, row)
            own = None, None, *_credited(known.terms), known.proof
            records.append((outcome, known.reason, *[None] * 6, *own))
            continue
        way, distance = WAYS[answers.way[row]], int(answers.distance[row])
        near = None if distance < 0 else distance
        reason = f"{words.reason} ({how_matched(keys, answers, words, row)})"
        marks = ", ".join(words.marks)
        match = way, near, words.entry, marks, words.since, words.licence
        asked = words.terms.licensor, words.terms.contact, *_credited(words.terms), None
        records.append((outcome, reason, *match, *asked))
    columns = zip(*records, strict=True) if records else [[] for _ in FIELDS]
    return [pa.array(list(v), t) for v, (_, t) in zip(columns, FIELDS, strict=True)]


def how_matched(keys: Keys, answers: Answers, words: Words, row: int) -> str:
    """Return in words how a row matches."""
    way = WAYS[answers.way[row]]
    if answers.page[row] and way == "site":
        in_doubt = answers.outcome[row] == CODE["review"]
        return "rule of its page's site" + ("; may not cover this picture" if in_doubt else "")
    if answers.page[row]:
        is_all = answers.outcome[row] != CODE["review"]
        return "all pictures of its page" if is_all else "a picture of its page"
    if way == "url":
        return _how_named(keys, answers, words, row)
    if way == "site":
        if answers.outcome[row] == CODE["review"]:
            return "claim on a wider host of its site; may not cover this host"
        return "rule of the site of its original" if answers.resized[row] else "rule of its site"
    return "same file" if way == "digest" else _how_similar(answers, row)


def _how_similar(answers: Answers, row: int) -> str:
    tier = TIERS[answers.tier[row]] if answers.tier[row] >= 0 else "within --distance"
    how = f"same picture: {tier}, {answers.distance[row]} of 64 bits differ"
    if answers.crowded[row] and answers.outcome[row] == CODE["review"]:
        how += f"; more than {MOST_SIMILAR:,} recorded pictures are similar, the nearest compared"
    return how


def _how_named(keys: Keys, answers: Answers, words: Words, row: int) -> str:
    column = answers.column[row]
    if column == MENTIONED:
        return "its URL is in another column or within a longer text"
    if answers.resized[row]:
        return f"another size of the picture at {visible(words.url or words.entry)}"
    how = how_equal(keys.urls[column].text[row].as_py(), words.url or "") or SAME
    return how if how.startswith(WITHOUT_TRACKING) else SAME


def _unmatched(keys: Keys, answers: Answers, wording: Wording, row: int) -> KnownWords:
    if answers.outcome[row] == CODE["unchecked"]:
        reason = str(answers.problem.of(row))
        if reason == UNREADABLE and keys.unread is not None:
            return KnownWords(f"{reason}: {keys.unread[row]}")
        return KnownWords(reason)
    if answers.permit[row] != -1:
        return wording.of_permit(int(answers.permit[row]), keys.picture_of(row) or "")
    if answers.known[row] == -1:
        return KnownWords("not recorded")
    known = wording.of_known(int(answers.known[row]))
    return known if answers.allowed[row] else replace(known, proof=None)


def _credited(terms: Terms) -> tuple[str | None, str | None]:
    return terms.creator, terms.credit


def _proof(marks: str, row: Entry | Site) -> str:
    """Return the marks that allow a use, with their dates and the name of their record."""
    return f"{marks}; since {row.since:%Y-%m-%d}, last seen {row.seen:%Y-%m-%d} ({row.name})"


def _words(
    entry: str, verdict: Verdict, since: Any, place: str | None, url: str | None = None
) -> Words:
    """Return the texts; `place` is whom to ask about a condition that names nobody."""
    terms = terms_of(verdict)
    licence = terms.licence_url if verdict.decision == "conditional" else None
    if verdict.decision == "conditional":
        terms = replace(terms, licensor=terms.licensor or place)
    condition = f"; licence: {visible(licence)}" if licence else ""
    marks = _marks(verdict) + condition
    return Words(entry, tuple(names_of(verdict.deciding)), marks, since, url, licence, terms)


def _marks(verdict: Verdict) -> str:
    """Return the texts of the deciding marks, each with its place."""
    quoted = list(dict.fromkeys(_quote(signal) for signal in verdict.deciding))
    more = f"; and {len(quoted) - MARKS_SHOWN} more" if len(quoted) > MARKS_SHOWN else ""
    return "; ".join(quoted[:MARKS_SHOWN]) + more


def _quote(signal: Signal) -> str:
    text = visible(" ".join((signal.raw or signal.name).split()))
    return f"{text} at {visible(signal.url)}" if signal.url else text
