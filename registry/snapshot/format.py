"""Snapshot format 3 (pure): what the files hold.

A snapshot is a folder:

- `manifest.json`: format, serial, time, counts, versions of algorithms, readers
  and URL keys, the position of the database it was built from, and for every other
  file its size, rows and sha256 (`registry.snapshot.manifest`);
- `images.arrow`: one row per distinct picture (digests, fingerprints, size);
- `views.arrow`: the fingerprints of further views of transparent pictures, with the row
  of their picture;
- `entries.arrow`: one row per picture seen at an image URL on a page, or per
  claim, with the row of its picture, of its own signals and of the signals of its
  site's and page's rules (null: none). A picture no longer served at its URL has no
  `url_key`. `past` holds removed marks, as canonical JSON; they do not affect verdicts;
- `signals.arrow`: the distinct sets of signals, as canonical JSON, and the shape
  of each: sets of one shape differ only in wording and place, so that every policy
  gives them the same decision;
- `sites.arrow`: one row per rules file or site claim, with all its signals;
- `evidence.arrow`: one row per observation and reading of a site file, with the digest of its
  record (`registry.snapshot.record_digests`). A check does not read it; a bundle of evidence is
  compared with it. Format 2, which is read as well, does not have it.

Signals are stored, verdicts are not: a check decides under its policy. All files are
Arrow IPC files, uncompressed, so that they can be mapped.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from registry.errors import UnreadableSnapshot
from registry.model import (
    HASH_BYTES,
    USES,
    Conformance,
    Meaning,
    PathRule,
    Precedence,
    Scope,
    Signal,
)
from registry.urls.key import host_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 3
MANIFEST = "manifest.json"
# The files that a check reads, and the one with the digests of records.
TABLES = ("images.arrow", "views.arrow", "entries.arrow", "signals.arrow", "sites.arrow")
RECORDS = "evidence.arrow"
FILES = (*TABLES, RECORDS)
# The files of each format that this version reads.
FILES_OF = {2: TABLES, FORMAT: FILES}

# Column types by their pyarrow names; `time` is microseconds in UTC.
COLUMNS = {
    "images.arrow": {
        "sha256": f"binary {HASH_BYTES['sha256']}",
        "md5": f"binary {HASH_BYTES['md5']}",
        "phash64": "uint64",
        "phash256": f"binary {HASH_BYTES['phash256']}",
        "width": "int32",
        "height": "int32",
    },
    "views.arrow": {
        "image": "int32",
        "view": "string",
        "phash64": "uint64",
        "phash256": f"binary {HASH_BYTES['phash256']}",
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
    "evidence.arrow": {"record": "string", "digest": f"binary {HASH_BYTES['sha256']}"},
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
    """Read what `signals_to_json` wrote; UnreadableSnapshot for anything else."""
    try:
        items = json.loads(text)
        if not isinstance(items, list):
            raise TypeError("no list")
        return tuple(_checked(_signal_from_dict(item)) for item in items)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("a set of signals in the snapshot", str(error)) from error


def damaged(where: str, why: str) -> UnreadableSnapshot:
    """Return the UnreadableSnapshot for a file that no build writes."""
    return UnreadableSnapshot(
        f"{where} is damaged: {why}", "build the snapshot again, or copy it again from its source"
    )


@dataclass(frozen=True, slots=True)
class PastMark:
    """A removed mark that refused training. It does not affect verdicts.

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
    """Read what `past_to_json` wrote; UnreadableSnapshot for anything else."""
    try:
        items = json.loads("[]" if text is None else text)
        if not isinstance(items, list):
            raise TypeError("no list")
        return tuple(_past_from_dict(item) for item in items)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("past marks in the snapshot", str(error)) from error


def _past_from_dict(item: Mapping[str, str]) -> PastMark:
    times = {name: datetime.fromisoformat(item[name]) for name in ("since", "until")}
    is_fine = all(isinstance(item[name], str) for name in ("name", "raw", "url"))
    if not is_fine or any(time.tzinfo is None for time in times.values()):
        raise ValueError("invalid values")
    return PastMark(**{**item, **times})  # type: ignore[arg-type]


_DEFAULTS = {field.name: field.default for field in fields(Signal)}


def shape(signals: Sequence[Signal], placed: Collection[str] = ()) -> tuple[Any, ...]:
    """Return the parts of a set of signals by which policies can distinguish it.

    These are all fields except text, place and licence. Places are replaced by numbers:
    only which signals share a place (robots.txt groups are judged by file), or refer to
    another's, matters. Marks of the vocabularies `placed` keep their host: together with
    another set, a licence may make the refusals of its own site conditional.
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
    fields = {name: value for name, value in asdict(signal).items() if value != _DEFAULTS[name]}
    if "rule" in fields and fields["rule"]["host"] is None:
        del fields["rule"]["host"]
    return fields


def _signal_from_dict(item: Mapping[str, Any]) -> Signal:
    values = dict(item)
    values["uses"] = tuple((use, meaning) for use, meaning in values.get("uses", ()))
    values["agents"] = tuple(values.get("agents", ()))
    if "rule" in values:
        values["rule"] = PathRule(**values["rule"])
    return Signal(**values)


def _checked(signal: Signal) -> Signal:
    """Return the signal; raise ValueError if its values are invalid."""
    texts = (signal.name, signal.vocabulary, signal.carrier, signal.raw, signal.url)
    fine = (
        all(isinstance(text, str) for text in (*texts, signal.licence_url or "", *signal.agents))
        and signal.scope in get_args(Scope)
        and signal.conformance in get_args(Conformance)
        and all(use in USES and meaning in get_args(Meaning) for use, meaning in signal.uses)
        and (signal.rule is None or _is_rule(signal.rule))
    )
    if not fine:
        raise ValueError("invalid values")
    return signal


def _is_rule(rule: PathRule) -> bool:
    texts = isinstance(rule.pattern, str) and isinstance(rule.host or "", str)
    return texts and isinstance(rule.order, int) and rule.precedence in get_args(Precedence)
