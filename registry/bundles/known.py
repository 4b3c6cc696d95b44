"""The digests of records in a snapshot, for the comparison with a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from registry.bundles.verification import KnownRecords
from registry.snapshot.store import open_records, read_manifest


def known_records(folder: Path, names: Iterable[str]) -> KnownRecords:
    """Return what a snapshot knows of these records; UnreadableSnapshot if it cannot be used."""
    import pyarrow as pa
    import pyarrow.compute as pc

    manifest = read_manifest(folder)
    table = open_records(folder, manifest)
    wanted = pa.array(sorted(set(names)), pa.string())
    found = table.filter(pc.is_in(table["record"], value_set=wanted))
    digests = zip(found["record"].to_pylist(), found["digest"].to_pylist(), strict=True)
    registry = str(manifest.database.get("registry", ""))
    return KnownRecords(registry, manifest.serial, manifest.built_at, dict(digests))
