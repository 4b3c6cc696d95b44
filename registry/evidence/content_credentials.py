"""Content Credentials (C2PA) of a picture's bytes, read and verified without a network.

Verifying takes a native library of 50 MB, the extra `c2pa`. It is loaded only
for a file that holds a manifest store. It is told to fetch nothing: no manifest
that stands elsewhere, no state of a certificate, no issuer of an identity.
What a manifest says is `registry.signals.training_mining`'s to read.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from registry.model import Evidence
from registry.text import quote

MAX_TEXT = 64 * 1024
# Of the report on a manifest store; c2pa-rs bounds the store itself.
MAX_REPORT = 16 * 1024 * 1024
MAX_MANIFESTS = 100
MAX_INGREDIENTS = 50
MAX_WORDS = 300
MAX_BLOCKS = 1000
MAX_STEPS = 200_000

# The description box that opens every store: its type is the UUID of C2PA (C2PA
# 2.3, 11.1.4). It is never split: the smallest piece of any carrier, a
# sub-block of GIF, holds 255 bytes and a store begins with these.
STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
# Where XMP names a manifest that is not in the file.
_LINK = b"dcterms:provenance"
_LINKED = re.compile(
    rb"dcterms:provenance\s*(?:=\s*[\"']|(?:\s+rdf:resource\s*=\s*[\"']|>))([^\"'<>]+)"
)
_GIF_XMP = b"XMP DataXMP"
# An entry that refuses, as CBOR (keys and texts behind their lengths) or JSON writes it.
_REFUSAL = re.compile(
    rb"((?:cawg|c2pa)\.(?:ai_training|ai_generative_training|data_mining|ai_inference))"
    rb"[\xa1-\xb7\xbf\s\":{]{1,8}c?\"?use[\s\":]{0,4}j?\"?notAllowed"
)
_MARK = re.compile(r"[^.]{1,100}\.training-mining(?:__[0-9]+)?")
# Pictures alone: the library also opens PDF, ZIP and films.
_FORMATS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "image/tiff"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL), "image/heif"),
    (re.compile(rb"\x00\x00\x00\x0cJXL \r\n\x87\n"), "image/jxl"),
)
_OFFLINE: dict[str, dict[str, Any]] = {
    "core": {"allowed_network_hosts": [], "decode_identity_assertions": False},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}

Found = tuple[tuple[Evidence, ...], tuple[str, ...]]


def read(data: bytes, url: str = "") -> Found:
    """Return the evidence in a picture's Content Credentials, and what could not be read.

    `data` is a whole image file, `url` where it stood. The evidence is at most one
    piece of carrier `c2pa-json`: the manifest store, reduced to what concerns
    marks and their validity. Raises on no bytes.
    """
    if STORE not in data:
        return (), _linked(data)
    kind = next((kind for start, kind in _FORMATS if start.match(data)), None)
    if kind is None:
        return (), ("Content Credentials in a kind of file that is not read",)
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError):
        return (), (
            "Content Credentials not read: they take `pip install 'optout-registry[c2pa]'`",
        )
    try:
        report, fault = _verified(c2pa, kind, data)
    except (c2pa.C2paError, ValueError) as error:
        if not _is_elsewhere(error):
            return refusals(data, url, _unreadable(error))
        return (), _linked(data) or ("Content Credentials are not where they must stand",)
    return _evidence(report, fault, url)


def refusals(data: bytes, url: str, fault: str) -> Found:
    """Return the refusals in a store that cannot be read, found by their words alone.

    `fault` says why it cannot. The evidence is a store of one manifest that does not
    verify, so what is found there refuses at most; a permission is not looked for. A
    file that was cut off while it was copied still says what its maker said.
    """
    keys = {found[1].decode() for found in islice(_REFUSAL.finditer(data), MAX_INGREDIENTS)}
    if not keys or STORE not in data:
        return (), (fault,) if STORE in data else ()
    assertions = [
        {"label": f"{key[:4]}.training-mining", "data": {"entries": {key: {"use": "notAllowed"}}}}
        for key in sorted(keys)
    ]
    store = {
        "active_manifest": "unread",
        "manifests": {"unread": {"label": "unread", "assertions": assertions}},
        "validation_state": "Invalid",
        "validation_status": [{"code": "general.error"}],
    }
    text = json.dumps(store, sort_keys=True, separators=(",", ":"))
    evidence = Evidence("c2pa-json", "image", url, text=text)
    return (evidence,), (fault, "Content Credentials: only their refusals were found, by words")


def _verified(c2pa: Any, kind: str, data: bytes) -> tuple[str, str]:
    """Return the library's report, and why the manifests were not verified if they were not."""
    try:
        return _report(c2pa, kind, data, verify=True), ""
    except c2pa.C2paError as error:
        if _is_elsewhere(error):
            raise
        # A signature that cannot even be parsed ends verification, not reading.
        return _report(c2pa, kind, data, verify=False), _unreadable(error)


def _report(c2pa: Any, kind: str, data: bytes, *, verify: bool) -> str:
    told = {**_OFFLINE, "verify": {**_OFFLINE["verify"], "verify_after_reading": verify}}
    with (
        c2pa.Settings.from_dict(told) as settings,
        c2pa.Context(settings) as context,
        c2pa.Reader(kind, _Bounded(data), context=context) as reader,
    ):
        return str(reader.json())


