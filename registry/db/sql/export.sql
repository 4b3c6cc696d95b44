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

-- name: export_images
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

-- name: export_views
-- the other views of transparent pictures
SELECT near.image_id, near.view, near.bits AS phash64, wide.bits AS phash256
FROM fingerprint near
JOIN fingerprint wide
    ON wide.image_id = near.image_id AND wide.view = near.view
    AND wide.algorithm = 'phash256' AND wide.version = %(phash256)s
WHERE near.algorithm = 'phash64' AND near.version = %(phash64)s AND near.view <> 'full'
ORDER BY near.image_id, near.view

-- name: export_evidence
-- every piece of evidence
SELECT id, carrier, about, url, lines, text, digest FROM evidence ORDER BY id

-- name: export_site_rules
-- every dated answer for a rules file, oldest first
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM site_rule_with_again
ORDER BY host, kind, url, observed_at, id

-- name: export_observations
-- every observation, those of one image on one page together, oldest first
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
ORDER BY image_url, page_url NULLS FIRST, observed_at, id

-- name: export_claims
-- every claim that is not withdrawn, with the picture that has its digest; a restored one
-- is dated from its restoration
SELECT claim.id, claim.source, claim.url, claim.page_url, claim.site, claim.path_pattern,
       claim.sha256, claim.md5, claim.phash64, claim.phash256, claim.width, claim.height,
       claim.meaning, claim.use, claim.signal, claim.evidence,
       coalesce(again.restored_at, claim.observed_at, claim.imported_at) AS since,
       claim.licence_url, claim.file_name,
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
