Schedules: which sites are visited again, how often, and when next.

-- name: now
SELECT clock_timestamp()

-- name: lock_schedules
-- two commands that add sites wait for each other; readers and workers do not
SELECT pg_advisory_xact_lock(%(key)s)

-- name: schedules_of_plans
SELECT schedule.id FROM schedule
JOIN unnest(%(spiders)s::text[], %(start_urls)s::text[]) AS plan (spider, start_url)
    USING (spider, start_url)

-- name: list_schedules
-- each with its last visit that began
SELECT schedule.*, last.id AS visit_id, last.state, last.extent AS visit_extent,
       last.started_at, last.finished_at, last.counts
FROM schedule
LEFT JOIN LATERAL (
    SELECT visit.id, visit.state, visit.extent, visit.started_at, visit.finished_at, visit.counts
    FROM visit
    WHERE visit.host = schedule.host AND visit.start_url = schedule.start_url
      AND visit.spider = schedule.spider
    ORDER BY visit.started_at DESC, visit.id DESC LIMIT 1) AS last ON true
WHERE (%(ids)s::bigint[] IS NULL OR schedule.id = ANY (%(ids)s))
  AND (NOT %(paused)s OR paused_at IS NOT NULL)
  AND (NOT %(due)s OR paused_at IS NULL AND next_due_at <= clock_timestamp())
ORDER BY schedule.id

-- name: named_schedules
SELECT id FROM schedule
WHERE id = %(number)s OR start_url = %(name)s OR host = %(name)s OR spider = %(name)s
ORDER BY id

-- name: add_schedule
INSERT INTO schedule (spider, start_url, host, every, least, most, cron, night, timezone,
    site_files, options, next_due_at, pages_due_at)
VALUES (%(spider)s, %(start_url)s, %(host)s, %(every)s, %(least)s, %(most)s, %(cron)s, %(night)s,
    %(timezone)s, %(site_files)s, %(options)s, %(pages_due_at)s, %(pages_due_at)s)

-- name: change_schedule
UPDATE schedule SET every = %(every)s, least = %(least)s, most = %(most)s, cron = %(cron)s,
    night = %(night)s, timezone = %(timezone)s, site_files = %(site_files)s,
    options = %(options)s, next_due_at = %(pages_due_at)s, pages_due_at = %(pages_due_at)s
WHERE id = %(id)s

-- name: pause_schedules
UPDATE schedule SET paused_at = clock_timestamp() WHERE id = ANY (%(ids)s) AND paused_at IS NULL
RETURNING id

-- name: resume_schedules
UPDATE schedule SET paused_at = NULL WHERE id = ANY (%(ids)s) AND paused_at IS NOT NULL
RETURNING id

-- name: remove_schedules
DELETE FROM schedule WHERE id = ANY (%(ids)s)
RETURNING id

-- name: run_schedules_now
UPDATE schedule SET next_due_at = clock_timestamp(), pages_due_at = clock_timestamp(),
    is_urgent = true, extent = CASE extent WHEN 'due' THEN 'full' ELSE extent END
WHERE id = ANY (%(ids)s) AND paused_at IS NULL
RETURNING id

-- name: visits_of_schedule
SELECT visit.id, visit.state, visit.extent, visit.started_at, visit.finished_at, visit.counts
FROM visit JOIN schedule USING (host, start_url, spider)
WHERE schedule.id = %(id)s
ORDER BY visit.started_at DESC, visit.id DESC LIMIT %(limit)s

-- name: due_schedules
-- of hosts without a visit in progress, the longest due first; others' claims are skipped
SELECT id FROM schedule
WHERE paused_at IS NULL AND is_urgent = %(urgent)s AND next_due_at <= clock_timestamp()
  AND NOT EXISTS (SELECT FROM visit
      WHERE visit.host = schedule.host AND visit.state IN ('claimed', 'running'))
ORDER BY next_due_at LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: lock_schedule
SELECT id FROM schedule WHERE spider = %(spider)s AND start_url = %(start_url)s FOR UPDATE

-- name: estimate_changes
UPDATE schedule SET visits = %(visits)s, changed = %(changed)s, days = %(days)s WHERE id = %(id)s

-- name: delay_schedule
-- one that is urgent stays so: its night does not matter
UPDATE schedule SET next_due_at = %(next_due_at)s WHERE id = %(id)s

-- name: settle_schedule
UPDATE schedule SET next_due_at = %(next_due_at)s, pages_due_at = %(pages_due_at)s,
    extent = %(extent)s, is_urgent = false
WHERE id = %(id)s
