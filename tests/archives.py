"""Makes WARC records for tests."""


def warc_record(url, body, *fields, status="200 OK", kind="text/html", warc_type="response"):
    """Return one record that holds a response; `fields` are header lines."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *fields]
    block = "\r\n".join([*head, "", ""]).encode() + body
    lines = [
        "WARC/1.0",
        f"WARC-Type: {warc_type}",
        f"WARC-Target-URI: {url}",
        "WARC-Date: 2026-11-01T12:00:00Z",
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>",
        f"Content-Type: application/http; msgtype={warc_type}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + block + b"\r\n\r\n"
