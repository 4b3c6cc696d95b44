"""The places where remote datasets lie, by the scheme of their URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from threading import Lock
from typing import IO, NamedTuple, Protocol

SCHEMES = ("s3", "s3a", "gs", "gcs", "hf", "https", "http")


class Info(NamedTuple):
    """What is known of a file: its bytes (-1: unknown), and a text that changes when it does.

    `ranges`: parts of it can be asked for.
    """

    size: int
    version: str = ""
    is_folder: bool = False
    ranges: bool = True


class Place(Protocol):
    """A store of files. All methods may raise any error of its package."""

    def look(self, url: str, head: int) -> tuple[Info, bytes | None]:
        """Return what is known of a file or folder, and its first bytes if they came along."""

    def fetch(self, url: str, start: int, end: int) -> bytes:
        """Return the bytes of a file between two places."""

    def stream(self, url: str) -> IO[bytes]:
        """Open a file that can only be read from its start on."""

    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what is directly in a folder and begins so: names, in any order."""

    def forget(self) -> None:
        """Ask for everything anew."""


_used: list[Place] = []
_lock = Lock()


def place_of(url: str) -> Place:
    """Return the place of a URL. Raises ImportError if the extra `remote` is not installed."""
    with _lock:
        return _place(url.partition("://")[0].lower())


@cache
def _place(scheme: str) -> Place:
    from registry.datasets.remote import objects, web

    makers: dict[str, Callable[[], Place]] = {
        **dict.fromkeys(("s3", "s3a"), objects.S3),
        **dict.fromkeys(("gs", "gcs"), objects.Google),
        **dict.fromkeys(("http", "https"), web.Web),
        "hf": objects.HuggingFace,
    }
    place = makers[scheme]()
    _used.append(place)
    return place


def forget_listings() -> None:
    """Let all places ask for everything anew."""
    for place in _used:
        place.forget()
