"""What tests of the installed `registry check` share."""

import os
import subprocess
import sys
from pathlib import Path

import forking
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import draw
from made import Made

from registry.pictures.reading import fingerprint_file
from registry.snapshot.opened import Snapshot

MARKED = "https://art.example/works/1.jpg"
REGISTRY = Path(sys.executable).parent / "registry"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "marked.jpg"
    draw(1).save(path, quality=90)
    return path


@pytest.fixture
def snapshot(tmp_path: Path, picture: Path) -> Path:
    made = Made()
    image = made.picture(fingerprint_file(picture))
    made.observe(MARKED, [made.headers("noai", url=MARKED)], image_id=image)
    made.observe("https://art.example/works/free.jpg", refusal="http-404")
    made.robots("shut.example", "User-agent: GPTBot\nDisallow: /\n")
    made.claim(
        url="https://deal.example/3.jpg", meaning="conditional", licence_url="https://l.example"
    )
    return made.snapshot(tmp_path).path


@pytest.fixture(scope="session")
def art_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """In it all of art.example is reserved, and nothing else."""
    made = Made()
    made.robots("art.example", "User-agent: *\nDisallow: /\n")
    return made.snapshot(tmp_path_factory.mktemp("registry"))


def check(*arguments: object, snapshot: Path | None = None, env: dict[str, str] | None = None):
    where = ["--snapshot", str(snapshot)] if snapshot else []
    command = [str(REGISTRY), "check", *map(str, arguments), *where]
    environment = {**os.environ, **(env or {})}
    if forking.can_be_forked(environment):
        return forking.run(command, environment, Path.cwd(), timeout=120)
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def table(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def said_in_one_line(result: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    lines = [x for x in result.stderr.splitlines() if x.startswith("error:")]
    assert len(lines) == 1, result.stderr
    for text in texts:
        assert text in result.stderr
