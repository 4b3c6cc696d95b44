What an operator wants to know of the scheduled sites, and of the workers.

-- name: site_states
-- each schedule with its last visit, its last one to pages that ended, and the first of those
-- in the time of the trend
SELECT schedule.id, schedule.spider, schedule.start_url, schedule.host, schedule.options,
       schedule.next_due_at, schedule.pages_due_at, schedule.paused_at,
       last.id AS visit_id, last.state, last.extent, last.started_at, last.finished_at,
       last.suspicions, last.worker,
       pages.started_at AS pages_at, pages.counts, pages.seconds,
       pages.totals, before.totals AS totals_before
FROM schedule
LEFT JOIN LATERAL (
    SELECT * FROM visit
    WHERE visit.host = schedule.host AND visit.start_url = schedule.start_url
      AND visit.spider = schedule.spider
    ORDER BY visit.started_at DESC, visit.id DESC LIMIT 1) AS last ON true
LEFT JOIN LATERAL (
    SELECT * FROM visit
    WHERE visit.host = schedule.host AND visit.start_url = schedule.start_url
      AND visit.spider = schedule.spider AND visit.totals IS NOT NULL
      AND visit.extent <> 'site-files'
    ORDER BY visit.started_at DESC, visit.id DESC LIMIT 1) AS pages ON true
LEFT JOIN LATERAL (
    SELECT totals FROM visit
    WHERE visit.host = schedule.host AND visit.start_url = schedule.start_url
      AND visit.spider = schedule.spider AND visit.totals IS NOT NULL
      AND visit.extent <> 'site-files'
      AND visit.started_at > clock_timestamp() - %(trend)s::interval
    ORDER BY visit.started_at, visit.id LIMIT 1) AS before ON true
WHERE %(ids)s::bigint[] IS NULL OR schedule.id = ANY (%(ids)s)
ORDER BY schedule.id

-- name: numbers
-- one that is being visited is not behind, although it is due until the visit ends
WITH late AS (
    SELECT next_due_at FROM schedule
    WHERE paused_at IS NULL AND next_due_at <= clock_timestamp()
      AND NOT EXISTS (SELECT FROM visit
          WHERE visit.host = schedule.host AND visit.start_url = schedule.start_url
            AND visit.spider = schedule.spider AND visit.state IN ('claimed', 'running'))
)
SELECT (SELECT count(*) FROM schedule) AS schedules,
       (SELECT count(*) FROM schedule WHERE paused_at IS NOT NULL) AS paused,
       (SELECT count(*) FROM late) AS due,
       coalesce(extract(epoch FROM clock_timestamp() - (SELECT min(next_due_at) FROM late)),
           0)::double precision AS behind,
       (SELECT count(*) FROM visit WHERE state IN ('claimed', 'running')) AS visits,
       (SELECT count(*) FROM worker
        WHERE seen_at > clock_timestamp() - make_interval(secs => %(silence)s)) AS workers

-- name: limit_time
SELECT set_config('statement_timeout', %(limit)s, true)

-- name: sign_of_worker
INSERT INTO worker (name, started_at, seen_at, concurrency, visits)
VALUES (%(name)s, clock_timestamp(), clock_timestamp(), %(concurrency)s, %(visits)s)
ON CONFLICT (name) DO UPDATE SET
    seen_at = excluded.seen_at, concurrency = excluded.concurrency, visits = excluded.visits

-- name: forget_worker
-- and those that were killed long ago
DELETE FROM worker WHERE name = %(name)s OR seen_at < clock_timestamp() - interval '1 day'

-- name: workers_alive
SELECT name, started_at, seen_at, concurrency, visits FROM worker
WHERE seen_at > clock_timestamp() - make_interval(secs => %(silence)s)
ORDER BY name

-- name: events_since
SELECT kind, count(*) FROM event JOIN visit ON visit.id = visit_id
WHERE at > clock_timestamp() - %(since)s::interval
  AND (%(hosts)s::text[] IS NULL OR host = ANY (%(hosts)s))
GROUP BY kind ORDER BY kind
