"""Lookups of one picture, URL, fingerprint or digest in a snapshot."""

from registry.lookups.answer import Answer, EntryMatch, Kind
from registry.lookups.search import WIDE_RADIUS, lookup
from registry.lookups.targets import kind_of

__all__ = ["WIDE_RADIUS", "Answer", "EntryMatch", "Kind", "kind_of", "lookup"]
