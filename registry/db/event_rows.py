"""Events, and the readings of which they tell, as values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from registry.model import Evidence, UrlReading

EventKind = Literal[
    "mark-appeared",
    "mark-changed",
    "mark-removed",
    "picture-new",
    "picture-replaced",
    "picture-gone",
    "picture-back",
    "picture-stale",
]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest reading of one URL.

    `since` is the time when its evidence was first read. `evidence` and `image_id` are ids.
    `is_stale`: the picture was not seen in the last visits. `marks` is the number of marks that
    reserve a use, None where it was not counted.
    """

    since: datetime
    evidence: tuple[int, ...] = ()
    image_id: int | None = None
    refusal: str | None = None
    is_stale: bool = False
    marks: int | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A reading that is new or differs: as it is now, and the one before, if there was one."""

    reading: UrlReading
    now: Latest
    before: Latest | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to add: what changed at a URL, and when that was read.

    `names` and the texts are those of a mark. Evidence and images are ids: `_before` with
    `since`, the time when it was first read, and `_after`, what is there now.
    """

    at: datetime
    kind: EventKind
    url: str
    names: tuple[str, ...] = ()
    text_before: str | None = None
    text_after: str | None = None
    since: datetime | None = None
    evidence_before: int | None = None
    evidence_after: int | None = None
    image_before: int | None = None
    image_after: int | None = None


class Places(NamedTuple):
    """Where events are wanted: at all of these hosts, and at URLs.

    A URL is that of a site's start page, or of what an event is about.
    """

    hosts: Sequence[str] = ()
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """An event as stored; `site` is the host of its visit. Digests are lower-case hex.

    A picture that is new or replaced has `page_url`, a page that shows it, and
    `evidence_there`, the ids of all evidence there.
    """

    id: int
    at: datetime
    visit_id: int
    site: str
    kind: EventKind
    url: str
    names: tuple[str, ...]
    text_before: str | None
    text_after: str | None
    since: datetime | None
    evidence_before: Evidence | None
    evidence_after: Evidence | None
    sha256_before: str | None
    sha256_after: str | None
    page_url: str | None = None
    evidence_there: tuple[int, ...] = ()
