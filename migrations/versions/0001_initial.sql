-- The registry's first schema. Evidence and observations are append-only:
-- nothing here is ever updated except a visit's end and an image's metadata.

CREATE TABLE visit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    spider      text NOT NULL,
    start_url   text NOT NULL,
    host        text NOT NULL,
    user_agent  text NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    -- running until the crawler says otherwise; a killed crawler leaves it so
    state       text NOT NULL DEFAULT 'running'
                CHECK (state IN ('running', 'finished', 'interrupted', 'failed')),
    counts      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX visit_host ON visit (host, started_at);

-- What a response really said, stored once however often it is seen again.
CREATE TABLE evidence (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    carrier     text NOT NULL,
    about       text NOT NULL CHECK (about IN ('image', 'page', 'site')),
    url         text NOT NULL,
    -- header field lines as [[name, value], ...] in order; null for texts
    lines       jsonb,
    text        text,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- One image file, by the digest of its bytes. The bytes are never kept.
CREATE TABLE image (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256      bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    md5         bytea NOT NULL CHECK (octet_length(md5) = 16),
    width       integer NOT NULL,
    height      integer NOT NULL,
    format      text NOT NULL,
    size        bigint NOT NULL,
    unfit       text,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX image_md5 ON image (md5);

CREATE TABLE fingerprint (
    image_id    bigint NOT NULL REFERENCES image,
    algorithm   text NOT NULL,
    view        text NOT NULL,
    bits        bytea NOT NULL,
    PRIMARY KEY (image_id, algorithm, view)
);

-- One dated reading of one image at one URL.
CREATE TABLE observation (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_id    bigint NOT NULL REFERENCES visit,
    observed_at timestamptz NOT NULL,
    image_url   text NOT NULL,
    page_url    text,
    fetched_url text,
    relation    text NOT NULL CHECK (relation IN ('own', 'cdn', 'third-party')),
    status      integer,
    refusal     text,
    image_id    bigint REFERENCES image,
    evidence    bigint[] NOT NULL DEFAULT '{}',
    CHECK (image_id IS NOT NULL OR refusal IS NOT NULL)
);
-- Hashed, because a B-tree refuses keys over 2,700 bytes and addresses may be longer.
CREATE INDEX observation_image_url ON observation USING hash (image_url);
CREATE INDEX observation_image_id ON observation (image_id);
CREATE INDEX observation_visit_id ON observation (visit_id);

-- What a site's rules file (robots.txt and its kin) said, dated. The rules
-- themselves are read from the evidence, so a corrected reader corrects them.
CREATE TABLE site_rule (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_id    bigint REFERENCES visit,
    observed_at timestamptz NOT NULL,
    host        text NOT NULL,
    kind        text NOT NULL,
    url         text NOT NULL,
    status      integer,
    refusal     text,
    evidence_id bigint REFERENCES evidence,
    CHECK (evidence_id IS NOT NULL OR refusal IS NOT NULL)
);

-- What a person or an imported list says; kept apart from observations.
CREATE TABLE claim (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- sha256 of the claim's own fields: importing a list twice adds nothing
    digest       bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    source       text NOT NULL,
    claimant     text,
    url          text,
    page_url     text,
    site         text,
    path_pattern text,
    sha256       bytea CHECK (octet_length(sha256) = 32),
    md5          bytea CHECK (octet_length(md5) = 16),
    phash64      bytea CHECK (octet_length(phash64) = 8),
    phash256     bytea CHECK (octet_length(phash256) = 32),
    width        integer,
    height       integer,
    meaning      text NOT NULL CHECK (meaning IN ('reserved', 'conditional', 'allowed')),
    use          text NOT NULL CHECK
                 (use IN ('train', 'train-genai', 'ai-input', 'search', 'index', 'tdm')),
    signal       text,
    evidence     text,
    observed_at  timestamptz,
    licence_url  text,
    imported_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(url, sha256, md5, phash64, site) > 0)
);

-- Tells this registry from any other, so that a snapshot of one is never taken
-- for a snapshot of another with as many rows.
CREATE TABLE registry_identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id       uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO registry_identity DEFAULT VALUES;
