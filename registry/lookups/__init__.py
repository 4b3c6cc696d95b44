"""Lookups of one picture, URL, fingerprint or digest in a snapshot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from registry.checking.answers import outcome_of_page
from registry.checking.index import NONE, CheckIndex
from registry.errors import UsageError
from registry.files import refuse_special
from registry.matching import brute
from registry.matching.confirm import CANDIDATE_RADIUS, tier
from registry.matching.flat import is_flat
from registry.model import DECISIONS, HASH_BYTES, TIERS, Decision, MatchedBy, Outcome, Tier, Verdict
from registry.pictures.reading import prints_of
from registry.signals import carriers
from registry.snapshot.format import past_from_json
from registry.urls.key import split_key, url_key

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from registry.model import Picture
    from registry.snapshot.format import PastMark

Kind = Literal["picture", "url", "phash64", "256 bits", "md5"]
HEX = re.compile(r"[0-9a-fA-F]+")
LENGTHS: dict[int, Kind] = {
    2 * HASH_BYTES["phash64"]: "phash64",
    2 * HASH_BYTES["phash256"]: "256 bits",
    2 * HASH_BYTES["md5"]: "md5",
}
HINT = "a hash has 16 (phash64), 64 (phash256 or sha256) or 32 (md5) hex digits"
_LIKE_A_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)
# Most differing bits of phash256 if only that hash is given.
WIDE_RADIUS = 60


@dataclass(frozen=True, slots=True)
class EntryMatch:
    """One entry or site rule that a target matches.

    `distance` is the number of differing bits of phash64, or None. `past` holds removed
    marks, which do not affect the verdict. `on_page`: the target is the URL of the page.
    `site` is the host of a site rule; `in_question`: it is a claim on a wider host, which
    may not cover the target.
    """

    entry: str
    by: MatchedBy
    tier: Tier | None
    distance: int | None
    verdict: Verdict
    url: str | None
    page_url: str | None
    source: str
    since: datetime | None
    seen: datetime | None
    past: tuple[PastMark, ...] = ()
    on_page: bool = False
    site: str | None = None
    in_question: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as `lookup --json` prints it."""
        return {
            "entry": self.entry,
            "matched_by": self.by,
            "tier": self.tier,
            "distance": self.distance,
            "decision": self.verdict.decision,
            "signals": [
                {"name": s.name, "raw": s.raw, "url": s.url} for s in self.verdict.deciding
            ],
            "licence_url": self.verdict.licence_url,
            "url": self.url,
            "page_url": self.page_url,
            "source": self.source,
            "since": self.since.isoformat() if self.since else None,
            "seen": self.seen.isoformat() if self.seen else None,
            "on_page": self.on_page,
            "site": self.site,
            "in_question": self.in_question,
            "past": [_past_json(mark) for mark in self.past],
        }


def _past_json(mark: PastMark) -> dict[str, str]:
    times = {"since": mark.since.isoformat(), "until": mark.until.isoformat()}
    return {"name": mark.name, "raw": mark.raw, "url": mark.url, **times}


@dataclass(frozen=True, slots=True)
class Answer:
    """The matches of one target, strictest first; `decision` is the strictest decision.

    `unfit` is the reason why no fingerprint of it was compared, or None. `page` is the
    outcome of a check for a row that names only this page; None if the target is not a
    recorded page. `withdrawn` is the number of all withdrawn claims of the registry, which
    are not in the snapshot.
    """

    target: str
    kind: Kind
    found: tuple[EntryMatch, ...]
    unfit: str | None = None
    page: Outcome | None = None
    withdrawn: int = 0

    @property
    def decision(self) -> Decision:
        """The strictest decision of all matches."""
        return min(
            (f.verdict.decision for f in self.found), key=DECISIONS.index, default="unspecified"
        )


def kind_of(target: str) -> Kind:
    """Return the kind of a target.

    Raises UsageError for an unknown kind, RefusedFile for a device or a pipe.
    """
    if target.lower().startswith(("http://", "https://")):
        return "url"
    is_folder = _exists(target, Path.is_dir)
    if _exists(target, Path.exists) and not is_folder:
        refuse_special(Path(target))
        return "picture"
    if HEX.fullmatch(target) and len(target) in LENGTHS:
        return LENGTHS[len(target)]
    if target and is_folder:
        raise UsageError(f"{target} is a folder", f"registry check {target}")
    is_file = Path(target).suffix.lower() in carriers().of_ending
    is_host = _LIKE_A_HOST.fullmatch(target) and not is_file
    site = f"for a site: https://{target}/, or registry history {target}"
    raise UsageError(
        f"{target} is not an existing picture file, an http(s) URL or a hash",
        site if is_host else HINT,
    )


def _exists(target: str, test: Callable[[Path], bool]) -> bool:
    try:
        return test(Path(target))
    except OSError:  # the name is too long
        return False


def lookup(index: CheckIndex, target: str, distance: int | None = None) -> Answer:
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
    def __init__(self, index: CheckIndex, distance: int | None) -> None:
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
        import pyarrow.compute as pc

        key = url_key(url)
        if key is None:
            raise UsageError(f"{url} is not a URL of an image", "write it as https://HOST/PATH")
        same = pc.equal(self._index.snapshot.entries["url_key"], key)
        entries = list(_true_rows(same))
        for entry in entries:
            self._add(entry, "url", "exact", None)
        # As in a check, other entries of the picture at this URL count, too.
        images = sorted({int(self._index.entry_image[e]) for e in entries} - {NONE})
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
        crawled = bool(self._index.crawled(np.array(entries, np.int64)).any())
        self._add_site(*self._index.site_verdict(host, path, claims_only=crawled))
        self._add_site(*self._index.wider_verdict(host, path), in_question=True)

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

    def by_digest(self, name: str, text: str) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self._index.snapshot.images[name]
        for image in _true_rows(pc.equal(column, pa.scalar(bytes.fromhex(text), column.type))):
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
        for entry in np.flatnonzero(self._index.entry_image == image):
            self._add(int(entry), by, named, distance)

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
        verdict = self._index.entry_verdict(entry)
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


def _true_rows(mask: Any) -> Iterator[int]:
    rows: Sequence[int] = np.flatnonzero(mask.fill_null(False).to_numpy()).tolist()
    return iter(rows)
