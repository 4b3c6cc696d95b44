"""Samples of WebDataset pipelines in columns (pure): those that the check of their tar file has.

A sample is a dictionary of the contents of its files, by ending; names that begin with two
underscores say where it is from. Contents may be decoded already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from registry.datasets.tar.columns import batch_of, layout_of
from registry.datasets.tar.samples import HEAD, Sample, kind_of, kind_of_start, shown
from registry.datasets.text.line_blocks import LONGEST_ROW, TOO_LONG
from registry.guarding.values import plain_value

KEY = "__key__"


class SampleShape:
    """The columns of samples."""

    label: str | None = KEY

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the columns of the first samples."""
        self._layout = layout_of([sample_of(row) for row in rows], KEY)
        self.schema = self._layout.schema

    def batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        """Return samples as a batch, with hidden columns where needed."""
        return batch_of([sample_of(row) for row in rows], self._layout, self.schema.names)


def is_sample(row: Mapping[str, Any]) -> bool:
    """Return whether a row is a sample of a WebDataset pipeline."""
    return isinstance(row.get(KEY), str)


def sample_of(row: Mapping[str, Any]) -> Sample:
    """Return a dictionary as a sample."""
    sample = Sample(str(row.get(KEY)))
    for name, value in row.items():
        ending = str(name).lower()
        if ending.startswith("__") or value is None:
            continue
        if isinstance(value, bytes):
            _add(sample, ending, value)
        else:
            _add_decoded(sample, ending, value)
    return sample


def _add(sample: Sample, ending: str, content: bytes) -> None:
    kind = kind_of(ending)
    if kind == "unknown":
        kind = kind_of_start(ending, content[:HEAD])
    if kind in ("text", "json") and len(content) > LONGEST_ROW:
        sample.note(TOO_LONG)
        kind = "closed"
    sample.add(ending, kind, content)


def _add_decoded(sample: Sample, ending: str, value: Any) -> None:
    """Add a value that a pipeline decoded: a picture, an object, a text or an array."""
    notes: list[str] = []
    plain = plain_value(value, notes)
    for why in notes:
        sample.note(f"{shown(ending)}: {why}")
    if isinstance(plain, bytes):
        sample.add(ending, "picture", plain)
    elif isinstance(plain, dict | list):
        if kind_of(ending) == "json":
            sample.add(ending, "json", json.dumps(plain, default=str).encode())
        else:
            sample.add(ending, "text", json.dumps(plain, default=str).encode())
    elif plain is not None:
        sample.add(ending, "text", str(plain).encode("utf-8", "replace"))
