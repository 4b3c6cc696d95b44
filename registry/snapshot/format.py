"""Snapshot format 1 (pure): what the files hold, and what a manifest must say.

A snapshot is a folder:

- `manifest.json`: format, serial, time, counts, versions of algorithms, readers
  and URL keys, the position of the database it was built from, and for every other
  file its size, rows and sha256;
- `images.arrow`: one row per distinct picture (digests, fingerprints, size);
- `entries.arrow`: one row per picture seen at an image URL on a page, or per
  claim, with the row of its picture, of its own signals and of what the rules of
  its site and page say (null: nothing). A picture that its URL shows no more has
  no `url_key`. `past` holds marks that went, as canonical JSON; they decide nothing;
- `signals.arrow`: the distinct sets of signals, as canonical JSON, and the shape
  of each: sets of one shape differ in wording and place only, so that every
  policy decides alike on them;
- `sites.arrow`: one row per rules file or site claim, with all its signals.

Signals are stored, verdicts are not: a check decides under the policy it is
given. All files are Arrow IPC files, uncompressed, so that they can be mapped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from registry.errors import UnreadableSnapshot
from registry.model import PathRule, Signal
from registry.urls.key import KEY_VERSION, host_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("images.arrow", "entries.arrow", "signals.arrow", "sites.arrow")
# Columns that snapshots of earlier versions lack; they are opened as if these were null.
ADDED = {"entries.arrow": ("past",)}

# Column types by pyarrow's own names, `time` standing for microseconds in UTC.
COLUMNS = {
    "images.arrow": {
        "sha256": "binary 32",
        "md5": "binary 16",
        "phash64": "uint64",
        "phash256": "binary 32",
        "width": "int32",
        "height": "int32",
    },
    "entries.arrow": {
        "entry": "string",
        "url": "string",
        "url_key": "string",
        "page_url": "string",
        "relation": "string",
        "source": "string",
        "image": "int32",
        "signals": "int32",
        "rules": "int32",
        "since": "time",
        "seen": "time",
        "past": "string",
    },
    "signals.arrow": {"signals": "string", "shape": "int32"},
    "sites.arrow": {
        "entry": "string",
        "host": "string",
        "kind": "string",
        "source": "string",
        "signals": "string",
        "since": "time",
        "seen": "time",
    },
}


@cache
def schemas() -> dict[str, pa.Schema]:
    """Return the Arrow schema of every file by its name."""
    import pyarrow as pa

    types = {
        "binary 16": pa.binary(16),
        "binary 32": pa.binary(32),
        "int32": pa.int32(),
        "uint64": pa.uint64(),
        "string": pa.string(),
        "time": pa.timestamp("us", "UTC"),
    }
    return {
        file: pa.schema([(name, types[kind]) for name, kind in columns.items()])
        for file, columns in COLUMNS.items()
    }


def signals_to_json(signals: Sequence[Signal]) -> str:
    """Return canonical JSON of signals; fields at their default are left out."""
    return json.dumps([_signal_to_dict(s) for s in signals], sort_keys=True)


def signals_from_json(text: str) -> tuple[Signal, ...]:
    """Read what `signals_to_json` wrote."""
    return tuple(_signal_from_dict(item) for item in json.loads(text))


@dataclass(frozen=True, slots=True)
class PastMark:
    """A mark that refused training and went. It decides nothing.

    `until` is the time of the first reading without it.
    """

    name: str
    raw: str
    url: str
    since: datetime
    until: datetime


def past_to_json(marks: Sequence[PastMark]) -> str | None:
    """Return canonical JSON of past marks, oldest first; None for none."""
    if not marks:
        return None
    items = [asdict(mark) for mark in marks]
    return json.dumps(items, sort_keys=True, default=datetime.isoformat)


def past_from_json(text: str | None) -> tuple[PastMark, ...]:
    """Read what `past_to_json` wrote."""
    return tuple(_past_from_dict(item) for item in json.loads(text or "[]"))


def _past_from_dict(item: Mapping[str, str]) -> PastMark:
    times = {name: datetime.fromisoformat(item[name]) for name in ("since", "until")}
    return PastMark(**{**item, **times})  # type: ignore[arg-type]


def completed(name: str, table: pa.Table) -> pa.Table:
    """Return a file's table with the columns that earlier versions did not write, all null."""
    import pyarrow as pa

    schema = schemas()[name]
    for column in ADDED.get(name, ()):
        if column not in table.column_names:
            kind = schema.field(column).type
            table = table.append_column(column, pa.nulls(table.num_rows, kind))
    return table


