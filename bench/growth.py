"""Growth of the database: bytes for each reading of pages and pictures that did not change.

    .venv/bin/python -m bench.growth --observations 1000000 --visits 3 --processes 2

Made-up sites (`bench.growth_sites`) are visited through the crawler's own recorder, on a PostgreSQL
of its own: once, then again without any change (the hosts answer 304, or with the
same bodies, in turn), then after changes of one page and one picture in a hundred. Each visit
asks for everything. After each round of visits the tables are measured, before and after a
VACUUM (not FULL); with `--autovacuum` there is none but the server's own. The server commits as
PostgreSQL does by default (`fsync`, `synchronous_commit` on).

A reading is one observation that is stored, or counted again. Fails if the last unchanged round
leaves more than `--most` bytes a reading, or 16 blocks of 8 KiB if that is more.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from bench.growth_sites import Answers, Site, visited
from bench.own_server import own_server
from crawler.record.schedules import add_all
from registry.db.migrate import migrate
from registry.db.session import Session

# Bytes by which tables and indexes may differ for no reason: they grow by blocks of 8 KiB.
BLOCKS = 16 * 8192
TABLES = """
    SELECT relname, pg_table_size(relid), pg_indexes_size(relid),
           n_tup_upd, n_tup_hot_upd, n_tup_del
    FROM pg_stat_user_tables ORDER BY relname"""
INDEXES = """
    SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes
    WHERE pg_relation_size(indexrelid) > 16384 ORDER BY 2 DESC"""


class Table(NamedTuple):
    """One table: its bytes with those stored outside of its rows, those of its indexes; updates."""

    heap: int
    indexes: int
    updates: int
    hot: int
    deletes: int

    @property
    def size(self) -> int:
        """Return all its bytes."""
        return self.heap + self.indexes


@dataclass(frozen=True, slots=True)
class Measured:
    """All tables by name after a round, and the bytes of WAL until then."""

    tables: dict[str, Table]
    wal: int

    def size(self, part: str = "size") -> int:
        """Return the bytes of all tables."""
        return sum(getattr(table, part) for table in self.tables.values())


@dataclass(frozen=True, slots=True)
class Round:
    """One visit of each site: its readings and seconds, and the tables after it.

    `before` is what was measured when it began, `after` when it ended, `cleaned` after a VACUUM.
    """

    name: str
    readings: int
    seconds: float
    before: Measured
    after: Measured
    cleaned: Measured

    @property
    def left(self) -> float:
        """Return the bytes a reading that the round has left for good."""
        return (self.cleaned.size() - self.before.size()) / self.readings


def measured(conn: psycopg.Connection) -> Measured:
    """Measure all tables."""
    tables = {name: Table(*sizes) for name, *sizes in conn.execute(TABLES)}
    row = conn.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return Measured(tables, int(row[0]))


def visit_all(sites: Sequence[Site], answers: Answers, size: int) -> int:
    """Visit sites, one after the other; return the number of readings. Runs in its own process."""
    session = Session()
    try:
        return sum(visited(session, site, answers, size) for site in sites)
    finally:
        session.close()


def made(
    conn: psycopg.Connection,
    name: str,
    sites: Sequence[Site],
    answers: Answers,
    options: argparse.Namespace,
) -> Round:
    """Visit all sites once; return what that left."""
    before, began = measured(conn), time.monotonic()
    parts = [sites[n :: 4 * options.processes] for n in range(4 * options.processes)]
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        jobs = [pool.submit(visit_all, part, answers, options.batch) for part in parts if part]
        readings = sum(job.result() for job in jobs)
    seconds = time.monotonic() - began
    after = measured(conn)
    if not options.autovacuum:
        conn.execute("VACUUM (ANALYZE)")
    done = Round(name, readings, seconds, before, after, measured(conn))
    print(line(done), flush=True)
    return done


def rounds(conn: psycopg.Connection, sites: list[Site], options: argparse.Namespace) -> list[Round]:
    """Make all rounds of visits."""
    print(HEAD)
    done = [made(conn, "first visit", sites, "bodies", options)]
    if not options.autovacuum:
        # Only now: until then it also collects the statistics by which queries are planned.
        conn.execute("ALTER SYSTEM SET autovacuum = off")
        conn.execute("SELECT pg_reload_conf()")
    for number in range(1, options.visits + 1):
        answers: Answers = "304" if number % 2 else "bodies"
        done.append(made(conn, f"unchanged {number} ({answers})", sites, answers, options))
    report(conn, done)
    for number in range(1, options.changes + 1):
        sites = [replace(site, rounds=number) for site in sites]
        done.append(made(conn, f"1 % changed {number}", sites, "304", options))
    if options.changes:
        report(conn, done)
    return done


HEAD = (
    "| round | readings | s | tables MB | indexes MB | bytes a reading | after VACUUM "
    "| WAL bytes a reading |\n" + "| --- " * 8 + "|"
)


def line(done: Round) -> str:
    """Return the row of a round."""
    cells = [
        done.name,
        f"{done.readings:,}",
        f"{done.seconds:.0f}",
        f"{done.cleaned.size('heap') / 1e6:,.1f}",
        f"{done.cleaned.size('indexes') / 1e6:,.1f}",
        f"{(done.after.size() - done.before.size()) / done.readings:,.1f}",
        f"{done.left:,.1f}",
        f"{(done.after.wal - done.before.wal) / done.readings:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


TABLE_HEAD = (
    "| table | rows | MB | indexes MB | bytes a row | bytes a reading | after VACUUM | updates "
    "| HOT % | deletes |\n" + "| --- " * 10 + "|"
)


def by_table(done: list[Round], rows: dict[str, int]) -> list[str]:
    """Return the rows of a table of the tables: their sizes, and what the last round has done."""
    last = done[-1]
    lines = []
    for name, table in sorted(last.cleaned.tables.items(), key=lambda item: -item[1].size):
        before, after = last.before.tables[name], last.after.tables[name]
        updates, hot = after.updates - before.updates, after.hot - before.hot
        if rows[name] <= 1 and not updates and after.deletes == before.deletes:
            continue
        cells = [
            name,
            f"{rows[name]:,}",
            f"{table.heap / 1e6:,.1f}",
            f"{table.indexes / 1e6:,.1f}",
            f"{table.size / rows[name]:,.0f}" if rows[name] else "",
            f"{(after.size - before.size) / last.readings:.1f}",
            f"{(table.size - before.size) / last.readings:.1f}",
            f"{updates:,}",
            f"{100 * hot / updates:.0f}" if updates else "",
            f"{after.deletes - before.deletes:,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def counted(conn: psycopg.Connection, names: Sequence[str]) -> dict[str, int]:
    """Return the number of rows of each table."""
    found: dict[str, int] = {}
    for name in names:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        found.update((name, number) for (number,) in conn.execute(query))
    return found


def report(conn: psycopg.Connection, done: list[Round]) -> None:
    """Print what the rounds until now have left, by table and by index."""
    rows = counted(conn, list(done[-1].cleaned.tables))
    print(f"\nafter {done[-1].name}", TABLE_HEAD, *by_table(done, rows), "", sep="\n")
    sizes = [f"{name} {size / 1e6:,.1f}" for name, size in conn.execute(INDEXES)]
    print("indexes, MB:", ", ".join(sizes), "\n", flush=True)


def opened(folder: Path) -> Path:
    """Let the server's account into a folder."""
    folder.chmod(0o755)
    return folder


