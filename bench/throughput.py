"""Requests a second with everything on, beside a bare Scrapy spider and img2dataset.

    .venv/bin/python -m bench.throughput --runs 3 [--img2dataset PYTHON]

Serves the sites on loopback (`bench.many_sites`, 20 ms a response, or --latency). A worker visits
them, one connection a host, with a PostgreSQL of its own, WARC files and metrics. The bare spider
downloads the same URLs, one connection a host too, and does nothing with them: alone, and as two
processes with half of the hosts each, since the worker uses all cores. Two more rows let it hash
the pictures by ImageHash in its callback. img2dataset downloads the pictures alone, if PYTHON has
it. The rate is taken at the sites, from the first request to the last, so that the start of
processes does not count. The worker's processor time is sampled by kind of process. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg

from bench.many_sites import ManySites, picture
from bench.own_server import OwnServer, own_server
from bench.workers import BIN, database, due, schedule

BARE = textwrap.dedent("""
    import io
    import sys
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Bare(scrapy.Spider):
        name = "bare"
        async def start(self):
            for url in open(sys.argv[1]).read().split():
                yield scrapy.Request(url, dont_filter=True)
        def parse(self, response):
            if sys.argv[2] == "hash" and response.url.endswith(".png"):
                import imagehash
                from PIL import Image
                with Image.open(io.BytesIO(response.body)) as picture:
                    imagehash.phash(picture), imagehash.phash(picture, hash_size=16)

    process = CrawlerProcess({
        "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False,
        "CONCURRENT_REQUESTS": 100, "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        # Without a delay, Scrapy 2.19 starts all that wait for a host at once.
        "DOWNLOAD_DELAY": 0.0001, "DOWNLOAD_DELAY_JITTER": 0, "RANDOMIZE_DOWNLOAD_DELAY": False,
    })
    process.crawl(Bare)
    process.start()
