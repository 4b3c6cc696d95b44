The claims of a segment in columns, for the snapshot builder.

-- name: segment_claims
-- those that are not withdrawn, with ids from `start` on, before `stop`; hashes as hex, times in
-- microseconds; a restored claim is dated from its restoration; who makes a claim is whom to ask
-- for a licence, and is not told otherwise
SELECT claim.id, claim.source, claim.url, claim.page_url, claim.site, claim.path_pattern,
       encode(claim.sha256, 'hex') AS sha256, encode(claim.md5, 'hex') AS md5,
       encode(claim.phash64, 'hex') AS phash64, encode(claim.phash256, 'hex') AS phash256,
       claim.width, claim.height, claim.meaning, claim.use, claim.signal, claim.evidence,
       (extract(epoch FROM coalesce(again.restored_at, claim.observed_at, claim.imported_at))
        * 1000000)::bigint AS since,
       claim.licence_url, claim.file_name,
       CASE claim.meaning WHEN 'conditional' THEN claim.claimant END AS claimant
FROM claim
LEFT JOIN (SELECT claim_id, max(restored_at) AS restored_at,
                  bool_or(restored_at IS NULL) AS withdrawn
           FROM claim_withdrawal
           WHERE claim_id >= %(start)s::bigint AND claim_id < %(stop)s::bigint
           GROUP BY claim_id) again ON again.claim_id = claim.id
WHERE claim.id >= %(start)s::bigint AND claim.id < %(stop)s::bigint
  AND again.withdrawn IS NOT TRUE
ORDER BY claim.id
