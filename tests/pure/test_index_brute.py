"""The index of a snapshot against plain loops over its rows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from made import Made, day

from registry.index import Index
from registry.index.index import MAX_PICTURES
from registry.matching.key_table import NONE
from registry.model import DECISIONS, OUTCOMES
from registry.snapshot.opened import Snapshot
from registry.urls.columns import key_column
from registry.urls.key import url_key
from registry.verdict import decide

PAGES = [f"https://art.example/{n}" for n in range(6)]
URLS = [f"https://img.example/{n}.jpg" for n in range(8)]
MARKS = ("noai", "all", "noindex", "", "noimageai")
MEANINGS = ("reserved", "conditional", "allowed")


def build(folder: Path, rng: random.Random) -> Snapshot:
    """Return a snapshot in which URLs, pages and pictures have many entries, or none."""
    made = Made()
    images = [made.image(rng.getrandbits(64)) for _ in range(6)]
    for number in range(rng.randrange(40)):
        mark = made.headers(rng.choice(MARKS), url=f"{rng.choice(URLS)}?{number}")
        place = {"page_url": rng.choice([*PAGES, None])}
        if rng.random() < 0.7:
            place["image_id"] = rng.choice(images)
        else:
            place["refusal"] = "http-404"
        made.observe(rng.choice(URLS), [mark], on=rng.randrange(1, 9), **place)
    for _ in range(rng.randrange(30)):
        made.claim(**claim(rng))
    return made.snapshot(folder)


def claim(rng: random.Random) -> dict[str, Any]:
    digest = rng.randrange(9)
    keys = {
        "url": rng.choice(URLS),
        "sha256": digest.to_bytes(32),
        "md5": digest.to_bytes(16),
        "page_url": rng.choice(PAGES),
    }
    chosen = {name: value for name, value in keys.items() if rng.random() < 0.5}
    if not chosen.keys() - {"page_url"}:
        chosen["url"] = rng.choice(URLS)
    since = {"since": day(rng.randrange(1, 9))}
    return {**chosen, **since, "meaning": rng.choice(MEANINGS)}


class Plain:
    """The same answers, each from a loop over all rows."""

    def __init__(self, snapshot: Snapshot, policy: str) -> None:
        self.entries = list(snapshot.entries)
        self.rank = [DECISIONS.index(decide(e.signals, policy).decision) for e in self.entries]
        seen, claims = list(snapshot.rows("pictures").all()), list(snapshot.rows("claims").all())
        ids = [row["id"] for row in seen]
        observed = snapshot.rows("observations").all()
        named = [None if r["picture"] is None else ids.index(r["picture"]) for r in observed]
        self.images: list[dict[str, Any]] = [*seen, *claims]
        for number, row in enumerate(claims):
            key = "md5" if row["sha256"] is None else "sha256"
            same = [n for n, one in enumerate(seen) if one[key] == row[key] is not None]
            fits = same and (seen[same[0]]["phash64"] is not None or row["phash64"] is None)
            hashed = any(row[name] is not None for name in ("sha256", "md5", "phash64"))
            named.append(same[0] if fits else len(seen) + number if hashed else None)
            if fits:
                self.images[len(seen) + number] = dict.fromkeys(row)
        self.image = named

    def best(self, rows: list[int]) -> int:
        return min(rows, key=lambda n: (self.rank[n], self.entries[n].since, n), default=NONE)

    def at(self, key: str) -> list[int]:
        return [
            n
            for n, entry in enumerate(self.entries)
            if not entry.gone and entry.url and url_key(entry.url) == key
        ]

    def of_picture(self, picture: int) -> list[int]:
        return [n for n, image in enumerate(self.image) if image == picture]

    def picture_rank(self, picture: int) -> int:
        entry = self.best(self.of_picture(picture))
        return len(DECISIONS) - 1 if entry == NONE else self.rank[entry]

    def pictures_at(self, key: str) -> list[int]:
        images = {self.image[n] for n in self.at(key)} - {None}
        return sorted(images, key=lambda n: (self.picture_rank(n), n))[:MAX_PICTURES]

    def by_digest(self, name: str, digest: bytes) -> int:
        rows = [n for n, image in enumerate(self.images) if image[name] == digest]
        picture = min(rows, key=lambda n: (self.picture_rank(n), n), default=None)
        return NONE if picture is None else self.best(self.of_picture(picture))

    def page(self, key: str) -> tuple[int, str]:
        shown = [
            n for n, e in enumerate(self.entries) if url_key(e.page_url or "") == key and not e.gone
        ]
        best = self.best([n for n in shown if self.rank[n] < DECISIONS.index("allowed")])
        crawled = [self.rank[n] for n in shown if self.entries[n].relation]
        whole = crawled and max(crawled) < DECISIONS.index("allowed")
        return best, DECISIONS[max(crawled)] if whole else "review"


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("policy", ["cautious", "noai"])
def test_the_index_answers_as_loops_do(tmp_path: Path, seed: int, policy: str):
    snapshot = build(tmp_path, random.Random(seed))
    index, plain = Index(snapshot, policy), Plain(snapshot, policy)
    asked = [*URLS, "https://img.example/9.jpg", None, *URLS[::-1]]
    keys = key_column(pa.array(asked))
    places = index.places(keys)
    expected = [plain.at(url_key(url)) if url else [] for url in asked]
    assert [place != NONE for place in places] == [bool(rows) for rows in expected]
    assert index.entries_at(places).tolist() == [plain.best(rows) for rows in expected]
    rows, pictures = index.pictures_at(places)
    for row, url in enumerate(asked):
        assert pictures[rows == row].tolist() == (plain.pictures_at(url_key(url)) if url else [])
    for picture in range(len(plain.images)):
        assert index.all_of_picture(picture).tolist() == plain.of_picture(picture)
    for name, size in (("sha256", 32), ("md5", 16)):
        digests = [n.to_bytes(size) for n in range(12)]
        found = index.entries_by_digest(name, pa.array([*digests, None], pa.binary(size)))
        assert found.tolist() == [*(plain.by_digest(name, d) for d in digests), NONE]
    entries, outcomes = index.pages.answers(key_column(pa.array([*PAGES, None, *URLS])))
    for row, page in enumerate(PAGES):
        best, outcome = plain.page(url_key(page))
        assert entries[row] == best
        assert best == NONE or OUTCOMES[outcomes[row]] == outcome
    assert (entries[len(PAGES) :] == NONE).all()
