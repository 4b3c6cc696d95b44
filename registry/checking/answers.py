"""From keys to answers: one outcome a row, with what it matched.

Every way of matching is tried; the strictest outcome stands, and among equals
the surest way: URL, digest, rule of the site, URL of the page, rule of its site,
fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.checking.complete import EMPTY, NOTHING, Offer, unchecked
from registry.checking.index import CheckIndex
from registry.checking.keys import Keys, Mentions, Prints
from registry.checking.pages import NONE, STRICT
from registry.matching.confirm import CANDIDATE_RADIUS, tier
from registry.model import DECISIONS, OUTCOMES, TIERS
from registry.urls.columns import hosts_of_keys
from registry.urls.key import split_key
from registry.urls.sites import same_site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Outcome, Verdict

CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
WAYS = ("url", "digest", "site", "fingerprint")
# Outcome by decision rank: reserved, conditional; allowed and unspecified reserve nothing.
BY_DECISION = np.array(
    [CODE["reserved"], CODE["conditional"], CODE["clear"], CODE["clear"]], np.int8
)
# Candidates looked at per row, nearest first: a bound on what a flood can cost.
NEAREST = 64
# In place of a column: an address that is not said to be of the row's picture.
MENTIONED = -1
REVIEW_TIER = TIERS.index("possible")


@dataclass(slots=True)
class Answers:
    """One place per row.

    `outcome` indexes OUTCOMES; `problem` says why a row may not be clear, or is
    None; `way` indexes WAYS or is -1; `entry` and `site` are rows of the snapshot's
    tables or -1; `column` is the place of the address that met them among the keys'
    `urls`, or `pages` where `page` tells that it is a page's, or MENTIONED; `tier` indexes
    TIERS or is -1; `distance` counts differing bits of phash64 or is -1. `known` is the
    entry recorded at a clear row's own URL, or -1. `searched` counts the fingerprints
    that were looked for.
    """

    outcome: NDArray[np.int8]
    problem: NDArray[np.object_]
    way: NDArray[np.int8]
    entry: NDArray[np.int64]
    site: NDArray[np.int64]
    column: NDArray[np.int8]
    page: NDArray[np.bool_]
    tier: NDArray[np.int8]
    distance: NDArray[np.int16]
    known: NDArray[np.int64]
    searched: int = 0


def answer(
    keys: Keys, index: CheckIndex, distance: int | None, whole: Sequence[str] = ()
) -> Answers:
    """Look the keys of a batch up and settle one outcome per row.

    `whole` holds reasons for which no row of the dataset may be clear.
    """
    found = _blank(keys, index, whole)
    sources = list(keys.prints)
    for column, urls in enumerate(keys.urls):
        places = index.url_places(urls)
        entries = index.entries_at(places)
        found.known[:] = np.where(found.known == -1, entries, found.known)
        _take_entries(found, index, entries, WAYS.index("url"), column)
        sources.append(_known_pictures(found, index, places))
    for name, digests in keys.digests:
        _take_entries(found, index, index.entries_by_digest(name, digests), WAYS.index("digest"))
    sources += [_take_mentions(found, index, mentions) for mentions in keys.others]
    for column, urls in enumerate(keys.urls if index.sites else []):
        _take_sites(found, index, urls, column)
    for urls in keys.pages:
        _take_pages(found, index, urls)
    for column in range(len(keys.pages) if index.sites else 0):
        _take_page_sites(found, index, keys, column)
    for prints in sources:
        _take_fingerprints(found, index, prints, distance)
    return found


def _take_mentions(found: Answers, index: CheckIndex, mentions: Mentions) -> Prints:
    """Let the strictest picture answer whose address a row mentions; return its fingerprints."""
    places = index.url_places(mentions.urls)
    known = np.flatnonzero(places != -1)
    entries = index.entries_at(places[known])
    images = index.entry_image[entries]
    ranks = np.where(images == -1, len(DECISIONS), index.image_rank[images])
    ranks = np.minimum(ranks, index.entry_rank[entries])
    order = np.lexsort((ranks, mentions.row[known]))
    rows, first = np.unique(mentions.row[known][order], return_index=True)
    chosen = np.full(len(found.outcome), -1, np.int64)
    chosen[rows] = known[order][first]
    at = np.where(chosen == -1, -1, places[chosen])
    _take_entries(found, index, index.entries_at(at), WAYS.index("url"), MENTIONED)
    return _known_pictures(found, index, at)


def outcome_of_page(index: CheckIndex, key: str) -> Outcome:
    """Return what a check says of a row that names nothing but a page, by its URL key."""
    offer = Offer(np.ones(1, bool), np.ones(1, bool), NOTHING, names_picture=False)
    keys = Keys(1, pages=[pa.array([key], pa.string())], offers=[offer])
    return OUTCOMES[int(answer(keys, index, None).outcome[0])]


def _known_pictures(found: Answers, index: CheckIndex, places: NDArray[np.int64]) -> Prints:
    """Let what is recorded of the pictures at the rows' own URLs answer; return their fingerprints.

    Another page may show the same file with a mark, or another size of it.
    """
    rows, images = index.pictures_at(places)
    entries = np.full(len(places), -1, np.int64)
    # Strictest first: of a row's pictures the first is written last.
    entries[rows[::-1]] = index.image_entry[images[::-1]]
    _take_entries(found, index, entries, WAYS.index("digest"))
    places_of, known = index.prints.of(images)
    return Prints(
        row=rows[places_of],
        phash64=index.prints.phash64[known],
        has=np.ones(len(known), bool),
        phash256=index.prints.phash256[known],
        has_wide=index.prints.has_wide[known],
    )


def _blank(keys: Keys, index: CheckIndex, whole: Sequence[str]) -> Answers:
    rows = keys.rows
    whole = [*whole, EMPTY] if index.is_empty else whole
    problem = unchecked(rows, keys.offers, whole, index.unrecorded)
    failed = np.array([reason is not None for reason in problem], bool)
    return Answers(
        outcome=np.where(failed, CODE["unchecked"], CODE["clear"]).astype(np.int8),
        problem=problem,
        way=np.full(rows, -1, np.int8),
        entry=np.full(rows, -1, np.int64),
        site=np.full(rows, -1, np.int64),
        column=np.zeros(rows, np.int8),
        page=np.zeros(rows, bool),
        tier=np.full(rows, -1, np.int8),
        distance=np.full(rows, -1, np.int16),
        known=np.full(rows, -1, np.int64),
    )


def _take_entries(
    found: Answers, index: CheckIndex, entries: NDArray[np.int64], way: int, column: int = 0
) -> None:
    """Let exact matches (URL or digest) answer where they are stricter."""
    rows = np.flatnonzero(entries != -1)
    outcomes = BY_DECISION[index.entry_rank[entries[rows]]]
    better = outcomes < np.minimum(found.outcome[rows], CODE["clear"])
    rows = rows[better]
    found.outcome[rows] = outcomes[better]
    found.way[rows], found.column[rows] = way, column
    found.entry[rows], found.site[rows] = entries[rows], -1
    found.tier[rows] = TIERS.index("exact")


def _take_pages(found: Answers, index: CheckIndex, urls: pa.Array) -> None:
    """Let what is recorded of a row's page answer where it is stricter.

    A page whose recorded pictures are all reserved reserves the row's picture; one
    that shows others too, or of which only a list is known, asks for a person's eye.
    """
    entries, outcomes = index.pages.answers(urls)
    rows = np.flatnonzero(entries != -1)
    better = outcomes[rows] < np.minimum(found.outcome[rows], CODE["clear"])
    rows = rows[better]
    found.outcome[rows] = outcomes[rows]
    found.way[rows], found.page[rows] = WAYS.index("url"), True
    found.entry[rows], found.site[rows] = entries[rows], -1
    found.tier[rows] = -1


def _take_sites(found: Answers, index: CheckIndex, urls: pa.Array, column: int) -> None:
    """Let the rules of the pictures' sites answer where they are stricter, by host and path."""
    for row, url, claims_only in _ruled(found, index, urls):
        host, path = split_key(url)
        site, verdict = index.site_verdict(host, path, claims_only=claims_only)
        outcome = BY_DECISION[DECISIONS.index(verdict.decision)]
        if outcome == CODE["clear"]:
            site, wider = index.wider_verdict(host, path)
            # Whether a claim on the wider host means this one, a person must say.
            outcome = _in_question(wider)
        _take_site(found, row, outcome, site, column)


