-- The pace of hosts over all processes. Names are without ports; hosts whose names differ only
-- in numbers (`img1.example`, `img2.example`) share one row. Half of each page is left free, so
-- that updates stay on it.
CREATE TABLE host (
    name         text PRIMARY KEY,
    -- When the next request may start, and the status of the response that delayed it.
    next_at      timestamptz NOT NULL,
    status       smallint,
    -- The `Crawl-delay` of its robots.txt in seconds.
    delay        double precision NOT NULL DEFAULT 0,
    -- The visit that made the last request, with its server process; `held_until` while the
    -- request is in progress.
    held_by      bigint,
    backend      integer,
    held_until   timestamptz,
    -- Until then, that visit lets another one go first.
    wanted_until timestamptz
) WITH (fillfactor = 50);

-- Hosts that are never visited, with their subdomains.
CREATE TABLE refused_host (
    name     text PRIMARY KEY,
    reason   text NOT NULL,
    -- An operator, or the page for site owners with the sender's address.
    added_by text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
