Counts of what is recorded.

-- name: totals
SELECT (SELECT count(*) FROM visit) AS visits,
       (SELECT count(DISTINCT host) FROM visit) AS sites,
       (SELECT count(*) FROM observation) AS observations,
       (SELECT count(*) FROM image) AS images,
       (SELECT count(*) FROM image WHERE unfit IS NOT NULL) AS unfit_images,
       (SELECT count(*) FROM evidence) AS evidence,
       (SELECT count(*) FROM site_rule) AS site_rules,
       (SELECT count(*) FROM claim) AS claims

-- name: by_site
-- one row per host visited, the most pictures first
SELECT visit.host AS site,
       count(DISTINCT visit.id) AS visits,
       max(visit.started_at) AS last_visit,
       count(DISTINCT observation.page_url) AS pages,
       count(DISTINCT observation.image_id) AS images,
       count(observation.id) FILTER (WHERE observation.image_id IS NULL) AS refused
FROM visit LEFT JOIN observation ON observation.visit_id = visit.id
GROUP BY visit.host
ORDER BY images DESC, site

-- name: refusals
SELECT reason, sum(times)::bigint AS times
FROM (SELECT refusal AS reason, count(*) AS times FROM observation
      WHERE refusal IS NOT NULL GROUP BY refusal
      UNION ALL
      SELECT kind || ' ' || refusal, count(*) FROM site_rule
      WHERE refusal IS NOT NULL GROUP BY kind, refusal) AS both_kinds
GROUP BY reason
ORDER BY times DESC, reason

-- name: claims_by_source
SELECT source, meaning, use, count(*) AS claims, count(gone.id) AS withdrawn
FROM claim
LEFT JOIN claim_withdrawal gone ON gone.claim_id = claim.id AND gone.restored_at IS NULL
GROUP BY source, meaning, use ORDER BY claims DESC, source, meaning, use

-- name: evidence_seen
-- evidence of images and pages (site rules are read path by path, not counted by image)
SELECT id, carrier, about, url, lines, text FROM evidence WHERE about <> 'site' ORDER BY id

-- name: stage_signals
CREATE TEMP TABLE IF NOT EXISTS staged_signal (evidence_id bigint, name text, reserves boolean)
ON COMMIT DELETE ROWS

-- name: copy_signals
COPY staged_signal (evidence_id, name, reserves) FROM STDIN

-- name: by_signal
SELECT staged_signal.name AS signal,
       count(DISTINCT staged_signal.evidence_id) AS evidence,
       count(DISTINCT seen.image_id) AS images,
       count(DISTINCT visit.host) AS sites
FROM staged_signal
LEFT JOIN (SELECT named.id, observation.image_id, observation.visit_id
           FROM observation CROSS JOIN LATERAL unnest(observation.evidence) AS named (id)) AS seen
     ON seen.id = staged_signal.evidence_id
LEFT JOIN visit ON visit.id = seen.visit_id
GROUP BY staged_signal.name
ORDER BY images DESC, signal

-- name: marked_images
-- per host, the pictures ever seen with a signal that reserves training
SELECT visit.host AS site, count(DISTINCT seen.image_id) AS marked
FROM (SELECT named.id, observation.image_id, observation.visit_id
      FROM observation CROSS JOIN LATERAL unnest(observation.evidence) AS named (id)) AS seen
JOIN staged_signal ON staged_signal.evidence_id = seen.id AND staged_signal.reserves
JOIN visit ON visit.id = seen.visit_id
GROUP BY visit.host