class _Bounded(io.BytesIO):
    """A file that may be read and searched so often and no more.

    Every step of the library is a call of Python: on a file of a million empty
    chunks it would take minutes. After MAX_STEPS it is told of an OSError.
    """

    steps = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move as in any file."""
        self._step()
        return super().seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        """Read as from any file."""
        self._step()
        return super().readinto(buffer)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise OSError("too many steps")


def _is_elsewhere(error: Exception) -> bool:
    """Tell whether the library found no manifest in the file itself."""
    return str(error).startswith(("ManifestNotFound", "Remote"))


def _unreadable(error: Exception) -> str:
    said = quote(str(error))
    if "signature box" in said:
        return f"Content Credentials not read, their signature is missing: {said}"
    return f"Content Credentials cannot be verified: {said}"


def _linked(data: bytes) -> tuple[str, ...]:
    """Return the warning about a manifest that XMP names and the file does not hold."""
    start = data.find(_LINK)
    if start < 0 and data.startswith(b"GIF8") and (xmp := data.find(_GIF_XMP)) >= 0:
        data = _joined(data, xmp + len(_GIF_XMP))
        start = data.find(_LINK)
    named = _LINKED.match(data, start, start + 4096) if start >= 0 else None
    if named is None:
        return ()
    place = html.unescape(named[1].decode("utf-8", "replace").strip())
    if place.lower().startswith(("http://", "https://")):
        return (f"Content Credentials are not fetched from {quote(place)}",)
    if "jumbf=" in place:
        return ("Content Credentials that this file names are no longer in it",)
    return ()


def _joined(data: bytes, start: int) -> bytes:
    """Return what the sub-blocks of a GIF hold; their lengths may cut any word in two."""
    parts: list[bytes] = []
    while start < len(data) and data[start] and len(parts) < MAX_BLOCKS:
        parts.append(data[start + 1 : start + 1 + data[start]])
        start += 1 + data[start]
    return b"".join(parts)


def _evidence(report: str, fault: str, url: str) -> Found:
    warnings = (fault,) if fault else ()
    try:
        store = json.loads(report) if len(report) <= MAX_REPORT else None
    except (ValueError, RecursionError):
        store = None
    if not isinstance(store, dict) or not isinstance(store.get("manifests"), dict):
        return (), (*warnings, "Content Credentials not read: too long or too deeply nested")
    if fault:
        # The code that C2PA has for what it has no other code for.
        store["validation_status"] = [{"code": "general.error"}]
    for reduced in _reductions(store):
        text = json.dumps(reduced, sort_keys=True, separators=(",", ":"))
        if len(text) <= MAX_TEXT:
            return (Evidence("c2pa-json", "image", url, text=text),), warnings
    return (), (*warnings, f"Content Credentials not read: more than {MAX_TEXT} bytes of marks")


def _reductions(store: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the store as evidence, then with less of it, for when that is too long."""
    active = store.get("active_manifest")
    labels = sorted(store["manifests"], key=lambda label: label != active)[:MAX_MANIFESTS]
    manifests = {label: _manifest(store["manifests"][label]) for label in labels}
    head = {
        "active_manifest": active,
        "validation_state": store.get("validation_state"),
        "validation_status": _codes(store.get("validation_status")),
    }
    yield {**head, "manifests": manifests}
    yield {
        **head,
        "manifests": {
            label: {**manifest, "ingredients": []}
            for label, manifest in manifests.items()
            if label == active or manifest["assertions"]
        },
    }
    yield {**head, "manifests": {k: v for k, v in manifests.items() if k == active}}


def _manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    signature = manifest.get("signature_info")
    return {
        "label": manifest.get("label"),
        "claim_generator": _generator(manifest),
        "signature_info": _words(signature, "issuer", "common_name", "time", "alg"),
        "assertions": [
            {key: item[key] for key in ("label", "data", "instance") if key in item}
            for item in manifest.get("assertions") or ()
            if _MARK.fullmatch(item.get("label", ""))
        ],
        "ingredients": [
            _words(item, "title", "relationship", "active_manifest")
            for item in (manifest.get("ingredients") or ())[:MAX_INGREDIENTS]
        ],
    }


def _generator(manifest: Mapping[str, Any]) -> str | None:
    """Return the program that made the manifest: a text in C2PA 1, named parts in C2PA 2."""
    given = manifest.get("claim_generator")
    if isinstance(given, str):
        return given[:MAX_WORDS]
    parts = [_words(part, "name", "version") for part in manifest.get("claim_generator_info") or ()]
    named = " ".join(" ".join(part.values()) for part in parts)
    return named[:MAX_WORDS] or None


def _words(given: object, *names: str) -> dict[str, str]:
    """Return the named fields of an object that are texts, shortened."""
    if not isinstance(given, dict):
        return {}
    found = {name: given.get(name) for name in names}
    return {name: value[:MAX_WORDS] for name, value in found.items() if isinstance(value, str)}


def _codes(given: object) -> list[dict[str, str]]:
    statuses = given if isinstance(given, list) else []
    kept = [_words(status, "code", "url") for status in statuses[:MAX_INGREDIENTS]]
    return [status for status in kept if status]
