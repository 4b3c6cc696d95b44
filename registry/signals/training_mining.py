"""C2PA and CAWG `training-mining`: an assertion in a picture's Content Credentials.

Refuses: `training-mining`: `notAllowed`.

Where: the C2PA manifest of an image file, signed and bound to its bytes.
`registry.evidence.content_credentials` verifies it and returns the manifest store as
JSON; `c2patool FILE` prints the same.

Who: Adobe Content Authenticity and programs built on c2pa-rs. Platforms drop
manifests when they resize a picture: a missing manifest means nothing.

Example:

    {"label": "cawg.training-mining", "data": {"entries": {
        "cawg.ai_generative_training": {"use": "notAllowed"},
        "cawg.ai_training": {"use": "constrained", "constraint_info": "https://a.example/terms"}}}}

Grammar: the label is `c2pa.training-mining` (C2PA 1.3 and 1.4) or
`cawg.training-mining` (CAWG 1.0 and 1.1); a repeated one ends in `__1`. Keys have
either prefix under either label, as in c2pa-rs' own fixture. The level `entries`
may be missing, as in the schema of CAWG 1.0. `use` is `allowed`, `notAllowed` or
`constrained`, exactly in this spelling; the terms are in `constraint_info` (schema) or
`constraints_info` (prose). The JSON is a single manifest or a store of manifests.

What it says: `ai_generative_training` is about generative training,
`ai_training` about training models that are NOT generative, `data_mining` about text
and data mining, `ai_inference` about input to a trained model. `constrained` is
conditional, and `reserved` if no terms are named. A use that is not mentioned is
unspecified; training is permitted only if both kinds of training are.

Decisions: the active manifest is about the picture. Manifests of ingredients
are read as `(ingredient)`, outside current documents: no document says that a
mark is inherited. If validation failed, all marks are unverified. Refusals of a signer
who is on no trust list count, since tools often sign for artists who are on none;
permissions of such a signer are unverified. So are permissions if the validation
results cannot be read; JSON without validation results is read as verified. Other
spellings of a clear refusal are malformed refusals; keys with another prefix
(`com.example.x`) are not marks. Of names that JSON repeats in one object the last
counts, as with other parsers.

Sources: C2PA 1.3 (19.21) and 1.4 (19.23), https://cawg.io/training-and-data-mining/1.1/,
C2PA 2.3 (validation states), contentauth/c2pa-rs cli/tests/fixtures/do_not_train.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeGuard

from registry.model import Conformance, Evidence, Meaning, Reading, Signal, Use
from registry.signals import _directives
from registry.text import quote

VOCABULARY = "c2pa-training-mining"
CARRIERS = ("c2pa-json",)

MAX_TEXT = 2_000_000
MAX_MANIFESTS = 100
MAX_ASSERTIONS = 1000
MAX_ENTRIES = 200
MAX_SIGNALS = 300
MAX_WARNINGS = 20

_USES: dict[str, Use] = {
    "ai_training": "train",
    "ai_generative_training": "train-genai",
    "data_mining": "tdm",
    "ai_inference": "ai-input",
}
_LABEL = re.compile(r"(c2pa|cawg)\.training-mining(?:__[0-9]+)?")
_KEY = re.compile(r"(?:(c2pa|cawg)[.:])?(" + "|".join(_USES) + ")")
_URL = re.compile(r"https?://[^\s<>\"\\\x00-\x20\x7f\ud800-\udfff]{1,2000}", re.IGNORECASE)
_NOT_LETTERS = re.compile("[^a-z]+")
_REFUSED = frozenset({"notallowed", "disallowed", "denied", "prohibited", "forbidden"})
_INFO = ("constraint_info", "constraints_info")

# Descriptions of the failure codes of the active manifest, by the start of the code.
_REASONS = (
    ("claimSignature.missing", "the signature is missing"),
    ("claim.missing", "the signed claim is missing"),
    ("claimSignature.mismatch", "the signature is broken"),
    (
        "claimSignature.outsideValidity",
        "it was signed outside the validity period of the certificate",
    ),
    ("signingCredential.expired", "the signer's certificate has expired"),
    ("signingCredential.ocsp.revoked", "the signer's certificate was revoked"),
    ("signingCredential.invalid", "the signer's certificate is not valid for this use"),
    ("claim.hardBindings.missing", "nothing binds it to the picture"),
    ("assertion.dataHash.", "the picture was changed after signing"),
    ("assertion.bmffHash.", "the picture was changed after signing"),
    ("assertion.boxesHash.", "the picture was changed after signing"),
    ("assertion.hashedURI.", "an assertion was changed after signing"),
    ("general.error", "it cannot be verified"),
    ("assertion.missing", "an assertion was removed after signing"),
)
# Codes that are reported as failures but invalidate neither the signature nor the binding.
_HARMLESS = re.compile(
    r"signingCredential\.(untrusted|trusted|ocsp\.(skipped|inaccessible|notRevoked|unknown))"
    r"|cawg\..*|timeStamp\..*|.*\.(match|validated|insideValidity|accessible)"
)


@dataclass(frozen=True, slots=True)
class _Validity:
    """The result of the validation of a manifest store: grades for its marks, and a remark."""

    refusals: Conformance = "ok"
    permissions: Conformance = "ok"
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of an assertion; `fault` is the error in a malformed one."""

    name: str
    use: Use
    meaning: Meaning
    raw: str
    licence_url: str | None = None
    fault: str = ""


