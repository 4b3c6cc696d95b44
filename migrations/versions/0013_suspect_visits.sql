-- A visit that finds much less than the site's own history explains is `suspect`: what it adds
-- counts, what it takes back is held.
ALTER TABLE visit DROP CONSTRAINT visit_state_check;
ALTER TABLE visit ADD CONSTRAINT visit_state_check CHECK (state IN
    ('claimed', 'running', 'finished', 'suspect', 'interrupted', 'failed', 'killed',
     'given_back'));
-- By monitor, what it found.
ALTER TABLE visit ADD COLUMN suspicions jsonb;
-- What was there before and still is, by what is counted: {"pages": [12, 11], ...}.
ALTER TABLE visit ADD COLUMN falls jsonb;
-- What was known of its site when it ended: {"pages": 84, "pictures": 105, "marks": 90}.
ALTER TABLE visit ADD COLUMN totals jsonb;
-- Readings of URLs that had marks before, and of images that had a picture.
ALTER TABLE visit ADD COLUMN had_marks integer NOT NULL DEFAULT 0;
ALTER TABLE visit ADD COLUMN had_pictures integer NOT NULL DEFAULT 0;

-- Of what, found by a visit of which site, with how many marks that reserve; null until the
-- URL is read again.
ALTER TABLE url_reading ADD COLUMN about text CHECK (about IN ('page', 'image', 'site'));
ALTER TABLE url_reading ADD COLUMN site text;
ALTER TABLE url_reading ADD COLUMN marks integer;
CREATE INDEX url_reading_site ON url_reading (site) WHERE site IS NOT NULL;

-- Readings that take something back, until their visit has ended and is not suspect.
CREATE TABLE held_reading (
    visit_id bigint NOT NULL REFERENCES visit,
    key      bytea NOT NULL,
    about    text NOT NULL,
    url      text NOT NULL,
    -- Of a site file.
    host     text NOT NULL,
    kind     text NOT NULL,
    read_at  timestamptz NOT NULL,
    evidence bigint[] NOT NULL,
    image_id bigint REFERENCES image,
    refusal  text,
    is_cut   boolean NOT NULL,
    marks    integer NOT NULL,
    PRIMARY KEY (visit_id, key)
);

-- The number of images on a page when a visit that was not suspect read it last, and when any
-- visit did; null where it was not read, or before this column was.
ALTER TABLE known_page ADD COLUMN shown integer;
ALTER TABLE known_page ADD COLUMN shown_now integer;
CREATE INDEX visit_suspect ON visit (id) WHERE state = 'suspect';
