-- Visits that workers make. A visit is `claimed` until the process that makes it has begun,
-- and `given_back` when that process stopped before its end; both go on as killed ones do.
ALTER TABLE visit DROP CONSTRAINT visit_state_check;
ALTER TABLE visit ADD CONSTRAINT visit_state_check CHECK (state IN
    ('claimed', 'running', 'finished', 'interrupted', 'failed', 'killed', 'given_back'));
-- The name of the worker that has it, or had it last; null for `crawler run`.
ALTER TABLE visit ADD COLUMN worker text;
-- Processes that crashed, hung or grew too large while they made this visit.
ALTER TABLE visit ADD COLUMN crashes integer NOT NULL DEFAULT 0;
UPDATE visit SET seen_at = started_at WHERE seen_at IS NULL;
ALTER TABLE visit ALTER COLUMN seen_at SET DEFAULT clock_timestamp();
ALTER TABLE visit ALTER COLUMN seen_at SET NOT NULL;

-- One visit a host at a time. A visit that goes on is `running` again with its next write.
UPDATE visit SET state = 'killed' WHERE state = 'running';
CREATE UNIQUE INDEX visit_in_progress ON visit (host) WHERE state IN ('claimed', 'running');

-- Urgent sites first, then those that are due for the longest time.
DROP INDEX schedule_next_due_at;
CREATE INDEX schedule_due ON schedule (is_urgent, next_due_at) WHERE paused_at IS NULL;
