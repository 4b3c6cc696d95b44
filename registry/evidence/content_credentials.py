"""Reads and verifies the Content Credentials (C2PA) of an image file, without network access.

Verification needs a native library of 50 MB, the extra `c2pa`. It is loaded only
for a file with a manifest store, and configured to fetch nothing: no remote manifests,
no certificate status, no identity assertions.
`registry.signals.training_mining` reads the marks in a manifest.
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
# Longest report on a manifest store; c2pa-rs limits the store itself.
MAX_REPORT = 16 * 1024 * 1024
MAX_MANIFESTS = 100
MAX_INGREDIENTS = 50
MAX_WORDS = 300
MAX_BLOCKS = 1000
MAX_STEPS = 200_000

# The description box at the start of every store: its type is the UUID of C2PA (C2PA
# 2.3, 11.1.4). It is never split: the smallest block of any container, a
# sub-block of GIF, has 255 bytes, and a store begins with these.
STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
# The property of XMP with the URL of a remote manifest.
_LINK = b"dcterms:provenance"
_LINKED = re.compile(
    rb"dcterms:provenance\s*(?:=\s*[\"']|(?:\s+rdf:resource\s*=\s*[\"']|>))([^\"'<>]+)"
)
_GIF_XMP = b"XMP DataXMP"
# An entry that refuses, in CBOR (keys and texts after their lengths) or JSON.
_REFUSAL = re.compile(
    rb"((?:cawg|c2pa)\.(?:ai_training|ai_generative_training|data_mining|ai_inference))"
    rb"[\xa1-\xb7\xbf\s\":{]{1,8}c?\"?use[\s\":]{0,4}j?\"?notAllowed"
)
_MARK = re.compile(r"[^.]{1,100}\.training-mining(?:__[0-9]+)?")
# The images that the library takes, and the media type that it wants for each; it also opens
# PDF, ZIP and videos. That these are images in the table of `carriers` too is tested in
# tests/pure/test_carriers.py.
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

EvidenceAndWarnings = tuple[tuple[Evidence, ...], tuple[str, ...]]


def read(data: bytes, url: str = "") -> EvidenceAndWarnings:
    """Return the evidence in an image's Content Credentials, and warnings.

    `data` is a whole image file, `url` its URL. The evidence is at most one
    piece of carrier `c2pa-json`: the manifest store, reduced to its marks and
    their validity. Never raises.
    """
    if STORE not in data:
        return (), _linked(data)
    media_type = next((name for start, name in _FORMATS if start.match(data)), None)
    if media_type is None:
        return (), ("Content Credentials not read: unsupported file format",)
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError):
        return (), ("Content Credentials not read: run `pip install 'optout-registry[c2pa]'`",)
    try:
        report, fault = _verified(c2pa, media_type, data)
    except (c2pa.C2paError, ValueError) as error:
        if not _is_elsewhere(error):
            return refusals(data, url, _unreadable(error))
        return (), _linked(data) or ("Content Credentials not read: wrong place in the file",)
    return _evidence(report, fault, url)


def refusals(data: bytes, url: str, fault: str) -> EvidenceAndWarnings:
    """Return the refusals in a store that cannot be parsed, by a search for their words.

    `fault` is the reason. The evidence is a store with one unverified manifest; only
    refusals are searched, not permissions. So a truncated file keeps the refusals of its
    maker.
    """
    keys = {match[1].decode() for match in islice(_REFUSAL.finditer(data), MAX_INGREDIENTS)}
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
    return (evidence,), (fault, "Content Credentials: only refusals were searched, by words")


def _verified(c2pa: Any, media_type: str, data: bytes) -> tuple[str, str]:
    """Return the library's report, and the reason if the manifests were not verified."""
    try:
        return _report(c2pa, media_type, data, verify=True), ""
    except c2pa.C2paError as error:
        if _is_elsewhere(error):
            raise
        # A manifest whose signature cannot be parsed is read without verification.
        return _report(c2pa, media_type, data, verify=False), _unreadable(error)


