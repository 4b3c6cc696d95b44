"""Reads WARC archives: their responses one by one, and the files of their sites.

An archive is read as a stream, plain or gzipped; at most 50 MiB of one response are kept
in memory, and 64 MiB of site files in all. A revisit record (ISO 28500:2017, 6.7) has the
headers of a response whose body is in another record; only its headers are read.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, cast

from registry.errors import UnreadableInput
from registry.evidence.responses import PICTURE_LIMIT, STATUS_LINE, Response, saved_response
from registry.sources.kinds import is_site_file, kind_of, site_kind
from registry.sources.pieces import Piece, site_file_piece
from registry.urls.paths import url_host, url_path

if TYPE_CHECKING:
    from fastwarc.warc import WarcRecord

SITE_FILES_LIMIT = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_REVISIT = "a revisit record, the body is in another record"
_NO_HINT = "give its type with --kind"
_BLOCK = 1024 * 1024
# An image and its headers.
_RECORD_LIMIT = PICTURE_LIMIT + _BLOCK


class BrokenArchive(UnreadableInput):
    """A WARC file that is truncated or damaged, or a file that is not WARC."""

    hint = "the records before that were read; download or write the file again"


@dataclass(slots=True)
class ArchivedSiteFiles:
    """The site files in an archive, by host; the last one of a URL is kept."""

    _by_host: dict[str, dict[str, Piece]] = field(default_factory=dict)
    _size: int = 0
    left_out: int = 0

    def add(self, kind: str, response: Response) -> None:
        """Keep a site file, if the response is a success."""
        if response.status is None or not 200 <= response.status < 300:
            return
        if self._size + len(response.body) > SITE_FILES_LIMIT:
            self.left_out += 1
            return
        self._size += len(response.body)
        piece = site_file_piece(kind, response)
        by_url = self._by_host.setdefault(url_host(response.url), {})
        # A revisit means that the file has not changed: the earlier one is kept.
        if not (response.unread and piece.evidence.url in by_url):
            by_url[piece.evidence.url] = piece

    def of(self, url: str) -> list[Piece]:
        """Return the site files of a URL's host."""
        return list(self._by_host.get(url_host(url), {}).values())


class _Stream:
    """An archive's bytes, decompressed member by member if they are gzipped.

    The WARC library does not detect a truncated file; here a truncated member raises
    OSError, and `tail` are the last bytes read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._buffer = file.read(_BLOCK)
        self._is_gzipped = self._buffer.startswith(_GZIP)
        self._member = zlib.decompressobj(31)
        self._begun = False
        self._position = 0
        self.tail = b""

    def tell(self) -> int:
        """Return the number of bytes read."""
        return self._position

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end. Raises OSError for a truncated member."""
        block = self._unzipped(size) if self._is_gzipped else self._plain(size)
        self._position += len(block)
        self.tail = (self.tail + block)[-4:]
        return block

    def _plain(self, size: int) -> bytes:
        block = self._buffer or self._file.read(size)
        self._buffer = block[size:]
        return block[:size]

    def _unzipped(self, size: int) -> bytes:
        while True:
            if self._member.eof:
                self._buffer = self._member.unused_data
                self._member = zlib.decompressobj(31)
            compressed = self._buffer or self._file.read(_BLOCK)
            self._buffer = b""
            if not compressed:
                if self._begun:
                    raise OSError("the gzip data is truncated")
                return b""
            block = self._member.decompress(compressed, size)
            self._buffer = self._member.unconsumed_tail
            self._begun = not self._member.eof
            if block:
                return block


def site_files(file: IO[bytes], name: str) -> ArchivedSiteFiles:
    """Return the site files in an archive, up to the first damaged record. Never raises."""
    files = ArchivedSiteFiles()
    # `responses`, which reads the archive again, reports the damage.
    with suppress(BrokenArchive):
        for response in responses(file, name, _may_be_site_file):
            kind = kind_of(response)
            if is_site_file(kind):
                files.add(kind, response)
    return files


def _may_be_site_file(url: str) -> bool:
    return site_kind(url) is not None or url_path(url).partition("?")[0].endswith(".xml")


def responses(
    file: IO[bytes], name: str, wanted: Callable[[str], bool] = bool
) -> Iterator[Response]:
    """Yield the responses of an archive for whose URLs `wanted` returns True, in their order.

    Raises BrokenArchive after the last complete one if the archive is damaged or truncated.
    """
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    stream = _Stream(file)
    records = ArchiveIterator(cast("IO[bytes]", stream), parse_http=False)
    seen = 0
    while (record := _next(records, name, seen)) is not None:
        seen += 1
        url = _url(record)
        is_revisit = record.record_type == WarcRecordType.revisit
        if not (is_revisit or record.record_type == WarcRecordType.response) or not wanted(url):
            continue
        block = _block(record, name, seen)
        if STATUS_LINE.match(block):
            cut = record.content_length > len(block) or "WARC-Truncated" in record.headers
            response = saved_response(block, url, cut=cut, alone=True)
            is_empty = is_revisit and not response.body
            yield replace(response, unread=_REVISIT) if is_empty else response
    if not seen:
        raise BrokenArchive(f"{name}: no WARC record in it", _NO_HINT)
    if not stream.tail.endswith((b"\r\n\r\n", b"\n\n")):
        raise BrokenArchive(f"{name}: ends in the middle of a record, {seen} were read")


def _next(records: Iterator[WarcRecord], name: str, seen: int) -> WarcRecord | None:
    try:
        return next(records, None)
    except (OSError, ValueError, zlib.error) as error:
        fault = f"damaged after record {seen}" if seen else "not a WARC archive"
        raise BrokenArchive(f"{name}: {fault}: {error}", None if seen else _NO_HINT) from error


def _block(record: WarcRecord, name: str, number: int) -> bytes:
    try:
        block: bytes = record.reader.read(_RECORD_LIMIT)
    except (OSError, ValueError, zlib.error) as error:
        raise BrokenArchive(f"{name}: record {number} cannot be read: {error}") from error
    if len(block) < min(record.content_length, _RECORD_LIMIT):
        raise BrokenArchive(f"{name}: ends in the middle of record {number}")
    return block


def _url(record: WarcRecord) -> str:
    url: str = record.headers.get("WARC-Target-URI", "") or ""
    return url.strip().removeprefix("<").removesuffix(">")
