"""Reads the state after commands: the database's rows by content, temporary files, processes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import psycopg

from registry import durable

State = dict[str, str]

# Without ids and times. An image that is requested again may not have changed (304), so the
# status and the evidence of the answer are not compared; all else of the last visit is.
CONTENT = {
    "claims": "SELECT digest FROM claim",
    "images": "SELECT to_jsonb(image) - '{id,recorded_at}'::text[] FROM image",
    "fingerprints": """SELECT image.sha256, to_jsonb(fingerprint) - 'image_id'
                       FROM fingerprint JOIN image ON image.id = image_id""",
    "observations": """SELECT image_url, page_url, fetched_url, relation, refusal, image.sha256
                       FROM observation LEFT JOIN image ON image.id = image_id
                       LEFT JOIN observation_again AS again ON observation_id = observation.id
                       WHERE (SELECT max(id) FROM visit) IN
                           (observation.visit_id, again.visit_id)""",
    # Distinct: a resumed visit requests robots.txt again.
    "site rules": """SELECT DISTINCT host, kind, site_rule.url, status, refusal, evidence.digest
                     FROM site_rule LEFT JOIN evidence ON evidence.id = evidence_id
                     LEFT JOIN site_rule_again AS again ON site_rule_id = site_rule.id
                     WHERE (SELECT max(id) FROM visit) IN
                         (site_rule.visit_id, again.visit_id)""",
    # Of pages with images: which page of an endless series is the last depends on the order.
    "pages": """SELECT DISTINCT digest FROM observation
                CROSS JOIN LATERAL unnest(observation.evidence) AS named (id)
                JOIN evidence ON evidence.id = named.id AND about = 'page'""",
    "how the last visit ended": "SELECT state FROM visit ORDER BY id DESC LIMIT 1",
    "visits taken for running": "SELECT id FROM visit WHERE state = 'running'",
}
LEFTOVERS = (durable.SUFFIX, durable.FOLDER_SUFFIX, "data.unfinished", "postmaster.pid")


def database_state(conn: psycopg.Connection) -> State:
    """Return a digest of the content of each table."""
    found = {}
    for name, query in CONTENT.items():
        rows = sorted(map(str, conn.execute(query).fetchall()))  # type: ignore[call-overload]
        found[name] = f"{len(rows)} rows, {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return found


def temporary_files(folder: Path) -> list[str]:
    """Return the files below a folder that may exist only while a command runs."""
    paths = folder.rglob("*")
    return [str(path) for path in paths if path.name.endswith(LEFTOVERS) or "PGSQL" in path.name]


def left_running(home: Path) -> dict[int, str]:
    """Return the processes that work in a home or were started for it, by id."""
    found = {}
    mark = os.fsencode(home)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            cwd = os.fsencode(os.readlink(entry / "cwd"))
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        started = b"REGISTRY_HOME=" + mark + b"\0" in environment
        if command and (mark in command or started or cwd.startswith(mark)):
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found