def _report(c2pa: Any, media_type: str, data: bytes, *, verify: bool) -> str:
    options = {**_OFFLINE, "verify": {**_OFFLINE["verify"], "verify_after_reading": verify}}
    with (
        c2pa.Settings.from_dict(options) as settings,
        c2pa.Context(settings) as context,
        c2pa.Reader(media_type, _BoundedFile(data), context=context) as reader,
    ):
        return str(reader.json())


class _BoundedFile(io.BytesIO):
    """A file with a limited number of reads and seeks.

    Each one is a call from the library into Python: a file of a million empty
    chunks would take minutes. After MAX_STEPS they raise OSError.
    """

    steps = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek and return the position. Raises OSError after MAX_STEPS."""
        self._step()
        return super().seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer and return the number of bytes. Raises OSError after MAX_STEPS."""
        self._step()
        return super().readinto(buffer)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise OSError("too many steps")


def _is_elsewhere(error: Exception) -> bool:
    """Return whether the error means that the manifest is not in the file."""
    return str(error).startswith(("ManifestNotFound", "Remote"))


def _unreadable(error: Exception) -> str:
    message = quote(str(error))
    if "signature box" in message:
        return f"Content Credentials not read, their signature is missing: {message}"
    return f"Content Credentials cannot be verified: {message}"


def _linked(data: bytes) -> tuple[str, ...]:
    """Return the warning about a manifest that is named by XMP but not in the file."""
    start = data.find(_LINK)
    if start < 0 and data.startswith(b"GIF8") and (xmp := data.find(_GIF_XMP)) >= 0:
        data = _joined(data, xmp + len(_GIF_XMP))
        start = data.find(_LINK)
    named = _LINKED.match(data, start, start + 4096) if start >= 0 else None
    if named is None:
        return ()
    target = html.unescape(named[1].decode("utf-8", "replace").strip())
    if target.lower().startswith(("http://", "https://")):
        return (f"Content Credentials are not fetched from {quote(target)}",)
    if "jumbf=" in target:
        return ("Content Credentials that this file names are no longer in it",)
    return ()


def _joined(data: bytes, start: int) -> bytes:
    """Return the joined sub-blocks of a GIF, without their lengths, which may split words."""
    parts: list[bytes] = []
    while start < len(data) and data[start] and len(parts) < MAX_BLOCKS:
        parts.append(data[start + 1 : start + 1 + data[start]])
        start += 1 + data[start]
    return b"".join(parts)


def _evidence(report: str, fault: str, url: str) -> EvidenceAndWarnings:
    warnings = (fault,) if fault else ()
    try:
        store = json.loads(report) if len(report) <= MAX_REPORT else None
    except (ValueError, RecursionError):
        store = None
    if not isinstance(store, dict) or not isinstance(store.get("manifests"), dict):
        return (), (*warnings, "Content Credentials not read: too long or too deeply nested")
    if fault:
        # The code of C2PA for errors without a code of their own.
        store["validation_status"] = [{"code": "general.error"}]
    for reduced in _reductions(store):
        text = json.dumps(reduced, sort_keys=True, separators=(",", ":"))
        if len(text) <= MAX_TEXT:
            return (Evidence("c2pa-json", "image", url, text=text),), warnings
    return (), (*warnings, f"Content Credentials not read: more than {MAX_TEXT} bytes of marks")


def _reductions(store: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the store as evidence, then shorter versions of it, in case it is too long."""
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
    """Return the program that made the manifest: a text in C2PA 1, fields in C2PA 2."""
    given = manifest.get("claim_generator")
    if isinstance(given, str):
        return given[:MAX_WORDS]
    parts = [_words(part, "name", "version") for part in manifest.get("claim_generator_info") or ()]
    named = " ".join(" ".join(part.values()) for part in parts)
    return named[:MAX_WORDS] or None


def _words(given: object, *names: str) -> dict[str, str]:
    """Return the named fields of an object that are texts, each cut to MAX_WORDS characters."""
    if not isinstance(given, dict):
        return {}
    fields = {name: given.get(name) for name in names}
    return {name: value[:MAX_WORDS] for name, value in fields.items() if isinstance(value, str)}


def _codes(given: object) -> list[dict[str, str]]:
    statuses = given if isinstance(given, list) else []
    kept = [_words(status, "code", "url") for status in statuses[:MAX_INGREDIENTS]]
    return [status for status in kept if status]
