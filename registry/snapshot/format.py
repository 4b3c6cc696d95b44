"""Snapshot format 4: what the files hold, and their values as texts. Pure.

A snapshot is a folder:

- `manifest.json`: format, serial, time, counts, versions of algorithms, readers and URL keys, the
  position of the database it was built from, the segments with what they were built from, and for
  every other file its size, rows and digest (`registry.snapshot.manifest`);
- `digests`: the sha256 of every chunk of those files (`registry.snapshot.chunks`);
- `segments/KIND-NUMBER-DIGEST.arrow`: the rows of one kind with ids in one range
  (`registry.snapshot.source`), one Arrow record batch, uncompressed. A snapshot shares those
  that did not change with the one before;
- `index`: the tables by which rows are found, arrays of little-endian numbers one after the other
  (`registry.snapshot.lookup_tables`); the manifest has the place of each.

Signals are stored, verdicts are not: a check decides under its policy. docs/snapshot.md describes
every column.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache, lru_cache
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

FORMAT = 4
MANIFEST = "manifest.json"
DIGESTS_FILE = "digests"
INDEX_FILE = "index"

# Column types by their pyarrow names; `time` is microseconds in UTC, `text` a string that few
# values occur in. A column whose name ends with `?` may have nulls.
_HASHES = {
    "sha256?": f"binary {HASH_BYTES['sha256']}",
    "md5?": f"binary {HASH_BYTES['md5']}",
    "phash64?": "uint64",
    "phash256?": f"binary {HASH_BYTES['phash256']}",
    "width?": "int32",
    "height?": "int32",
}
_RECORDS = {"id": "int64", "digest": f"binary {HASH_BYTES['sha256']}"}
KINDS = {
    "pictures": {"id": "int64", **_HASHES},
    "views": {
        "picture": "int64",
        "view": "text",
        "phash64": "uint64",
        "phash256": f"binary {HASH_BYTES['phash256']}",
    },
    "observations": {
        "id": "int64",
        "url": "string",
        "page_url?": "string",
        "fetched_url?": "string",
        "relation": "text",
        "gone": "bool",
        "picture?": "int64",
        "signals": "text",
        "rules?": "text",
        "since": "time",
        "seen": "time",
        "past?": "string",
    },
    "observation-records": _RECORDS,
    "site-files": {
        "id": "int64",
        "host": "string",
        "kind": "text",
        "signals": "string",
        "since": "time",
        "seen": "time",
    },
    "site-file-records": _RECORDS,
    "site-hosts": {"host": "string", "read": "string"},
    "claims": {
        "id": "int64",
        "source": "text",
        "url?": "string",
        "page_url?": "string",
        **_HASHES,
        "signals": "text",
        "since": "time",
    },
    "site-claims": {
        "id": "int64",
        "host": "string",
        "path_pattern?": "text",
        "source": "text",
        "signals": "text",
        "refuses": "bool",
        "whole": "bool",
        "since": "time",
    },
}


@cache
def schema_of(kind: str) -> pa.Schema:
    """Return the Arrow schema of a kind of segment."""
    import pyarrow as pa

    types = {
        "binary 16": pa.binary(16),
        "binary 32": pa.binary(32),
        "bool": pa.bool_(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "uint64": pa.uint64(),
        "string": pa.string(),
        "text": pa.dictionary(pa.int32(), pa.string()),
        "time": pa.timestamp("us", "UTC"),
    }
    return pa.schema(
        pa.field(name.removesuffix("?"), types[values], nullable=name.endswith("?"))
        for name, values in KINDS[kind].items()
    )


# Fields with a URL of the signal's own row, which stand for it in a set that rows share.
Places = Mapping[str, str]
# The name of a claimed site with its pattern, which no field holds.
PLACE = "place"


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


def set_to_json(signals: Sequence[Signal], places: Places, kind: str = "") -> str:
    """Return canonical JSON of a set of signals and its shape, if it is given (`shape_digest`).

    `places` names the URLs of the row that the set is of: a signal there has the name (`at`) in
    the place of its `url`, so that rows share their sets.
    """
    items = [_signal_to_dict(signal) for signal in signals]
    for item in items:
        if item.get("url") in places:
            item["at"] = places[item.pop("url")]
    return json.dumps({"shape": kind, "signals": items}, sort_keys=True)


def set_from_json(text: str, urls: Mapping[str, str | None]) -> tuple[Signal, ...]:
    """Read the signals that `set_to_json` wrote, given the URLs of their row by name."""
    try:
        return tuple(
            replace(signal, url=urls[at] or "") if at else signal
            for at, signal in _signals_at(text)
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("a set of signals in the snapshot", str(error)) from error


@lru_cache(4096)
def _signals_at(text: str) -> tuple[tuple[str | None, Signal], ...]:
    """Return each signal of a set with the name of the URL that it has in its row, or None."""
    items = json.loads(text)["signals"]
    if not isinstance(items, list):
        raise TypeError("no list")
    places = [item.pop("at", None) for item in items]
    return tuple(
        (at, _checked(_signal_from_dict(item))) for at, item in zip(places, items, strict=True)
    )


def shape_of_json(text: str) -> str:
    """Return the shape of a set that `set_to_json` wrote."""
    try:
        return str(json.loads(text)["shape"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise damaged("a set of signals in the snapshot", str(error)) from error


def shape_digest(signals: Sequence[Signal], placed: Collection[str] = ()) -> str:
    """Return 32 hex digits, the same for sets of one shape (see `shape`)."""
    text = signals_to_json(shape(signals, placed))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def damaged(where: str, why: str) -> UnreadableSnapshot:
    """Return the UnreadableSnapshot for a file that no build writes."""
    return UnreadableSnapshot(
        f"{where} is damaged: {why}", "build the snapshot again, or copy it again from its source"
    )


def unopened(where: str, error: OSError) -> UnreadableSnapshot:
    """Return the UnreadableSnapshot for a file of a snapshot that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return damaged(where, "it is missing")
    return UnreadableSnapshot(
        f"{where} cannot be read: {error.strerror}", "let this user read the snapshot's files"
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


def shape(signals: Sequence[Signal], placed: Collection[str] = ()) -> tuple[Signal, ...]:
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
