"""A real WordPress and a real static site, visited by two workers: what they find is the truth.

The truth is read from WordPress's database and from the sources of the static site.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from crawling import CRAWLER, Run, rows
from drawn import draw, saved
from made import pictures_of
from site_truth import Entry, Told, Truth, entries, events, stale
from static_site import StaticSite, missing_for_static_site, static_site
from static_truth import static_truth
from wordpress import WordPress, missing_for_wordpress, wordpress
from wordpress_truth import wordpress_truth

from demo.days import pass_days
from registry.db.connect import connect_to
from registry.snapshot.opened import open_snapshot

MISSING = list(dict.fromkeys([*missing_for_wordpress(), *missing_for_static_site()]))
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

# Of WordPress's posts, by their numbers.
MARKED = {0: "noai noimageai", 3: "noai noimageai", 5: "noimageai", 8: "noai"}
IN_CATEGORY = (2, 6)
GALLERIES = (2, 5, 9)
# Of the static site's works.
STATIC_MARKED = (1, 4, 5, 9)


def jpeg(seed: int, width: int = 1200) -> bytes:
    return saved(draw(seed, width), "JPEG")


@dataclass
class Blog:
    """The posts of a WordPress, by the order of their dates."""

    site: WordPress
    posts: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)

    def fill(self) -> None:
        """Publish 14 posts and a page, and draft one more."""
        files = [(self.file(seed), f"picture-{seed}.jpg") for seed in range(22)]
        self.pictures = self.site.edit(*(("add_picture", *file) for file in files))
        left = iter(self.pictures)
        posts = []
        for number in range(14):
            shown = [next(left) for _ in range(3 if number in GALLERIES else 1)]
            date = f"2026-03-{number + 1:02} 10:00:00"
            mark, is_reserved = MARKED.get(number, ""), number in IN_CATEGORY
            posts.append(("add_post", f"post-{number}", shown, date, mark, is_reserved))
        about = ("add_post", "about", [next(left)], "2026-03-01 09:00:00", "noai", False, "page")
        draft = ("add_post", "draft", [next(left)], "2026-03-20 09:00:00", "noai", False)
        self.posts = self.site.edit(*posts, about, (*draft, "post", "draft"))

    def change(self) -> None:
        """Publish, mark, unmark, delete and replace; and edit what is none of that."""
        (new,) = self.site.edit(("add_picture", self.file(30), "new.jpg"))
        now = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
        self.site.edit(
            ("add_post", "post-new", [new], now, "noai noimageai"),
            ("set_mark", self.posts[0], "noimageai"),
            ("set_mark", self.posts[3], ""),
            ("set_reserved", self.posts[7], True),
            ("delete_post", self.posts[8]),
            ("replace_picture", self.pictures[1], self.file(31)),
            ("add_text", self.posts[4], "Seen again."),
            ("add_comment", self.posts[5], "How fine."),
        )

    def file(self, seed: int) -> str:
        path = self.site.folder / f"upload-{seed}.jpg"
        path.write_bytes(jpeg(seed))
        return str(path)


def fill_static(site: StaticSite) -> None:
    for number in range(12):
        day = f"2026-02-{number + 1:02}T10:00:00Z"
        mark = {"mark": "noai"} if number in STATIC_MARKED else {}
        site.work(f"work-{number}", jpeg(100 + number, 800), date=day, lastmod=day, **mark)
    site.params = {"refused": ["GPTBot"]}
    site.generate()


def change_static(site: StaticSite) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    site.work("work-1", mark="noimageai", lastmod=now)
    site.work("work-4", mark="", lastmod=now)
    site.work("work-7", mark="noai", lastmod=now)
    site.work("work-2", jpeg(130, 800), lastmod=now)
    site.work("work-3", lastmod=now, title="Another title")
    site.work("work-new", jpeg(131, 800), date=now, lastmod=now, mark="noai")
    site.remove("work-9")
    site.params = {"refused": ["GPTBot", "CCBot"]}
    site.generate()


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[Blog, StaticSite]]:
    with ExitStack() as served:
        blog = Blog(served.enter_context(wordpress()))
        static = served.enter_context(static_site())
        blog.fill()
        fill_static(static)
        yield blog, static


@dataclass
class Registry:
    """What two workers have found."""

    database_url: str
    run: Run
    folder: Path
    by: list[set[int]] = field(default_factory=list)
    _last: int = 0

    def schedule(self, *urls: str) -> None:
        """Schedule sites from a file."""
        lines = "".join(f"{url}/,7d,14d\n" for url in urls)
        (self.folder / "sites.csv").write_text(f"url,every,most\n{lines}")
        options = ("--from", self.folder / "sites.csv", "--delay", 0)
        added = self.run("crawler", "schedule", "add", *options, database=self.database_url)
        assert added.returncode == 0, added.stderr

    def visits_after(self, days: float) -> None:
        """Let days pass, and make all visits that are due then, by two workers."""
        with connect_to(self.database_url) as conn:
            pass_days(conn, days)
        workers = [
            subprocess.Popen(
                [CRAWLER, "worker", "--once", "--concurrency", "1", "--json"],
                env={**os.environ, "REGISTRY_DATABASE_URL": self.database_url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        ended = [worker.communicate(timeout=120) for worker in workers]
        self.by.append({n for n, (stdout, _) in enumerate(ended) if stdout})
        made = [json.loads(line) for stdout, _ in ended for line in stdout.splitlines()]
        assert made
        assert {visit["state"] for visit in made} == {"finished"}, ended
        assert not any("Traceback" in stderr for _, stderr in ended), ended

    def events(self) -> list[Told]:
        """Return the events since the last call, in the order of kinds and URLs."""
        told = self.run(
            "crawler", "events", "--json", "--after", self._last, database=self.database_url
        )
        found = []
        for line in told.stdout.splitlines():
            event = json.loads(line)
            texts = [(event[name] or {}).get("text") or "" for name in ("before", "after")]
            found.append((event["kind"], event["url"], tuple(event["marks"]), *texts))
            self._last = event["id"]
        return sorted(found)

    def entries(self) -> set[Entry]:
        """Return what a snapshot holds of pictures, with the marks of their pages."""
        out = self.folder / f"snapshot-{len(self.by)}"
        built = self.run("registry", "snapshot", "build", "--out", out, database=self.database_url)
        assert built.returncode == 0, built.stderr
        snapshot = open_snapshot(out)
        numbers = np.array(pictures_of(snapshot), np.int64)
        digests = snapshot.pictures.digests("sha256", numbers).to_pylist()
        return {
            (
                *(entry.url, entry.page_url, digest.hex()),
                tuple(sorted({signal.raw for signal in entry.own})),
                not entry.gone,
            )
            for entry, digest in zip(snapshot.entries, digests, strict=True)
        }

    def readings_of(self, page_url: str) -> set[tuple[str, tuple[str, ...]]]:
        """Return the images of a page, each with the marks that appeared, changed and went."""
        told = self.run("registry", "history", page_url, "--json", database=self.database_url)
        places = json.loads(told.stdout)["places"]
        wanted = ("mark", "changed", "went")
        return {
            (
                place["url"],
                tuple(f"{e['what']}: {e['text']}" for e in place["events"] if e["what"] in wanted),
            )
            for place in places
        }


@pytest.fixture
def registry(run: Run, database_url: str, tmp_path: Path) -> Registry:
    return Registry(database_url, run, tmp_path)


def test_two_workers_find_what_is_true_of_real_sites(
    sites: tuple[Blog, StaticSite], registry: Registry
) -> None:
    blog, static = sites
    registry.schedule(blog.site.url, static.url)
    before = wordpress_truth(blog.site), static_truth(static)
    # WordPress: posts, the page and its picture's, lists of all and of two categories; Hugo: works
    # and two lists.
    assert [len(truth.pages) for truth in before] == [14 + 2 + 2 + 1 + 2, 12 + 2 + 2]
    registry.visits_after(0)
    assert registry.events() == []
    assert registry.entries() == entries_of(before, before)

    # Nothing has changed.
    registry.visits_after(15)
    assert registry.events() == []
    assert registry.entries() == entries_of(before, before)

    blog.change()
    change_static(static)
    after = wordpress_truth(blog.site), static_truth(static)
    expected = [events(*both) for both in zip(before, after, strict=True)]
    assert [len(told) for told in expected] == [5, 8]
    # Between the visits to pages, feeds and sitemaps tell: Hugo's of all works that changed, but
    # not of the further pages of its lists; WordPress's of new posts only.
    registry.visits_after(4)
    found = registry.events()
    assert set(found) <= expected[0] | expected[1]
    new_posts = {told for told in expected[0] if told[0] == "picture-new"}
    works = {told for told in expected[1] if "_fill_" not in told[1]}
    assert set(found) >= new_posts | works
    registry.visits_after(15)
    found += registry.events()
    assert sorted(found) == sorted(expected[0] | expected[1])
    assert registry.entries() == entries_of(before, after)

    # Pictures of which nothing is seen any more are stale; their marks stay.
    registry.visits_after(15)
    registry.visits_after(15)
    gone = [stale(*both) for both in zip(before, after, strict=True)]
    assert registry.events() == sorted(gone[0] | gone[1])
    assert registry.entries() == entries_of(before, after)
    assert {0, 1} in registry.by
    assert_history(registry, *zip(before, after, strict=True))


def entries_of(before: tuple[Truth, ...], after: tuple[Truth, ...]) -> set[Entry]:
    return set().union(*(entries(*both) for both in zip(before, after, strict=True)))


def assert_history(registry: Registry, *sites: tuple[Truth, Truth]) -> None:
    """Assert that the history of each page whose marks differ tells it of each image there."""
    for before, after in sites:
        for url in before.pages.keys() & after.pages.keys():
            old, new = (set(truth.pages[url].marks.values()) for truth in (before, after))
            if old == new:
                continue
            what = "mark" if not old else "changed" if new else "went"
            told = (*(f"mark: {text}" for text in old), f"{what}: {[*new, *old][0]}")
            images = after.pages[url].images
            assert registry.readings_of(url) == {(image, told) for image in images}
    assert rows(registry.database_url, "SELECT count(*) FROM visit WHERE state <> 'finished'") == [
        (0,)
    ]
