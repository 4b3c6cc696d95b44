What visits bring: evidence, images, observations, site rules; and the known images.

Rows come as one JSON array. Whatever two crawlers may insert at once (evidence, images,
fingerprints) is inserted in the order of its key, so that they wait for each other and never
in a circle.

-- name: evidence_ids
SELECT digest, id FROM evidence WHERE digest = ANY (%(digests)s::bytea[])

-- name: insert_evidence
INSERT INTO evidence (digest, carrier, about, url, lines, text)
SELECT * FROM json_to_recordset(%(rows)s) AS new
    (digest bytea, carrier text, about text, url text, lines jsonb, text text)
ORDER BY digest
ON CONFLICT (digest) DO NOTHING
RETURNING digest, id

-- name: image_ids
SELECT sha256, id FROM image WHERE sha256 = ANY (%(digests)s::bytea[])

-- name: insert_image
INSERT INTO image (sha256, md5, width, height, format, size, unfit)
SELECT * FROM json_to_recordset(%(rows)s) AS new
    (sha256 bytea, md5 bytea, width integer, height integer, format text, size bigint, unfit text)
ORDER BY sha256
ON CONFLICT (sha256) DO NOTHING
RETURNING sha256, id

-- name: insert_fingerprint
INSERT INTO fingerprint (image_id, algorithm, version, view, bits)
SELECT * FROM json_to_recordset(%(rows)s) AS new
    (image_id bigint, algorithm text, version text, view text, bits bytea)
ORDER BY image_id, algorithm, version, view
ON CONFLICT (image_id, algorithm, version, view) DO NOTHING

-- name: insert_observation
-- those that equal the latest one of the same image URL and page are counted there instead; the
-- first ones of an image URL and page have no `first_id` here: the table's trigger sets it
WITH reading AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s) AS new
        (position integer, observed_at timestamptz, image_url text, page_url text,
         fetched_url text, relation text, status integer, refusal text, image_id bigint,
         evidence bigint[])
), placed AS MATERIALIZED (
    -- URLs are compared in a form that uses the index of places only
    SELECT reading.*, latest.id AS latest_id, latest.first_id,
           latest.id IS NOT NULL
           AND latest.fetched_url IS NOT DISTINCT FROM reading.fetched_url
           AND latest.relation = reading.relation
           -- 304 says that it is as it was with 200
           AND replace(latest.status::text, '304', '200')
                 IS NOT DISTINCT FROM replace(reading.status::text, '304', '200')
           AND latest.refusal IS NOT DISTINCT FROM reading.refusal
           AND latest.image_id IS NOT DISTINCT FROM reading.image_id
           AND latest.evidence = reading.evidence AS is_equal
    FROM reading LEFT JOIN LATERAL (
        SELECT * FROM observation AS stored
        WHERE stored.image_url || E'\n' || coalesce(stored.page_url, '')
                = reading.image_url || E'\n' || coalesce(reading.page_url, '')
          AND stored.image_url IS NOT DISTINCT FROM reading.image_url
          AND stored.page_url IS NOT DISTINCT FROM reading.page_url
        ORDER BY stored.observed_at DESC, stored.id DESC LIMIT 1) AS latest ON true
), counted AS (
    INSERT INTO observation_again AS again (observation_id, readings, again_at, visit_id)
    SELECT latest_id, count(*), max(observed_at), %(visit_id)s::bigint
    FROM placed WHERE is_equal GROUP BY latest_id ORDER BY latest_id
    ON CONFLICT (observation_id) DO UPDATE SET
        readings = again.readings + excluded.readings,
        again_at = greatest(again.again_at, excluded.again_at),
        visit_id = excluded.visit_id
)
INSERT INTO observation (visit_id, observed_at, image_url, page_url, fetched_url, relation,
                         status, refusal, image_id, evidence, first_id)
SELECT %(visit_id)s::bigint, observed_at, image_url, page_url, fetched_url, relation,
       status, refusal, image_id, evidence, first_id
FROM placed WHERE NOT is_equal
ORDER BY position

-- name: insert_site_rule
-- those that equal the latest one of the same file are counted there instead
WITH reading AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s) AS new
        (position integer, observed_at timestamptz, host text, kind text, url text,
         status integer, refusal text, evidence_id bigint)
), equal AS MATERIALIZED (
    SELECT reading.position, reading.observed_at, latest.id
    FROM reading CROSS JOIN LATERAL (
        SELECT * FROM site_rule AS stored
        WHERE stored.url = reading.url AND stored.host = reading.host
          AND stored.kind = reading.kind
        ORDER BY stored.observed_at DESC, stored.id DESC LIMIT 1) AS latest
    WHERE latest.status IS NOT DISTINCT FROM reading.status
      AND latest.refusal IS NOT DISTINCT FROM reading.refusal
      AND latest.evidence_id IS NOT DISTINCT FROM reading.evidence_id
), counted AS (
    INSERT INTO site_rule_again AS again (site_rule_id, readings, again_at, visit_id)
    SELECT id, count(*), max(observed_at), %(visit_id)s::bigint
    FROM equal GROUP BY id ORDER BY id
    ON CONFLICT (site_rule_id) DO UPDATE SET
        readings = again.readings + excluded.readings,
        again_at = greatest(again.again_at, excluded.again_at),
        visit_id = excluded.visit_id
)
INSERT INTO site_rule (visit_id, observed_at, host, kind, url, status, refusal, evidence_id)
SELECT %(visit_id)s::bigint, observed_at, host, kind, url, status, refusal, evidence_id
FROM reading
WHERE NOT EXISTS (SELECT FROM equal WHERE equal.position = reading.position)
ORDER BY position

-- name: known_images
WITH latest AS (
    SELECT DISTINCT ON (observation.fetched_url)
           observation.fetched_url, observation.relation, observation.image_id,
           observation.evidence
    FROM observation JOIN visit ON visit.id = observation.visit_id
    WHERE visit.host = %(host)s
      AND observation.image_id IS NOT NULL
      AND observation.fetched_url IS NOT NULL
    ORDER BY observation.fetched_url, observation.id DESC
)
SELECT latest.fetched_url, latest.relation,
       encode(image.sha256, 'hex'), encode(image.md5, 'hex'),
       image.width, image.height, image.format, image.size, image.unfit,
       (SELECT json_agg(json_build_array(algorithm, version, view, encode(bits, 'hex'))
                        ORDER BY algorithm, view)
        FROM fingerprint WHERE fingerprint.image_id = image.id),
       (SELECT json_agg(json_build_array(carrier, about, url, lines, text) ORDER BY place)
        FROM unnest(latest.evidence) WITH ORDINALITY AS named (id, place)
        JOIN evidence USING (id)
        WHERE evidence.about = 'image')
FROM latest JOIN image ON image.id = latest.image_id

-- name: known_site_files
-- robots.txt is asked for before any other URL of its host
SELECT DISTINCT site_rule.host, site_rule.kind, site_rule.url
FROM site_rule LEFT JOIN site_rule_again AS again ON site_rule_id = site_rule.id
JOIN visit ON visit.id IN (site_rule.visit_id, again.visit_id)
WHERE visit.host = %(host)s AND site_rule.kind <> 'robots-txt'
ORDER BY site_rule.host, site_rule.kind, site_rule.url
