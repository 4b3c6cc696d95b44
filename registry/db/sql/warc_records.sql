Where evidence is in WARC files, if a crawl writes them.

-- name: unrecorded_evidence
SELECT digest, id FROM evidence
WHERE digest = ANY (%(digests)s)
  AND NOT EXISTS (SELECT FROM evidence_record WHERE evidence_id = evidence.id)

-- name: insert_evidence_records
-- in the order of the key, so that two crawlers wait for each other and never in a circle
INSERT INTO evidence_record (evidence_id, file, place, size)
SELECT * FROM unnest(%(ids)s::bigint[], %(files)s::text[], %(places)s::bigint[], %(sizes)s::bigint[])
         AS record (evidence_id, file, place, size)
ORDER BY evidence_id
ON CONFLICT (evidence_id) DO NOTHING
