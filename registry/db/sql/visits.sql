Visits: who has them, their start and end, and their journals.

-- name: claim_visit
INSERT INTO visit (spider, start_url, host, user_agent, started_at, state, worker, extent)
VALUES (%(spider)s, %(start_url)s, %(host)s, '', clock_timestamp(), 'claimed', %(worker)s,
    %(extent)s)
ON CONFLICT (host) WHERE state IN ('claimed', 'running') DO NOTHING
RETURNING id, token, crashes

-- name: unfinished_visit
-- the newest of a plan, if it was killed or given back, and asked for the same
SELECT id FROM (
    SELECT id, state, extent, started_at FROM visit
    WHERE spider = %(spider)s AND start_url = %(start_url)s AND host = %(host)s
    ORDER BY id DESC LIMIT 1) AS newest
WHERE state IN ('killed', 'given_back') AND extent = %(extent)s
  AND started_at > clock_timestamp() - make_interval(secs => %(seconds)s)

-- name: claim_unfinished
-- for another owner: the one before can write no more
UPDATE visit SET state = 'claimed', token = token + 1, seen_at = clock_timestamp(),
    worker = %(worker)s
WHERE id = %(visit_id)s AND state IN ('killed', 'given_back')
RETURNING id, token, crashes

-- name: visit_in_progress
SELECT id, started_at, worker FROM visit
WHERE host = %(host)s AND state IN ('claimed', 'running')

-- name: begin_visit
UPDATE visit SET state = 'running', seen_at = clock_timestamp(), user_agent = %(user_agent)s
WHERE id = %(visit_id)s AND token = %(token)s AND state = 'claimed'
RETURNING seconds, extent, started_at

-- name: hold_visit
-- held until this session ends; a visit whose lock is held is running. A stopped process
-- (SIGSTOP, a sleeping machine) must not keep the locks of an open transaction.
SELECT pg_try_advisory_lock(%(key)s),
       set_config('idle_in_transaction_session_timeout', %(idle)s, false)

-- name: let_go_visit
SELECT pg_advisory_unlock(%(key)s)

-- name: abandoned_visits
-- those that no session holds (for a while, if a worker makes them), and those whose owner is
-- silent; none if they cannot be marked: for an account that only reads, or on a standby.
-- pg_locks shows the key of a lock as two numbers of 32 bits.
SELECT id, token FROM visit
WHERE state IN ('claimed', 'running')
  AND has_table_privilege('visit', 'UPDATE')
  AND current_setting('transaction_read_only') = 'off'
  AND NOT id = ANY (%(spared)s::bigint[])
  AND (seen_at < clock_timestamp() - make_interval(secs => %(silence)s)
       OR state = 'running'
       AND (worker IS NULL
            OR seen_at < clock_timestamp() - make_interval(secs => %(patience)s))
       AND NOT EXISTS (
           SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
           WHERE locktype = 'advisory' AND objsubid = 1 AND granted
             AND datname = current_database()
             AND classid = %(locks)s::oid
             AND objid = (((visit.id << 8) | (visit.token & 255)) & 4294967295)::oid))

-- name: mark_killed
UPDATE visit SET state = 'killed'
FROM unnest(%(visits)s::bigint[], %(tokens)s::integer[]) AS abandoned (id, token)
WHERE visit.id = abandoned.id AND visit.token = abandoned.token
  AND state IN ('claimed', 'running')
RETURNING visit.id

-- name: last_visit
-- of those that asked for pages
SELECT max(finished_at) FROM visit
WHERE host = %(host)s AND start_url = %(start_url)s AND spider = %(spider)s AND state = 'finished'
  AND extent <> 'site-files'

-- name: limit_idle
SELECT set_config('idle_in_transaction_session_timeout', %(idle)s, true)

-- name: finish_visit
UPDATE visit
SET state = %(state)s, finished_at = clock_timestamp(), counts = %(counts)s
WHERE id = %(visit_id)s
RETURNING started_at, finished_at

-- name: give_back_visit
UPDATE visit SET state = 'given_back'
WHERE id = %(visit_id)s AND token = %(token)s AND state IN ('claimed', 'running', 'killed')

-- name: visits_crashed
-- the process that made them was killed, or ended by itself
UPDATE visit SET state = 'killed', crashes = crashes + 1
FROM unnest(%(visits)s::bigint[], %(tokens)s::integer[]) AS crashed (id, token)
WHERE visit.id = crashed.id AND visit.token = crashed.token
  AND state IN ('claimed', 'running', 'killed')
RETURNING visit.id, crashes

-- name: seize_visit
SELECT id FROM visit
WHERE id = %(visit_id)s AND token = %(token)s
  AND state IN ('claimed', 'running', 'killed', 'given_back')
FOR UPDATE

-- name: suspicions_of_visit
SELECT suspicions FROM visit WHERE id = %(visit_id)s AND state = 'suspect'

-- name: extent_of_visit
SELECT extent FROM visit WHERE id = %(visit_id)s

-- name: has_ended
SELECT state NOT IN ('claimed', 'running', 'killed') FROM visit
WHERE id = %(visit_id)s AND token = %(token)s

-- name: read_journal
SELECT results FROM visit_journal WHERE visit_id = %(visit_id)s ORDER BY part

-- name: confirm_visit
-- that it is still this owner's; the row stays locked until the transaction ends
UPDATE visit SET seen_at = clock_timestamp(), seconds = %(seconds)s, state = 'running'
WHERE id = %(visit_id)s AND token = %(token)s AND state IN ('running', 'killed')
RETURNING id

-- name: add_journal
-- nothing if the part is there: the transaction before was committed, but its answer lost
INSERT INTO visit_journal (visit_id, part, results) VALUES (%(visit_id)s, %(part)s, %(results)s)
ON CONFLICT DO NOTHING
RETURNING part

-- name: drop_journals
-- of a visit, and of unfinished ones with the same plan, which it replaces
DELETE FROM visit_journal WHERE visit_id IN (
    SELECT other.id FROM visit AS this JOIN visit AS other
        ON other.id = this.id
        OR (other.state IN ('killed', 'given_back') AND other.id < this.id
            AND other.spider = this.spider
            AND other.start_url = this.start_url AND other.host = this.host)
    WHERE this.id = %(visit_id)s)

-- name: lock_forgetting
-- one process at a time; it may take minutes
SELECT pg_try_advisory_xact_lock(%(key)s), set_config('statement_timeout', %(limit)s, true)

-- name: forget_visits
-- that have ended, are not among the last of their plan, and that nothing names; only visits in
-- progress are named anew. A suspect one may still be accepted.
WITH old AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, state, row_number() OVER (
            PARTITION BY host, start_url, spider, extent = 'site-files'
            ORDER BY id DESC) AS place
        FROM visit) AS placed
    WHERE place > %(kept)s AND state IN
        ('finished', 'interrupted', 'failed', 'killed', 'given_back')
)
DELETE FROM visit USING old
WHERE visit.id = old.id
  AND NOT EXISTS (SELECT FROM observation WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM site_rule WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM event WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM held_reading WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM visit_journal WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM observation_again WHERE visit_id = old.id)
  AND NOT EXISTS (SELECT FROM site_rule_again WHERE visit_id = old.id)
