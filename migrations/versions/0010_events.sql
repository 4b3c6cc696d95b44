-- What changed, recorded with the readings that show it; and for each URL the latest reading,
-- with which the next one is compared.
CREATE TABLE url_reading (
    -- The first 16 bytes of the sha256 of what is read: page, image or rules file, and its URL.
    key      bytea PRIMARY KEY CHECK (octet_length(key) = 16),
    -- When the evidence was first read.
    since    timestamptz NOT NULL,
    evidence bigint[] NOT NULL,
    image_id bigint REFERENCES image,
    refusal  text,
    -- The picture was not seen in the last visits.
    is_stale boolean NOT NULL DEFAULT false
);

CREATE TABLE event (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_id        bigint NOT NULL REFERENCES visit,
    at              timestamptz NOT NULL,
    kind            text NOT NULL CHECK (kind IN
        ('mark-appeared', 'mark-changed', 'mark-removed', 'picture-new', 'picture-replaced',
         'picture-gone', 'picture-back', 'picture-stale')),
    -- Of the page, the image or the rules file.
    url             text NOT NULL,
    -- Of a mark: the names of its signals, and its text, of a long one the beginning.
    names           text[] NOT NULL DEFAULT '{}',
    text_before     text,
    text_after      text,
    -- What was there before, since when; and what is there now.
    since           timestamptz,
    evidence_before bigint REFERENCES evidence,
    evidence_after  bigint REFERENCES evidence,
    image_before    bigint REFERENCES image,
    image_after     bigint REFERENCES image
);
CREATE INDEX event_at ON event (at);
CREATE INDEX event_visit_id ON event (visit_id);
CREATE INDEX event_url ON event USING hash (url);

INSERT INTO url_reading (key, since, evidence, image_id)
SELECT DISTINCT ON (image_url)
       substr(sha256(convert_to('image' || E'\n' || image_url, 'UTF8')), 1, 16),
       observed_at,
       ARRAY(SELECT named.id FROM unnest(observation.evidence) WITH ORDINALITY AS named (id, place)
             JOIN evidence ON evidence.id = named.id AND about = 'image' ORDER BY place),
       image_id
FROM observation WHERE image_id IS NOT NULL
ORDER BY image_url, observed_at DESC, id DESC;

INSERT INTO url_reading (key, since, evidence)
SELECT DISTINCT ON (page_url)
       substr(sha256(convert_to('page' || E'\n' || page_url, 'UTF8')), 1, 16),
       observed_at,
       ARRAY(SELECT named.id FROM unnest(observation.evidence) WITH ORDINALITY AS named (id, place)
             JOIN evidence ON evidence.id = named.id AND about = 'page' ORDER BY place)
FROM observation WHERE page_url IS NOT NULL AND refusal IS DISTINCT FROM 'page-truncated'
ORDER BY page_url, observed_at DESC, id DESC;

INSERT INTO url_reading (key, since, evidence, refusal)
SELECT DISTINCT ON (host, kind, url)
       substr(sha256(convert_to(
           'site' || E'\n' || host || E'\n' || kind || E'\n' || url, 'UTF8')), 1, 16),
       observed_at, array_remove(ARRAY[evidence_id], NULL), refusal
FROM site_rule WHERE evidence_id IS NOT NULL OR refusal IN ('http-404', 'http-410')
ORDER BY host, kind, url, observed_at DESC, id DESC;
