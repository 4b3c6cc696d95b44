"""Reading WARC archives: their responses one by one, and the files of their sites.

An archive is read as a stream, plain or gzipped; of one response at most 50 MiB are
held, of the files of sites 64 MiB in all. A revisit record (ISO 28500:2017, 6.7) holds
the headers of an answer whose body stands in another record: those are read.
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
_REVISIT = "a revisit record, the body stands in the record that it repeats"
_NO_HINT = "say with --kind what it is instead"
_ROOM = 1024 * 1024
# A picture and its headers.
_RECORD_LIMIT = PICTURE_LIMIT + _ROOM


class BrokenArchive(UnreadableInput):
    """A WARC file that ends too early, or is none."""

    hint = "what stands before that was read; fetch or write the file again"


@dataclass(slots=True)
class SiteFiles:
    """The files of the sites in an archive, by host; the last one written wins."""

    _found: dict[str, dict[str, Piece]] = field(default_factory=dict)
    _size: int = 0
    left_out: int = 0

    def add(self, kind: str, response: Response) -> None:
        """Keep a site's file; one that was not there is not kept."""
        if response.status is None or not 200 <= response.status < 300:
            return
        if self._size + len(response.body) > SITE_FILES_LIMIT:
            self.left_out += 1
            return
        self._size += len(response.body)
        piece = site_file_piece(kind, response)
        found = self._found.setdefault(url_host(response.url), {})
        # A revisit says that nothing has changed: what was read before stands.
        if not (response.unread and piece.evidence.url in found):
            found[piece.evidence.url] = piece

    def of(self, url: str) -> list[Piece]:
        """Return the files of the host that a URL is on."""
        return list(self._found.get(url_host(url), {}).values())


class _Stream:
    """An archive's bytes, unzipped member by member where they are zipped.

    The library for archives takes a file that is cut for one that has ended; here a
    cut member is an OSError, and `tail` is the end of what was read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._packed = file.read(_ROOM)
        self._zipped = self._packed.startswith(_GZIP)
        self._member = zlib.decompressobj(31)
        self._begun = False
        self._place = 0
        self.tail = b""

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._place

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end."""
        block = self._unzipped(size) if self._zipped else self._taken(size)
        self._place += len(block)
        self.tail = (self.tail + block)[-4:]
        return block

    def _taken(self, size: int) -> bytes:
        packed = self._packed or self._file.read(size)
        self._packed = packed[size:]
        return packed[:size]

    def _unzipped(self, size: int) -> bytes:
        while True:
            if self._member.eof:
                self._packed = self._member.unused_data
                self._member = zlib.decompressobj(31)
            packed = self._packed or self._file.read(_ROOM)
            self._packed = b""
            if not packed:
                if self._begun:
                    raise OSError("what is zipped ends too early")
                return b""
            block = self._member.decompress(packed, size)
            self._packed = self._member.unconsumed_tail
            self._begun = not self._member.eof
            if block:
                return block


def site_files(file: IO[bytes], name: str) -> SiteFiles:
    """Read an archive for the files of its sites; stops quietly where it is broken."""
    found = SiteFiles()
    # The second reading says what is broken, behind what is whole.
    with suppress(BrokenArchive):
        for response in responses(file, name, _may_be_site_file):
            kind = kind_of(response)
            if is_site_file(kind):
                found.add(kind, response)
    return found


def _may_be_site_file(url: str) -> bool:
    return site_kind(url) is not None or url_path(url).partition("?")[0].endswith(".xml")


def responses(
    file: IO[bytes], name: str, wanted: Callable[[str], bool] = bool
) -> Iterator[Response]:
    """Yield the responses of an archive whose URLs are wanted, as they come.

    BrokenArchive, behind the last whole one, where it is damaged or ends too early.
    """
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    stream = _Stream(file)
    records = ArchiveIterator(cast("IO[bytes]", stream), parse_http=False)
    seen = 0
    while (record := _next(records, name, seen)) is not None:
        seen += 1
        url = _url(record)
        again = record.record_type == WarcRecordType.revisit
        if not (again or record.record_type == WarcRecordType.response) or not wanted(url):
            continue
        block = _block(record, name, seen)
        if STATUS_LINE.match(block):
            cut = record.content_length > len(block) or "WARC-Truncated" in record.headers
            response = saved_response(block, url, cut=cut, alone=True)
            yield replace(response, unread=_REVISIT) if again and not response.body else response
    if not seen:
        raise BrokenArchive(f"{name}: no WARC record in it", _NO_HINT)
    if not stream.tail.endswith((b"\r\n\r\n", b"\n\n")):
        raise BrokenArchive(f"{name}: ends in the middle of a record, {seen} were read")


def _next(records: Iterator[WarcRecord], name: str, seen: int) -> WarcRecord | None:
    try:
        return next(records, None)
    except (OSError, ValueError, zlib.error) as error:
        where = f"broken behind record {seen}" if seen else "no WARC archive"
        raise BrokenArchive(f"{name}: {where}: {error}", None if seen else _NO_HINT) from error


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
