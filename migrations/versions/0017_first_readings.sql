-- The readings of one image URL on one page are found together, by the id of the first of them.
ALTER TABLE observation ADD COLUMN first_id bigint;

-- Every row is written anew, and with it its place in every index: these are built again afterwards.
-- In the collation C the rows are sorted by bytes.
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '256MB';
DROP INDEX observation_image_url, observation_image_id, observation_visit_id, observation_place;
UPDATE observation SET first_id = placed.first_id
FROM (SELECT id, min(id) OVER (
          PARTITION BY image_url COLLATE "C", page_url COLLATE "C") AS first_id
      FROM observation) AS placed
WHERE placed.id = observation.id;
ALTER TABLE observation ALTER COLUMN first_id SET NOT NULL;
-- As they were (0001, 0009).
CREATE INDEX observation_image_url ON observation USING hash (image_url);
CREATE INDEX observation_image_id ON observation (image_id);
CREATE INDEX observation_visit_id ON observation (visit_id);
CREATE INDEX observation_place ON observation
    USING hash ((image_url || E'\n' || coalesce(page_url, '')));
CREATE INDEX observation_first_id ON observation (first_id);

-- Fills the column where it was not given: for the first readings of an image on a page, of which
-- one statement may bring several, and for the release before, which does not know the column.
-- URLs are compared in a form that uses the index of places only: one image may be on many pages.
CREATE FUNCTION set_first_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_id := coalesce(
        (SELECT stored.first_id FROM observation AS stored
         WHERE stored.image_url || E'\n' || coalesce(stored.page_url, '')
                 = NEW.image_url || E'\n' || coalesce(NEW.page_url, '')
           AND stored.image_url IS NOT DISTINCT FROM NEW.image_url
           AND stored.page_url IS NOT DISTINCT FROM NEW.page_url
         LIMIT 1),
        NEW.id);
    RETURN NEW;
END
$$;
CREATE TRIGGER observation_first_id BEFORE INSERT ON observation
    FOR EACH ROW WHEN (NEW.first_id IS NULL) EXECUTE FUNCTION set_first_id();

-- As before, with the new column.
DROP VIEW observation_with_again;
CREATE VIEW observation_with_again AS
SELECT observation.*, again_at, coalesce(readings, 0) AS again,
       coalesce('finished' IN (first.state, last.state), false) AS takes_back
FROM observation LEFT JOIN observation_again AS again ON observation_id = observation.id
JOIN visit AS first ON first.id = observation.visit_id
LEFT JOIN visit AS last ON last.id = again.visit_id;
