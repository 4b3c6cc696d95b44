"""The content of a bundle, and its form as `evidence.json` (pure).

`evidence.json` is read only as `to_json` writes it, byte for byte: nobody can add to it what
one program shows and another does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from registry.errors import UnreadableInput
from registry.model import Evidence, Scope, hex_pattern
from registry.snapshot.record_digests import Fields

FORMAT = 1
OBSERVATION, SITE_RULE = "observation", "site-rule"
RECORD_NAME = re.compile(rf"({OBSERVATION}|{SITE_RULE}):([1-9][0-9]{{0,17}})", re.ASCII)
_DIGEST = re.compile(hex_pattern("sha256"))
# The fields of each kind of record, and those that it always has.
_ALWAYS = {
    OBSERVATION: {"observed_at", "image_url", "relation", "evidence"},
    SITE_RULE: {"observed_at", "host", "kind", "url", "evidence"},
}
_SOMETIMES = {
    OBSERVATION: {"page_url", "fetched_url", "status", "refusal", "sha256"},
    SITE_RULE: {"status", "refusal"},
}
_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class WarcPlace:
    """Where the WARC records of a response are: a file, the byte they begin at, their bytes.

    `offset` is the byte that they begin at in the bundle's `evidence.warc.gz`; None if they
    are not in it.
    """

    file: str
    place: int
    size: int
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence with its digest in hex, and its WARC records, if there are any."""

    digest: str
    evidence: Evidence
    warc: WarcPlace | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An observation or one reading of a site file; `name` is `observation:ID` or `site-rule:ID`.

    `digest` is that of `fields`, in hex. `again` counts the equal readings after the first,
    `again_at` is the time of the last of them.
    """

    name: str
    digest: str
    fields: Fields
    again: int = 0
    again_at: str | None = None

    @property
    def kind(self) -> str:
        """Return `observation` or `site-rule`."""
        return self.name.partition(":")[0]

    @property
    def evidence(self) -> list[str]:
        """Return the digests of its evidence, in their order."""
        listed = self.fields["evidence"]
        assert isinstance(listed, list)
        return listed

    @property
    def first(self) -> str:
        """Return the time of the first reading."""
        return self.text("observed_at")

    @property
    def last(self) -> str:
        """Return the time of the last reading that gave this."""
        return self.again_at or self.first

    def text(self, name: str) -> str:
        """Return a field as text; empty if it has no value."""
        return str(self.fields.get(name, ""))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The evidence of one record, the first of `records`; the others add to it.

    `registry` is the id of the registry, `version` that of the program, `made_at` ISO 8601.
    """

    registry: str
    version: str
    made_at: str
    records: tuple[Record, ...]
    evidence: tuple[Piece, ...]

    @property
    def subject(self) -> Record:
        """Return the record that the bundle is about."""
        return self.records[0]

    def pieces(self, record: Record) -> list[Piece]:
        """Return the evidence of a record, in its order, as far as it is there."""
        by_digest = {piece.digest: piece for piece in self.evidence}
        return [by_digest[digest] for digest in record.evidence if digest in by_digest]


