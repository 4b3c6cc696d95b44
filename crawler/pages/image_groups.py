"""Groups the URLs of a page that are sizes of one image. Pure.

Each element that names images gives a group of offers; groups of the same image are
joined, and a URL that belongs to the groups of two images is removed from both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SizeOffer:
    """The URL of one size of an image, with its rank by size.

    Ranks: a link's target is above any width (pixels), a width is above any density,
    and `src` alone is density 1. The last part of `rank` decides between equal sizes,
    such as the formats of a `picture`.
    """

    url: str
    rank: Rank
    source: str


Rank = tuple[int, float, int]
SizeGroup = dict[str, SizeOffer]
LINKED: Rank = (3, 0.0, 0)
PLAIN: Rank = (1, 1.0, 0)


def largest(group: SizeGroup) -> SizeOffer:
    """Return the offer with the highest rank; of equals the first."""
    return max(group.values(), key=lambda offer: offer.rank)


def by_size(group: SizeGroup) -> list[SizeOffer]:
    """Return the offers, largest first, equals in page order."""
    return sorted(group.values(), key=lambda offer: offer.rank, reverse=True)


def join(offers: Iterable[SizeOffer]) -> SizeGroup:
    """Return a group of offers; of two offers of one URL the larger is kept."""
    group: SizeGroup = {}
    for offer in offers:
        if offer.url not in group or offer.rank > group[offer.url].rank:
            group[offer.url] = offer
    return group


def settle(groups: list[SizeGroup]) -> list[SizeGroup]:
    """Return groups in which every URL occurs once.

    Groups with the same largest URL are one image. So are two groups if the largest
    URL of one is a smaller size in the other (`og:image` with a medium size, a copy in
    `noscript`) and no third group has it. A URL that is a smaller size of several
    images (a blank placeholder) is removed from all of them.
    """
    joined = _joined(groups)
    claimed: dict[str, list[int]] = {}
    for index, group in enumerate(joined):
        for url in group:
            claimed.setdefault(url, []).append(index)
    mains = [largest(group).url for group in joined]
    settled = joined.copy()
    for url, owners in claimed.items():
        if len(owners) > 1:
            smaller = [joined[index] for index in owners if mains[index] != url]
            offers = [group.pop(url) for group in smaller]
            if len(smaller) == len(owners):
                # In no group any more: an image of its own.
                settled.append(join(offers))
    return [group for group in settled if group]


def _joined(groups: list[SizeGroup]) -> list[SizeGroup]:
    """Return the groups with those of the same image joined, in page order."""
    mains: dict[str, int] = {}
    lesser: dict[str, set[int]] = {}
    roots = list(range(len(groups)))
    for index, group in enumerate(groups):
        main = largest(group).url
        roots[index] = mains.setdefault(main, index)
        for url in group:
            if url != main:
                lesser.setdefault(url, set()).add(mains[main])
    for main, index in mains.items():
        owners = lesser.get(main, set()) - {index}
        if len(owners) == 1:
            roots[_root(roots, index)] = _root(roots, owners.pop())
    by_root: dict[int, list[SizeOffer]] = {}
    for index, group in enumerate(groups):
        by_root.setdefault(_root(roots, index), []).extend(group.values())
    return [join(offers) for offers in by_root.values()]


def _root(roots: list[int], index: int) -> int:
    while roots[index] != index:
        # Path compression: chains may be as long as the page.
        roots[index] = roots[roots[index]]
        index = roots[index]
    return index
