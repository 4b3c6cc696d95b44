"""Everything an image file says of itself: its XMP, and its Content Credentials.

Not pure: the manifests are read by a native library (`registry.evidence.content_credentials`),
which loads with the first file that holds one.
"""

from __future__ import annotations

from registry.evidence.xmp import FileMetadata, read_file_metadata


def read_embedded(data: bytes, url: str = "", *, whole: bool = True) -> FileMetadata:
    """Return the XMP packets and the manifests of an image file as evidence.

    Bytes that are no image give nothing; broken ones warnings, never an exception.
    Of a file that is not whole no manifest is verified: refusals are found by their words.
    """
    from registry.evidence import content_credentials

    metadata = read_file_metadata(data, url)
    cut = "Content Credentials not read: the file is not whole"
    found = content_credentials.read(data, url) if whole else None
    evidence, warnings = found or content_credentials.refusals(data, url, cut)
    return FileMetadata(metadata.evidence + evidence, metadata.warnings + warnings)


def holds_manifest(data: bytes) -> bool:
    """Tell whether Content Credentials stand somewhere in a file."""
    from registry.evidence import content_credentials

    return content_credentials.STORE in data
