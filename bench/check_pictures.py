"""`registry check` of WebDataset shards of pictures, beside a loop of Pillow and ImageHash.

    .venv/bin/python -m bench.check_pictures FOLDER [--pictures N] [--runs N]

The shards have N drawn JPEGs whose longer side has 256 pixels, as img2dataset writes them, without
URLs. Every tenth is a copy (encoded anew) of one of the registry's pictures. The check goes from
the shards to the counts of outcomes: digests, both fingerprints, and the join with the registry.
The loop reads the same shards and computes the sha256 and ImageHash's phash of each picture, in
one process and in one for each core; it compares nothing. Prints medians and what was found.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import imagehash
from PIL import Image

from bench.truth_site import drawn

REGISTRY = Path(sys.executable).parent / "registry"
LONGER, SHARD, EVERY = 256, 1000, 10


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder: Path = options.folder
    environment = {**os.environ, "REGISTRY_HOME": str(folder / "home")}
    shards = made(folder / "shards", folder / "registered", options.pictures)
    if not (folder / "snapshot").exists():
        run(environment, "init")
        run(environment, "import", folder / "registered")
        run(environment, "snapshot", "build", "--out", folder / "snapshot")
    cores = os.cpu_count() or 1
    taken: dict[str, list[float]] = {}
    for _ in range(options.runs):
        started = time.perf_counter()
        command = ("check", folder / "shards", "--snapshot", folder / "snapshot", "--json")
        report = json.loads(run(environment, *command))
        taken.setdefault("registry check", []).append(time.perf_counter() - started)
        for workers in (1, cores):
            started = time.perf_counter()
            with ProcessPoolExecutor(workers) as pool:
                hashed = sum(pool.map(loop, shards))
            name = f"Pillow and ImageHash, {workers} processes"
            taken.setdefault(name, []).append(time.perf_counter() - started)
            assert hashed == options.pictures
    show(options.pictures, report["outcomes"], taken)


def made(folder: Path, registered: Path, pictures: int) -> list[Path]:
    """Make the shards and the registry's pictures, unless they are there; return the shards."""
    folder.mkdir(parents=True, exist_ok=True)
    registered.mkdir(exist_ok=True)
    shards = []
    for first in range(0, pictures, SHARD):
        path = folder / f"{first // SHARD:05}.tar"
        shards.append(path)
        if path.exists():
            continue
        with tarfile.open(path.with_suffix(".part"), "w") as tar:
            for number in range(first, min(first + SHARD, pictures)):
                image = small(number)
                if number % EVERY == 0:
                    image.save(registered / f"{number}.jpg", quality=95)
                data = io.BytesIO()
                image.save(data, "JPEG", quality=85)
                member = tarfile.TarInfo(f"{number:09}.jpg")
                member.size = data.tell()
                data.seek(0)
                tar.addfile(member, data)
        path.with_suffix(".part").rename(path)
    return shards


def small(number: int) -> Image.Image:
    """Return a picture of the size that downloaders keep."""
    image = drawn(f"shard {number}")
    image.thumbnail((LONGER, LONGER))
    return image


def loop(shard: Path) -> int:
    """Compute the sha256 and the phash of each picture of a shard; return their number."""
    return sum(1 for data in contents(shard) if (hashlib.sha256(data).digest(), phash(data)))


def phash(data: bytes) -> object:
    """Return ImageHash's fingerprint of a picture."""
    with Image.open(io.BytesIO(data)) as image:
        return imagehash.phash(image)


def contents(shard: Path) -> Iterator[bytes]:
    """Yield the pictures of a shard."""
    with tarfile.open(shard, "r|") as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            yield file.read()


def run(environment: Mapping[str, str], *words: object) -> str:
    """Run the installed command, and return what it prints."""
    command = [str(REGISTRY), *map(str, words)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1, 3):
        raise SystemExit(f"{' '.join(command)}: {ended.stderr}")
    return ended.stdout


def show(pictures: int, outcomes: Mapping[str, int], taken: Mapping[str, Sequence[float]]) -> None:
    """Print the medians, and what was found."""
    print(f"{pictures:,} pictures; {dict(outcomes)}")
    ours = statistics.median(taken["registry check"])
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(
            f"{name:<36}{median:7.1f} s {pictures / median:9,.0f} a second {median / ours:5.2f} x"
        )


if __name__ == "__main__":
    main()
