-- Which sites are visited again, how often, and when next.
CREATE TABLE schedule (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    spider      text NOT NULL,
    start_url   text NOT NULL,
    host        text NOT NULL,
    -- Either an interval, which follows the site's changes if it has bounds, or a cron expression.
    every       interval,
    least       interval,
    most        interval,
    cron        text,
    night       text,
    timezone    text NOT NULL DEFAULT 'UTC',
    -- The options of its visits that are not the defaults.
    options     jsonb NOT NULL DEFAULT '{}',
    -- The weighted number of its visits, of those that found a change, and of the days between.
    visits      double precision NOT NULL DEFAULT 1,
    changed     double precision NOT NULL DEFAULT 0.1,
    days        double precision NOT NULL DEFAULT 14,
    added_at    timestamptz NOT NULL DEFAULT now(),
    next_due_at timestamptz NOT NULL,
    -- At once, also outside of its night.
    is_urgent   boolean NOT NULL DEFAULT false,
    paused_at   timestamptz,
    UNIQUE (spider, start_url),
    CHECK ((every IS NULL) <> (cron IS NULL)),
    CHECK ((least IS NULL) = (most IS NULL))
);
CREATE INDEX schedule_next_due_at ON schedule (next_due_at) WHERE paused_at IS NULL;
CREATE INDEX schedule_host ON schedule (host);
CREATE INDEX schedule_start_url ON schedule (start_url);
