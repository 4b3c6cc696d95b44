"""Reads the records of WARC files that tests had written."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from fastwarc.warc import ArchiveIterator

from registry.evidence.headers import kept
from registry.evidence.responses import Response, saved_response
from registry.model import Evidence


class Record(NamedTuple):
    """A WARC record: its type, its fields by name, its block."""

    kind: str
    fields: dict[str, str]
    block: bytes

    @property
    def response(self) -> Response:
        return saved_response(self.block, self.fields["WARC-Target-URI"], alone=True)

    @property
    def body(self) -> bytes:
        return self.block.partition(b"\r\n\r\n")[2]


def records_in(data: bytes) -> list[Record]:
    """Return the records in bytes, plain or gzipped by record; their digests must fit."""
    found: list[Record] = []
    for record in ArchiveIterator(BytesIO(data), parse_http=False):
        assert record.verify_block_digest()
        fields = dict(record.headers.items())
        found.append(Record(fields["WARC-Type"], fields, record.reader.read()))
    return found


def records_at(path: Path, place: int, size: int) -> list[Record]:
    """Return the records in a part of a file, which must be whole gzip members."""
    data = path.read_bytes()[place : place + size]
    assert len(data) == size
    return records_in(gzip.decompress(data))


def holds(records: Sequence[Record], evidence: Evidence) -> bool:
    """Return whether the records of one response hold exactly this evidence."""
    response, request, *parts = records
    assert (response.kind, request.kind) == ("response", "request")
    assert {part.kind for part in parts} <= {"metadata"}
    if evidence.url != response.fields.get("Optout-URL", response.fields["WARC-Target-URI"]):
        return False
    if evidence.carrier == "headers":
        return kept(response.response.lines, evidence.about) == evidence.lines
    text = evidence.text.encode("utf-8", "surrogatepass")
    if evidence.about != "image":
        return response.body == text
    return (evidence.carrier, text) in [(p.fields["Optout-Carrier"], p.block) for p in parts]
