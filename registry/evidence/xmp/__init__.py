"""Marks inside image files: XMP packets out of the bytes of a file. Pure; bytes in, values out.

Every file here that does not start with `_` is a container: it exports

- `recognises(head) -> bool`, given the first `HEAD` bytes of a file,
- `packets(data) -> Packets`, which raises on no bytes,

and says in its docstring where the packet stands. There is no list to edit.

Nothing is decoded that is a picture. What is read or inflated is bounded
(`_found`), and packets are kept as `_packet` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

from registry.evidence.xmp import _packet
from registry.evidence.xmp._found import HEAD, MAX_WARNINGS
from registry.model import Evidence
from registry.plugins import discover

__all__ = ["FileMetadata", "containers", "read_file_metadata"]


@dataclass(frozen=True, slots=True)
class FileMetadata:
    """What one image file holds about itself, with what could not be read of it."""

    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()


@cache
def containers() -> dict[str, ModuleType]:
    """Return every container by name."""
    return discover(__name__)


def read_file_metadata(data: bytes, url: str = "") -> FileMetadata:
    """Return the XMP packets of an image file as evidence of carrier `xmp`.

    One piece of evidence a packet; a packet and its extension are one. Bytes
    that are no known container give nothing. Broken or hostile files give
    warnings and what could be read, never an exception.
    """
    head = data[:HEAD]
    texts: dict[str, None] = {}
    warnings: dict[str, None] = {}
    for name, container in containers().items():
        if not container.recognises(head):
            continue
        found = container.packets(data)
        warnings.update(dict.fromkeys(f"{name}: {warning}" for warning in found.warnings))
        for parts in found.parts:
            kept = _packet.kept(parts)
            texts.update(dict.fromkeys(text for text in kept.texts if text))
            warnings.update(dict.fromkeys(f"XMP: {warning}" for warning in kept.warnings))
    return FileMetadata(
        tuple(Evidence("xmp", "image", url, text=text) for text in texts),
        tuple(warnings)[:MAX_WARNINGS],
    )
