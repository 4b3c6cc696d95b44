"""Visits that find much less than before: they are suspect, and take nothing back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawling import Run, rows

from demo.days import pass_days
from demo.server import SampleSite
from registry.db.connect import connect_to

PICTURES = sorted(Path("demo/site/www/pictures").glob("*.jpg"))
NOAI = '<meta name="robots" content="noai">'
WORKS = [f"/works/{number}.html" for number in range(10, 18)]
CHALLENGE = b"<title>Just a moment</title><p>Checking that you are human"
Visit = Callable[[], str]


def page(path: str, head: str = NOAI) -> bytes:
    image = path.replace(".html", ".jpg")
    return f'<head>{head}</head><a href="/index.html">all</a><img src="{image}">'.encode()


@pytest.fixture
def gallery(site: SampleSite) -> SampleSite:
    """A site of an index and eight works, all marked."""
    site.replace("/robots.txt", b"User-agent: *\nAllow: /\n")
    site.replace("/index.html", "".join(f'<a href="{path}">w</a>' for path in WORKS).encode())
    for number, path in enumerate(WORKS):
        site.replace(path, page(path))
        picture = PICTURES[number % len(PICTURES)].read_bytes() + bytes([number])
        site.replace(path.replace(".html", ".jpg"), picture)
    return site


@pytest.fixture
def visit(gallery: SampleSite, crawl: Run, database_url: str) -> Visit:
    """Visit the site a day later; return the state of the visit."""

    def made() -> str:
        with connect_to(database_url) as conn:
            pass_days(conn, 1)
        ended = crawl(f"{gallery.url}/index.html", "--fresh")
        ((state,),) = rows(database_url, "SELECT state FROM visit ORDER BY id DESC LIMIT 1")
        for line in ended.stdout.splitlines():
            assert ("suspect" in line) <= (state == "suspect"), line
        assert str(state) in ended.stdout
        assert ended.returncode in (0, 1), ended.stderr
        return str(state)

    return made


def events(database_url: str) -> list[tuple[str, int]]:
    return rows(database_url, "SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind")  # type: ignore[return-value]


def suspicion(database_url: str) -> set[str]:
    ((said,),) = rows(database_url, "SELECT suspicions FROM visit ORDER BY id DESC LIMIT 1")
    return set(said or {})


@pytest.fixture
def reserved(run: Run, database_url: str, tmp_path: Path) -> Callable[[], int]:
    """Check the images with a new snapshot; return the number of works that it reserves."""
    listed = tmp_path / "works.parquet"

    def counted() -> int:
        urls = rows(database_url, "SELECT DISTINCT image_url FROM observation ORDER BY 1")
        pq.write_table(pa.table({"url": [url for (url,) in urls]}), listed)
        checked = run("registry", "check", listed, "--json", database=database_url)
        return int(json.loads(checked.stdout)["outcomes"].get("reserved", 0))

    return counted


def test_a_challenge_page_takes_nothing_back(
    gallery: SampleSite, visit: Visit, reserved: Callable[[], int], database_url: str
) -> None:
    assert visit() == "finished"
    for path in WORKS:
        gallery.replace(path, CHALLENGE)
    before = reserved()
    assert before >= len(WORKS)
    # However often: only the operator can tell.
    for _ in range(4):
        assert visit() == "suspect"
        assert suspicion(database_url) >= {"pictures", "marks"}
    assert events(database_url) == []
    assert reserved() == before

    for path in WORKS:
        gallery.replace(path, page(path))
    assert visit() == "finished"
    assert events(database_url) == []
    assert rows(database_url, "SELECT count(*) FROM held_reading") == [(0,)]


def test_marks_that_stay_away_are_gone_in_the_end(
    gallery: SampleSite, visit: Visit, reserved: Callable[[], int], database_url: str
) -> None:
    assert visit() == "finished"
    before = reserved()
    for path in WORKS:
        gallery.replace(path, page(path, ""))
    assert [visit(), visit()] == ["suspect", "suspect"]
    assert suspicion(database_url) == {"marks"}
    assert (events(database_url), reserved()) == ([], before)
    # The third visit that finds none, on another day, is believed.
    assert visit() == "finished"
    assert events(database_url) == [("mark-removed", len(WORKS))]
    assert reserved() == 0
    assert visit() == "finished"


def test_what_a_suspect_visit_adds_counts(
    gallery: SampleSite, visit: Visit, database_url: str
) -> None:
    assert visit() == "finished"
    for path in WORKS[:-1]:
        gallery.replace(path, page(path, ""))
    gallery.replace("/robots.txt", b"User-agent: GPTBot\nDisallow: /\n")
    assert visit() == "suspect"
    assert events(database_url) == [("mark-appeared", 1)]


def test_a_move_is_believed_when_it_lasts(
    gallery: SampleSite, visit: Visit, database_url: str
) -> None:
    assert visit() == "finished"
    for path in WORKS:
        gallery.replace(path, b"gone", status=404)
        gallery.replace(path.replace(".html", ".jpg"), b"gone", status=404)
    assert visit() == "suspect"
    assert "pages" in suspicion(database_url)
    assert [visit(), visit(), visit()] == ["suspect", "finished", "finished"]
    assert rows(database_url, "SELECT count(*) FROM known_page WHERE url LIKE '%works%'") == [(0,)]


def test_a_placeholder_replaces_no_picture(
    gallery: SampleSite, visit: Visit, reserved: Callable[[], int], database_url: str
) -> None:
    assert visit() == "finished"
    before = reserved()
    for path in WORKS:
        gallery.replace(path.replace(".html", ".jpg"), PICTURES[0].read_bytes())
    assert visit() == "suspect"
    assert suspicion(database_url) == {"placeholder"}
    assert (events(database_url), reserved()) == ([], before)


def test_few_changes_are_told_at_the_end_of_the_visit(
    gallery: SampleSite, visit: Visit, database_url: str
) -> None:
    assert visit() == "finished"
    for path in WORKS[:2]:
        gallery.replace(path, page(path, ""))
    gallery.replace(WORKS[3].replace(".html", ".jpg"), b"gone", status=404)
    assert visit() == "finished"
    assert events(database_url) == [("mark-removed", 2), ("picture-gone", 1)]


def test_the_operator_lists_and_accepts(
    gallery: SampleSite, visit: Visit, run: Run, database_url: str
) -> None:
    assert visit() == "finished"
    quiet = run("crawler", "suspect", "list", database=database_url)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "no visit is suspect\n")
    for path in WORKS:
        gallery.replace(path, CHALLENGE)
    assert [visit(), visit()] == ["suspect", "suspect"]
    listed = run("crawler", "suspect", "list", database=database_url)
    assert listed.returncode == 1
    assert "8 of 8 pages and files have no mark any more" in listed.stdout
    shown = run("crawler", "suspect", "list", "--json", database=database_url)
    (one,) = json.loads(shown.stdout)["visits"]
    assert (one["id"], one["held"]) == (3, len(WORKS))
    assert set(one["suspicions"]) == {"marks", "pictures"}

    wrong = run("crawler", "suspect", "accept", "3", "other.example", database=database_url)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 2)
    accepted = run("crawler", "suspect", "accept", one["host"], database=database_url)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert events(database_url) == [("mark-removed", len(WORKS))]
    assert run("crawler", "suspect", "list", database=database_url).returncode == 0
    assert visit() == "finished"
    assert events(database_url) == [("mark-removed", len(WORKS))]
