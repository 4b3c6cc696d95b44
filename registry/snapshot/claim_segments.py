"""The claims of a segment, as a snapshot has them: about pictures and about sites. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.db.rows import ClaimRow
from registry.model import DIGESTS
from registry.signals import vocabularies_with
from registry.snapshot.format import PLACE, schema_of, set_to_json, shape_digest
from registry.snapshot.rows import claim_signals, recorded_host, site_claim_signals
from registry.verdict.site_rules import claim_covers

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What the signals of a claim are made of, besides its place.
_WORDS = ("source", "meaning", "use", "signal", "evidence", "licence_url", "file_name", "claimant")


def claim_tables(claims: pa.Table) -> dict[str, pa.Table]:
    """Return the tables `claims` and `site-claims` of some claims (see `Source.claims`)."""
    columns = {name: claims[name].combine_chunks() for name in claims.schema.names}
    hashed = np.any([_mask(columns[n].is_valid()) for n in (*DIGESTS, "phash64")], axis=0)
    known = _filled(columns["url"]) | hashed
    # With a URL or a hash, a site without a pattern is only the origin of the picture.
    about_site = _filled(columns["site"]) & (_filled(columns["path_pattern"]) | ~known)
    return {
        "claims": _about_pictures(claims.filter(pa.array(known))),
        "site-claims": _about_sites(claims.filter(pa.array(about_site))),
    }


def _about_pictures(claims: pa.Table) -> pa.Table:
    page = _filled(claims["page_url"].combine_chunks())
    url = _filled(claims["url"].combine_chunks())
    # The place of a claim's signal: its page, its URL, or none.
    place = np.where(page, "page_url", np.where(url, "url", ""))
    licence = claims["licence_url"].combine_chunks()
    text = pc.if_else(pa.array(page), claims["page_url"].combine_chunks(), claims["url"])
    at_licence = _mask(pc.equal(licence, text.combine_chunks()))
    first, group = _groups([*(claims[name] for name in _WORDS), place, at_licence])
    rows = claims.take(pa.array(first)).to_pylist()
    sets = [_set(_row(row), str(where)) for row, where in zip(rows, place[first], strict=True)]
    signals = pa.DictionaryArray.from_arrays(
        pa.array(group, pa.int32()), pa.array(sets, pa.string())
    )
    table = claims.append_column("signals", signals)
    return table.select(schema_of("claims").names)


def _set(claim: ClaimRow, place: str) -> str:
    signals = claim_signals(claim)
    places = {signals[0].url: place} if place else {}
    kind = shape_digest(signals, vocabularies_with("LICENSABLE"))
    return set_to_json(signals, places, kind)


def _about_sites(claims: pa.Table) -> pa.Table:
    hosts = [recorded_host(site) for site in claims["site"].to_pylist()]
    first, group = _groups([*(claims[name] for name in _WORDS), claims["path_pattern"]])
    sets, covers = [], []
    for row in claims.take(pa.array(first)).to_pylist():
        signals = site_claim_signals(_row(row), hosts[0])
        sets.append(set_to_json(signals, {signals[0].url: PLACE}))
        covers.append(claim_covers(signals))
    marks = pa.array(group, pa.int32())
    refuses, whole = np.array(covers, bool).reshape(-1, 2)[group].T
    table = claims.append_column(
        "signals", pa.DictionaryArray.from_arrays(marks, pa.array(sets, pa.string()))
    )
    for name, values in (("host", hosts), ("refuses", refuses), ("whole", whole)):
        table = table.append_column(name, pa.array(values, pa.string() if name == "host" else None))
    return table.select(schema_of("site-claims").names)


def _row(row: dict[str, Any]) -> ClaimRow:
    near, since = row["phash64"], row["since"]
    assert isinstance(since, datetime)
    return ClaimRow(
        **{**row, "phash64": None if near is None else int(near).to_bytes(8)}, image_id=None
    )


def _groups(columns: list[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each group of rows with equal values, and the group of each row.

    Groups are in the order of their first rows.
    """
    whole = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else pa.array(column)
        codes = flat.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        whole = whole * (len(codes) + 1) + codes + 1
        _, whole = np.unique(whole, return_inverse=True)
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[group]


def _filled(texts: pa.Array) -> NDArray[np.bool_]:
    """Return which texts are neither null nor empty."""
    return _mask(pc.greater(pc.binary_length(texts), 0))


def _mask(column: pa.Array) -> NDArray[np.bool_]:
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    mask: NDArray[np.bool_] = flat.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask
