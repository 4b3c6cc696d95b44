-- File names of imported pictures, and withdrawals of claims. The release before
-- writes and reads without them.

-- Where an imported picture lay, from the folder that was named; no part of the digest.
ALTER TABLE claim ADD COLUMN file_name text;

-- One time that a claim did not stand, from its withdrawal to its next import.
CREATE TABLE claim_withdrawal (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id     bigint NOT NULL REFERENCES claim,
    withdrawn_at timestamptz NOT NULL DEFAULT now(),
    reason       text,
    restored_at  timestamptz CHECK (restored_at >= withdrawn_at)
);
-- A claim is withdrawn once at a time.
CREATE UNIQUE INDEX claim_withdrawal_now ON claim_withdrawal (claim_id) WHERE restored_at IS NULL;
CREATE INDEX claim_withdrawal_claim_id ON claim_withdrawal (claim_id);
