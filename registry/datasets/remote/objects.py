"""Stores of objects: S3, Google Cloud Storage, and the files of the Hugging Face Hub.

Listings are read page by page: the file systems of fsspec would keep all of a folder in memory.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO, Any

from registry.datasets.remote.faults import retried
from registry.datasets.remote.places import Info
from registry.errors import RefusedFile

# Seconds for an answer, and for a connection.
_READ, _CONNECT = 60, 15
_SEPARATOR = "/"
# The status of an answer with a part of a file.
_PART = 206


class _Objects(ABC):
    """What the stores have in common."""

    def __init__(self, files: Any) -> None:
        """`files` is their file system of fsspec."""
        self._files = files

    def look(self, url: str, head: int) -> tuple[Info, bytes | None]:
        """Return what is known of a file or folder."""
        found = self._files.info(url)
        if found["type"] == "directory":
            return Info(0, is_folder=True), None
        return self._info(found), None

    @abstractmethod
    def _info(self, found: dict[str, Any]) -> Info:
        """Return what a store says of a file."""

    @abstractmethod
    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what is directly in a folder and begins so."""

    def fetch(self, url: str, start: int, end: int) -> bytes:
        """Return the bytes of a file between two places."""
        data: bytes = self._files.cat_file(url, start=start, end=end)
        return data

    def stream(self, url: str) -> IO[bytes]:
        """Raise RefusedFile: all stores have ranges."""
        raise RefusedFile(f"{url}: the store sends no ranges of bytes", "copy it to a local disk")

    def forget(self) -> None:
        """Ask for everything anew."""
        self._files.invalidate_cache()


class S3(_Objects):
    """S3, and servers that speak as it does.

    Credentials and endpoint are those of the tools of AWS; without, public buckets can be read.
    """

    def __init__(self) -> None:
        import s3fs
        from botocore.session import Session

        # Attempts are counted in one place.
        settings = {"retries": {"mode": "standard", "total_max_attempts": 1}}
        settings |= {"read_timeout": _READ, "connect_timeout": _CONNECT}  # type: ignore[dict-item]
        anonymous = Session().get_credentials() is None
        super().__init__(
            s3fs.S3FileSystem(anon=anonymous, config_kwargs=settings, use_listings_cache=False)
        )

    def _info(self, found: dict[str, Any]) -> Info:
        version = str(found.get("ETag") or found.get("LastModified") or "")
        return Info(found["size"], version)

    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what is directly in a folder and begins so."""
        bucket, key, _ = self._files.split_path(folder)
        base = f"{key}/" if key else ""
        more: dict[str, str] = {}
        while True:
            asked = {"Bucket": bucket, "Prefix": base + prefix, "Delimiter": _SEPARATOR, **more}
            page = retried(lambda asked=asked: self._files.call_s3("list_objects_v2", **asked))  # type: ignore[misc]
            for inner in page.get("CommonPrefixes", ()):
                yield inner["Prefix"][len(base) : -1], Info(0, is_folder=True)
            for found in page.get("Contents", ()):
                # The folder itself may be an object.
                if name := found["Key"][len(base) :]:
                    yield name, self._info({**found, "size": found["Size"]})
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}


class Google(_Objects):
    """Google Cloud Storage; credentials as Google's tools have them, or none for public buckets."""

    def __init__(self) -> None:
        from gcsfs.core import GCSFileSystem

        super().__init__(GCSFileSystem(use_listings_cache=False, timeout=_READ))

    def _info(self, found: dict[str, Any]) -> Info:
        return Info(int(found["size"]), str(found.get("generation") or found.get("etag") or ""))

    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what is directly in a folder and begins so."""
        bucket, key, _ = self._files.split_path(folder)
        base = f"{key}/" if key else ""
        asked = {"prefix": base + prefix, "delimiter": _SEPARATOR, "maxResults": 1000}
        while True:
            page = retried(
                lambda asked=asked: self._files.call(  # type: ignore[misc]
                    "GET", "b/{}/o", bucket, json_out=True, **asked
                )
            )
            for inner in page.get("prefixes", ()):
                yield inner[len(base) : -1], Info(0, is_folder=True)
            for found in page.get("items", ()):
                if name := found["name"][len(base) :]:
                    yield name, self._info(found)
            if not page.get("nextPageToken"):
                return
            asked = {**asked, "pageToken": page["nextPageToken"]}


class HuggingFace(_Objects):
    """Repositories and buckets of the Hugging Face Hub; the token is that of `hf auth login`."""

    def __init__(self) -> None:
        from huggingface_hub import HfFileSystem

        super().__init__(HfFileSystem(endpoint=os.environ.get("HF_ENDPOINT") or None))

    def _info(self, found: dict[str, Any]) -> Info:
        version = found.get("xet_hash") or found.get("blob_id") or found.get("mtime") or ""
        return Info(found["size"], str(version))

    def fetch(self, url: str, start: int, end: int) -> bytes:
        """Return the bytes of a file between two places."""
        from huggingface_hub import utils

        # A file of its file system would wait half a minute for a server that fails, each time.
        hub: Any = utils
        headers = {**hub.build_hf_headers(), "Range": f"bytes={start}-{end - 1}"}
        answer = hub.get_session().get(self._files.url(url), headers=headers, timeout=_READ)
        hub.hf_raise_for_status(answer)
        if answer.status_code != _PART:
            raise OSError(errno.EINVAL, "the hub sends no ranges of bytes")
        data: bytes = answer.content
        return data

    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what is directly in a folder and begins so."""
        for found in retried(lambda: self._files.ls(folder, detail=True)):
            name = found["name"].rpartition(_SEPARATOR)[2]
            if found["type"] == "directory" and name.startswith(prefix):
                yield name, Info(0, is_folder=True)
            elif name.startswith(prefix):
                yield name, self._info(found)
