The latest reading of each page, image and site file. Rows are added and locked in the order
of their keys, so that two visits wait for each other and never in a circle.

-- name: readings_before
SELECT key, since, evidence, image_id, refusal, is_stale, marks
FROM url_reading WHERE key = ANY (%(keys)s::bytea[])

-- name: add_readings
INSERT INTO url_reading (key, about, site, since, evidence, image_id, refusal, marks)
SELECT key, about, (SELECT host FROM visit WHERE id = %(visit_id)s), since, evidence, image_id,
       refusal, marks
FROM json_to_recordset(%(rows)s) AS new
    (key bytea, about text, since timestamptz, evidence bigint[], image_id bigint, refusal text,
     marks integer)
ORDER BY key
ON CONFLICT (key) DO NOTHING
RETURNING key

-- name: lock_readings
-- the rows stay locked
SELECT key, since, evidence, image_id, refusal, is_stale, marks
FROM url_reading WHERE key = ANY (%(keys)s::bytea[])
ORDER BY key
FOR UPDATE

-- name: change_reading
UPDATE url_reading
SET since = %(since)s, evidence = %(evidence)s, image_id = %(image_id)s, refusal = %(refusal)s,
    is_stale = %(is_stale)s, about = %(about)s, marks = %(marks)s,
    site = (SELECT host FROM visit WHERE id = %(visit_id)s)
WHERE key = %(key)s

-- name: become_stale
-- pictures last seen by a visit of this plan, but not by its last complete ones; a page that
-- none of them asked for, or that robots.txt forbids, still shows its pictures
WITH plan AS (
    SELECT visit.* FROM visit JOIN visit AS this USING (spider, start_url, host)
    WHERE this.id = %(visit_id)s
), oldest AS (
    SELECT id FROM plan WHERE is_complete ORDER BY id DESC OFFSET %(visits)s - 1 LIMIT 1
), place AS (
    SELECT image_url, page_url, max(greatest(observation.visit_id, again.visit_id)) AS last_visit
    FROM observation LEFT JOIN observation_again AS again ON observation_id = observation.id
    WHERE observation.visit_id IN (
        SELECT id FROM visit WHERE host = (SELECT host FROM visit WHERE id = %(visit_id)s))
    GROUP BY image_url, page_url
), seen AS (
    SELECT image_url, max(last_visit) AS last_visit,
           bool_or(known.visit_id <= last_visit OR known.refusal = 'robots-txt') AS is_shown
    FROM place LEFT JOIN known_page AS known
        ON known.page_url = place.page_url
        AND known.host = (SELECT host FROM visit WHERE id = %(visit_id)s)
    GROUP BY image_url
), unseen AS (
    SELECT * FROM seen
    WHERE last_visit < (SELECT id FROM oldest) AND last_visit IN (SELECT id FROM plan)
      AND is_shown IS NOT TRUE
), stale AS (
    SELECT key, image_url FROM unseen
    JOIN url_reading
        ON key = substr(sha256(convert_to('image' || E'\n' || image_url, 'UTF8')), 1, 16)
    WHERE NOT is_stale AND url_reading.image_id IS NOT NULL
      AND (refusal IS NULL OR refusal NOT IN ('http-404', 'http-410'))
      -- nor seen by a visit of another host since
      AND NOT EXISTS (
          SELECT FROM observation
          LEFT JOIN observation_again AS again ON observation_id = observation.id
          WHERE observation.image_url = unseen.image_url
            AND greatest(observation.visit_id, again.visit_id) > last_visit)
    ORDER BY key
    FOR UPDATE OF url_reading
)
UPDATE url_reading SET is_stale = true
FROM stale WHERE url_reading.key = stale.key
RETURNING stale.image_url, url_reading.since, url_reading.image_id
