-- Each reading with the equal ones after it: how many, and when the last was.
-- `takes_back`: what the reading does not show any more does not count any more. So it is only if
-- a visit read it that has finished, and is not suspect.
CREATE VIEW observation_with_again AS
SELECT observation.*, again_at, coalesce(readings, 0) AS again,
       coalesce('finished' IN (first.state, last.state), false) AS takes_back
FROM observation LEFT JOIN observation_again AS again ON observation_id = observation.id
JOIN visit AS first ON first.id = observation.visit_id
LEFT JOIN visit AS last ON last.id = again.visit_id;

CREATE VIEW site_rule_with_again AS
SELECT site_rule.*, again_at, coalesce(readings, 0) AS again,
       coalesce('finished' IN (first.state, last.state), false) AS takes_back
FROM site_rule LEFT JOIN site_rule_again AS again ON site_rule_id = site_rule.id
JOIN visit AS first ON first.id = site_rule.visit_id
LEFT JOIN visit AS last ON last.id = again.visit_id;
