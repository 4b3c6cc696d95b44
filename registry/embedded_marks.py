"""Everything an image file says of itself: its XMP, and its Content Credentials.

Not pure: the manifests are read by a native library (`registry.content_credentials`),
which loads with the first file that holds one.
"""

from __future__ import annotations

from registry.file_metadata import FileMetadata, read_file_metadata


def read_embedded(data: bytes, url: str = "") -> FileMetadata:
    """Return the XMP packets and the manifests of an image file as evidence.

    Bytes that are no image give nothing; broken ones warnings, never an exception.
    """
    from registry import content_credentials

    metadata = read_file_metadata(data, url)
    evidence, warnings = content_credentials.read(data, url)
    return FileMetadata(metadata.evidence + evidence, metadata.warnings + warnings)
