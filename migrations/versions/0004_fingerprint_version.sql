-- Fingerprints of two versions of an algorithm are different things: without the
-- version in the key those of a new one were never stored beside the old. All that
-- is here was made by the first version. A crawler of the release before cannot
-- write fingerprints after this: migrate while none runs.
ALTER TABLE fingerprint ADD COLUMN version text NOT NULL DEFAULT '1+normalise-1';
ALTER TABLE fingerprint ALTER COLUMN version DROP DEFAULT;
ALTER TABLE fingerprint DROP CONSTRAINT fingerprint_pkey;
ALTER TABLE fingerprint ADD PRIMARY KEY (image_id, algorithm, version, view);
