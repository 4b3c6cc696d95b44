"""The WARC records in a bundle, read within limits and compared with their evidence. Pure.

A crawl writes for each response a `response` record with the status line, the header lines and
the evidence in the body; a `request` record; and a `metadata` record for each text out of a
picture file. Each record is a gzip member.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from registry.evidence.headers import Lines, kept
from registry.evidence.responses import STATUS_LINE
from registry.evidence.warc_fields import (
    CARRIER_FIELD,
    LEFT_OUT,
    URL_FIELD,
    is_body,
    one_line,
    record_field,
    utf8,
)
from registry.model import Evidence

# Most bytes of the records of one response, decompressed, and most records.
UNZIPPED_LIMIT = 64 * 1024 * 1024
RECORDS_LIMIT = 1000
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class WarcPart:
    """One record; `date` is its WARC-Date. Texts are empty if it does not have the field."""

    kind: str
    id: str
    date: str
    url: str
    of: str
    asked: str
    carrier: str
    block: bytes


def parts_of(data: bytes) -> list[WarcPart]:
    """Return the records in some gzip members; raise ValueError if they are not valid."""
    return [_part(member) for member in _members(data)]


def _members(data: bytes) -> list[bytes]:
    members: list[bytes] = []
    room = UNZIPPED_LIMIT
    while data:
        unzip = zlib.decompressobj(31)
        try:
            member = unzip.decompress(data, room + 1)
        except zlib.error as error:
            raise ValueError("a gzip member is damaged") from error
        room -= len(member)
        if room < 0 or len(members) == RECORDS_LIMIT:
            raise ValueError("it is larger than a crawl writes")
        if not unzip.eof:
            raise ValueError("a gzip member is truncated")
        members.append(member)
        data = unzip.unused_data
    return members


def _part(member: bytes) -> WarcPart:
    from fastwarc.warc import ArchiveIterator

    # The library would decompress what is compressed twice.
    if not member.startswith(b"WARC/"):
        raise ValueError("a gzip member holds no WARC record")
    try:
        records = ArchiveIterator(BytesIO(member), parse_http=False)
        record = next(records)
        block: bytes = record.reader.read(len(member))
        is_one = len(block) == record.content_length and next(records, None) is None
    except (OSError, StopIteration) as error:
        raise ValueError("a WARC record cannot be read") from error
    if not is_one:
        raise ValueError("a gzip member does not hold one WARC record")
    fields = record.headers
    return WarcPart(
        kind=str(record.record_type),
        id=fields.get("WARC-Record-ID") or "",
        date=fields.get("WARC-Date") or "",
        url=fields.get("WARC-Target-URI") or "",
        of=fields.get("WARC-Refers-To") or fields.get("WARC-Concurrent-To") or "",
        asked=fields.get(URL_FIELD) or "",
        carrier=fields.get(CARRIER_FIELD) or "",
        block=block,
    )


def fault(evidence: Evidence, parts: Sequence[WarcPart]) -> str:
    """Return the reason why these records do not give the evidence; empty if they do."""
    if not parts or parts[0].kind != "response":
        return "its first record is not a response"
    response = parts[0]
    for part in parts[1:]:
        if part.kind not in {"request", "metadata"} or part.of != response.id:
            return "a record does not belong to the response"
    if record_field(evidence.url).strip() != (response.asked or response.url):
        return "its response is of another URL"
    if evidence.carrier == "headers":
        return _headers_fault(evidence, response)
    if not is_body(evidence):
        texts = [p.block for p in parts if p.kind == "metadata" and p.carrier == evidence.carrier]
        return "" if utf8(evidence.text) in texts else "no record has its text"
    body = response.block.partition(b"\r\n\r\n")[2]
    return "" if body == utf8(evidence.text) else "the body is another text"


def _headers_fault(evidence: Evidence, response: WarcPart) -> str:
    status = STATUS_LINE.match(response.block)
    if status is None:
        return "the response has no status line"
    try:
        received = kept(_lines(response.block), evidence.about)
    except UnicodeDecodeError:
        return "the header lines are not UTF-8"
    stored = tuple(_one_line(line) for line in evidence.lines if line[0].lower() not in LEFT_OUT)
    if int(status[1]) == _NOT_MODIFIED:
        # Its fields replaced those of an earlier response; the others are from that one.
        fresh = {line for line in received if not line[0].lower().startswith("content-")}
        return "" if fresh <= set(stored) else "the header lines of the 304 response are others"
    return "" if received == stored else "the header lines are others"


def _lines(block: bytes) -> Lines:
    head = block.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogatepass")
    pairs = (line.partition(":") for line in head.split("\r\n")[1:])
    return tuple(_one_line((name, value)) for name, _, value in pairs)


def _one_line(line: tuple[str, str]) -> tuple[str, str]:
    """Return a header line as it is in a message: without line ends and outer blanks."""
    name, value = (one_line(text).strip() for text in line)
    return name, value
