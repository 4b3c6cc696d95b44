"""The site files of a segment, as a snapshot has them: rules, and digests of records. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pyarrow as pa

from registry.db.rows import SiteRuleRow
from registry.snapshot.evidence_read import ReadEvidence
from registry.snapshot.format import schema_of, signals_to_json
from registry.snapshot.history import Dated
from registry.snapshot.record_digests import record_digest, site_rule_fields
from registry.snapshot.rows import recorded_host
from registry.snapshot.site_rules import RulesOfSites
from registry.snapshot.tables import table


def histories(rows: Iterable[SiteRuleRow]) -> Iterator[list[SiteRuleRow]]:
    """Yield the readings of each file; given are those of some hosts in the order of a source."""
    # Earlier versions spelled some hosts in another way.
    spelled = (replace(row, host=recorded_host(row.host)) for row in rows)
    for _, group in groupby(spelled, lambda row: (row.host, row.kind, row.url)):
        yield list(group)


def site_file_tables(
    rows: list[SiteRuleRow], read: ReadEvidence, rules: RulesOfSites
) -> dict[str, pa.Table]:
    """Return the tables `site-files` and `site-file-records`.

    `rules` has the files of all hosts of the rows: what a licence says depends on robots.txt.
    """
    files = []
    for history in histories(rows):
        last = history[-1]
        dated = rules.files[last.host, last.kind, last.url]
        if dated.signals:
            files.append(_row(last, dated))
    records = sorted((r.id, record_digest(site_rule_fields(r, read.digests))) for r in rows)
    return {
        "site-files": table("site-files", files),
        "site-file-records": pa.table(
            {"id": [number for number, _ in records], "digest": [d for _, d in records]},
            schema_of("site-file-records"),
        ),
    }


def _row(last: SiteRuleRow, dated: Dated) -> dict[str, Any]:
    since = min(dated.oldest(dated.signals), default=min(dated.since.values()))
    return {
        "id": last.id,
        "host": last.host,
        "kind": last.kind,
        "signals": signals_to_json(dated.signals),
        "since": since,
        "seen": last.last_at,
    }
