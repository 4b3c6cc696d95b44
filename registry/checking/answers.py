"""From keys to answers: one outcome for each row, with its match.

All ways of matching are tried; the strictest outcome counts, and among equal ones the
first of these ways: URL, digest, rule of the site, URL of the page, rule of the page's
site, fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from registry.checking.complete import EMPTY, NO_PROBLEM, NOTHING, ColumnOffer, unchecked
from registry.checking.keys import Keys, Mentions, Prints
from registry.checking.outcomes import BY_DECISION, CODE, MENTIONED, WAYS, Answers
from registry.checking.site_answers import SiteAnswers
from registry.index import Index
from registry.index.decisions import RANK
from registry.index.prints import NO_TIER
from registry.matching.distinct import distinct
from registry.matching.key_table import NONE
from registry.matching.lists import slices
from registry.model import OUTCOMES, TIERS
from registry.urls.columns import KeyColumn, key_column
from registry.urls.variant_columns import OtherKeys, other_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.index.prints import Similar
    from registry.model import Outcome

REVIEW_TIER = TIERS.index("possible")


def answer(
    keys: Keys, index: Index, distance: int | None, dataset_reasons: Sequence[str] = ()
) -> Answers:
    """Look up the keys of a batch, and return one outcome for each row.

    `dataset_reasons` are the reasons why no row of the dataset may be clear.
    """
    answers = _blank(keys, index, dataset_reasons)
    sources = list(keys.prints)
    others = [other_keys(urls) for urls in keys.urls]
    for column, urls in enumerate(keys.urls):
        places = index.places(urls)
        entries = index.entries_at(places)
        answers.known[:] = np.where(answers.known == -1, entries, answers.known)
        _take_entries(answers, index, entries, WAYS.index("url"), column)
        sources.append(_known_pictures(answers, index, places))
        sources.append(_take_sizes(answers, index, urls, others[column], column))
    for name, digests in keys.digests:
        _take_entries(answers, index, index.entries_by_digest(name, digests), WAYS.index("digest"))
    sources += [_take_mentions(answers, index, mentions) for mentions in keys.others]
    sites = SiteAnswers(answers, index, keys, others)
    sites.take_pictures()
    for urls in keys.pages:
        _take_pages(answers, index, urls)
    sites.take_pages()
    for prints in sources:
        _take_fingerprints(answers, index, prints, distance)
    _take_permissions(answers, index, keys)
    return answers


def _take_permissions(answers: Answers, index: Index, keys: Keys) -> None:
    """Find the clear rows that a mark at their own URL allows.

    Of a row with several URLs it is not known that all its pictures are allowed.
    """
    urls = np.sum([column.has for column in keys.urls], axis=0, dtype=np.int64)
    alone = (answers.outcome == CODE["clear"]) & (urls == 1)
    known = np.flatnonzero(alone & (answers.known != -1))
    answers.allowed[known] = index.decisions.ranks(answers.known[known]) == RANK["allowed"]
    # An entry of a crawl has weighed the rules of its site.
    answers.permit[~alone | (answers.known != -1)] = -1
    answers.allowed |= answers.permit != -1


def _take_mentions(answers: Answers, index: Index, mentions: Mentions) -> Prints:
    """Apply the strictest picture whose URL a row mentions, and return its fingerprints."""
    places = index.places(mentions.urls)
    known = np.flatnonzero(places != -1)
    entries = index.entries_at(places[known])
    ranks = index.decisions.ranks(entries)
    images = index.tables.pictures(entries)
    has = images != NONE
    ranks[has] = np.minimum(ranks[has], index.rank_of_pictures(images[has]))
    order = np.lexsort((ranks, mentions.row[known]))
    rows, first = np.unique(mentions.row[known][order], return_index=True)
    chosen = np.full(len(answers.outcome), -1, np.int64)
    chosen[rows] = known[order][first]
    at = np.where(chosen == -1, -1, places[chosen])
    _take_entries(answers, index, index.entries_at(at), WAYS.index("url"), MENTIONED)
    return _known_pictures(answers, index, at)


def _take_sizes(
    answers: Answers, index: Index, urls: KeyColumn, others: OtherKeys, column: int
) -> Prints:
    """Apply the strictest entry at another URL of the rows' pictures, and return fingerprints."""
    rows, entries = index.variants.entries(urls, others)
    images = index.tables.pictures(entries)
    has = images != NONE
    ranks = index.decisions.ranks(entries)
    of_picture = index.entries_of_pictures(images[has])
    # Another entry of the same picture may be stricter.
    stricter = index.rank_of_pictures(images[has]) < ranks[has]
    entries[has] = np.where(stricter, of_picture, entries[has])
    order = np.lexsort((entries, index.decisions.ranks(entries), rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    chosen = np.full(len(urls), -1, np.int64)
    chosen[rows[first]] = entries[first]
    answers.resized[_take_entries(answers, index, chosen, WAYS.index("url"), column)] = True
    images, rows = images[first], rows[first]
    places, codes = index.prints.of(images[images != NONE])
    return Prints(rows[images != NONE][places], np.ones(len(codes), bool), codes)


def outcome_of_page(index: Index, key: str) -> Outcome:
    """Return the outcome of a row that names only a page, given the page's URL key."""
    offer = ColumnOffer(np.ones(1, bool), np.ones(1, bool), NOTHING, names_picture=False)
    keys = Keys(1, pages=[key_column(pa.array([key], pa.string()))], offers=[offer])
    return OUTCOMES[int(answer(keys, index, None).outcome[0])]


def _known_pictures(answers: Answers, index: Index, places: NDArray[np.int64]) -> Prints:
    """Apply the entries of the pictures at the rows' own URLs, and return their fingerprints.

    Another page may show the same file, or another size of it, with a mark.
    """
    rows, images = index.pictures_at(places)
    entries = np.full(len(places), -1, np.int64)
    # Reversed, so that the strictest picture of a row, which comes first, is written last.
    entries[rows[::-1]] = index.entries_of_pictures(images[::-1])
    _take_entries(answers, index, entries, WAYS.index("digest"))
    places_of, codes = index.prints.of(images)
    return Prints(rows[places_of], np.ones(len(codes), bool), codes)


def _blank(keys: Keys, index: Index, dataset_reasons: Sequence[str]) -> Answers:
    rows = keys.rows
    reasons = [*dataset_reasons, EMPTY] if index.is_empty else dataset_reasons
    problem = unchecked(rows, keys.offers, reasons, index.unrecorded)
    failed = problem.numbers != NO_PROBLEM
    return Answers(
        outcome=np.where(failed, CODE["unchecked"], CODE["clear"]).astype(np.int8),
        problem=problem,
        way=np.full(rows, -1, np.int8),
        entry=np.full(rows, -1, np.int64),
        site=np.full(rows, -1, np.int64),
        marks=np.full(rows, -1, np.int64),
        column=np.zeros(rows, np.int16),
        page=np.zeros(rows, bool),
        tier=np.full(rows, -1, np.int8),
        distance=np.full(rows, -1, np.int16),
        known=np.full(rows, -1, np.int64),
        crowded=np.zeros(rows, bool),
        resized=np.zeros(rows, bool),
        permit=np.full(rows, -1, np.int64),
        allowed=np.zeros(rows, bool),
    )


def _take_entries(
    answers: Answers, index: Index, entries: NDArray[np.int64], way: int, column: int = 0
) -> NDArray[np.int64]:
    """Apply exact matches (URL or digest) to the rows for which they are stricter; return these."""
    rows = np.flatnonzero(entries != -1)
    outcomes = BY_DECISION[index.decisions.ranks(entries[rows])]
    better = outcomes < np.minimum(answers.outcome[rows], CODE["clear"])
    rows = rows[better]
    answers.outcome[rows] = outcomes[better]
    answers.way[rows], answers.column[rows] = way, column
    answers.entry[rows], answers.site[rows] = entries[rows], -1
    answers.tier[rows] = TIERS.index("exact")
    answers.resized[rows] = False
    return rows


def _take_pages(answers: Answers, index: Index, urls: KeyColumn) -> None:
    """Apply the entries of the rows' pages where they are stricter.

    A page whose recorded pictures are all reserved reserves the row's picture. If it shows
    others, too, or only a list names it, the outcome is review.
    """
    entries, outcomes = index.pages.answers(urls)
    rows = np.flatnonzero(entries != -1)
    better = outcomes[rows] < np.minimum(answers.outcome[rows], CODE["clear"])
    rows = rows[better]
    answers.outcome[rows] = outcomes[rows]
    answers.way[rows], answers.page[rows] = WAYS.index("url"), True
    answers.entry[rows], answers.site[rows] = entries[rows], -1
    answers.tier[rows], answers.resized[rows] = -1, False


def _take_fingerprints(
    answers: Answers, index: Index, prints: Prints, distance: int | None
) -> None:
    """Apply the recorded pictures similar to the rows' fingerprints where they are stricter."""
    # Nothing is stricter than reserved.
    places = np.flatnonzero(prints.has & (answers.outcome[prints.row] != CODE["reserved"]))
    answers.searched += len(places)
    if not len(places) or not len(index.prints):
        return
    given = prints.codes.take(places)
    order, group = distinct(given)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    # The fingerprints of each group, whose rows all get its answer.
    members = np.append(first, len(order))
    for similar in index.prints.similar(given.take(order[first]), distance):
        best = _best_of(similar, index, distance)
        counts = members[best.query + 1] - members[best.query]
        rows = prints.row[places[order[slices(members[best.query], counts)]]]
        _take_similar(answers, rows, best, np.repeat(np.arange(len(counts)), counts))
        answers.crowded[prints.row[places[order[_members(members, similar)]]]] = True


class _Best(NamedTuple):
    """The match that counts for each query: parallel arrays."""

    query: NDArray[np.int64]
    outcome: NDArray[np.int8]
    tier: NDArray[np.int8]
    distance: NDArray[np.int16]
    entry: NDArray[np.int64]


def _best_of(similar: Similar, index: Index, distance: int | None) -> _Best:
    """Select for each query the strictest outcome, surest tier, nearest, then first entry."""
    outcomes = BY_DECISION[index.rank_of_pictures(similar.picture)]
    tiers = similar.tier.copy()
    if distance is None:
        tiers[(tiers == NO_TIER) & similar.crowded] = REVIEW_TIER
        outcomes[(tiers == REVIEW_TIER) & (outcomes < CODE["clear"])] = CODE["review"]
    # More codes are similar than were compared: a refusal may be hidden among them.
    outcomes[similar.crowded & (outcomes >= CODE["clear"])] = CODE["review"]
    entries = index.entries_of_pictures(similar.picture)
    order = np.lexsort((entries, similar.distance, tiers, outcomes, similar.query))
    first = order[np.unique(similar.query[order], return_index=True)[1]]
    kept = first[outcomes[first] < CODE["clear"]]
    query, bits = similar.query[kept], similar.distance[kept]
    return _Best(query, outcomes[kept], tiers[kept], bits, entries[kept])


def _members(members: NDArray[np.int64], similar: Similar) -> NDArray[np.int64]:
    """Return the places of the fingerprints of crowded queries."""
    query = np.unique(similar.query[similar.crowded])
    return slices(members[query], members[query + 1] - members[query])


def _take_similar(
    answers: Answers, rows: NDArray[np.int64], best: _Best, place: NDArray[np.int64]
) -> None:
    """Apply matches to rows, given the place of each row's match."""
    better = best.outcome[place] < np.minimum(answers.outcome[rows], CODE["clear"])
    rows, place = rows[better], place[better]
    # A row may have several fingerprints: the best of its matches is written last.
    fields = (best.entry, best.distance, best.tier, best.outcome)
    order = np.lexsort(tuple(field[place] for field in fields))[::-1]
    rows, place = rows[order], place[order]
    answers.outcome[rows] = best.outcome[place]
    answers.way[rows], answers.page[rows] = WAYS.index("fingerprint"), False
    answers.entry[rows], answers.site[rows] = best.entry[place], -1
    answers.tier[rows], answers.distance[rows] = best.tier[place], best.distance[place]
