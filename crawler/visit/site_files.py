"""Files that speak for a whole site, besides robots.txt. Pure.

Each is asked for once a visit and host: those that readers declare for hosts that serve
images, of a host that shows pages those for pages too; and the RSL documents that
robots.txt, headers and pages point to. robots.txt is obeyed for them as for all else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from registry.evidence.responses import Response
from registry.evidence.site_files import answered
from registry.model import Evidence, SiteFile
from registry.signals import carriers, read
from registry.urls.absolute import absolute
from registry.urls.key import host_of

# Of both, what the readers look at is less.
MAXSIZE = 2 * 1024 * 1024
# RSL documents of one host; a page may point to one of its own.
MAX_LICENCES = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to ask for, and the host it speaks for."""

    url: str
    kind: str
    host: str


@dataclass(slots=True)
class SiteFiles:
    """Which files a visit has asked for, and which it still wants of a host.

    `licences_left` counts RSL documents beyond MAX_LICENCES of one host.
    """

    _asked: set[tuple[str, str]] = field(default_factory=set)
    _pointers: dict[str, list[str]] = field(default_factory=dict)
    _licences: dict[str, int] = field(default_factory=dict)
    licences_left: int = 0

    def about_page(self, url: str, evidence: Iterable[Evidence]) -> list[Wanted]:
        """Return what to ask for now that a page was read."""
        return self._wanted(url, carriers().asked_for(shows_pages=True), evidence)

    def about_image(self, url: str, evidence: Iterable[Evidence]) -> list[Wanted]:
        """Return what to ask for now that an image was read."""
        return self._wanted(url, carriers().asked_for(shows_pages=False), evidence)

    def robots_txt(self, evidence: Evidence) -> None:
        """Remember the licences that a robots.txt points to."""
        self._pointers.setdefault(host_of(evidence.url) or "", []).extend(_licences(evidence))

    def _wanted(
        self, url: str, files: Iterable[tuple[str, str]], evidence: Iterable[Evidence]
    ) -> list[Wanted]:
        host = host_of(url) or ""
        found = [
            Wanted(place, kind, host)
            for kind, path in files
            if (place := absolute(url, path)) is not None
        ]
        pointers = self._pointers.pop(host, [])
        pointers += [licence for piece in evidence for licence in _licences(piece)]
        found += [Wanted(pointer, "rsl-xml", host) for pointer in pointers]
        return [wanted for wanted in found if self._is_new(wanted)]

    def _is_new(self, wanted: Wanted) -> bool:
        key = wanted.host, wanted.url
        if key in self._asked:
            return False
        self._asked.add(key)
        if wanted.kind == "rsl-xml":
            self._licences[wanted.host] = self._licences.get(wanted.host, 0) + 1
            if self._licences[wanted.host] > MAX_LICENCES:
                self.licences_left += 1
                return False
        return True


def site_file(wanted: Wanted, read_at: datetime, response: Response) -> SiteFile:
    """Return the file as it is recorded, or the refusal in its place."""
    answer = answered(wanted.kind, response)
    if answer.refusal is not None or answer.text is None:
        return refused(wanted, read_at, answer.refusal or "failed", response.status)
    evidence = Evidence(wanted.kind, "site", wanted.url, text=answer.text)
    return SiteFile(read_at, wanted.host, wanted.url, wanted.kind, response.status, None, evidence)


def refused(wanted: Wanted, read_at: datetime, refusal: str, status: int | None) -> SiteFile:
    """Return that a file could not be had, and why."""
    return SiteFile(read_at, wanted.host, wanted.url, wanted.kind, status, refusal)


def _licences(evidence: Evidence) -> list[str]:
    """Return the addresses of the RSL documents that evidence points to.

    Links in the text (`a`) may be anybody's, a comment's say, and speak for no site.
    """
    found = (s for s in read(evidence).signals if s.vocabulary == "rsl" and s.rule is None)
    pointers = (s for s in found if not s.uses and s.licence_url and s.raw[:2].lower() != "<a")
    urls = (absolute(evidence.url, s.licence_url or "") for s in pointers)
    return [url for url in urls if url is not None]
