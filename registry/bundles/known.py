"""The digests of records in a snapshot, for the comparison with a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from registry.bundles.verification import KnownRecords
from registry.snapshot.opened import open_snapshot


def known_records(folder: Path, names: Iterable[str]) -> KnownRecords:
    """Return what a snapshot knows of these records; UnreadableSnapshot if it cannot be used."""
    snapshot = open_snapshot(folder, any_keys=True)
    wanted, digests = set(names), dict[str, bytes]()
    for what, kind in (("observation", "observation-records"), ("site-rule", "site-file-records")):
        rows = snapshot.rows(kind)
        ids = rows.column("id").to_numpy()
        asked = [int(name.partition(":")[2]) for name in wanted if name.startswith(f"{what}:")]
        places = np.flatnonzero(np.isin(ids, np.array(asked, np.int64)))
        found = rows.take("digest", places).to_pylist()
        named = [f"{what}:{number}" for number in ids[places].tolist()]
        digests |= dict(zip(named, found, strict=True))
    manifest = snapshot.manifest
    registry = str(manifest.database.get("registry", ""))
    return KnownRecords(registry, manifest.serial, manifest.built_at, digests)
