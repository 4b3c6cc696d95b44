-- The workers: who they are, and when each was last alive. One that ends takes its row away.
CREATE TABLE worker (
    name        text PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    -- Most visits at a time, and those that it makes now.
    concurrency integer NOT NULL,
    visits      integer NOT NULL
) WITH (fillfactor = 50);
