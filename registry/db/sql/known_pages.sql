Known pages: what a visit needs to know of the pages that earlier ones asked for.

-- name: known_pages
SELECT key, url, depth, is_next, page_url, refusal, shown, etag, last_modified, digest, content,
       reader, asked_at, visits, changed, days
FROM known_page WHERE host = %(host)s
ORDER BY asked_at, key

-- name: keep_page
-- an equal content stays where it is: it may be stored outside of the row
INSERT INTO known_page AS known (host, key, url, depth, is_next, page_url, refusal, shown_now,
    etag, last_modified, digest, content, reader, visit_id, asked_at, visits, changed, days)
SELECT host, %(key)s, %(url)s, %(depth)s, %(is_next)s, %(page_url)s, %(refusal)s, %(shown)s, %(etag)s,
    %(last_modified)s, %(digest)s, %(content)s, %(reader)s, id, %(asked_at)s, %(visits)s,
    %(changed)s, %(days)s
FROM visit WHERE id = %(visit_id)s
ON CONFLICT (host, key) DO UPDATE SET
    url = excluded.url, depth = excluded.depth, is_next = excluded.is_next,
    page_url = excluded.page_url, refusal = excluded.refusal,
    shown_now = excluded.shown_now, etag = excluded.etag,
    last_modified = excluded.last_modified, digest = excluded.digest,
    content = CASE WHEN known.content = excluded.content THEN known.content
                   ELSE excluded.content END,
    reader = excluded.reader, visit_id = excluded.visit_id, asked_at = excluded.asked_at,
    visits = excluded.visits, changed = excluded.changed, days = excluded.days

-- name: forget_pages
DELETE FROM known_page USING visit
WHERE visit.id = %(visit_id)s AND is_complete AND extent <> 'due'
  AND known_page.host = visit.host
  AND (known_page.visit_id <> visit.id OR refusal IN ('http-404', 'http-410'))

-- name: known_guides
SELECT url, kind, read_at, etag, last_modified FROM known_guide
WHERE host = %(host)s ORDER BY url

-- name: keep_guide
INSERT INTO known_guide (host, url, kind, read_at, etag, last_modified)
SELECT host, %(url)s, %(kind)s, %(read_at)s, %(etag)s, %(last_modified)s
FROM visit WHERE id = %(visit_id)s
ON CONFLICT (host, url) DO UPDATE SET
    kind = excluded.kind, read_at = excluded.read_at, etag = excluded.etag,
    last_modified = excluded.last_modified

-- name: forget_guide
DELETE FROM known_guide USING visit
WHERE visit.id = %(visit_id)s AND known_guide.host = visit.host AND url = %(url)s
