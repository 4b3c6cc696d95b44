"""Named queries: `load("visits")` reads `visits.sql` in this folder.

A file is a series of queries, each under a line `-- name: start_visit`; further
comment lines may follow. Parameters are psycopg's, `%(name)s`. The text is
typed `LiteralString`, so that a type checker refuses a query built from values. A test
prepares every query and finds names that are not used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load(file: str) -> Mapping[str, LiteralString]:
    """Return the queries of `FILE.sql` by name; raise ValueError for a name given twice."""
    text = files(__name__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    # re.split with one group gives: preamble, name, query, name, query, ...
    _, *parts = _NAME.split(text)
    names, queries = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        raise ValueError(f"{file}.sql gives a name twice: {sorted(names)}")
    return MappingProxyType(
        {
            name: cast(LiteralString, query.strip())
            for name, query in zip(names, queries, strict=True)
        }
    )