_DEFAULTS = {field.name: field.default for field in fields(Signal)}


def shape(signals: Sequence[Signal], placed: Collection[str] = ()) -> tuple[Any, ...]:
    """Return what a policy can tell two sets of signals apart by.

    That is all but their text, the place they stood at, and their licence; of
    places only which signals share one (robots.txt groups are judged by file), and
    which point to another's. Marks of the vocabularies `placed` keep their host: they may
    meet others of it in another set, where a licence softens its own site's refusals.
    """
    hosts = {s.url: host_of(s.url) or "" for s in signals if s.vocabulary in placed}
    places: dict[str | None, str] = {}
    for signal in signals:
        number = str(len(places))
        host = hosts.get(signal.url)
        places.setdefault(signal.url, f"https://{host}/{number}" if host else number)
    return tuple(
        replace(s, raw="", url=places[s.url], licence_url=places.get(s.licence_url))
        for s in signals
    )


def _signal_to_dict(signal: Signal) -> dict[str, Any]:
    found = {name: value for name, value in asdict(signal).items() if value != _DEFAULTS[name]}
    if "rule" in found and found["rule"]["host"] is None:
        del found["rule"]["host"]
    return found


def _signal_from_dict(item: Mapping[str, Any]) -> Signal:
    values = dict(item)
    values["uses"] = tuple((use, meaning) for use, meaning in values.get("uses", ()))
    values["agents"] = tuple(values.get("agents", ()))
    if "rule" in values:
        values["rule"] = PathRule(**values["rule"])
    return Signal(**values)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot as its manifest lists it: bytes, rows, lower-case hex digest."""

    size: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot says of itself.

    `built_at` is ISO 8601 in UTC; `url_keys` is the version of the rules that its URL keys
    and hosts were spelled by.
    """

    serial: int
    built_at: str
    version: str
    counts: Mapping[str, int]
    algorithms: Mapping[str, str]
    readers: Sequence[str]
    database: Mapping[str, int | str]
    files: Mapping[str, FileEntry]
    url_keys: int = KEY_VERSION

    @property
    def digest(self) -> str:
        """Digest of the content: the files' digests, whatever the serial and the time."""
        lines = [f"{entry.sha256}  {name}\n" for name, entry in sorted(self.files.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def manifest_to_json(manifest: Manifest) -> str:
    """Return the text of `manifest.json`."""
    content = {"format": FORMAT, **asdict(manifest), "digest": manifest.digest}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def manifest_from_json(text: str, where: str) -> Manifest:
    """Read `manifest.json`; raise UnreadableSnapshot, naming `where`, if it cannot be used."""
    try:
        content = json.loads(text)
        found = content["format"]
        if isinstance(found, int) and found > FORMAT:
            raise UnreadableSnapshot(
                f"{where}: snapshot format {found} is newer than this version reads ({FORMAT})",
                "install a newer optout-registry",
            )
        manifest = Manifest(
            serial=int(content["serial"]),
            built_at=str(content["built_at"]),
            version=str(content["version"]),
            counts=dict(content["counts"]),
            algorithms=dict(content["algorithms"]),
            readers=list(content["readers"]),
            database=dict(content["database"]),
            files={name: FileEntry(**entry) for name, entry in content["files"].items()},
            # Snapshots of the first rules do not name them.
            url_keys=int(content.get("url_keys", 1)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(where, "it is not a snapshot manifest") from error
    if found != FORMAT or set(manifest.files) != set(FILES):
        raise _damaged(where, "it does not list the files of a snapshot")
    if content.get("digest") != manifest.digest:
        raise _damaged(where, "its digest is not that of the files it lists")
    return manifest


def refuse_other_keys(manifest: Manifest, where: str) -> None:
    """Raise UnreadableSnapshot, naming `where`, if its URLs are spelled by other rules than ours.

    They cannot be spelled anew: which rules of a site reach an image was decided by them, too.
    """
    if manifest.url_keys == KEY_VERSION:
        return
    message = (
        f"{where} was built with version {manifest.url_keys} of the rules for comparing URLs; "
        f"this program has version {KEY_VERSION}, and rows would be missed"
    )
    if manifest.url_keys > KEY_VERSION:
        raise UnreadableSnapshot(message, "install a newer optout-registry")
    raise UnreadableSnapshot(
        message, "run `registry snapshot build`, or get a newer snapshot from where it came"
    )


def _damaged(where: str, why: str) -> UnreadableSnapshot:
    return UnreadableSnapshot(
        f"{where} is damaged: {why}", "build the snapshot again, or copy it again from its source"
    )
