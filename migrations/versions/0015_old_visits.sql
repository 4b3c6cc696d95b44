-- Old visits that nothing names can be deleted. These keys had no index on their side, so each
-- deletion would have read the whole table. With an index, counting an equal reading would have to
-- change it each time. What names a visit is looked for in one pass instead (`forget_visits`); only
-- a visit in progress is named anew.
ALTER TABLE observation_again DROP CONSTRAINT observation_again_visit_id_fkey;
ALTER TABLE site_rule_again DROP CONSTRAINT site_rule_again_visit_id_fkey;
ALTER TABLE known_page DROP CONSTRAINT known_page_visit_id_fkey;
CREATE INDEX site_rule_visit_id ON site_rule (visit_id);
-- Every visit updates the pages that it asks for: half of each block is left free for that.
ALTER TABLE known_page SET (fillfactor = 50);
