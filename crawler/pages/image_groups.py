"""Which addresses of a page are sizes of one picture. Pure.

Every place that names images gives a group of offers; groups that mean the same
picture are joined, and addresses that two pictures claim are given to neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """One address with its claim to be large.

    `rank` orders claims: a link's target beats any width (pixels), a width
    beats any density, and `src` alone is density 1. Its last part decides
    between equals, such as the formats of a `picture`.
    """

    url: str
    rank: Rank
    source: str


Rank = tuple[int, float, int]
Group = dict[str, Offer]
LINKED: Rank = (3, 0.0, 0)
PLAIN: Rank = (1, 1.0, 0)


def largest(group: Group) -> Offer:
    """Return the offer with the greatest claim; of equals the first."""
    return max(group.values(), key=lambda offer: offer.rank)


def by_size(group: Group) -> list[Offer]:
    """Return the offers, largest first, equals in the order of the page."""
    return sorted(group.values(), key=lambda offer: offer.rank, reverse=True)


def join(offers: Iterable[Offer]) -> Group:
    """Return a group of offers; of two claims for one address the larger is kept."""
    group: Group = {}
    for offer in offers:
        if offer.url not in group or offer.rank > group[offer.url].rank:
            group[offer.url] = offer
    return group


def settle(groups: list[Group]) -> list[Group]:
    """Return groups in which every address stands once.

    Groups with the same largest address are one picture. So are two groups of
    which one's largest is the other's lesser size (`og:image` naming a medium
    size, a `noscript` twin), if no third group has it too. An address that is a
    lesser size of several pictures (a blank placeholder) is taken out of all.
    """
    joined = _join_kin(groups)
    claimed: dict[str, list[int]] = {}
    for index, group in enumerate(joined):
        for url in group:
            claimed.setdefault(url, []).append(index)
    mains = [largest(group).url for group in joined]
    settled = joined.copy()
    for url, owners in claimed.items():
        if len(owners) > 1:
            losers = [joined[index] for index in owners if mains[index] != url]
            offers = [group.pop(url) for group in losers]
            if len(losers) == len(owners):
                # Nobody's now: an image of its own.
                settled.append(join(offers))
    return [group for group in settled if group]


def _join_kin(groups: list[Group]) -> list[Group]:
    """Join the groups that mean the same picture, keeping the order of the page."""
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
    kin: dict[int, list[Offer]] = {}
    for index, group in enumerate(groups):
        kin.setdefault(_root(roots, index), []).extend(group.values())
    return [join(offers) for offers in kin.values()]


def _root(roots: list[int], index: int) -> int:
    while roots[index] != index:
        # Shorten the way for those who come after: chains may be as long as the page.
        roots[index] = roots[roots[index]]
        index = roots[index]
    return index
