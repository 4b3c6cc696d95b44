"""Extracts XMP packets, which may contain marks, from image files. Pure.

Every file here that does not start with `_` is a container: it exports

- `recognises(head) -> bool`, given the first `HEAD` bytes of a file,
- `packets(data) -> Packets`, which never raises,

and describes in its docstring where the packet is stored. There is no list to edit.

No pixels are decoded. The bytes read and decompressed are limited (`_collector`);
`_packet` decides which part of a packet is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

from registry.evidence.xmp import _packet
from registry.evidence.xmp._collector import HEAD, MAX_WARNINGS
from registry.model import Evidence
from registry.plugins import discover

__all__ = ["FileMetadata", "containers", "read_file_metadata"]


@dataclass(frozen=True, slots=True)
class FileMetadata:
    """The evidence inside one image file, with warnings about the parts not read."""

    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()


@cache
def containers() -> dict[str, ModuleType]:
    """Return every container by name."""
    return discover(__name__, ("recognises", "packets"))


def read_file_metadata(data: bytes, url: str = "") -> FileMetadata:
    """Return the XMP packets of an image file as evidence of carrier `xmp`.

    One piece of evidence per packet, including its extension. An unknown
    container gives no evidence. Damaged files give warnings and the parts that
    could be read. Never raises.
    """
    head = data[:HEAD]
    texts: dict[str, None] = {}
    warnings: dict[str, None] = {}
    for name, container in containers().items():
        if not container.recognises(head):
            continue
        packets = container.packets(data)
        warnings.update(dict.fromkeys(f"{name}: {warning}" for warning in packets.warnings))
        for parts in packets.parts:
            kept = _packet.kept(parts)
            texts.update(dict.fromkeys(text for text in kept.texts if text))
            warnings.update(dict.fromkeys(f"XMP: {warning}" for warning in kept.warnings))
    return FileMetadata(
        tuple(Evidence("xmp", "image", url, text=text) for text in texts),
        tuple(warnings)[:MAX_WARNINGS],
    )
