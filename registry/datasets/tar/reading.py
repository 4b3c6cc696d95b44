"""Samples of a tar file: its members grouped by key, with the contents that are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from registry.datasets.archive_names import LEADS_OUT, leads_out
from registry.datasets.tar.members import Damage, Member, Members
from registry.datasets.tar.samples import (
    HEAD,
    PartKind,
    Sample,
    Wants,
    key_and_ending,
    kind_of,
    kind_of_start,
    may_hold_pictures,
    shown,
)
from registry.datasets.text.line_blocks import LONGEST_ROW, TOO_LONG
from registry.files import WHOLE_LIMIT

# Keys of a shard that are remembered.
_MOST_KEYS = 1 << 20
NO_END = "the tar file has no end mark and may be cut off: files of this sample may be missing"
_EMPTY = "the tar file holds nothing, not even its end mark"
_NEIGHBOUR = "files of this sample may be missing: "
_SCATTERED = "its key occurs earlier in the file: the files of a sample must follow one another"
TOO_LARGE = f"files of more than {WHOLE_LIMIT >> 20} MiB"
# The ending of a picture without one.
_NO_ENDING = "image"


class TarSamples:
    """The samples of one tar file, in order; `position` is how far it was read."""

    def __init__(self, file: IO[bytes], wants: Wants) -> None:
        self._members, self._wants = Members(file), wants
        self._kinds: dict[str, PartKind] = {}
        self._keys: set[str] = set()
        # Bytes of the files of the sample in work.
        self._size = 0

    @property
    def position(self) -> int:
        """Bytes of the file that have been passed."""
        return self._members.position

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples, and damaged parts of the file as samples without a key."""
        sample: Sample | None = None
        lost: str | None = None
        found: Member | Damage | None = None
        for found in self._members:
            if isinstance(found, Damage):
                lost = _NEIGHBOUR + found.why
                if sample:
                    sample.note(lost)
                    yield sample
                sample = None
                yield Sample(None, unread=found.why)
                continue
            key, ending, kind = self._described(found)
            if kind == "harmless" and not ending:
                continue
            if sample is None or key != sample.key or sample.has(ending):
                if sample:
                    yield sample
                sample = self._begun(key, sample, lost)
                lost = None
            self._take(sample, ending, kind, found)
        if sample:
            if not self._members.is_whole:
                sample.note(NO_END)
            yield sample
        if found is None and not self._members.is_whole:
            yield Sample(None, unread=_EMPTY)

    def _begun(self, key: str, last: Sample | None, lost: str | None) -> Sample:
        self._size = 0
        sample = Sample(key, unread=lost)
        if key in self._keys and not (last and last.key == key):
            sample.note(_SCATTERED)
        if leads_out(key):
            sample.note(LEADS_OUT)
        if len(self._keys) < _MOST_KEYS:
            self._keys.add(key)
        return sample

    def _described(self, member: Member) -> tuple[str, str, PartKind]:
        """Return key, ending and kind of a member; one without a key counts if it is a picture."""
        key, ending = key_and_ending(member.name)
        kind = self._kinds.get(ending)
        if kind is None:
            kind = kind_of(ending) if ending else "unknown"
            if len(self._kinds) < _MOST_KEYS:
                self._kinds[ending] = kind
        if kind == "unknown":
            kind = kind_of_start(ending, self._members.start(HEAD))
        elif kind in ("text", "json") and may_hold_pictures(self._members.start(HEAD)):
            kind = "closed"
        return key, ending or (_NO_ENDING if kind == "picture" else ""), kind

    def _take(self, sample: Sample, ending: str, kind: PartKind, member: Member) -> None:
        if member.odd:
            sample.note(f"{shown(ending)} is {member.odd}")
            kind = "closed"
        content = self._content(sample, kind, member)
        sample.add(ending, kind, content)

    def _content(self, sample: Sample, kind: PartKind, member: Member) -> bytes | None:
        """Return the content of a member if it is wanted, and add its bytes to the sample's."""
        self._size += member.size
        if kind in ("text", "json") and member.size > LONGEST_ROW:
            sample.note(TOO_LONG)
            kind = "closed"
        if self._size > WHOLE_LIMIT:
            # The memory that one sample takes is bounded.
            sample.note(TOO_LARGE)
            sample.raw.clear()
            return None
        is_wanted = kind in ("text", "json") or (kind == "picture" and self._wants.pictures)
        content = self._members.read() if is_wanted else None
        sample.held += len(content or b"")
        if self._wants.raw:
            whole = self._members.read() if content is None else content
            sample.raw += [member.head, whole, self._members.padding()]
            sample.held += len(member.head) + len(whole)
        return content
