"""The search for one picture, URL or hash in a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from registry.checking.answers import outcome_of_page
from registry.errors import UsageError
from registry.index import Index
from registry.lookups.answer import Answer, EntryMatch, Kind
from registry.lookups.targets import kind_of
from registry.matching import brute
from registry.matching.confirm import CANDIDATE_RADIUS, tier
from registry.matching.flat import is_flat
from registry.matching.key_table import NONE
from registry.model import DECISIONS, TIERS, MatchedBy, Outcome, Tier, Verdict
from registry.pictures.reading import prints_of
from registry.snapshot.format import past_from_json
from registry.urls.columns import key_column
from registry.urls.key import split_key, url_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Digest, Picture

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
            picture = reader.file(Path(target))
        unfit = picture.unfit
        search.by_picture(picture)
    else:
        unfit = "flat" if kind != "md5" and is_flat(target) else None
        search.by_hash(kind, target.lower(), unfit)
    withdrawn = index.snapshot.manifest.withdrawn_claims
    return Answer(target, kind, search.ranked(), unfit, search.page, withdrawn)


class _Search:
    def __init__(self, index: Index, distance: int | None) -> None:
        self._index = index
        self._distance = distance
        self._matches: dict[str, EntryMatch] = {}
        self.page: Outcome | None = None

    def ranked(self) -> tuple[EntryMatch, ...]:
        """Strictest first, then nearest, then oldest."""
        return tuple(
            sorted(
                self._matches.values(),
                key=lambda f: (DECISIONS.index(f.verdict.decision), f.distance or 0, f.entry),
            )
        )

    def by_url(self, url: str) -> None:
        import pyarrow as pa

        key = url_key(url)
        if key is None:
            raise UsageError(f"{url} is not a URL of an image", "write it as https://HOST/PATH")
        entries = self._index.all_at(self._index.places(key_column(pa.array([key]))))
        for entry in entries.tolist():
            self._add(entry, "url", "exact", None)
        # As in a check, other entries of the picture at this URL count, too.
        images = sorted(set(self._index.tables.picture[entries].tolist()) - {NONE})
        for image in images:
            self._add_image(image, "digest", "exact", None)
        prints = self._index.prints
        _, known = prints.of(np.array(images, np.int64))
        pairs = zip(
            prints.phash64[known], prints.phash256[known], prints.has_wide[known], strict=True
        )
        self._by_codes((int(near), wide.tobytes() if has else None) for near, wide, has in pairs)
        self._by_page(key)
        host, path = split_key(key)
        crawled = bool(self._index.crawled(entries).any())
        self._add_site(*self._index.sites.verdict(host, path, claims_only=crawled))
        self._add_site(*self._index.sites.wider_verdict(host, path), in_question=True)

    def _by_page(self, key: str) -> None:
        on_page = self._index.pages.entries(key).tolist()
        for entry in on_page:
            self._add(entry, "url", None, None, on_page=True)
        if on_page:
            self.page = outcome_of_page(self._index, key)

    def by_picture(self, picture: Picture) -> None:
        self.by_digest("sha256", picture.sha256)
        self.by_digest("md5", picture.md5)
        self._by_codes(prints_of(picture))

    def by_hash(self, kind: Kind, text: str, unfit: str | None) -> None:
        """Add the pictures with this digest and, unless `unfit`, with a similar fingerprint."""
        if kind != "phash64":
            self.by_digest("md5" if kind == "md5" else "sha256", text)
        if unfit:
            return
        if kind == "phash64":
            self._by_codes([(int(text, 16), None)])
        elif kind == "256 bits":
            self.by_phash256(bytes.fromhex(text))

    def by_digest(self, name: Digest, text: str) -> None:
        import pyarrow as pa

        digest = bytes.fromhex(text)
        given = pa.array([digest], pa.binary(len(digest)))
        for image in self._index.pictures_with(name, given)[1].tolist():
            self._add_image(image, "digest", "exact", None)

    def _by_codes(self, codes: Iterable[tuple[int, bytes | None]]) -> None:
        """Add the pictures similar to any of these (phash64, phash256), the surest first."""
        prints = self._index.prints
        radius = CANDIDATE_RADIUS if self._distance is None else self._distance
        met: list[tuple[int, int, int, Tier | None]] = []
        for code, wide in codes:
            _, near, bits = brute.join(prints.phash64, np.array([code], np.uint64), radius)
            far = self._wide_distances(wide, near)
            triples = zip(near.tolist(), bits.tolist(), far.tolist(), strict=True)
            for place, distance, wider in triples:
                named = tier(distance, wider if wider >= 0 else None)
                if named or self._distance is not None:
                    rank = TIERS.index(named) if named else len(TIERS)
                    met.append((rank, distance, int(prints.image[place]), named))
        for _, distance, image, named in sorted(met, key=lambda one: one[:3]):
            self._add_image(image, "fingerprint", named, distance)

    def by_phash256(self, wide: bytes) -> None:
        prints = self._index.prints
        far = self._wide_distances(wide, np.arange(len(prints.image)))
        near = np.flatnonzero((far >= 0) & (far <= WIDE_RADIUS))
        for place in near[np.argsort(far[near], kind="stable")].tolist():
            self._add_image(int(prints.image[place]), "fingerprint", tier(0, int(far[place])), None)

    def _wide_distances(self, wide: bytes | None, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the differing bits of phash256 to each fingerprint, or -1 without one."""
        if wide is None:
            return np.full(len(places), -1, np.int64)
        prints, ours = self._index.prints, np.frombuffer(wide, np.uint64)
        bits = np.bitwise_count(prints.phash256[places] ^ ours).sum(axis=1, dtype=np.int64)
        return np.where(prints.has_wide[places], bits, -1)

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
    ) -> None:
        row = self._index.snapshot.entries.slice(entry, 1).to_pylist()[0]
        verdict = self._index.decisions.verdict(entry)
        fields = {n: row[n] for n in ("entry", "url", "page_url", "source", "since", "seen")}
        past = past_from_json(row["past"])
        match = EntryMatch(
            by=by,
            tier=named,
            distance=distance,
            verdict=verdict,
            past=past,
            on_page=on_page,
            **fields,
        )
        self._matches.setdefault(match.entry, match)

    def _add_site(self, site: int, verdict: Verdict, *, in_question: bool = False) -> None:
        if verdict.decision == "unspecified":
            return
        row = self._index.snapshot.sites.slice(site, 1).to_pylist()[0]
        fields = {n: row[n] for n in ("entry", "source", "since", "seen")}
        match = EntryMatch(
            by="site",
            tier=None,
            distance=None,
            verdict=replace(verdict, decision="unspecified") if in_question else verdict,
            url=None,
            page_url=None,
            site=row["host"],
            in_question=in_question,
            **fields,
        )
        self._matches.setdefault(match.entry, match)
