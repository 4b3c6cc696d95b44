-- What a visit needs to know of the pages that earlier visits of the host asked for, so that
-- it asks for a page only when that is due, and receives it only if it has changed.
CREATE TABLE known_page (
    host          text NOT NULL,
    -- The first 16 bytes of the sha256 of the page's key: its URL without session tokens.
    key           bytea NOT NULL CHECK (octet_length(key) = 16),
    -- As requested, and how it was found.
    url           text NOT NULL,
    depth         integer NOT NULL,
    is_next       boolean NOT NULL,
    -- After redirects; null if it was not read.
    page_url      text,
    refusal       text,
    etag          text,
    last_modified text,
    -- Of the marks and images that the page has.
    digest        bytea,
    -- These and its links, packed; null if the host cannot say that the page is unchanged.
    content       bytea,
    -- The spider and the version of the program that read it.
    reader        text NOT NULL,
    -- The last visit in which the host answered for the page, and when.
    visit_id      bigint NOT NULL REFERENCES visit,
    asked_at      timestamptz NOT NULL,
    -- The weighted number of readings, of those that found a change, and of the days between.
    visits        double precision NOT NULL,
    changed       double precision NOT NULL,
    days          double precision NOT NULL,
    PRIMARY KEY (host, key)
);

-- The sitemaps and feeds of a host, which tell what is new.
CREATE TABLE known_guide (
    host          text NOT NULL,
    url           text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('sitemap', 'feed')),
    -- Or found.
    read_at       timestamptz NOT NULL,
    etag          text,
    last_modified text,
    PRIMARY KEY (host, url)
);

-- What a visit asks for: every page, without conditions (`fresh`) or with them (`full`), the
-- pages that are due, or only the site files.
ALTER TABLE visit ADD COLUMN extent text NOT NULL DEFAULT 'full'
    CHECK (extent IN ('fresh', 'full', 'due', 'site-files'));
-- Whether it saw all that there is to see: pages and pictures that it did not see count.
ALTER TABLE visit ADD COLUMN is_complete boolean NOT NULL GENERATED ALWAYS AS (
    state = 'finished' AND extent <> 'site-files'
    AND NOT coalesce(counts, '{}') ?| ARRAY['left.pages', 'pages_refused.limit']) STORED;

-- When a visit that asks for pages is due, and for which; in between the site files are asked
-- for. `next_due_at` is the sooner of both.
ALTER TABLE schedule ADD COLUMN pages_due_at timestamptz;
UPDATE schedule SET pages_due_at = next_due_at;
ALTER TABLE schedule ALTER COLUMN pages_due_at SET NOT NULL;
ALTER TABLE schedule ADD COLUMN extent text NOT NULL DEFAULT 'full'
    CHECK (extent IN ('fresh', 'full', 'due'));
-- The interval of the site files; null for the default.
ALTER TABLE schedule ADD COLUMN site_files interval;
