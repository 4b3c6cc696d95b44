Claims: what people and imported lists say.

-- name: stage_claims
CREATE TEMP TABLE IF NOT EXISTS staged_claim (
    digest bytea, source text, claimant text, url text, page_url text, site text,
    path_pattern text, sha256 bytea, md5 bytea, phash64 bytea, phash256 bytea, width integer,
    height integer, meaning text, use text, signal text, evidence text,
    observed_at timestamptz, licence_url text
) ON COMMIT DELETE ROWS

-- name: copy_claims
COPY staged_claim (digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
                   phash64, phash256, width, height, meaning, use, signal, evidence,
                   observed_at, licence_url) FROM STDIN

-- name: insert_claims
-- in the order of the digest, so that two imports at once wait for each other in no circle
INSERT INTO claim (digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
                   phash64, phash256, width, height, meaning, use, signal, evidence,
                   observed_at, licence_url)
SELECT DISTINCT ON (digest)
       digest, source, claimant, url, page_url, site, path_pattern, sha256, md5,
       phash64, phash256, width, height, meaning, use, signal, evidence,
       observed_at, licence_url
FROM staged_claim ORDER BY digest
ON CONFLICT (digest) DO NOTHING
