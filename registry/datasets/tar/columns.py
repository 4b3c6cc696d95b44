"""Columns of samples (pure): their pictures as bytes, their texts, the members of their JSON.

The columns are those of the first samples. What a later sample has beside them is kept as JSON text
in a hidden column, as in files of JSON lines; so are lists and objects within JSON. A picture with
another ending than those of the first samples takes the place of one that its sample lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from registry.datasets.hidden import HIDDEN, MORE, RAW, UNREAD
from registry.datasets.json.rows import NO_OBJECT, Row, in_columns, inferred, one_by_one, parsed
from registry.datasets.tar.samples import Sample

# Columns of one kind; what there is beyond them is in the hidden column.
_MOST_COLUMNS = 2000
# A schema must have a field.
_NOTHING = pa.field("\0", pa.string())
_NOT_TEXT = "not UTF-8"
_ONE_MORE = "a picture more than the first samples have"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of samples: `label` holds the keys, then come pictures, texts and `objects`.

    `objects` has, by ending, the columns of the members of its JSON objects, by their names there.
    If a name is taken by another column, the ending comes before it: `json.txt`. `members` are
    the names of all members there. `beside` are columns of a table beside the samples.
    """

    label: str
    pictures: tuple[str, ...]
    texts: tuple[str, ...]
    objects: Mapping[str, Mapping[str, pa.Field]]
    members: frozenset[str] = frozenset()
    beside: tuple[pa.Field, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        fields = [
            pa.field(self.label, pa.string()),
            *(pa.field(name, pa.binary()) for name in self.pictures),
            *(pa.field(name, pa.string()) for name in self.texts),
        ]
        members = (one.values() for one in self.objects.values())
        return pa.schema([*fields, *(column for one in members for column in one), *self.beside])

    def with_beside(self, schema: pa.Schema) -> Layout:
        """Return the columns with those of a table that the samples lack."""
        own = {*self.schema.names, *self.members, *HIDDEN}
        more = [column for column in schema if column.name not in own]
        return replace(self, beside=tuple(column.with_nullable(True) for column in more))

    @property
    def joined(self) -> pa.Schema:
        """The columns that a table beside the samples may have."""
        members = (
            column
            for one in self.objects.values()
            for name, column in one.items()
            if name == column.name
        )
        return pa.schema([*members, *self.beside])


def layout_of(samples: Sequence[Sample], label: str) -> Layout:
    """Return the columns of the first samples."""
    pictures = _endings(label, (sample.pictures for sample in samples))
    texts = _endings(label, (sample.texts for sample in samples))
    taken = {label, *pictures, *texts}
    objects: dict[str, dict[str, pa.Field]] = {}
    names: set[str] = set()
    for ending in _endings("", (sample.objects for sample in samples)):
        blobs = [_line(one.objects[ending]) for one in samples if ending in one.objects]
        members: dict[str, pa.Field] = {}
        fields = list(inferred(b"\n".join(blobs), parsed(blobs)))
        names.update(member.name for member in fields)
        for member in fields[:_MOST_COLUMNS]:
            name = member.name if member.name not in taken else f"{ending}.{member.name}"
            if name not in taken and name not in HIDDEN and not pa.types.is_nested(member.type):
                members[member.name] = member.with_name(name)
                taken.add(name)
        objects[ending] = members
    return Layout(label, pictures, texts, objects, frozenset(names))


def _endings(label: str, found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    names = dict.fromkeys(ending for one in found for ending in one)
    return tuple(name for name in names if name != label and name not in HIDDEN)[:_MOST_COLUMNS]


def _line(blob: bytes) -> bytes:
    """Return a JSON text as a line: a line end in it is space, since no string can hold one."""
    return blob.replace(b"\n", b" ").replace(b"\r", b" ")


@dataclass(slots=True)
class _Rest:
    """What has no column: values by row, and reasons why rows could not be read whole."""

    more: dict[int, Row] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)

    def add(self, row: int, name: str, value: Any) -> None:
        self.more.setdefault(row, {})[name] = value

    def note(self, row: int, why: str) -> None:
        self.unread.setdefault(row, why)


def batch_of(samples: Sequence[Sample], layout: Layout, names: Sequence[str]) -> pa.RecordBatch:
    """Return samples as rows: the columns `names`, also RAW, and hidden ones where needed."""
    rest = _Rest()
    columns = {layout.label: pa.array([sample.key for sample in samples], pa.string())}
    for row, sample in enumerate(samples):
        if sample.unread:
            rest.note(row, sample.unread)
    columns |= _pictures(samples, layout, rest)
    columns |= _texts(samples, layout, rest)
    for ending in dict.fromkeys(ending for sample in samples for ending in sample.objects):
        if ending in layout.objects:
            columns |= _members(samples, ending, layout.objects[ending], rest)
        else:
            for row, sample in enumerate(samples):
                if ending in sample.objects:
                    _add_whole(row, ending, sample.objects[ending], rest)
    if RAW in names:
        columns[RAW] = pa.array([b"".join(one.raw) for one in samples], pa.large_binary())
    return _with_rest(columns, layout.schema, names, len(samples), rest)


def _with_rest(
    columns: Mapping[str, pa.Array], schema: pa.Schema, names: Sequence[str], rows: int, rest: _Rest
) -> pa.RecordBatch:
    taken = {
        name: columns[name] if name in columns else pa.nulls(rows, schema.field(name).type)
        for name in names
        if name in columns or name in schema.names
    }
    if rest.more:
        texts = [_as_text(rest.more.get(row)) for row in range(rows)]
        taken[MORE] = pa.array(texts, pa.large_string())
    if rest.unread:
        taken[UNREAD] = pa.array([rest.unread.get(row) for row in range(rows)], pa.string())
    return pa.RecordBatch.from_arrays([*taken.values()], [*taken])


def _as_text(values: Row | None) -> str | None:
    if values is None:
        return None
    text = json.dumps(values, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode()


def _pictures(samples: Sequence[Sample], layout: Layout, rest: _Rest) -> dict[str, pa.Array]:
    columns: dict[str, list[bytes | None]] = {
        name: [sample.pictures.get(name) for sample in samples] for name in layout.pictures
    }
    own = frozenset(layout.pictures)
    for row, sample in enumerate(samples):
        if sample.pictures.keys() <= own:
            continue
        free = [name for name in layout.pictures if name not in sample.pictures]
        for ending, content in sample.pictures.items():
            if ending not in own and free:
                columns[free.pop(0)][row] = content
            elif ending not in own:
                rest.note(row, _ONE_MORE)
    return {name: pa.array(values, pa.binary()) for name, values in columns.items()}


def _texts(samples: Sequence[Sample], layout: Layout, rest: _Rest) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    for name in layout.texts:
        values = [sample.texts.get(name) for sample in samples]
        try:
            columns[name] = pa.array(values, pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            decoded = [_decoded(row, value, rest) for row, value in enumerate(values)]
            columns[name] = pa.array(decoded, pa.string())
    own = frozenset(layout.texts)
    for row, sample in enumerate(samples):
        for ending in sample.texts.keys() - own:
            rest.add(row, ending, _decoded(row, sample.texts[ending], rest))
    return columns


def _decoded(row: int, value: bytes | None, rest: _Rest) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        rest.note(row, _NOT_TEXT)
        return value.decode("utf-8", "replace")


def _members(
    samples: Sequence[Sample], ending: str, members: Mapping[str, pa.Field], rest: _Rest
) -> dict[str, pa.Array]:
    """Return the columns of the JSON objects with one ending."""
    rows = [row for row, sample in enumerate(samples) if ending in sample.objects]
    blobs = [_line(samples[row].objects[ending]) for row in rows]
    schema = pa.schema([member.with_name(name) for name, member in members.items()] or [_NOTHING])
    whole = all(map(bytes.strip, blobs))
    batch = in_columns(b"\n".join(blobs), schema, len(blobs)) if whole else None
    batch = batch or one_by_one(_objects(rows, blobs, ending, rest), schema)
    if MORE in batch.schema.names:
        for row, text in zip(rows, batch.column(MORE).to_pylist(), strict=True):
            if text:
                rest.more[row] = {**rest.more.get(row, {}), **json.loads(text)}
    if len(rows) < len(samples):
        places = np.full(len(samples), -1)
        places[rows] = np.arange(len(rows))
        batch = batch.take(pa.array(places, mask=places < 0))
    return {member.name: batch.column(name) for name, member in members.items()}


def _objects(
    rows: Sequence[int], blobs: Sequence[bytes], ending: str, rest: _Rest
) -> list[Row | str]:
    """Return JSON texts as objects; what is none is noted or kept as a value."""
    objects: list[Row | str] = []
    for row, blob, one in zip(rows, blobs, parsed(blobs), strict=True):
        if isinstance(one, str):
            _add_whole(row, ending, blob, rest)
        objects.append({} if isinstance(one, str) else one)
    return objects


def _add_whole(row: int, ending: str, blob: bytes, rest: _Rest) -> None:
    """Keep a JSON value as it is; what is not JSON is searched as a text."""
    (one,) = parsed([_line(blob)])
    if one == NO_OBJECT:
        rest.add(row, ending, json.loads(blob))
    elif isinstance(one, str):
        rest.note(row, f"{ending}: {one}")
        rest.add(row, ending, blob.decode("utf-8", "replace"))
    else:
        rest.add(row, ending, one)
