Everything that was recorded about one target, for `registry history`.

`plain` is a pattern of addresses whose host is written so that it holds the
host's name; whatever is written otherwise is looked at too, and its key compared.

-- name: image_urls
SELECT DISTINCT image_url FROM observation
WHERE strpos(lower(image_url), %(host)s::text) > 0 OR image_url !~ %(plain)s::text

-- name: page_urls
SELECT DISTINCT page_url FROM observation
WHERE strpos(lower(page_url), %(host)s::text) > 0 OR page_url !~ %(plain)s::text

-- name: urls_of_images
SELECT DISTINCT image_url FROM observation WHERE image_id = ANY(%(images)s::bigint[])

-- name: observations_of_images
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
WHERE image_url = ANY(%(urls)s::text[])
ORDER BY image_url, page_url NULLS FIRST, observed_at, id

-- name: observations_of_pages
SELECT id, observed_at, image_url, page_url, fetched_url, relation, status, refusal, image_id,
       evidence, again_at, again, takes_back
FROM observation_with_again
WHERE page_url = ANY(%(urls)s::text[])
ORDER BY image_url, page_url NULLS FIRST, observed_at, id

-- name: old_spellings
-- hosts that earlier versions may have spelled differently
SELECT DISTINCT host FROM site_rule WHERE host !~ '^[a-z0-9_.-]+(:[0-9]+)?$'

-- name: site_rules_of
SELECT id, observed_at, host, kind, url, status, refusal, evidence_id, again_at, again, takes_back
FROM site_rule_with_again
WHERE host = ANY(%(hosts)s::text[])
ORDER BY host, kind, url, observed_at, id

-- name: evidence_of
SELECT id, carrier, about, url, lines, text, digest FROM evidence
WHERE id = ANY(%(ids)s::bigint[])

-- name: digests_of
SELECT id, sha256 FROM image WHERE id = ANY(%(ids)s::bigint[])

-- name: images_by_digest
SELECT id FROM image WHERE sha256 = ANY(%(digests)s::bytea[]) OR md5 = ANY(%(digests)s::bytea[])

-- name: image_codes
SELECT near.image_id, near.bits, wide.bits
FROM fingerprint near
LEFT JOIN fingerprint wide
    ON wide.image_id = near.image_id AND wide.view = near.view AND wide.algorithm = 'phash256'
WHERE near.algorithm = 'phash64'

-- name: claim_codes
SELECT id, phash64, phash256 FROM claim WHERE phash64 IS NOT NULL

-- name: claim_urls
SELECT DISTINCT named.url
FROM claim CROSS JOIN LATERAL (VALUES (claim.url), (claim.page_url)) AS named (url)
WHERE strpos(lower(named.url), %(host)s::text) > 0 OR named.url !~ %(plain)s::text

-- name: claims_of
SELECT id FROM claim
WHERE id = ANY(%(ids)s::bigint[])
   OR url = ANY(%(urls)s::text[]) OR page_url = ANY(%(urls)s::text[])
   OR (site = ANY(%(hosts)s::text[])
       AND (path_pattern IS NOT NULL OR num_nonnulls(url, sha256, md5, phash64) = 0))
   OR sha256 = ANY(%(digests)s::bytea[]) OR md5 = ANY(%(digests)s::bytea[])
ORDER BY id
