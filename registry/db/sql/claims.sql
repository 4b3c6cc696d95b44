Claims: what people and imported lists say.

-- name: stage_claims
CREATE TEMP TABLE IF NOT EXISTS staged_claim (
    digest bytea, source text, claimant text, url text, page_url text, site text,
    path_pattern text, sha256 bytea, md5 bytea, phash64 bytea, phash256 bytea, width integer,
    height integer, meaning text, use text, signal text, evidence text,
    observed_at timestamptz, licence_url text, file_name text
) ON COMMIT DELETE ROWS

-- name: copy_claims
COPY staged_claim (digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
                   phash64, phash256, width, height, meaning, use, signal, evidence,
                   observed_at, licence_url, file_name) FROM STDIN (FORMAT BINARY)

-- name: lock_claims
-- one import after the other inserts; crawls do not wait for this lock
SELECT pg_advisory_xact_lock(%(key)s)

-- name: plan_insert
-- look each staged digest up in the index, in its order, however large the table has become;
-- its statistics may be older than the rows of this import
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('work_mem', '64MB', true)

-- name: plan_others
SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)

-- name: insert_new_claims
-- under the lock; in the order of the digest, so that each page of its index is changed once
INSERT INTO claim (digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
                   phash64, phash256, width, height, meaning, use, signal, evidence,
                   observed_at, licence_url, file_name)
SELECT digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
       phash64, phash256, width, height, meaning, use, signal, evidence,
       observed_at, licence_url, file_name
FROM (SELECT DISTINCT ON (digest) * FROM staged_claim ORDER BY digest, file_name) AS distinct_claim
WHERE NOT EXISTS (SELECT FROM claim WHERE claim.digest = distinct_claim.digest)
ORDER BY digest

-- name: insert_claims
-- the same without the lock; in the order of the digest, so that two cannot deadlock
INSERT INTO claim (digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
                   phash64, phash256, width, height, meaning, use, signal, evidence,
                   observed_at, licence_url, file_name)
SELECT DISTINCT ON (digest)
       digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
       phash64, phash256, width, height, meaning, use, signal, evidence,
       observed_at, licence_url, file_name
FROM staged_claim ORDER BY digest, file_name
ON CONFLICT (digest) DO NOTHING

-- name: any_withdrawn
SELECT EXISTS (SELECT FROM claim_withdrawal WHERE restored_at IS NULL)

-- name: restore_claims
-- in the order of their ids, so that two imports at once cannot deadlock
WITH standing_again AS (
    SELECT claim_withdrawal.id
    FROM claim_withdrawal JOIN claim ON claim.id = claim_withdrawal.claim_id
    WHERE claim_withdrawal.restored_at IS NULL
      AND claim.digest IN (SELECT digest FROM staged_claim)
    ORDER BY claim_withdrawal.id FOR UPDATE OF claim_withdrawal
)
UPDATE claim_withdrawal SET restored_at = greatest(now(), withdrawn_at)
FROM standing_again WHERE claim_withdrawal.id = standing_again.id

-- name: name_files
-- claims of an earlier version, or of a list, get the name of the picture's file
WITH nameless AS (
    SELECT claim.id, staged_claim.file_name
    FROM claim JOIN staged_claim USING (digest)
    WHERE claim.file_name IS NULL AND staged_claim.file_name IS NOT NULL
    ORDER BY claim.digest FOR UPDATE OF claim
)
UPDATE claim SET file_name = nameless.file_name FROM nameless WHERE claim.id = nameless.id

-- name: list_claims
-- a page of claims by id, of one source or all
SELECT id, source, claimant, url, page_url, site, path_pattern, sha256, md5, phash64, phash256,
       width, height, meaning, use, signal, evidence, observed_at, licence_url, file_name,
       imported_at
FROM claim
WHERE id > %(after)s::bigint
  AND (%(source)s::text IS NULL OR source = %(source)s::text)
  AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
  AND (NOT %(withdrawn)s::boolean
       OR EXISTS (SELECT FROM claim_withdrawal
                  WHERE claim_id = claim.id AND restored_at IS NULL))
ORDER BY id LIMIT %(limit)s::bigint

-- name: list_withdrawals
SELECT claim_id, withdrawn_at, reason, restored_at FROM claim_withdrawal
WHERE claim_id = ANY(%(ids)s::bigint[]) ORDER BY id

-- name: count_current_of_source
SELECT count(*) FROM claim
WHERE source = %(source)s::text
  AND NOT EXISTS (SELECT FROM claim_withdrawal WHERE claim_id = claim.id AND restored_at IS NULL)

-- name: known_ids
SELECT id FROM claim WHERE id = ANY(%(ids)s::bigint[])

-- name: withdraw_source
INSERT INTO claim_withdrawal (claim_id, reason)
SELECT id, %(reason)s::text FROM claim WHERE source = %(source)s::text ORDER BY id
ON CONFLICT (claim_id) WHERE restored_at IS NULL DO NOTHING

-- name: withdraw_ids
INSERT INTO claim_withdrawal (claim_id, reason)
SELECT id, %(reason)s::text FROM claim WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id
ON CONFLICT (claim_id) WHERE restored_at IS NULL DO NOTHING