def to_value(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle as a JSON object."""
    return {
        "format": FORMAT,
        "registry": bundle.registry,
        "version": bundle.version,
        "made_at": bundle.made_at,
        "records": [_record_value(record) for record in bundle.records],
        "evidence": [_piece_value(piece) for piece in bundle.evidence],
    }


def to_json(bundle: Bundle) -> str:
    """Return the text of `evidence.json`, in ASCII."""
    return json.dumps(to_value(bundle), indent=2, sort_keys=True) + "\n"


def from_json(text: str, where: str) -> Bundle:
    """Read what `to_json` wrote; UnreadableInput, naming `where`, for anything else."""
    try:
        value = json.loads(text)
        version = value["format"]
        if version == FORMAT:
            bundle = _bundle(value)
            if to_json(bundle) == text:
                return bundle
            raise ValueError("its JSON is formatted in another way")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else "a field is missing or wrong"
        raise damaged(where, reason) from error
    if type(version) is int and version > FORMAT:
        raise UnreadableInput(
            f"{where}: bundle format {version} is newer than this version reads ({FORMAT})",
            "install a newer optout-registry",
        )
    raise damaged(where, "its format is not that of a bundle")


def damaged(where: str, why: str) -> UnreadableInput:
    """Return the UnreadableInput for a file that is not a bundle as this program writes it."""
    return UnreadableInput(f"{where}: {why}", "get the bundle again from its source")


def _record_value(record: Record) -> dict[str, Any]:
    return {
        "record": record.name,
        "digest": record.digest,
        "fields": record.fields,
        "again": record.again,
        "again_at": record.again_at,
    }


def _piece_value(piece: Piece) -> dict[str, Any]:
    evidence, warc = piece.evidence, piece.warc
    place = warc and {
        "file": warc.file,
        "place": warc.place,
        "size": warc.size,
        "offset": warc.offset,
    }
    return {
        "digest": piece.digest,
        "carrier": evidence.carrier,
        "about": evidence.about,
        "url": evidence.url,
        "lines": [list(line) for line in evidence.lines],
        "text": evidence.text,
        "warc": place,
    }


def _bundle(value: Mapping[str, Any]) -> Bundle:
    records = tuple(_record(item) for item in value["records"])
    if not records or len({record.name for record in records}) < len(records):
        raise ValueError("it has no records, or one twice")
    pieces = tuple(_piece(item) for item in value["evidence"])
    if len({piece.digest for piece in pieces}) < len(pieces):
        raise ValueError("it has a piece of evidence twice")
    registry, version = (_text(value[name]) for name in ("registry", "version"))
    return Bundle(registry, version, _time(value["made_at"]), records, pieces)


def _record(value: Mapping[str, Any]) -> Record:
    name, again, again_at = _text(value["record"]), value["again"], value["again_at"]
    if not RECORD_NAME.fullmatch(name):
        raise ValueError("the name of a record is not valid")
    if again_at is not None:
        _time(again_at)
    fields = _fields(name.partition(":")[0], value["fields"])
    return Record(name, _digest(value["digest"]), fields, _number(again), again_at)


def _fields(kind: str, fields: Mapping[str, Any]) -> Fields:
    """Return the fields of a record; raise ValueError if they are not those of its kind."""
    if not _ALWAYS[kind] <= set(fields) <= _ALWAYS[kind] | _SOMETIMES[kind]:
        raise ValueError("a record has other fields")
    checks: dict[str, Callable[[Any], str | int | list[str]]]
    checks = {"observed_at": _time, "status": _number, "evidence": _digests, "sha256": _digest}
    return {name: checks.get(name, _text)(value) for name, value in fields.items()}


def _piece(value: Mapping[str, Any]) -> Piece:
    if value["about"] not in get_args(Scope):
        raise ValueError("a piece of evidence is about nothing known")
    lines = tuple((_text(name), _text(text)) for name, text in value["lines"])
    carrier, url, text = (_text(value[name]) for name in ("carrier", "url", "text"))
    evidence = Evidence(carrier, value["about"], url, lines, text)
    return Piece(_digest(value["digest"]), evidence, _place(value["warc"]))


def _place(value: Mapping[str, Any] | None) -> WarcPlace | None:
    if value is None:
        return None
    offset = None if value["offset"] is None else _number(value["offset"])
    return WarcPlace(_text(value["file"]), _number(value["place"]), _number(value["size"]), offset)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError("a number is not valid")
    return value


def _digest(value: Any) -> str:
    if not _DIGEST.fullmatch(_text(value)) or value != value.lower():
        raise ValueError("a digest is not valid")
    return str(value)


def _digests(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return [_digest(item) for item in value]


def _time(value: Any) -> str:
    try:
        when = datetime.fromisoformat(_text(value))
        when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("a time is not valid") from error
    if when.tzinfo is None:
        raise ValueError("a time has no time zone")
    return str(value)