def main() -> None:
    """Make the sites, visit them, and print what was left."""
    parser = argparse.ArgumentParser(description="Growth of the database by unchanged visits.")
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--visits", type=int, default=10, help="unchanged ones after the first")
    parser.add_argument("--changes", type=int, default=2, help="visits after changes of 1 %%")
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=4, help="on each page")
    parser.add_argument("--batch", type=int, default=200, help="records of a transaction")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--autovacuum", action="store_true", help="leave VACUUM to the server")
    parser.add_argument("--most", type=float, default=1.0, help="bytes a reading")
    options = parser.parse_args()
    pages = max(1, options.observations // options.hosts // options.pictures)
    names = (f"site{number:05}.example" for number in range(options.hosts))
    sites = [Site(name, pages, options.pictures) for name in names]
    with (
        tempfile.TemporaryDirectory(prefix="bench-growth-", dir="/tmp") as name,
        own_server(opened(Path(name))) as server,
    ):
        url = os.environ["REGISTRY_DATABASE_URL"] = server.url("postgres")
        migrate(url)
        add_all([site.terms for site in sites])
        with psycopg.connect(url, autocommit=True) as conn:
            done = rounds(conn, sites, options)
    unchanged = [one for one in done if one.name.startswith("unchanged")]
    limits = [max(options.most, BLOCKS / one.readings) for one in unchanged]
    sys.exit(bool(unchanged) and unchanged[-1].left > limits[-1])


if __name__ == "__main__":
    main()
