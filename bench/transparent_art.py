"""Checks real transparent pictures, copied as dataset builders copy them.

    .venv/bin/python -m bench.transparent_art FOLDER... [--strangers FOLDER...]

Chooses random PNG files with transparent pixels from the folders, imports them (`registry
import`), builds a snapshot, makes copies that lose the alpha in several ways, and answers
them as `registry check` does: with every view recorded, and with the view over white alone.
Then the same with pictures of the `--strangers`, transparent and opaque, that are not in the
registry. Prints the number of copies that are recognised, the reasons for the others, and the
wrong matches.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from bench.alpha_copies import WAYS, Art, choose, copies
from registry.checking.answers import answer
from registry.checking.columns import Choice, Columns
from registry.checking.complete import unchecked
from registry.checking.extraction import extract
from registry.checking.keys import Keys
from registry.db.embedded import embedded_server
from registry.index import Index
from registry.matching.confirm import CANDIDATE_RADIUS, tier
from registry.model import OUTCOMES
from registry.pictures.hashing import PictureHasher
from registry.snapshot.opened import Snapshot, open_snapshot

COMMAND = Path(sys.executable).parent / "registry"
COLUMNS = Columns((Choice("image", "image", "pictures"),))
AS_FILE = "the file itself"
SURE = ("exact", "certain", "likely")


@dataclass(frozen=True, slots=True)
class Row:
    """The result for one copy: outcomes with all views and with the view over white alone.

    `why` is the reason why a row was not compared. `met` holds, by name of the recorded
    view, the pictures (sha256) that it surely matches.
    """

    art: Art
    way: str
    saved: str
    all_views: str
    white_alone: str
    why: str | None
    met: dict[str, set[str]]

    @property
    def own(self) -> bool:
        """Return whether it matches the picture that it is a copy of."""
        return any(self.art.sha256 in pictures for pictures in self.met.values())

    def others(self, *views: str) -> set[str]:
        """Return the other pictures that it matches by one of the views."""
        return set().union(*(self.met.get(view, set()) for view in views)) - {self.art.sha256}


class Registry:
    """A snapshot ready for queries: whole, and as if it had the views over white only."""

    def __init__(self, snapshot: Snapshot, bare: Snapshot) -> None:
        """Take a snapshot of the pictures, and one of them without further views."""
        self.whole = Index(snapshot, "cautious")
        self.white = Index(bare, "cautious")
        every = list(snapshot.rows("pictures").all())
        pictures = [row for row in every if row["phash64"] is not None]
        further = list(snapshot.rows("views").all())
        digests = {row["id"]: row["sha256"].hex() for row in every}
        self.views = ["white"] * len(pictures) + [row["view"] for row in further]
        self.pictures = [row["sha256"].hex() for row in pictures]
        self.pictures += [digests[row["picture"]] for row in further]
        codes = [*pictures, *further]
        self.near = np.array([row["phash64"] for row in codes], np.uint64)
        self.wide = np.frombuffer(b"".join(row["phash256"] for row in codes), np.uint64)
        self.wide = self.wide.reshape(-1, 4)

    def views_of(self, sha256: str) -> set[str]:
        """Return the names of the views recorded of a picture."""
        return {v for v, p in zip(self.views, self.pictures, strict=True) if p == sha256}

    def met(self, near: int, wide: NDArray[np.uint64]) -> dict[str, set[str]]:
        """Return, by recorded view, the pictures that a fingerprint surely matches."""
        bits = np.bitwise_count(self.near ^ np.uint64(near))
        found: dict[str, set[str]] = {}
        for place in np.flatnonzero(bits <= CANDIDATE_RADIUS):
            far = int(np.bitwise_count(self.wide[place] ^ wide).sum())
            if tier(int(bits[place]), far) in SURE:
                found.setdefault(self.views[place], set()).add(self.pictures[place])
        return found


def registered(arts: Sequence[Art], home: Path) -> Registry:
    """Import pictures with the installed command, and build snapshots with and without views."""
    folder = home / "art"
    folder.mkdir()
    for art in arts:
        shutil.copyfile(art.path, folder / f"{art.sha256}.png")
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    environment.pop("REGISTRY_DATABASE_URL", None)

    def run(*arguments: str) -> None:
        command = [str(COMMAND), *arguments]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    run("import", str(folder))
    run("snapshot", "build", "--out", str(home / "snapshot"))
    with embedded_server(home) as url, psycopg.connect(url) as conn:
        conn.execute("DELETE FROM fingerprint WHERE view <> 'full'")
    run("snapshot", "build", "--out", str(home / "bare"))
    return Registry(open_snapshot(home / "snapshot"), open_snapshot(home / "bare"))


def batches(arts: Sequence[Art], *, with_file: bool) -> Iterator[list[tuple[Art, str, str, bytes]]]:
    """Yield each picture's copies: picture, way, format, bytes; on demand also the file."""
    for art in arts:
        rows = [(art, copy.way, copy.saved, copy.data) for copy in copies(art.path)]
        if with_file:
            rows.append((art, AS_FILE, "PNG", art.path.read_bytes()))
        yield rows


def checked(registry: Registry, arts: Sequence[Art], *, with_file: bool = False) -> list[Row]:
    """Return the results of a check of all copies of pictures."""
    hasher = PictureHasher(workers=2)
    try:
        return [
            row
            for batch in batches(arts, with_file=with_file)
            for row in _rows(registry, batch, hasher)
        ]
    finally:
        hasher.close()


