"""The marks inside an image file: its XMP, and its Content Credentials.

Not pure: a native library reads the manifests (`registry.evidence.content_credentials`); it is
loaded with the first file that has one.
"""

from __future__ import annotations

from registry.evidence.xmp import FileMetadata, read_file_metadata


def read_embedded(data: bytes, url: str = "", *, whole: bool = True) -> FileMetadata:
    """Return the XMP packets and the manifests of an image file as evidence.

    Bytes that are not an image give no evidence; damaged files give warnings. Never raises.
    In an incomplete file no manifest is verified: refusals are searched by their words.
    """
    from registry.evidence import content_credentials

    metadata = read_file_metadata(data, url)
    if whole:
        evidence, warnings = content_credentials.read(data, url)
    else:
        fault = "Content Credentials not read: the file is incomplete"
        evidence, warnings = content_credentials.refusals(data, url, fault)
    return FileMetadata(metadata.evidence + evidence, metadata.warnings + warnings)


def holds_manifest(data: bytes) -> bool:
    """Return whether a file contains Content Credentials."""
    from registry.evidence import content_credentials

    return content_credentials.STORE in data
