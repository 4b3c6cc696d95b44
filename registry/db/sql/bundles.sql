What a bundle of evidence holds: one record, and what counts with it.

-- name: place_of
-- the image URL and page URL of an observation, and its visit
SELECT image_url, page_url, visit_id FROM observation WHERE id = %(id)s

-- name: bundled_observations
-- the observations of one image URL on one page up to one of them, oldest first
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
WHERE image_url = %(image_url)s AND page_url IS NOT DISTINCT FROM %(page_url)s::text
  AND (observed_at, id) <= (SELECT observed_at, id FROM observation WHERE id = %(id)s)
ORDER BY observed_at, id

-- name: bundled_site_rule
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM site_rule_with_again
WHERE id = %(id)s

-- name: site_rules_of_visit
-- the readings of site files by one visit
SELECT id FROM site_rule WHERE visit_id = %(visit_id)s AND host = ANY(%(hosts)s::text[])

-- name: about_of
SELECT id, about FROM evidence WHERE id = ANY(%(ids)s::bigint[])

-- name: warc_places
-- where the WARC records of evidence are
SELECT evidence_id, file, place, size FROM evidence_record
WHERE evidence_id = ANY(%(ids)s::bigint[])

-- name: registry_id
SELECT id::text FROM registry_identity
