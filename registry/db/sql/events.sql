Events: what changed from one reading to the next.

-- name: lock_events
-- one transaction after the other adds events, so that their ids are in the order of commits:
-- who has read all up to an id misses none
SELECT pg_advisory_xact_lock(%(key)s)

-- name: add_event
INSERT INTO event (visit_id, at, kind, url, names, text_before, text_after, since,
    evidence_before, evidence_after, image_before, image_after)
VALUES (%(visit_id)s, %(at)s, %(kind)s, %(url)s, %(names)s, %(text_before)s, %(text_after)s,
    %(since)s, %(evidence_before)s, %(evidence_after)s, %(image_before)s, %(image_after)s)

-- name: changes_found
-- that the visit itself found: how many, and the carriers of marks among them
SELECT count(*), array_agg(DISTINCT carrier) FILTER (WHERE starts_with(kind, 'mark-'))
FROM event LEFT JOIN evidence ON evidence.id = coalesce(evidence_after, evidence_before)
WHERE visit_id = %(visit_id)s AND kind <> 'picture-stale'

-- name: events_of_visit
SELECT kind, count(*) FROM event WHERE visit_id = %(visit_id)s GROUP BY kind

-- name: list_events
-- with the host of the visit, and both pieces of evidence and digests of pictures
SELECT event.id, event.at, event.visit_id, visit.host AS site, event.kind, event.url, event.names,
       event.text_before, event.text_after, event.since,
       to_jsonb(old) - '{id,digest,recorded_at}'::text[] AS evidence_before,
       to_jsonb(new) - '{id,digest,recorded_at}'::text[] AS evidence_after,
       encode(image_old.sha256, 'hex') AS sha256_before,
       encode(image_new.sha256, 'hex') AS sha256_after
FROM event JOIN visit ON visit.id = event.visit_id
LEFT JOIN evidence AS old ON old.id = event.evidence_before
LEFT JOIN evidence AS new ON new.id = event.evidence_after
LEFT JOIN image AS image_old ON image_old.id = event.image_before
LEFT JOIN image AS image_new ON image_new.id = event.image_after
WHERE event.id > %(after)s
  AND (%(since)s::timestamptz IS NULL OR event.at >= %(since)s)
  AND (%(hosts)s::text[] IS NULL OR visit.host = ANY (%(hosts)s)
       OR visit.start_url = ANY (%(urls)s::text[]) OR event.url = ANY (%(urls)s::text[]))
  AND (%(kinds)s::text[] IS NULL OR event.kind = ANY (%(kinds)s))
ORDER BY event.id
LIMIT %(limit)s

-- name: places_of_events
-- the page of each picture that is new or replaced, and the evidence there, by event; of the
-- pages that the visit found, one with marks: the lists of a blog show its pictures without them
SELECT event.id, place.page_url, place.evidence
FROM event CROSS JOIN LATERAL (
    SELECT page_url, observation.evidence FROM observation
    LEFT JOIN url_reading AS page
        ON page.key = substr(sha256(convert_to('page' || E'\n' || page_url, 'UTF8')), 1, 16)
    WHERE observation.image_url = event.url AND observation.image_id = event.image_after
      AND page_url IS NOT NULL
    ORDER BY observation.visit_id = event.visit_id DESC, coalesce(page.marks, 0) > 0 DESC,
             abs(observation.visit_id - event.visit_id), observation.id LIMIT 1) AS place
WHERE event.id = ANY (%(ids)s::bigint[])
