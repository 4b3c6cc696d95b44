"""Captures as WARC records. Pure.

A capture is a `response` record, right behind it its `request` record, and a `metadata` record
for each text out of a picture file. The library adds the digest of each block. There is no digest
of payloads: they are not stored in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import BytesIO

from fastwarc.warc import WarcRecord, WarcRecordType

from crawler.warc.captures import Capture
from registry.evidence.warc_fields import CARRIER_FIELD, URL_FIELD, record_field, utf8
from registry.signals import carriers

_FIELDS = "application/warc-fields"
_CONFORMS = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
_ABOUT = (
    "responses with marks that say whether pictures may be used for AI: status, header fields, "
    "and in UTF-8 the marked-up part of a page, the text of a site file, or metadata of a "
    "picture; no pictures"
)
NewId = Callable[[], str]


def info_record(
    file: str, software: str, user_agent: str, written_at: datetime, record_id: str
) -> bytes:
    """Return the record that a file begins with. Ids are UUIDs."""
    lines = {
        "software": software,
        "format": "WARC File Format 1.1",
        "conformsTo": _CONFORMS,
        "description": _ABOUT,
        "robots": "obey",
        "http-header-user-agent": user_agent,
    }
    block = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    fields = {"WARC-Filename": file, "Content-Type": _FIELDS}
    return _record(WarcRecordType.warcinfo, record_id, written_at, fields, utf8(block))


def capture_records(capture: Capture, info_id: str, new_id: NewId) -> Iterator[bytes]:
    """Yield the records of a capture; `info_id` is the id of the file's first record."""
    response_id = new_id()
    common = {"WARC-Target-URI": capture.url, "WARC-Warcinfo-ID": _urn(info_id)}
    fields = {**common, "Content-Type": "application/http;msgtype=response"}
    fields |= {"WARC-IP-Address": capture.address} if capture.address else {}
    fields |= {} if capture.is_whole else {"WARC-Truncated": "unspecified"}
    asked = capture.evidence[0].url
    fields |= {URL_FIELD: asked} if asked != capture.url else {}
    at = capture.read_at
    yield _record(WarcRecordType.response, response_id, at, fields, capture.response)

    with_response = {**common, "WARC-Concurrent-To": _urn(response_id)}
    fields = {**with_response, "Content-Type": "application/http;msgtype=request"}
    yield _record(WarcRecordType.request, new_id(), at, fields, capture.request)

    for part in capture.parts:
        fields = {**common, "WARC-Refers-To": _urn(response_id)}
        fields |= {"Content-Type": _media_type(part.carrier), CARRIER_FIELD: part.carrier}
        yield _record(WarcRecordType.metadata, new_id(), at, fields, utf8(part.text))


def _media_type(carrier: str) -> str:
    row = next((row for row in carriers().rows if row.name == carrier), None)
    if row is None:
        return "text/plain"
    fallback = {"json": "application/json", "xml": "application/xml"}.get(row.syntax, "text/plain")
    return next(iter(row.media_types), fallback)


def _record(
    kind: WarcRecordType, record_id: str, at: datetime, fields: Mapping[str, str], block: bytes
) -> bytes:
    record = WarcRecord()
    record.init_headers(kind, f"uuid:{record_id}".encode("ascii"))
    record.record_date = at
    for name, value in fields.items():
        record.headers[name] = record_field(value)
    record.set_bytes_content(block)
    file = BytesIO()
    record.write(file, checksum_data=True)
    return file.getvalue()


def _urn(record_id: str) -> str:
    return f"<urn:uuid:{record_id}>"
