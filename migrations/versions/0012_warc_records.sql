-- Where the response that gave a piece of evidence was written, if a crawl writes WARC files.
-- An observation names its evidence, so unchanged readings need no records of their own.
CREATE TABLE evidence_record (
    evidence_id bigint PRIMARY KEY REFERENCES evidence,
    -- The name of the WARC file, without its folder, which may move.
    file        text NOT NULL,
    -- The byte at which the record of the response begins, and the bytes of this record and
    -- those that belong to it (its request, the marked parts of a picture), which follow it.
    place       bigint NOT NULL CHECK (place >= 0),
    size        bigint NOT NULL CHECK (size > 0)
);
