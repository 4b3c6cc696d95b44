What is known of hosts: when each may be requested next, and which are never visited.

-- name: take_turn
-- The turn of a request: why the host is refused; the seconds until the turn, if it was taken;
-- else the status that delayed it, and the seconds until the host may be free. One request at a
-- time is in progress. A visit that had the last turn lets another one go first that asked since.
WITH refused AS (
    SELECT reason FROM refused_host WHERE name = ANY (%(names)s) LIMIT 1
), taken AS (
    UPDATE host SET
        next_at = greatest(clock_timestamp(), next_at)
            + make_interval(secs => greatest(%(delay)s, delay)),
        status = NULL, held_by = %(holder)s, backend = pg_backend_pid(), wanted_until = NULL,
        held_until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE name = %(budget)s AND NOT EXISTS (SELECT FROM refused)
      AND next_at <= clock_timestamp() + make_interval(secs => %(ahead)s)
      AND (held_until IS NULL OR held_until <= clock_timestamp()
           OR NOT EXISTS (SELECT FROM pg_stat_get_activity(backend)))
      AND (held_by IS DISTINCT FROM %(holder)s
           OR wanted_until IS NULL OR wanted_until <= clock_timestamp())
    RETURNING next_at - make_interval(secs => greatest(%(delay)s, delay)) AS at
), wanted AS (
    UPDATE host SET wanted_until =
        greatest(clock_timestamp(), next_at) + make_interval(secs => %(polite)s)
    WHERE name = %(budget)s AND held_by <> %(holder)s AND NOT EXISTS (SELECT FROM taken)
)
SELECT (SELECT reason FROM refused),
    (SELECT extract(epoch FROM at - clock_timestamp())::double precision FROM taken),
    host.status,
    extract(epoch FROM host.next_at - clock_timestamp())::double precision
FROM (SELECT) AS always LEFT JOIN host ON host.name = %(budget)s

-- name: add_host
INSERT INTO host (name, next_at) VALUES (%(budget)s, clock_timestamp()) ON CONFLICT DO NOTHING

-- name: end_turn
UPDATE host SET held_until = NULL,
    status = CASE WHEN clock_timestamp() + make_interval(secs => %(seconds)s) > next_at
                  THEN %(status)s ELSE status END,
    next_at = greatest(next_at, clock_timestamp() + make_interval(secs => %(seconds)s))
WHERE name = %(budget)s AND held_by = %(holder)s

-- name: set_crawl_delay
INSERT INTO host AS known (name, next_at, delay)
VALUES (%(budget)s, clock_timestamp(), %(seconds)s)
ON CONFLICT (name) DO UPDATE SET delay = excluded.delay WHERE known.delay <> excluded.delay

-- name: delayed_hosts
-- those of `names` that may not be requested yet
SELECT name, next_at FROM host WHERE name = ANY (%(names)s) AND next_at > clock_timestamp()

-- name: refuse_host
INSERT INTO refused_host (name, reason, added_by) VALUES (%(name)s, %(reason)s, %(added_by)s)
ON CONFLICT (name) DO NOTHING
RETURNING name

-- name: allow_hosts
DELETE FROM refused_host WHERE name = ANY (%(names)s) RETURNING name

-- name: refused_hosts
SELECT name, reason, added_by, added_at FROM refused_host
WHERE %(names)s::text[] IS NULL OR name = ANY (%(names)s)
ORDER BY added_at, name

-- name: scheduled_hosts
-- with their ports
SELECT host, count(*) FROM schedule GROUP BY host

-- name: lock_page
SELECT pg_advisory_xact_lock(%(key)s)

-- name: added_by_page
SELECT count(*) FILTER (WHERE added_by = %(added_by)s), count(*) FROM refused_host
WHERE starts_with(added_by, %(page)s) AND added_at > clock_timestamp() - interval '1 day'
