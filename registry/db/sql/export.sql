-- name: export_position
-- newest id and count of everything a snapshot is built from, and the count of equal readings;
-- the number of finished visits would be the same after one was finished and another forgotten
SELECT
    coalesce((SELECT max(id) FROM observation), 0), (SELECT count(*) FROM observation),
    (SELECT coalesce(sum(readings), 0) FROM observation_again),
    coalesce((SELECT max(id) FROM site_rule), 0), (SELECT count(*) FROM site_rule),
    (SELECT coalesce(sum(readings), 0) FROM site_rule_again),
    coalesce((SELECT max(id) FROM claim), 0), (SELECT count(*) FROM claim),
    (SELECT count(file_name) FROM claim),
    (SELECT coalesce(max(id), 0) FROM visit), (SELECT count(*) FROM visit WHERE state <> 'finished'),
    (SELECT count(*) FROM claim_withdrawal), (SELECT count(restored_at) FROM claim_withdrawal),
    (SELECT id::text FROM registry_identity)

-- name: plan_sums
-- there are few segments, but the planner expects nearly as many as rows, and would sort these
SELECT set_config('enable_sort', 'off', true)

-- name: plan_others
SELECT set_config('enable_sort', 'on', true)

-- name: sum_pictures
-- by segment: the number of rows, and the hashes of all rows in one; rows are hashed with their
-- id, so that equal rows do not cancel each other out
SELECT number, sum(rows)::text || ':' || to_hex(bit_xor(hash)) FROM (
    SELECT id >> %(bits)s::integer AS number, count(*) AS rows,
           bit_xor(hash_record_extended(
               ROW(encode(sha256, 'hex'), encode(md5, 'hex'), width, height), id)) AS hash
    FROM image GROUP BY 1
    UNION ALL
    SELECT image_id >> %(bits)s::integer, count(*),
           bit_xor(hash_record_extended(
               ROW(algorithm, version, view, encode(fingerprint.bits, 'hex')), image_id))
    FROM fingerprint
    WHERE (algorithm, version) IN (('phash64', %(phash64)s), ('phash256', %(phash256)s))
    GROUP BY 1) AS part
GROUP BY number

-- name: sum_observations
SELECT first_id >> %(bits)s::integer AS number,
       count(*)::text || ':' || to_hex(bit_xor(hash_record_extended(
           ROW(first_id, observed_at, image_url, page_url, fetched_url, relation, status,
               refusal, image_id, evidence, again_at, again, takes_back), id)))
FROM observation_with_again GROUP BY 1

-- name: sum_site_files
SELECT first_id >> %(bits)s::integer AS number,
       count(*)::text || ':' || to_hex(bit_xor(hash_record_extended(
           ROW(first_id, observed_at, host, kind, url, status, refusal, evidence_id,
               again_at, again, takes_back), id)))
FROM (SELECT *, min(id) OVER (PARTITION BY host, kind, url) AS first_id
      FROM site_rule_with_again) AS placed
GROUP BY 1

-- name: sum_hosts
-- the same of site files by host
SELECT host,
       count(*)::text || ':' || to_hex(bit_xor(hash_record_extended(
           ROW(observed_at, kind, url, status, refusal, evidence_id, again_at, again,
               takes_back), id)))
FROM site_rule_with_again GROUP BY host

-- name: sum_claims
-- a digest stands for all fields but the file name
SELECT number, sum(rows)::text || ':' || to_hex(bit_xor(hash)) FROM (
    SELECT id >> %(bits)s::integer AS number, count(*) AS rows,
           bit_xor(hashtextextended(encode(digest, 'hex') COLLATE "C", id)
                   # coalesce(hashtextextended(file_name COLLATE "C", ~id), 0)) AS hash
    FROM claim GROUP BY 1
    UNION ALL
    SELECT claim_id >> %(bits)s::integer, count(*),
           bit_xor(hash_record_extended(ROW(id, withdrawn_at, restored_at), claim_id))
    FROM claim_withdrawal GROUP BY 1) AS part
GROUP BY number

-- name: segment_pictures
-- the pictures with ids from `start` on, before `stop`; otherwise as above
SELECT image.id, image.sha256, image.md5, image.width, image.height,
       near.bits AS phash64, wide.bits AS phash256
FROM image
LEFT JOIN fingerprint near
    ON near.image_id = image.id AND near.view = 'full'
    AND near.algorithm = 'phash64' AND near.version = %(phash64)s
LEFT JOIN fingerprint wide
    ON wide.image_id = image.id AND wide.view = 'full'
    AND wide.algorithm = 'phash256' AND wide.version = %(phash256)s
WHERE image.id >= %(start)s::bigint AND image.id < %(stop)s::bigint
ORDER BY image.id

-- name: segment_views
SELECT near.image_id, near.view, near.bits AS phash64, wide.bits AS phash256
FROM fingerprint near
JOIN fingerprint wide
    ON wide.image_id = near.image_id AND wide.view = near.view
    AND wide.algorithm = 'phash256' AND wide.version = %(phash256)s
WHERE near.algorithm = 'phash64' AND near.version = %(phash64)s AND near.view <> 'full'
  AND near.image_id >= %(start)s::bigint AND near.image_id < %(stop)s::bigint
ORDER BY near.image_id, near.view

-- name: picture_digests
SELECT id, sha256 FROM image WHERE id = ANY(%(ids)s::bigint[])

-- name: some_evidence
SELECT id, carrier, about, url, lines, text, digest FROM evidence
WHERE id = ANY(%(ids)s::bigint[])
ORDER BY id

-- name: segment_observations
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
WHERE first_id >= %(start)s::bigint AND first_id < %(stop)s::bigint
ORDER BY image_url, page_url NULLS FIRST, observed_at, id

-- name: segment_site_files
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM (SELECT *, min(id) OVER (PARTITION BY host, kind, url) AS first_id
      FROM site_rule_with_again) AS placed
WHERE first_id >= %(start)s::bigint AND first_id < %(stop)s::bigint
ORDER BY host, kind, url, observed_at, id

-- name: site_files_of_hosts
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM site_rule_with_again
WHERE host = ANY(%(hosts)s::text[])
ORDER BY host, kind, url, observed_at, id
