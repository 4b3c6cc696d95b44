Readings that take something back, held until their visit is judged; and what it is judged by.

-- name: hold_reading
INSERT INTO held_reading (visit_id, key, about, url, host, kind, read_at, evidence, image_id,
    refusal, is_cut, marks)
VALUES (%(visit_id)s, %(key)s, %(about)s, %(url)s, %(host)s, %(kind)s, %(read_at)s, %(evidence)s,
    %(image_id)s, %(refusal)s, %(is_cut)s, %(marks)s)
ON CONFLICT (visit_id, key) DO UPDATE SET
    read_at = excluded.read_at, evidence = excluded.evidence, image_id = excluded.image_id,
    refusal = excluded.refusal, is_cut = excluded.is_cut, marks = excluded.marks

-- name: drop_held
DELETE FROM held_reading WHERE visit_id = %(visit_id)s

-- name: drop_held_keys
DELETE FROM held_reading WHERE visit_id = %(visit_id)s AND key = ANY (%(keys)s::bytea[])

-- name: drop_held_before
-- of earlier visits of the plan
DELETE FROM held_reading USING visit AS other, visit AS this
WHERE this.id = %(visit_id)s AND other.id = held_reading.visit_id AND other.id < this.id
  AND (this.extent <> 'site-files' OR other.extent = 'site-files')
  AND other.host = this.host AND other.start_url = this.start_url AND other.spider = this.spider

-- name: held_readings
-- with the latest readings, which stay locked
SELECT held.*, latest.since, latest.evidence AS seen, latest.image_id AS image_before,
       latest.refusal AS refusal_before, latest.is_stale, latest.marks AS marks_before
FROM held_reading AS held JOIN url_reading AS latest USING (key)
WHERE held.visit_id = %(visit_id)s
ORDER BY held.key
FOR UPDATE OF latest

-- name: add_had
UPDATE visit SET had_marks = had_marks + %(marks)s, had_pictures = had_pictures + %(pictures)s
WHERE id = %(visit_id)s

-- name: falls_of_visit
-- A visit to all pages, if no limit cut it, has lost those that it did not find. What
-- robots.txt forbids is not lost.
WITH asked AS (
    SELECT known_page.shown, refusal,
           CASE WHEN known_page.visit_id = visit.id THEN shown_now END AS shown_now
    FROM visit JOIN known_page USING (host)
    WHERE visit.id = %(visit_id)s AND extent <> 'site-files' AND known_page.shown IS NOT NULL
      AND (known_page.visit_id = visit.id OR extent <> 'due' AND is_complete)
), held AS (
    SELECT held.*, latest.marks AS marks_before, latest.image_id AS image_before
    FROM held_reading AS held JOIN url_reading AS latest USING (key)
    WHERE held.visit_id = %(visit_id)s
)
SELECT count(*) FILTER (WHERE refusal IS DISTINCT FROM 'robots-txt'),
       count(shown_now) FILTER (WHERE refusal IS DISTINCT FROM 'robots-txt'),
       coalesce(sum(shown) FILTER (WHERE shown_now IS NOT NULL), 0),
       coalesce(sum(least(shown, shown_now)) FILTER (WHERE shown_now IS NOT NULL), 0),
       (SELECT had_pictures FROM visit WHERE id = %(visit_id)s),
       (SELECT count(*) FROM held
        WHERE about = 'image' AND refusal IS NOT NULL AND image_id IS NULL),
       (SELECT had_marks FROM visit WHERE id = %(visit_id)s),
       (SELECT count(*) FROM held WHERE marks = 0 AND marks_before > 0),
       (SELECT coalesce(max(number), 0) FROM (
            SELECT count(*) AS number FROM held
            WHERE image_id IS NOT NULL AND image_id <> image_before
            GROUP BY image_id) AS alike)
FROM asked

-- name: earlier_falls
-- of finished visits of the plan that compared something, the newest first
SELECT other.falls FROM visit AS other JOIN visit AS this USING (host, start_url, spider)
WHERE this.id = %(visit_id)s AND other.id < this.id AND other.state = 'finished'
  AND other.falls IS NOT NULL AND other.extent <> 'site-files'
ORDER BY other.id DESC LIMIT %(limit)s

-- name: earlier_suspicions
-- of the suspect visits since the last finished one, the newest first; one a day
SELECT DISTINCT ON (other.started_at::date) other.suspicions FROM visit AS other JOIN visit AS this USING (host, start_url, spider)
WHERE this.id = %(visit_id)s AND other.state = 'suspect'
  AND other.started_at::date < this.started_at::date
  AND other.id > (
      SELECT coalesce(max(done.id), 0) FROM visit AS done
      WHERE done.host = this.host AND done.start_url = this.start_url
        AND done.spider = this.spider AND done.id < this.id
        AND done.state = 'finished' AND done.extent <> 'site-files')
ORDER BY other.started_at::date DESC, other.id DESC

-- name: set_falls
UPDATE visit SET falls = %(falls)s WHERE id = %(visit_id)s

-- name: set_totals
-- pages that were read, pictures that are there, and what has marks that reserve
UPDATE visit SET totals = (
    SELECT jsonb_build_object(
        'pages', count(*) FILTER (WHERE about = 'page'),
        'pictures', count(image_id) FILTER (WHERE about = 'image' AND NOT is_stale
            AND (refusal IS NULL OR refusal NOT IN ('http-404', 'http-410'))),
        'marks', count(*) FILTER (WHERE marks > 0))
    FROM url_reading WHERE site = visit.host)
WHERE id = %(visit_id)s

-- name: suspect_visit
UPDATE visit SET state = 'suspect', suspicions = %(suspicions)s WHERE id = %(visit_id)s

-- name: accept_pages
-- what the visit found on them is what the next one is compared with
UPDATE known_page SET shown = shown_now FROM visit
WHERE visit.id = %(visit_id)s AND known_page.host = visit.host
  AND known_page.visit_id = visit.id AND shown IS DISTINCT FROM shown_now

-- name: suspect_visits
-- those that no later visit of the plan has judged, the newest first; one that asked only for
-- site files judges others of its kind
SELECT visit.id, spider, start_url, host, extent, started_at, finished_at, suspicions,
       (SELECT count(*) FROM held_reading WHERE visit_id = visit.id) AS held
FROM visit
WHERE state = 'suspect' AND NOT EXISTS (
    SELECT FROM visit AS later
    WHERE later.host = visit.host AND later.start_url = visit.start_url
      AND later.spider = visit.spider AND later.id > visit.id
      AND later.state IN ('finished', 'suspect')
      AND (later.extent <> 'site-files' OR visit.extent = 'site-files'))
ORDER BY visit.id DESC

-- name: accept_visit
UPDATE visit SET state = 'finished'
WHERE id = %(visit_id)s AND state = 'suspect'
RETURNING finished_at
