"""How evidence is written in WARC records: by the crawler, and compared in a bundle. Pure."""

from __future__ import annotations

from registry.evidence.headers import SECRET
from registry.model import Evidence

# The carrier of the text in a metadata record.
CARRIER_FIELD = "Optout-Carrier"
# The URL of the evidence, if the response is that of another one, to which it redirects.
URL_FIELD = "Optout-URL"
# Header fields of requests and responses that are not written: they may hold credentials.
LEFT_OUT = SECRET | {"cookie"}


def utf8(text: str) -> bytes:
    """Return a text as UTF-8; lone surrogates, as JSON can spell them, are encoded, too."""
    return text.encode("utf-8", "surrogatepass")


def one_line(text: str) -> str:
    """Return a part of a header line without line ends."""
    return text.replace("\r", " ").replace("\n", " ")


def record_field(value: str) -> str:
    """Return the value of a record's field on one line, with `?` for what has no UTF-8."""
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").splitlines())


def is_body(evidence: Evidence) -> bool:
    """Return whether evidence is in the body of its response; of a picture no body is written."""
    return evidence.carrier != "headers" and evidence.about != "image"
