Visits: their start and end, who holds them, and their journals.

-- name: start_visit
INSERT INTO visit (spider, start_url, host, user_agent, started_at)
VALUES (%(spider)s, %(start_url)s, %(host)s, %(user_agent)s, %(started_at)s)
RETURNING id

-- name: hold_visit
-- held until this session ends; a visit whose lock is held is running. A stopped process
-- (SIGSTOP, a sleeping machine) must not keep the locks of an open transaction.
SELECT pg_try_advisory_lock(%(key)s),
       set_config('idle_in_transaction_session_timeout', %(idle)s, false)

-- name: running_visits
-- none if they cannot be marked: for an account that only reads, or on a standby
SELECT id FROM visit
WHERE state = 'running'
  AND has_table_privilege('visit', 'UPDATE')
  AND current_setting('transaction_read_only') = 'off'
ORDER BY id

-- name: is_abandoned
SELECT pg_try_advisory_xact_lock(%(key)s)

-- name: mark_killed
UPDATE visit SET state = 'killed' WHERE id = %(visit_id)s AND state = 'running'

-- name: last_visit
SELECT max(finished_at) FROM visit
WHERE host = %(host)s AND start_url = %(start_url)s AND spider = %(spider)s AND state = 'finished'

-- name: finish_visit
UPDATE visit
SET state = %(state)s, finished_at = %(finished_at)s, counts = %(counts)s
WHERE id = %(visit_id)s

-- name: unfinished_visit
-- the newest killed visit of a plan that has a journal
SELECT id FROM visit
WHERE state = 'killed' AND spider = %(spider)s AND start_url = %(start_url)s AND host = %(host)s
  AND started_at > clock_timestamp() - make_interval(secs => %(seconds)s)
  AND EXISTS (SELECT FROM visit_journal WHERE visit_id = visit.id)
ORDER BY id DESC LIMIT 1

-- name: take_visit
-- for another owner: the one before can write no more
UPDATE visit SET state = 'running', token = token + 1, seen_at = clock_timestamp()
WHERE id = %(visit_id)s AND state = 'killed'
RETURNING token, seconds

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
-- of a visit, and of killed ones with the same plan, which it replaces
DELETE FROM visit_journal WHERE visit_id IN (
    SELECT other.id FROM visit AS this JOIN visit AS other
        ON other.id = this.id
        OR (other.state = 'killed' AND other.id < this.id AND other.spider = this.spider
            AND other.start_url = this.start_url AND other.host = this.host)
    WHERE this.id = %(visit_id)s)
