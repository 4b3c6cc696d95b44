"""`registry init`, `import` and `stats` as installed commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from begun import begun_visit
from conftest import BIN

from registry.db import migrate, records, schema_version, server
from registry.db.connect import connect
from registry.db.server_setup import find_setup
from registry.model import Evidence, Observation, Picture, SiteFile

Run = Callable[..., subprocess.CompletedProcess[str]]
NOBODY_LISTENS = "postgresql://someone:s3cret@127.0.0.1:1/registry"


def one_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return stderr, having seen that it is an error of one line with one hint."""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert done.stdout == ""
    return done.stderr


def paint(path: Path, seed: int, size: int = 64) -> Path:
    """Write a picture with enough structure for a fingerprint."""
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC).save(path)
    return path


def test_init_makes_the_tables_once(run: Run, empty_database_url: str) -> None:
    first = run("registry", "init", "--json", database=empty_database_url)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["applied"] == schema_version.names()
    assert f"applied {schema_version.head()}" in first.stderr
    assert "PostgreSQL 18" in first.stderr
    again = run("registry", "init", "--json", database=empty_database_url)
    assert again.returncode == 0
    assert json.loads(again.stdout)["applied"] == []
    assert "nothing to do" in again.stderr


def test_without_a_url_everything_happens_in_an_embedded_server(
    run: Run, registry_home: Path
) -> None:
    assert json.loads(run("registry", "stats", "--json").stdout)["totals"]["claims"] == 0
    made = run("registry", "init")
    assert made.returncode == 0, made.stderr
    assert (
        f"embedded PostgreSQL 18.4: the database registry (socket in {registry_home}" in made.stderr
    )
    (registry_home / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    assert run("registry", "import", registry_home / "list.csv").returncode == 0
    assert json.loads(run("registry", "stats", "--json").stdout)["totals"]["claims"] == 1
    # Every one of these commands was the last user of the server in its time.
    assert not (registry_home / "postgres/data/postmaster.pid").exists()


def test_first_commands_at_once_make_the_tables_of_the_embedded_database(
    registry_home: Path,
) -> None:
    (registry_home / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    arguments = [str(BIN / "registry"), "import", "--json", str(registry_home / "list.csv")]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    counts = [json.loads(stdout) for stdout, _ in said]
    assert sum(count["added"] for count in counts) == 1


def test_an_embedded_database_that_is_behind_is_migrated(
    registry_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A migration more than the database has had: what an upgrade of the package brings.
    newer = registry_home / "migrations"
    shutil.copytree(schema_version.folder(), newer)
    before = schema_version.head()
    after = f"{int(before[:4]) + 1:04d}_more"
    with connect() as conn:
        assert schema_version.current(conn) == before
    (newer / "versions" / f"{after}.sql").write_text("CREATE TABLE more (n integer);")
    (newer / "versions" / f"{after}.py").write_text(
        "from registry.db.migrate import execute_beside\n"
        f"revision = {after!r}\ndown_revision = {before!r}\n"
        "def upgrade():\n    execute_beside(__file__)\n"
    )
    monkeypatch.setattr(schema_version, "folder", lambda: newer)
    monkeypatch.setattr(migrate, "folder", lambda: newer)
    with connect() as conn:
        assert schema_version.current(conn) == after
        assert conn.execute("SELECT count(*) FROM more").fetchone() == (0,)
    # This process would hold the server until its own end.
    server.stop(find_setup(registry_home))


def test_a_database_that_is_down_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    for command in (["init"], ["stats"], ["import", tmp_path / "list.csv"]):
        done = run("registry", *command, database=NOBODY_LISTENS)
        assert done.returncode == 3
        error = one_error(done)
        assert "the database 127.0.0.1:1/registry does not answer" in error
        assert "s3cret" not in error


def test_a_database_without_tables_asks_for_init(run: Run, empty_database_url: str) -> None:
    done = run("registry", "stats", database=empty_database_url)
    assert done.returncode == 3
    assert "hint: run `registry init`" in one_error(done)


def test_lists_and_pictures_are_imported_together(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "paintings"
    (folder / "more").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    paint(folder / "a.png", 1)
    paint(folder / "more" / "b.JPG", 2)
    paint(folder / ".hidden" / "c.png", 3)
    (folder / "readme.txt").write_text("no picture")
    (folder / "list.csv").write_text("url;meaning\nhttps://art.example/a.jpg;conditional\n")

    arguments = ["import", folder, "--claimant", "the artist", "--json"]
    first = run("registry", *arguments, database=database_url)
    assert first.returncode == 0, first.stderr
    counts = json.loads(first.stdout)
    assert (counts["read"], counts["added"], counts["already"]) == (3, 3, 0)
    assert "3 claims added, 0 already known" in first.stderr
    again = run("registry", *arguments, database=database_url)
    assert json.loads(again.stdout) | {"added": 0, "already": 3} == json.loads(again.stdout)

    rows = conn.execute(
        "SELECT source, meaning, claimant, url IS NULL,"
        " num_nonnulls(sha256, md5, phash64, phash256) FROM claim ORDER BY url IS NULL"
    ).fetchall()
    assert rows == [
        ("paintings", "conditional", "the artist", False, 0),
        ("paintings", "reserved", "the artist", True, 4),
        ("paintings", "reserved", "the artist", True, 4),
    ]


def test_many_pictures_are_fingerprinted_in_order_by_workers(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    for seed in range(40):
        paint(tmp_path / f"{seed:02}.png", seed, 32)
    done = run("registry", "import", tmp_path, "--source", "studio", database=database_url)
    assert done.returncode == 0, done.stderr
    row = conn.execute(
        "SELECT count(*), count(DISTINCT phash64), min(source) FROM claim"
    ).fetchone()
    assert row == (40, 40, "studio")


def test_what_cannot_be_read_is_said_and_the_rest_is_loaded(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    paint(tmp_path / "good.png", 1)
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "captions.csv").write_text("caption\nx\n")
    (tmp_path / "list.csv").write_text("url\nhttps://art.example/a.jpg\nnowhere\n")
    done = run("registry", "import", tmp_path, "--json", database=database_url)
    assert done.returncode == 4
    counts = json.loads(done.stdout)
    assert (counts["added"], counts["bad_rows"], counts["unreadable_files"]) == (2, 1, 3)
    for words in (
        f"error: {tmp_path}/empty.jpg",
        f"error: {tmp_path}/text.jpg",
        f"error: {tmp_path}/captions.csv: no usable column; columns seen: caption",
        f"skipped: {tmp_path}/list.csv: line 3: column url: 'nowhere'",
        "2 claims added",
    ):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.csv", "no such file"),
        ("notes.txt", "nothing to import"),
        ("", "nothing to import"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_loaded(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path, name: str, words: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "list.csv").write_text("url\nhttps://art.example/a.jpg\n")
    wrong = tmp_path / name if name else folder
    done = run("registry", "import", tmp_path / "list.csv", wrong, database=database_url)
    assert done.returncode == 4
    assert words in one_error(done)
    assert conn.execute("SELECT count(*) FROM claim").fetchone() == (0,)


def test_stats_of_an_empty_database_say_what_to_do(run: Run, database_url: str) -> None:
    done = run("registry", "stats", database=database_url)
    assert done.returncode == 0
    assert done.stdout == "nothing recorded yet; `crawler run URL` or `registry import FILE`\n"


def record_a_visit(conn: psycopg.Connection, now: datetime) -> None:
    def seen(name: str, *evidence: Evidence) -> Observation:
        picture = Picture(f"{ord(name):064x}", f"{ord(name):032x}", 64, 48, "png", 9)
        url = f"https://art.example/{name}.png"
        return Observation(
            now, url, "https://art.example/", url, picture=picture, evidence=evidence
        )

    page = "https://art.example/"
    noai = Evidence("html", "page", page, text='<meta name="robots" content="noai">')
    noindex = Evidence("headers", "image", page + "b.png", (("X-Robots-Tag", "noindex"),))
    gone = Observation(now, "https://art.example/c.png", page, status=404, refusal="http-404")
    robots = SiteFile(now, "art.example", page + "robots.txt", "robots-txt", 503, "http-503")
    visit = begun_visit(conn, started_at=now)
    records.write(conn, visit, [seen("a", noai), seen("b", noindex), gone, gone], [robots])


def test_stats_count_by_site_signal_refusal_and_age(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    record_a_visit(conn, datetime.now(UTC) - timedelta(days=3))
    (tmp_path / "list.csv").write_text("url,use\nhttps://art.example/a.jpg,tdm\n")
    run("registry", "import", tmp_path / "list.csv", database=database_url)

    counted = json.loads(run("registry", "stats", "--json", database=database_url).stdout)
    assert counted["totals"] == {
        "visits": 1, "sites": 1, "observations": 4, "images": 2, "unfit_images": 0,
        "evidence": 2, "site_rules": 1, "claims": 1,
    }  # fmt: skip
    (site,) = counted["sites"]
    assert {k: v for k, v in site.items() if k != "last_visit"} == {
        "site": "art.example", "visits": 1, "pages": 1, "images": 2, "marked": 1, "refused": 2
    }  # fmt: skip
    assert {s["signal"]: (s["evidence"], s["images"], s["sites"]) for s in counted["signals"]} == {
        "noai": (1, 1, 1),
        "noindex": (1, 1, 1),
    }
    assert counted["refusals"] == [
        {"reason": "http-404", "times": 2},
        {"reason": "robots-txt http-503", "times": 1},
    ]
    assert counted["claims"] == [
        {"source": "list.csv", "meaning": "reserved", "use": "tdm", "claims": 1, "withdrawn": 0}
    ]
    assert [age for age, sites in counted["freshness"].items() if sites] == ["7 days"]

    text = run("registry", "stats", database=database_url).stdout
    for words in ("totals", "by site", "art.example", "noai", "http-404", "list.csv", "7 days"):
        assert words in text