def _take_page_sites(found: Answers, index: CheckIndex, keys: Keys, column: int) -> None:
    """Let the rules of the sites of the rows' pages answer where they are stricter.

    Whether they mean a picture of another site, a person must say.
    """
    for row, page, claims_only in _ruled(found, index, keys.pages[column]):
        picture = keys.picture_of(row)
        if picture == page:
            continue
        site, verdict, is_own = index.page_verdict(picture, page, claims_only=claims_only)
        if site == NONE:
            continue
        if is_own and picture and same_site(split_key(picture)[0], split_key(page)[0]):
            outcome = int(BY_DECISION[DECISIONS.index(verdict.decision)])
        else:
            outcome = _in_question(verdict)
        _take_site(found, row, outcome, site, column, page=True)


def _ruled(found: Answers, index: CheckIndex, urls: pa.Array) -> Iterator[tuple[int, str, bool]]:
    """Yield row, URL key and whether claims alone are asked, where a site may say anything."""
    # What a crawl recorded at a picture's URL has been weighed with the files of its sites.
    weighed = index.crawled(found.known)
    for row in np.flatnonzero(index.claimed.any_for(hosts_of_keys(urls))).tolist():
        yield row, urls[row].as_py(), bool(weighed[row])


def _in_question(verdict: Verdict) -> int:
    return CODE["review" if DECISIONS.index(verdict.decision) < STRICT else "clear"]


