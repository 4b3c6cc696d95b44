"""The manifest of a snapshot (pure), protected by a digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from registry.errors import UnreadableSnapshot
from registry.snapshot.format import DIGESTS_FILE, FORMAT, KINDS, damaged
from registry.urls.key import KEY_VERSION

# The field with the digest of all other fields.
SEAL = "manifest_sha256"
_NAMES = re.compile(
    r"segments/[a-z-]+-[0-9]{8,}-[0-9a-f]+\.arrow|index/[a-z0-9-]+\.(?:u32|u64|i64)"
)


class OtherFormat(UnreadableSnapshot):
    """A snapshot of an earlier or later format."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot as its manifest lists it: bytes, rows, lower-case hex digest.

    Rows of an array are its elements; the digest is that of `registry.snapshot.chunks`.
    """

    size: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows of one group with ids in one range: its files by kind (without those without rows).

    `inputs` is a digest of all that they were built from, and of the code that built them.
    """

    group: str
    number: int
    inputs: str
    files: Mapping[str, str]


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
    segments: Sequence[Segment]
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
    content: dict[str, Any] = {**asdict(manifest), "digest": manifest.digest}
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
    if not _lists_files(manifest):
        raise damaged(where, "it does not list the files of a snapshot")
    if content.get("digest") != manifest.digest:
        raise damaged(where, "its digest is not that of its files")
    if seal != _seal(content):
        raise damaged(where, f"its content does not match its {SEAL}")
    return manifest


def _refuse_other_format(version: object, where: str) -> None:
    if not isinstance(version, int) or version == FORMAT:
        return
    age = "newer" if version > FORMAT else "older"
    message = f"{where}: snapshot format {version} is {age} than this version reads ({FORMAT})"
    if version > FORMAT:
        raise OtherFormat(message, "install a newer optout-registry")
    raise OtherFormat(message, "run `registry snapshot build`, or get a newer snapshot")


def _manifest(content: Mapping[str, Any]) -> Manifest:
    version = content["format"]
    if version != FORMAT:
        raise ValueError("no format")
    return Manifest(
        serial=int(content["serial"]),
        built_at=str(content["built_at"]),
        version=str(content["version"]),
        counts=dict(content["counts"]),
        algorithms=dict(content["algorithms"]),
        readers=list(content["readers"]),
        database=dict(content["database"]),
        segments=[_segment(item) for item in content["segments"]],
        files={name: FileEntry(**entry) for name, entry in content["files"].items()},
        url_keys=int(content["url_keys"]),
        format=version,
    )


def _segment(item: Mapping[str, Any]) -> Segment:
    files = {str(kind): str(name) for kind, name in item["files"].items()}
    return Segment(str(item["group"]), int(item["number"]), str(item["inputs"]), files)


def _lists_files(manifest: Manifest) -> bool:
    """Return whether the files have names of a snapshot, each one of a segment or of the index."""
    held = [(kind, name) for segment in manifest.segments for kind, name in segment.files.items()]
    names = [name for _, name in held]
    others = set(manifest.files) - set(names) - {DIGESTS_FILE}
    return (
        all(kind in KINDS and name.startswith(f"segments/{kind}-") for kind, name in held)
        and len(set(names)) == len(names)
        and set(names) <= set(manifest.files)
        and all(name.startswith("index/") for name in others)
        and all(_NAMES.fullmatch(name) for name in manifest.files if name != DIGESTS_FILE)
        and all(
            type(value) is int and value >= 0
            for entry in manifest.files.values()
            for value in (entry.size, entry.rows)
        )
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