""")
# Ticks of processor time a second.
TICK = os.sysconf("SC_CLK_TCK")
# What a process does, by its command line.
KINDS = (
    ("crawler.worker.child", "visits: download, state, database"),
    ("spawn_main|registry.sandbox", "readers: pages and pictures"),
    ("crawler worker", "worker"),
    ("postgres", "PostgreSQL"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: requests, seconds from the first to the last, processor seconds."""

    requests: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Return requests a second."""
        return self.requests / self.seconds

    @property
    def cost(self) -> float:
        """Return milliseconds of processor time a request."""
        return 1000 * self.processor / self.requests


def processes_below(ids: Sequence[int]) -> Iterator[tuple[int, str, float]]:
    """Yield id, command line and processor seconds of processes and all their descendants.

    The seconds include those of descendants that have ended.
    """
    parents: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            seconds[int(entry.name)] = sum(map(int, fields[11:15])) / TICK
    waiting = list(ids)
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, ())
        with suppress(OSError):
            command = (Path("/proc") / str(one) / "cmdline").read_bytes().replace(b"\0", b" ")
            yield one, command.decode(errors="replace"), seconds.get(one, 0.0)


def kind_of(command: str) -> str:
    """Return what a process does."""
    return next((kind for text, kind in KINDS if re.search(text, command)), "others")


def at_sites(sites: ManySites, processor: float) -> Measured:
    """Return what the sites saw."""
    times = [one.at for asked in sites.asked.values() for one in asked]
    return Measured(len(times), max(times) - min(times), processor)


def waited(commands: Sequence[Sequence[object]], sites: ManySites) -> Measured:
    """Run programs side by side to their end; return what the sites saw."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [
        subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        for command in commands
    ]  # fmt: skip
    if any(process.wait() for process in running):
        raise SystemExit(f"{commands[0]} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return at_sites(sites, spent)


def bare(sites: ManySites, folder: Path, processes: int, work: str = "") -> Measured:
    """Let the bare spider download all URLs, its hosts divided among processes.

    `work` is `hash` if it hashes the pictures.
    """
    script = folder / "bare.py"
    script.write_text(BARE)
    commands = []
    for part in range(processes):
        urls = folder / f"urls{part}.txt"
        urls.write_text("\n".join(all_urls(sites, part, processes)))
        commands.append([sys.executable, script, urls, work])
    return waited(commands, sites)


def all_urls(sites: ManySites, part: int = 0, parts: int = 1) -> list[str]:
    """Return the pages and pictures of every host, or of a part of them, in turns."""
    paths = ["", *(f"p{n}" for n in range(sites.pages))]
    paths += [f"i{n}-{m}.png" for n in range(sites.pages) for m in range(2)]
    return [f"{url}{path}" for path in paths for url in sites.urls[part::parts]]


def images_only(sites: ManySites, folder: Path, python: str) -> Measured:
    """Let img2dataset download the pictures, one process a core, and store them as files."""
    urls = folder / "pictures.txt"
    urls.write_text("\n".join(url for url in all_urls(sites) if url.endswith(".png")))
    out = folder / f"img2dataset-{time.monotonic_ns()}"
    options = ["--processes_count", os.cpu_count(), "--thread_count", 30, "--resize_mode", "no"]
    program = "from img2dataset.main import main; main()"
    return waited(
        [[python, "-c", program, "--url_list", urls, "--output_folder", out, *options]], sites
    )


def ours(
    sites: ManySites, server: OwnServer, folder: Path, number: int
) -> tuple[Measured, dict[str, float]]:
    """Let a worker visit all sites; return what they saw, and processor seconds by kind."""
    with database(server, f"run{number}") as url:
        schedule(url, sites, 0, folder)
        environment = {
            **os.environ,
            "REGISTRY_DATABASE_URL": url,
            "CRAWLER_CONTACT": "mailto:bench@example.org",
        }
        command = [str(BIN / "crawler"), "worker", "--concurrency", str(sites.sites), "--warc",
                   str(folder / "warc"), "--metrics", "0"]  # fmt: skip
        postgres = int((server.folder / "data/postmaster.pid").read_text().split()[0])
        earlier = {one: spent for one, _, spent in processes_below([postgres])}
        with open(folder / "log", "ab") as log:
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        seen: dict[int, tuple[str, float]] = {}
        while due(server, url):
            for one, line, spent in processes_below([worker.pid, postgres]):
                seen[one] = kind_of(line), spent - earlier.get(one, 0.0)
            time.sleep(0.2)
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        refuse_failures(url, sites)
    by_kind: dict[str, float] = {}
    for kind, spent in seen.values():
        by_kind[kind] = by_kind.get(kind, 0.0) + spent
    return at_sites(sites, sum(by_kind.values())), by_kind


def refuse_failures(url: str, sites: ManySites) -> None:
    """End the program unless every site was read completely."""
    with psycopg.connect(url) as conn:
        made = conn.execute(
            """SELECT count(*) FILTER (WHERE state = 'finished'),
                      coalesce(sum((counts->>'pages')::int), 0),
                      coalesce(sum((counts->>'images')::int), 0) FROM visit"""
        ).fetchone()
    expected = (sites.sites, sites.sites * (sites.pages + 1), 2 * sites.sites * sites.pages)
    if made != expected:
        raise SystemExit(f"visits, pages, pictures: {made} in place of {expected}")


def main() -> None:
    """Run all of them in turns, and print medians and ratios."""
    parser = argparse.ArgumentParser(description="Requests a second with everything on.")
    parser.add_argument("--sites", type=int, default=30)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds a response takes")
    parser.add_argument("--img2dataset", metavar="PYTHON", help="an interpreter that has it")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-throughput-", dir="/tmp"))
    folder.chmod(0o755)
    found: dict[str, list[Measured]] = {}
    kinds: list[dict[str, float]] = []
    sites = ManySites(options.sites, options.pages, latency=options.latency)
    with own_server(folder) as server, sites:
        for name in all_urls(sites):
            if name.endswith(".png"):
                picture(name.removeprefix("http://").replace(f":{sites.port}", ""))

        def run(name: str, measure: Callable[[], Measured]) -> None:
            sites.asked.clear()
            found.setdefault(name, []).append(measure())
            one = found[name][-1]
            print(f"{name}: {one.rate:.0f} requests/s, {one.cost:.1f} ms each", flush=True)

        def worker() -> Measured:
            measured, by_kind = ours(sites, server, folder, len(kinds))
            kinds.append(by_kind)
            return measured

        for _ in range(options.runs):
            run("bare Scrapy, 1 process", lambda: bare(sites, folder, 1))
            run("bare Scrapy, 2 processes", lambda: bare(sites, folder, 2))
            run("bare Scrapy that hashes, 1", lambda: bare(sites, folder, 1, "hash"))
            run("bare Scrapy that hashes, 2", lambda: bare(sites, folder, 2, "hash"))
            if options.img2dataset:
                run("img2dataset", lambda: images_only(sites, folder, options.img2dataset))
            run("ours", worker)
    report(found, kinds)


def report(found: dict[str, list[Measured]], kinds: list[dict[str, float]]) -> None:
    """Print the medians, the ratios to ours, and ours by kind of process."""
    mine = median(one.rate for one in found["ours"])
    print(f"\n{'':26} requests/s  ms a request  ours is")
    for name, runs in found.items():
        rate, cost = median(r.rate for r in runs), median(r.cost for r in runs)
        print(f"{name:26} {rate:10.0f}  {cost:12.1f}  {mine / rate:7.2f}")
    requests = found["ours"][0].requests
    for kind in sorted({kind for one in kinds for kind in one}):
        spent = median(one.get(kind, 0.0) for one in kinds)
        print(f"  {kind:36} {1000 * spent / requests:6.2f} ms a request")


if __name__ == "__main__":
    main()