def read(evidence: Evidence) -> Reading:
    """Read the training-mining assertions of a manifest, or of a store of manifests."""
    if len(evidence.text) > MAX_TEXT:
        return Reading(warnings=(f"C2PA manifest longer than {MAX_TEXT} characters, not read",))
    try:
        store = json.loads(evidence.text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        shown = quote(evidence.text)
        return Reading(warnings=(f"C2PA manifest is not JSON ({type(error).__name__}): {shown}",))
    if not isinstance(store, dict):
        return Reading(warnings=("C2PA manifest is not a JSON object",))
    warnings: list[str] = []
    validity = _validity(store)
    signals: dict[Signal, None] = {}
    for manifest, is_active in _manifests(store, warnings):
        for entry in _entries(manifest, warnings):
            signals[_signal(entry, is_active, validity, evidence.url)] = None
            if entry.fault:
                warnings.append(f"{entry.name}: {entry.fault}: {quote(entry.raw)}")
        if len(signals) > MAX_SIGNALS:
            warnings.append(f"more than {MAX_SIGNALS} training-mining entries, the others not read")
            break
    # The remark about all of them comes first: of many warnings the last are dropped.
    remarks = [validity.remark] if signals and validity.remark else []
    unique = tuple(dict.fromkeys([*remarks, *warnings]))
    return Reading(tuple(islice(signals, MAX_SIGNALS)), unique[:MAX_WARNINGS])


def _manifests(
    store: Mapping[str, Any], warnings: list[str]
) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield every manifest, each with whether it is the active one; the active one is first."""
    listed = store.get("manifests")
    if isinstance(listed, list):
        listed = {m.get("label", ""): m for m in listed if isinstance(m, dict) and _is_text(m)}
    if not isinstance(listed, dict):
        yield store, True
        return
    active = store.get("active_manifest")
    if not isinstance(active, str) or active not in listed:
        active = next(iter(listed)) if len(listed) == 1 else None
        if active is None and listed:
            warnings.append("C2PA store names no active manifest: all are read as ingredients")
    ordered = sorted(listed, key=lambda label: label != active)
    if len(ordered) > MAX_MANIFESTS:
        warnings.append(f"more than {MAX_MANIFESTS} manifests, the others not read")
    for label in ordered[:MAX_MANIFESTS]:
        if isinstance(listed[label], dict):
            yield listed[label], label == active
        else:
            warnings.append(f"C2PA manifest {quote(label)} is not an object")


def _is_text(manifest: Mapping[str, Any]) -> bool:
    return isinstance(manifest.get("label", ""), str)


def _entries(manifest: Mapping[str, Any], warnings: list[str]) -> Iterator[_Entry]:
    for label, data in _first(MAX_ASSERTIONS, "assertions", _assertions(manifest), warnings):
        named = _LABEL.fullmatch(label)
        if named is None:
            continue
        if not isinstance(data, dict):
            warnings.append(f"{label}: its data is not an object")
            continue
        inner = data.get("entries")
        levels = [inner, data] if isinstance(inner, dict) else [data]
        if inner is not None and not isinstance(inner, dict):
            warnings.append(f"{label}: its entries are not an object")
        for level in levels:
            for key, given in _first(MAX_ENTRIES, "entries", level.items(), warnings):
                yield from _entry(named[1], key, given, warnings)


def _first(
    limit: int, what: str, pairs: Iterable[tuple[str, Any]], warnings: list[str]
) -> Iterator[tuple[str, Any]]:
    for place, pair in enumerate(pairs):
        if place == limit:
            warnings.append(f"more than {limit} {what} in one place, the others not read")
            return
        yield pair


def _assertions(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield labels and data, from the list of the plain form or the object of the detailed one."""
    given = manifest.get("assertions", manifest.get("assertion_store"))
    if isinstance(given, dict):
        yield from given.items()
    elif isinstance(given, list):
        for assertion in given:
            if isinstance(assertion, dict) and isinstance(assertion.get("label"), str):
                yield assertion["label"], assertion.get("data")


def _entry(prefix: str, key: str, given: object, warnings: list[str]) -> Iterator[_Entry]:
    """Read one entry; one that is neither well formed nor a clear refusal gives only a warning."""
    tidy = key.strip().lower().replace("-", "_") if len(key) < 100 else ""
    known = _KEY.fullmatch(tidy)
    if known is None:
        return
    is_object = isinstance(given, dict)
    shown = _texts(given) if isinstance(given, dict) else _texts({"use": given})
    raw = json.dumps({key: shown if is_object else given}) if shown else key
    value = shown.get("use", "")
    folded = _NOT_LETTERS.sub("", value[:100].lower())
    decided = _decided("notallowed" if folded in _REFUSED else folded, shown)
    if decided is None:
        warnings.append(f"{tidy}: its use cannot be read: {quote(raw)}")
        return
    spelling, meaning, licence = decided
    fault = _fault(key, spelling, value, is_object)
    if fault and meaning == "allowed":
        warnings.append(f"{tidy}: {fault}, so it permits nothing: {quote(raw)}")
        return
    name = f"{known[1] or prefix}:{known[2]}={spelling}"
    yield _Entry(name, _USES[known[2]], meaning, raw[: _directives.MAX_RAW], licence, fault)


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return those of the fields that are read whose values are strings."""
    values = {name: fields.get(name) for name in ("use", *_INFO)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _decided(folded: str, shown: Mapping[str, str]) -> tuple[str, Meaning, str | None] | None:
    """Return the correct spelling of a value, its meaning, and the licence's URL."""
    if folded == "allowed":
        return "allowed", "allowed", None
    if folded == "notallowed":
        return "notAllowed", "reserved", None
    if folded != "constrained":
        return None
    info = next((shown[name].strip() for name in _INFO if shown.get(name, "").strip()), "")
    licence = info if _URL.fullmatch(info) else None
    return "constrained", "conditional" if info else "reserved", licence


def _fault(key: str, spelling: str, value: str, is_object: bool) -> str:
    prefix, _, use = key.partition(".")
    if prefix not in {"c2pa", "cawg"} or use not in _USES:
        return "not a key of these assertions"
    if value != spelling:
        return f"not written {spelling}"
    return "" if is_object else "not an object with use"


def _signal(entry: _Entry, is_active: bool, validity: _Validity, url: str) -> Signal:
    grade = validity.permissions if entry.meaning == "allowed" else validity.refusals
    if grade == "ok" and not is_active:
        grade = "legacy"
    return Signal(
        name=entry.name if is_active else f"{entry.name}(ingredient)",
        vocabulary=VOCABULARY,
        carrier="c2pa-json",
        scope="image",
        raw=entry.raw,
        url=url,
        uses=((entry.use, entry.meaning),),
        conformance="malformed" if entry.fault else grade,
        licence_url=entry.licence_url,
    )


def _validity(store: Mapping[str, Any]) -> _Validity:
    """Grade the marks of a store by its `validation_state`, or by its codes without one."""
    state, (codes, whole) = store.get("validation_state"), _codes(store)
    failures = [code for code in codes if not _HARMLESS.fullmatch(code)]
    if failures or (state is not None and state not in ("Valid", "Trusted")):
        why = (
            "; ".join(dict.fromkeys(map(_reason, failures[:MAX_WARNINGS]))) or "no reason is given"
        )
        return _Validity(
            "unverified",
            "unverified",
            f"Content Credentials do not verify, marks unverified: {why}",
        )
    if not whole:
        return _Validity("ok", "unverified", "the results of their validation cannot be read")
    if state == "Valid" or "signingCredential.untrusted" in codes:
        remark = "Content Credentials verify, but their signer is on no trust list known here"
        return _Validity("ok", "unverified", f"{remark}{_issuer(store)}")
    return _Validity()


def _codes(store: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the failure codes, and whether all validation results could be read."""
    results = store.get("validation_results") or {}
    parts = list(results.values()) if isinstance(results, dict) else []
    given = [store.get("validation_status"), *(p.get("failure") for p in parts if _is_object(p))]
    # The value for ingredients is a list; that for the active manifest is an object.
    whole = isinstance(results, dict) and all(isinstance(part, dict | list) for part in parts)
    codes: list[str] = []
    for listed in (one for one in given if one is not None):
        statuses = listed if isinstance(listed, list) else [listed]
        given_codes = [status.get("code") if _is_object(status) else None for status in statuses]
        known = [code for code in given_codes[:MAX_ASSERTIONS] if isinstance(code, str)]
        whole = whole and len(known) == len(given_codes) and isinstance(listed, list)
        codes += (code[:200] for code in known)
    return codes, whole


def _is_object(given: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(given, dict)


def _reason(code: str) -> str:
    words = (words for start, words in _REASONS if code.startswith(start))
    return f"{next(words, 'it failed')} ({quote(code)[1:-1]})"


def _issuer(store: Mapping[str, Any]) -> str:
    node: object = store.get("manifests")
    for step in (store.get("active_manifest"), "signature_info", "issuer"):
        node = node.get(step) if isinstance(node, dict) and isinstance(step, str) else None
    return f": {quote(node)}" if isinstance(node, str) else ""
