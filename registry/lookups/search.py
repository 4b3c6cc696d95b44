"""The search for one picture, URL or hash in a snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.checking.answers import outcome_of_page
from registry.errors import UsageError
from registry.index import Index
from registry.index.prints import NO_TIER
from registry.lookups.answer import Answer, EntryMatch, Kind
from registry.lookups.targets import kind_of
from registry.matching.confirm import tier
from registry.matching.distinct import PrintCodes, alone
from registry.matching.flat import is_flat
from registry.matching.key_table import NONE
from registry.model import DECISIONS, TIERS, MatchedBy, Outcome, Tier, Verdict
from registry.pictures.reading import prints_of
from registry.urls.columns import key_column
from registry.urls.key import url_key
from registry.urls.variant_columns import other_keys
from registry.urls.variants import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from registry.model import Digest, Picture
    from registry.urls.columns import KeyColumn

# Most differing bits of phash256 if only that hash is given.
WIDE_RADIUS = 60


def lookup(index: Index, target: str, distance: int | None = None) -> Answer:
    """Look up one target.

    Raises UsageError for a target of no known kind, UnreadableInput for a
    picture that cannot be read.
    """
    kind = kind_of(target)
    search = _Search(index, distance)
    unfit = None
    if kind == "url":
        search.by_url(target)
    elif kind == "picture":
        from registry.pictures.files import PictureReader

        with PictureReader() as reader:
            picture = reader.copy(Path(target))
        unfit = picture.unfit
        search.by_picture(picture)
    else:
        unfit = "flat" if kind != "md5" and is_flat(target) else None
        search.by_hash(kind, target.lower(), unfit)
    withdrawn = index.snapshot.manifest.withdrawn_claims
    return Answer(target, kind, search.ranked(), unfit, search.page, search.crowded, withdrawn)


class _Way(NamedTuple):
    """How an entry was found."""

    by: MatchedBy
    tier: Tier | None
    distance: int | None
    on_page: bool
    other_size: bool


class _Search:
    def __init__(self, index: Index, distance: int | None) -> None:
        self._index = index
        self._distance = distance
        # The first way to find an entry counts.
        self._found: dict[int, _Way] = {}
        self._sites: list[EntryMatch] = []
        self.page: Outcome | None = None
        self.crowded = False

    def ranked(self) -> tuple[EntryMatch, ...]:
        """Strictest first, then nearest, then oldest."""
        # A claim on a picture and its site may be both: it counts as that on the picture.
        matches = {match.entry: match for match in (*self._sites, *self._entries())}
        return tuple(
            sorted(
                matches.values(),
                key=lambda f: (DECISIONS.index(f.verdict.decision), f.distance or 0, f.entry),
            )
        )

    def by_url(self, url: str) -> None:
        import pyarrow as pa

        key = url_key(url)
        if key is None:
            raise UsageError(f"{url} is not a URL of an image", "write it as https://HOST/PATH")
        keys = key_column(pa.array([key]))
        entries = self._index.all_at(self._index.places(keys))
        for entry in entries.tolist():
            self._add(entry, "url", "exact", None)
        # As in a check, other entries of the picture at this URL count, too.
        images = sorted(set(self._index.tables.pictures(entries).tolist()) - {NONE})
        for image in images:
            self._add_image(image, "digest", "exact", None)
        others = other_keys(keys)
        for entry in self._index.variants.entries(keys, others)[1].tolist():
            self._add(entry, "url", "exact", None, other_size=True)
        self._by_codes(self._index.prints.of(np.array(images, np.int64))[1])
        self._by_page(keys, key)
        self._by_site(key, entries)
        for picture in others.keys.keys().to_pylist():
            if is_address(picture, key):
                self._by_site(picture, self._index.all_at(self._index.places(others.keys)))

    def _by_site(self, key: str, entries: NDArray[np.int64]) -> None:
        """Add the rules of the site of a URL, at which some entries are recorded."""
        crawled = bool(self._index.crawled(entries).any())
        sites = self._index.sites
        at = sites.place(key)
        for answer, in_question in (
            (sites.verdict(at, claims_only=crawled, with_texts=True), False),
            (sites.wider_verdict(at, with_texts=True), True),
        ):
            part, verdict = answer
            self._add_site(sites.row(at, part), verdict, in_question=in_question)

    def _by_page(self, keys: KeyColumn, key: str) -> None:
        on_page = self._index.pages.entries(keys).tolist()
        for entry in on_page:
            self._add(entry, "url", None, None, on_page=True)
        if on_page:
            self.page = outcome_of_page(self._index, key)

    def by_picture(self, picture: Picture) -> None:
        self.by_digest("sha256", picture.sha256)
        self.by_digest("md5", picture.md5)
        self._by_codes(_codes_of(picture))

    def by_hash(self, kind: Kind, text: str, unfit: str | None) -> None:
        """Add the pictures with this digest and, unless `unfit`, with a similar fingerprint."""
        if kind != "phash64":
            self.by_digest("md5" if kind == "md5" else "sha256", text)
        if unfit:
            return
        if kind == "phash64":
            self._by_codes(alone(np.array([int(text, 16)], np.uint64)))
        elif kind == "256 bits":
            self.by_phash256(bytes.fromhex(text))

    def by_digest(self, name: Digest, text: str) -> None:
        import pyarrow as pa

        digest = bytes.fromhex(text)
        given = pa.array([digest], pa.binary(len(digest)))
        for image in self._index.pictures_with(name, given)[1].tolist():
            self._add_image(image, "digest", "exact", None)

    def _by_codes(self, codes: PrintCodes) -> None:
        """Add the pictures similar to any of these fingerprints, the surest first."""
        met: list[tuple[int, int, int]] = []
        for similar in self._index.prints.similar(codes, self._distance):
            self.crowded |= bool(similar.crowded.any())
            rank = np.where(similar.tier == NO_TIER, len(TIERS), similar.tier)
            met += zip(
                rank.tolist(), similar.distance.tolist(), similar.print_.tolist(), strict=True
            )
        for place, distance, print_ in sorted(met):
            named = TIERS[place] if place < len(TIERS) else None
            if named or self._distance is not None:
                self._add_print(print_, named, distance)

    def by_phash256(self, wide: bytes) -> None:
        for print_, far in self._index.prints.within_wide(wide, WIDE_RADIUS):
            self._add_print(print_, tier(0, far), None)

    def _add_print(self, print_: int, named: Tier | None, distance: int | None) -> None:
        for image in self._index.prints.pictures(print_).tolist():
            self._add_image(image, "fingerprint", named, distance)

    def _add_image(
        self, image: int, by: MatchedBy, named: Tier | None, distance: int | None
    ) -> None:
        for entry in self._index.all_of_picture(image).tolist():
            self._add(entry, by, named, distance)

    def _add(
        self,
        entry: int,
        by: MatchedBy,
        named: Tier | None,
        distance: int | None,
        *,
        on_page: bool = False,
        other_size: bool = False,
    ) -> None:
        self._found.setdefault(entry, _Way(by, named, distance, on_page, other_size))

    def _entries(self) -> Iterator[EntryMatch]:
        """Read the entries found, all at once."""
        numbers = np.array([*self._found], np.int64)
        for entry, row in self._index.snapshot.entries.some(numbers).items():
            way = self._found[entry]
            yield EntryMatch(
                entry=row.name,
                by=way.by,
                tier=way.tier,
                distance=way.distance,
                verdict=self._index.decisions.on(row),
                url=row.url,
                page_url=row.page_url,
                source=row.source,
                since=row.since,
                seen=row.seen,
                past=row.past,
                on_page=way.on_page,
                other_size=way.other_size,
            )

    def _add_site(self, site: int, verdict: Verdict, *, in_question: bool = False) -> None:
        if verdict.decision == "unspecified":
            return
        row = self._index.snapshot.sites[site]
        match = EntryMatch(
            entry=row.name,
            by="site",
            tier=None,
            distance=None,
            verdict=replace(verdict, decision="unspecified") if in_question else verdict,
            url=None,
            page_url=None,
            source=row.source,
            since=row.since,
            seen=row.seen,
            site=row.host,
            in_question=in_question,
        )
        if match not in self._sites:
            self._sites.append(match)


def _codes_of(picture: Picture) -> PrintCodes:
    """Return the fingerprints of all views of a picture."""
    prints = list(prints_of(picture))
    words = np.frombuffer(b"".join(wide for _, wide in prints), np.uint64).reshape(-1, 4)
    near = np.array([code for code, _ in prints], np.uint64)
    return PrintCodes(near, words, np.ones(len(prints), bool))
