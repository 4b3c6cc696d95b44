"""All rows that a snapshot is built from, each kind by one plain query."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import class_row

from registry.db.rows import (
    ClaimRow,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
)
from registry.fingerprints import versions


def every(conn: psycopg.Connection, kind: type[Any]) -> list[Any]:
    """Return all rows of a kind, in the order of a snapshot's source."""
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(QUERIES[kind], versions()).fetchall()


QUERIES: dict[type[Any], Any] = {
    ImageRow: """
-- every picture with its fingerprints of the full view, by the present algorithms
SELECT image.id, image.sha256, image.md5, image.width, image.height,
       near.bits AS phash64, wide.bits AS phash256
FROM image
LEFT JOIN fingerprint near
    ON near.image_id = image.id AND near.view = 'full'
    AND near.algorithm = 'phash64' AND near.version = %(phash64)s
LEFT JOIN fingerprint wide
    ON wide.image_id = image.id AND wide.view = 'full'
    AND wide.algorithm = 'phash256' AND wide.version = %(phash256)s
ORDER BY image.id
""",
    ViewRow: """
-- the other views of transparent pictures
SELECT near.image_id, near.view, near.bits AS phash64, wide.bits AS phash256
FROM fingerprint near
JOIN fingerprint wide
    ON wide.image_id = near.image_id AND wide.view = near.view
    AND wide.algorithm = 'phash256' AND wide.version = %(phash256)s
WHERE near.algorithm = 'phash64' AND near.version = %(phash64)s AND near.view <> 'full'
ORDER BY near.image_id, near.view
""",
    EvidenceRow: """
-- every piece of evidence
SELECT id, carrier, about, url, lines, text, digest FROM evidence ORDER BY id
""",
    SiteRuleRow: """
-- every dated answer for a rules file, oldest first
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM site_rule_with_again
ORDER BY host, kind, url, observed_at, id
""",
    ObservationRow: """
-- every observation, those of one image on one page together, oldest first
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
ORDER BY image_url, page_url NULLS FIRST, observed_at, id
""",
    ClaimRow: """
-- every claim that is not withdrawn, with the picture that has its digest; a restored one
-- is dated from its restoration
SELECT claim.id, claim.source, claim.url, claim.page_url, claim.site, claim.path_pattern,
       claim.sha256, claim.md5, claim.phash64, claim.phash256, claim.width, claim.height,
       claim.meaning, claim.use, claim.signal, claim.evidence,
       coalesce(again.restored_at, claim.observed_at, claim.imported_at) AS since,
       claim.licence_url, claim.file_name,
       CASE WHEN claim.meaning = 'conditional' THEN claim.claimant END AS claimant,
       coalesce(by_sha256.id, by_md5.id) AS image_id
FROM claim
LEFT JOIN image by_sha256 ON by_sha256.sha256 = claim.sha256
LEFT JOIN LATERAL (
    SELECT id FROM image
    WHERE claim.sha256 IS NULL AND image.md5 = claim.md5
    ORDER BY id LIMIT 1
) by_md5 ON true
LEFT JOIN (SELECT claim_id, max(restored_at) AS restored_at,
                  bool_or(restored_at IS NULL) AS withdrawn
           FROM claim_withdrawal GROUP BY claim_id) again ON again.claim_id = claim.id
WHERE again.withdrawn IS NOT TRUE
ORDER BY claim.id
""",
}
