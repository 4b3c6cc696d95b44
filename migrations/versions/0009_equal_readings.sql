-- A reading that equals the one before it is counted, not stored again. Nothing is added to the
-- tables of observations and site rules themselves; half of each page is left free, so that
-- updates stay on it.
CREATE TABLE observation_again (
    observation_id bigint PRIMARY KEY REFERENCES observation,
    -- The number of equal readings after the first, the time of the last, and its visit.
    readings       integer NOT NULL,
    again_at       timestamptz NOT NULL,
    visit_id       bigint NOT NULL REFERENCES visit
) WITH (fillfactor = 50);
CREATE TABLE site_rule_again (
    site_rule_id bigint PRIMARY KEY REFERENCES site_rule,
    readings     integer NOT NULL,
    again_at     timestamptz NOT NULL,
    visit_id     bigint NOT NULL REFERENCES visit
) WITH (fillfactor = 50);

-- The observations of one image URL on one page, and the readings of one file. Hashed, because a
-- B-tree refuses keys over 2,700 bytes.
CREATE INDEX observation_place ON observation
    USING hash ((image_url || E'\n' || coalesce(page_url, '')));
CREATE INDEX site_rule_url ON site_rule USING hash (url);
