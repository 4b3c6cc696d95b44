"""The manifest of a snapshot (pure), protected by a digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from registry.errors import UnreadableSnapshot
from registry.snapshot.format import DIGESTS_FILE, FORMAT, INDEX_FILE, KINDS, damaged
from registry.urls.key import KEY_VERSION

# The field with the digest of all other fields.
SEAL = "manifest_sha256"
_SEGMENT = re.compile(r"segments/[a-z-]+-[0-9]{8,}-[0-9a-f]+\.arrow")
# More bytes or rows than any file has.
_MOST = 1 << 48
_ARRAY = re.compile(r"[a-z0-9-]+\.(?:u32|u64|i64)")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a snapshot as its manifest lists it: bytes, rows, lower-case hex digest.

    The digest is that of `registry.snapshot.chunks`.
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

    `built_at` is ISO 8601 in UTC; `url_keys` is the version of its URL keys and hosts. `arrays`
    has by name the first byte and the bytes of each array in the index.
    """

    serial: int
    built_at: str
    version: str
    counts: Mapping[str, int]
    algorithms: Mapping[str, str]
    readers: Sequence[str]
    database: Mapping[str, int | str]
    segments: Sequence[Segment]
    arrays: Mapping[str, tuple[int, int]]
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
    if type(version) is not int or version == FORMAT:
        return
    age = "newer" if version > FORMAT else "older"
    message = f"{where}: snapshot format {version} is {age} than this version reads ({FORMAT})"
    if version > FORMAT:
        raise UnreadableSnapshot(message, "install a newer optout-registry")
    raise UnreadableSnapshot(message, "run `registry snapshot build`, or get a newer snapshot")


def _manifest(content: Mapping[str, Any]) -> Manifest:
    version = content["format"]
    if type(version) is not int or version != FORMAT:
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
        arrays={name: _place(value) for name, value in content["arrays"].items()},
        files={name: FileEntry(**entry) for name, entry in content["files"].items()},
        url_keys=int(content["url_keys"]),
        format=version,
    )


def _segment(item: Mapping[str, Any]) -> Segment:
    files = {str(kind): str(name) for kind, name in item["files"].items()}
    return Segment(str(item["group"]), int(item["number"]), str(item["inputs"]), files)


def _place(value: Any) -> tuple[int, int]:
    start, size = map(int, value)
    return start, size


def _lists_files(manifest: Manifest) -> bool:
    """Return whether the files are those of a snapshot, and the arrays within the index."""
    held = [(kind, name) for segment in manifest.segments for kind, name in segment.files.items()]
    names = [name for _, name in held]
    numbers = [n for e in manifest.files.values() for n in (e.size, e.rows)]
    if any(type(number) is not int or not 0 <= number < _MOST for number in numbers):
        return False
    index = manifest.files.get(INDEX_FILE, FileEntry(0, 0, ""))
    return (
        set(manifest.files) == {DIGESTS_FILE, INDEX_FILE, *names}
        and len(set(names)) == len(names)
        and all(kind in KINDS and name.startswith(f"segments/{kind}-") for kind, name in held)
        and all(map(_SEGMENT.fullmatch, names))
        and all(map(_ARRAY.fullmatch, manifest.arrays))
        and all(
            0 <= start <= start + size <= index.size for start, size in manifest.arrays.values()
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
