-- Visits that can be resumed: the results of a visit's requests are kept until it ends, and
-- every write names the visit's token, which changes when another process takes the visit.
ALTER TABLE visit ADD COLUMN token integer NOT NULL DEFAULT 1;
-- When the owner of a running visit last wrote.
ALTER TABLE visit ADD COLUMN seen_at timestamptz;
-- Seconds that the visit took until seen_at, without those in which nobody had it.
ALTER TABLE visit ADD COLUMN seconds double precision NOT NULL DEFAULT 0;

-- The results of requests in their order, packed, several in one row.
CREATE TABLE visit_journal (
    visit_id bigint NOT NULL REFERENCES visit,
    part     integer NOT NULL,
    results  bytea NOT NULL,
    PRIMARY KEY (visit_id, part)
);
