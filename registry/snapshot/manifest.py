"""The manifest of a snapshot (pure), protected by a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from registry.errors import UnreadableSnapshot
from registry.snapshot.format import FILES_OF, FORMAT, damaged
from registry.urls.key import KEY_VERSION

# The field with the digest of all other fields.
SEAL = "manifest_sha256"


class OtherFormat(UnreadableSnapshot):
    """A snapshot of an earlier or later format."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot as its manifest lists it: bytes, rows, lower-case hex digest."""

    size: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a snapshot.

    `built_at` is ISO 8601 in UTC; `url_keys` is the version of its URL keys and hosts.
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
    format: int = FORMAT

    @property
    def withdrawn_claims(self) -> int:
        """Number of withdrawn claims when it was built, which it leaves out."""
        ever, ended = (self.database.get(n, 0) for n in ("withdrawals", "withdrawals_ended"))
        return ever - ended if isinstance(ever, int) and isinstance(ended, int) else 0

    @property
    def digest(self) -> str:
        """Digest of the content: of the files' digests, without serial and time."""
        lines = [f"{entry.sha256}  {name}\n" for name, entry in sorted(self.files.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def manifest_to_json(manifest: Manifest) -> str:
    """Return the text of `manifest.json`."""
    content = {**asdict(manifest), "digest": manifest.digest}
    return json.dumps({**content, SEAL: _seal(content)}, indent=2, sort_keys=True) + "\n"


def _seal(content: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's fields, as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def manifest_from_json(text: str, where: str) -> Manifest:
    """Read `manifest.json`; raise UnreadableSnapshot, naming `where`, if it cannot be used."""
    try:
        content = json.loads(text)
        seal = content.pop(SEAL, None)
        _refuse_other_format(content["format"], where)
        manifest = _manifest(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(where, "it is not a snapshot manifest") from error
    if set(manifest.files) != set(FILES_OF[manifest.format]):
        raise damaged(where, "it does not list the files of a snapshot")
    if content.get("digest") != manifest.digest:
        raise damaged(where, "its digest is not that of its files")
    if seal != _seal(content):
        raise damaged(where, f"its content does not match its {SEAL}")
    return manifest


def _refuse_other_format(version: object, where: str) -> None:
    if not isinstance(version, int) or version in FILES_OF:
        return
    age = "newer" if version > FORMAT else "older"
    ours = ", ".join(map(str, FILES_OF))
    message = f"{where}: snapshot format {version} is {age} than this version reads ({ours})"
    if version > FORMAT:
        raise OtherFormat(message, "install a newer optout-registry")
    raise OtherFormat(message, "run `registry snapshot build`, or get a newer snapshot")


def _manifest(content: Mapping[str, Any]) -> Manifest:
    version = content["format"]
    if version not in FILES_OF:
        raise ValueError("no format")
    return Manifest(
        serial=int(content["serial"]),
        built_at=str(content["built_at"]),
        version=str(content["version"]),
        counts=dict(content["counts"]),
        algorithms=dict(content["algorithms"]),
        readers=list(content["readers"]),
        database=dict(content["database"]),
        files={name: FileEntry(**entry) for name, entry in content["files"].items()},
        url_keys=int(content["url_keys"]),
        format=version,
    )


def refuse_other_keys(manifest: Manifest, where: str) -> None:
    """Raise UnreadableSnapshot, naming `where`, if its URL keys have another version.

    They cannot be converted: they also decided which rules of a site apply to an image.
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
        message, "run `registry snapshot build`, or get a newer snapshot from its source"
    )
