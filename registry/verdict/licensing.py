"""Whom to ask for a licence, on what terms, and whom to credit, as marks name them. Pure.

Readers keep these texts as signals without a use: `NAME: TEXT` is their `raw`. They decide
nothing. What is in a picture's own file goes before what its site says of all its contents, and a
licensor (PLUS) before the owner, and the owner before the creator. Of a page only what it says of
its own pictures counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.model import Signal, Verdict
from registry.urls.key import host_of

# Who makes a claim that states a condition.
CLAIMANT = "claim:claimant"
_LICENSORS = ("licence:licensor-name", "rsl:licensor", "licence:owner", CLAIMANT)
_CREATORS = ("licence:creator", "schema:creator")
_CREDITS = ("licence:credit", "schema:creditText")
# Mail goes before the page of the same.
_CONTACTS = (
    *("licence:licensor-email", "licence:licensor", "rsl:contactEmail", "rsl:contactUrl"),
    *("licence:creator-email", "licence:creator-url"),
)
_ALL = frozenset({*_LICENSORS, *_CREATORS, *_CREDITS, *_CONTACTS})
# Names of signals that hold a person's name or address, which are no marks and no licences.
NAMES_AND_ADDRESSES = _ALL - {"licence:licensor"}
# Most creators of one picture that are named, and most characters of a text.
_MOST, _MOST_TEXT = 3, 200


@dataclass(frozen=True, slots=True)
class Terms:
    """Whom to ask (`licensor`), where (`contact`), on what terms, and whom to credit.

    `licensor` is the name in the marks, or else the creator's; None if there is neither.
    """

    licensor: str | None = None
    contact: str | None = None
    licence_url: str | None = None
    creator: str | None = None
    credit: str | None = None


# The terms of marks that say nothing of them.
NO_TERMS = Terms()


def about_licensing(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Return the signals from which terms are read."""
    return tuple(dict.fromkeys(s for s in signals if s.name in _ALL and not s.third_party))


def terms_of(verdict: Verdict) -> Terms:
    """Return the terms with a verdict; its licence where a mark decided."""
    creator = _texts(verdict.about, _CREATORS, _MOST)
    has_mark = verdict.decision != "unspecified"
    return Terms(
        licensor=_texts(verdict.about, _LICENSORS) or creator,
        contact=_texts(verdict.about, _CONTACTS),
        licence_url=verdict.licence_url if has_mark else None,
        creator=creator,
        credit=_texts(verdict.about, _CREDITS),
    )


def host_of_marks(verdict: Verdict) -> str | None:
    """Return the host where the first mark that decided was found, or None."""
    places = (signal.url for signal in verdict.deciding)
    return next((host for url in places if url and (host := host_of(url))), None)


def _texts(signals: Sequence[Signal], names: Sequence[str], most: int = 1) -> str | None:
    """Return the texts of the first of some names that occurs."""
    for name in names:
        texts = (s.raw.partition(": ")[2].strip() for s in signals if s.name == name)
        found = list(dict.fromkeys(filter(None, texts)))[:most]
        if found:
            return ", ".join(found)[:_MOST_TEXT]
    return None