def _take_site(
    found: Answers, row: int, outcome: int, site: int, column: int, *, page: bool = False
) -> None:
    if outcome < min(found.outcome[row], CODE["clear"]):
        found.outcome[row] = outcome
        found.way[row], found.column[row], found.page[row] = WAYS.index("site"), column, page
        found.entry[row], found.site[row] = -1, site
        found.tier[row] = -1


def _take_fingerprints(
    found: Answers, index: CheckIndex, prints: Prints, distance: int | None
) -> None:
    places = np.flatnonzero(prints.has)
    found.searched += len(places)
    if not len(places) or not len(index.reserved_prints):
        return
    radius = CANDIDATE_RADIUS if distance is None else distance
    query, reserved, bits = index.fingerprints.join(prints.phash64[places], radius, NEAREST)
    if not len(query):
        return
    met = index.reserved_prints[reserved]
    images = index.prints.image[met]
    crowded = prints.row[places[np.bincount(query, minlength=len(places)) >= NEAREST]]
    tiers = _tiers(index, prints, places[query], met, bits)
    rows = prints.row[places[query]]
    outcomes = BY_DECISION[index.image_rank[images]]
    if distance is None:
        # A copy may stand behind candidates that are nearer and denied: a person must look.
        tiers[(tiers == -1) & np.isin(rows, crowded)] = REVIEW_TIER
        outcomes = np.where(tiers == REVIEW_TIER, CODE["review"], outcomes).astype(np.int8)
        rows, images, bits, outcomes, tiers = (
            a[tiers != -1] for a in (rows, images, bits, outcomes, tiers)
        )
    entries = index.image_entry[images]
    # Of a row's candidates: strictest outcome, surest tier, nearest, then first entry.
    order = np.lexsort((entries, bits, tiers, outcomes, rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    first = first[outcomes[first] < np.minimum(found.outcome[rows[first]], CODE["clear"])]
    best = rows[first]
    found.outcome[best] = outcomes[first]
    found.way[best], found.page[best] = WAYS.index("fingerprint"), False
    found.entry[best], found.site[best] = entries[first], -1
    found.tier[best], found.distance[best] = tiers[first], bits[first]


def _tiers(
    index: CheckIndex,
    prints: Prints,
    places: NDArray[np.int64],
    met: NDArray[np.int64],
    bits: NDArray[np.uint8],
) -> NDArray[np.int8]:
    """Tier of every candidate pair (place, fingerprint), or -1 where it is confirmed to be none."""
    wide = _wide_distances(index, prints, places, met)
    pairs, inverse = np.unique(np.stack([bits.astype(np.int64), wide]), axis=1, return_inverse=True)
    named = [tier(int(near), int(far) if far >= 0 else None) for near, far in pairs.T]
    codes = np.array([TIERS.index(name) if name else -1 for name in named], np.int8)
    return codes[inverse.reshape(-1)]


def _wide_distances(
    index: CheckIndex, prints: Prints, places: NDArray[np.int64], met: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Differing bits of phash256 of every pair, or -1 where one side has none."""
    differing = np.bitwise_count(prints.phash256[places] ^ index.prints.phash256[met])
    both = prints.has_wide[places] & index.prints.has_wide[met]
    return np.where(both, differing.sum(axis=1, dtype=np.int64), -1)