def _rows(
    registry: Registry, batch: Sequence[tuple[Art, str, str, bytes]], hasher: PictureHasher
) -> Iterator[Row]:
    table = pa.record_batch([pa.array([data for *_, data in batch], pa.binary())], ["image"])
    keys = extract(table, COLUMNS, hasher)
    outcomes = [
        [OUTCOMES[code] for code in answer(keys, index, None).outcome]
        for index in (registry.whole, registry.white)
    ]
    why = unchecked(keys.rows, keys.offers)
    for place, (art, way, kind, _) in enumerate(batch):
        met = _met(registry, keys, place)
        yield Row(art, way, kind, outcomes[0][place], outcomes[1][place], why.of(place), met)


def _met(registry: Registry, keys: Keys, row: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for prints in keys.prints:
        for place in np.flatnonzero(prints.row == row):
            codes = prints.codes
            met = registry.met(int(codes.phash64[place]), codes.phash256[place])
            for view, pictures in met.items():
                found.setdefault(view, set()).update(pictures)
    return found


def recognised(rows: Sequence[Row]) -> str:
    """Return a table by way: copies recognised, before and now, and those matched wrongly.

    Shares are of the copies that have a fingerprint: the others are `unchecked`.
    """
    lines = [
        "| alpha lost | copies | without fingerprint | recognised, white view alone"
        " | recognised, all views | to review | clear | only another picture |",
        "|" + " --- |" * 8,
    ]
    for way in WAYS:
        of_way = [row for row in rows if row.way == way]
        fit = [row for row in of_way if row.why is None]
        before = sum(row.white_alone == "reserved" for row in fit)
        now = sum(row.all_views == "reserved" for row in fit)
        wrong = sum(row.all_views == "reserved" and not row.own for row in fit)
        left = [sum(row.all_views == word for row in of_way) for word in ("review", "clear")]
        figures = [share(before, fit), share(now, fit), *map(str, left), str(wrong)]
        lines.append(
            f"| {way} | {len(of_way):,} | {len(of_way) - len(fit):,} | {' | '.join(figures)} |"
        )
    return "\n".join(lines)


def share(count: int, of: Sequence[object]) -> str:
    """Return a count with its share in per cent."""
    return f"{count:,} ({100 * count / max(1, len(of)):.1f} %)"


def misses(registry: Registry, rows: Sequence[Row]) -> Counter[str]:
    """Count copies that do not match their own picture, by way and reason."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.own:
            continue
        if row.why:
            reason = f"the copy is {row.why}"
        elif row.all_views == "review":
            reason = "to review"
        elif not registry.views_of(row.art.sha256):
            reason = "no view of the picture is recorded"
        else:
            reason = "further away than a match"
        counts[f"{row.way}: {reason}"] += 1
    return counts


def strangers_met(rows: Sequence[Row]) -> str:
    """Return a table of the copies of pictures that are not registered, with their matches."""
    lines = [
        "| strangers | copies | reserved, white view alone | reserved, all views | to review |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in (True, False):
        for way in (*WAYS, AS_FILE):
            of_way = [r for r in rows if r.way == way and r.art.is_transparent == kind]
            before = sum(row.white_alone == "reserved" for row in of_way)
            now = sum(row.all_views == "reserved" for row in of_way)
            review = sum(row.all_views == "review" for row in of_way)
            name = f"{'transparent' if kind else 'opaque'}, {way}"
            lines.append(f"| {name} | {len(of_way):,} | {before} | {now} | {review} |")
    return "\n".join(lines)


def pairs(rows: Sequence[Row], *views: str) -> set[tuple[str, str]]:
    """Return pairs (copied picture, another that a copy of it matches by one of the views)."""
    return {(row.art.sha256, other) for row in rows for other in row.others(*views)}


def report(registry: Registry, arts: Sequence[Art], rows: Sequence[Row]) -> None:
    """Print the results for the copies of registered pictures."""
    views = Counter(registry.views)
    none = sum(not registry.views_of(art.sha256) for art in arts)
    print(f"{len(arts):,} transparent pictures; views recorded: {dict(views)}; none of {none}")
    print(recognised(rows))
    for reason, count in sorted(misses(registry, rows).items()):
        print(f"missed  {count:>6,} {reason}")
    white = pairs(rows, "white")
    further = pairs(rows, *(set(registry.views) - {"white"}))
    print(f"pairs of registered pictures that match: {len(white)} by the view over white,")
    print(f"{len(further - white)} more by the other views alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--strangers", nargs="*", type=Path, default=[])
    parser.add_argument("--each", type=int, default=150, help="pictures of a folder and kind")
    parser.add_argument("--least", type=int, default=100, help="pixels of the shorter side")
    parser.add_argument("--most", type=int, default=1 << 20, help="pixels of the shorter side")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # Pillow warns of palettes with alpha when it drops the alpha, which is intended here.
    warnings.filterwarnings("ignore", "Palette images with Transparency")
    seen: set[str] = set()

    def drawn(folders: Sequence[Path]) -> list[Art]:
        limits = {"least": options.least, "most": options.most, "seed": options.seed}
        return [a for f in folders for a in choose(f, options.each, seen=seen, **limits)]

    arts = [art for art in drawn(options.folders) if art.is_transparent]
    strangers = drawn(options.strangers)
    with tempfile.TemporaryDirectory(prefix="optout-art-", dir="/tmp") as name:
        os.chmod(name, 0o755)
        registry = registered(arts, Path(name))
        report(registry, arts, checked(registry, arts))
        if strangers:
            print(strangers_met(checked(registry, strangers, with_file=True)))


if __name__ == "__main__":
    main()
