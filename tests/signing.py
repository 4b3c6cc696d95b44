"""Signs pictures with Content Credentials for tests, with certificates made for the purpose.

Needs the extra `c2pa`: call `pytest.importorskip("c2pa")` before importing this.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from PIL import Image

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
GENAI = "cawg.ai_generative_training"
REFUSED = {GENAI: {"use": "notAllowed"}}


@dataclass(frozen=True)
class Signer:
    """A certificate chain and its private key, as PEM."""

    chain: bytes
    key: bytes


def new_signer(*, seconds: int = 10**8, ocsp: str = "") -> Signer:
    """Return a signer whose certificate is good for some seconds; `ocsp` is its responder."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Test Root", root_key, root_key, seconds=10**9, extensions=())
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    extensions: list[x509.ExtensionType] = [purposes]
    if ocsp:
        place = x509.UniformResourceIdentifier(ocsp)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        extensions.append(x509.AuthorityInformationAccess([access]))
    leaf = _certificate("Test Signer", key, root_key, seconds=seconds, extensions=extensions)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    chain = b"".join(certificate.public_bytes(pem) for certificate in (leaf, root))
    return Signer(chain, key.private_bytes(pem, form, serialization.NoEncryption()))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    root_key: ec.EllipticCurvePrivateKey,
    *,
    seconds: int,
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    """Return a certificate in the profile of C2PA 2.3, 14.5; it is a root if the keys agree."""
    is_root = key is root_key
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        _name("Test Root"),
        _name(name),
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=1),
        now + timedelta(seconds=seconds),
    )
    usage = [not is_root, *[False] * 4, is_root, is_root, False, False]
    builder = builder.add_extension(x509.BasicConstraints(is_root, None), critical=True)
    builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    for extension in (own, issuer, *extensions):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(root_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Studio")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def picture(kind: str) -> bytes:
    """Return an unsigned picture in one of FORMATS."""
    pixels = np.random.default_rng(7).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def assertion(entries: Mapping[str, Any], label: str = "cawg.training-mining") -> dict[str, Any]:
    """Return a training-mining assertion."""
    return {"label": label, "data": {"entries": entries}}


def signed(
    kind: str,
    *assertions: Mapping[str, Any],
    signer: Signer | None = None,
    parent: bytes = b"",
    link: str = "",
) -> bytes:
    """Return a picture with Content Credentials that hold these assertions.

    `parent` is a JPEG that the picture is made from. With `link` the manifest is
    not embedded: the picture names that URL instead.
    """
    created = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"
    action = {"action": "c2pa.created", "digitalSourceType": created}
    actions = [] if parent else [{"label": "c2pa.actions", "data": {"actions": [action]}}]
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [*actions, *assertions],
    }
    told = {"builder": {"thumbnail": {"enabled": False}, **({"intent": "edit"} if parent else {})}}
    who = signer or new_signer()
    info = c2pa.C2paSignerInfo(b"es256", who.chain, who.key, None)
    out = io.BytesIO()
    with (
        c2pa.Settings.from_dict(told) as settings,
        c2pa.Context(settings) as context,
        c2pa.Signer.from_info(info) as native_signer,
        c2pa.Builder(manifest, context) as builder,
    ):
        if parent:
            ingredient = {"title": "parent", "relationship": "parentOf"}
            builder.add_ingredient(json.dumps(ingredient), "image/jpeg", io.BytesIO(parent))
        if link:
            builder.set_no_embed()
            builder.set_remote_url(link)
        builder.sign(native_signer, FORMATS[kind], io.BytesIO(picture(kind)), out)
    return out.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    """Return bytes of which the one at a place is another."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)
