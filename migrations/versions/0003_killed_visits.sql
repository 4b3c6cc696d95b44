-- A visit whose crawler is gone without having recorded an end is found so by others.

ALTER TABLE visit DROP CONSTRAINT visit_state_check;
ALTER TABLE visit ADD CONSTRAINT visit_state_check
    CHECK (state IN ('running', 'finished', 'interrupted', 'failed', 'killed'));
