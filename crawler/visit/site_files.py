"""Files whose marks cover a whole site, besides robots.txt. Pure.

Each is requested once per visit and host: the files that readers declare for hosts that
serve images, for a host with pages also those for pages; and the RSL documents that
robots.txt, headers and pages point to. robots.txt applies to them too.
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

# Most bytes of a file; readers read less.
MAXSIZE = 2 * 1024 * 1024
# Most RSL documents per host; each page may point to a different one.
MAX_LICENCES = 20


@dataclass(frozen=True, slots=True)
class SiteFileUrl:
    """The URL of a site file to request, its carrier, and the host that its marks cover."""

    url: str
    kind: str
    host: str


@dataclass(slots=True)
class SiteFileUrls:
    """The site files that a visit requests, each once.

    `licences_left` counts the RSL documents beyond MAX_LICENCES per host.
    """

    _requested: set[tuple[str, str]] = field(default_factory=set)
    # The roots of hosts whose declared files were requested, for images, and for pages.
    _roots: set[tuple[str | None, bool]] = field(default_factory=set)
    _pointers: dict[str, list[str]] = field(default_factory=dict)
    _licences: dict[str, int] = field(default_factory=dict)
    licences_left: int = 0

    def again(self, known: tuple[SiteFileUrl, ...]) -> tuple[SiteFileUrl, ...]:
        """Return the files to request that earlier visits requested: all of them."""
        self._requested.update((file.host, file.url) for file in known)
        return known

    def about_page(self, url: str, evidence: Iterable[Evidence]) -> list[SiteFileUrl]:
        """Return the files to request after a page was read."""
        return self._new_files(url, evidence, shows_pages=True)

    def about_image(self, url: str, evidence: Iterable[Evidence]) -> list[SiteFileUrl]:
        """Return the files to request after an image was read."""
        return self._new_files(url, evidence, shows_pages=False)

    def robots_txt(self, evidence: Evidence) -> None:
        """Keep the licences that a robots.txt points to."""
        self._pointers.setdefault(host_of(evidence.url) or "", []).extend(_licences(evidence))

    def _new_files(
        self, url: str, evidence: Iterable[Evidence], *, shows_pages: bool
    ) -> list[SiteFileUrl]:
        host = host_of(url) or ""
        root = absolute(url, "/")
        wanted: list[SiteFileUrl] = []
        if (root, shows_pages) not in self._roots:
            self._roots.add((root, shows_pages))
            wanted += [
                SiteFileUrl(file_url, kind, host)
                for kind, path in carriers().requested(shows_pages=shows_pages)
                if (file_url := absolute(url, path)) is not None
            ]
        pointers = self._pointers.pop(host, [])
        pointers += [licence for piece in evidence for licence in _licences(piece)]
        wanted += [SiteFileUrl(pointer, "rsl-xml", host) for pointer in pointers]
        return [file for file in wanted if self._is_new(file)]

    def _is_new(self, file: SiteFileUrl) -> bool:
        key = file.host, file.url
        if key in self._requested:
            return False
        self._requested.add(key)
        if file.kind == "rsl-xml":
            self._licences[file.host] = self._licences.get(file.host, 0) + 1
            if self._licences[file.host] > MAX_LICENCES:
                self.licences_left += 1
                return False
        return True


def site_file(file: SiteFileUrl, read_at: datetime, response: Response) -> SiteFile:
    """Return the record of a response for a site file: its text, or the refusal."""
    answer = answered(file.kind, response)
    if answer.refusal is not None or answer.text is None:
        return refused(file, read_at, answer.refusal or "failed", response.status)
    evidence = Evidence(file.kind, "site", file.url, text=answer.text)
    return SiteFile(read_at, file.host, file.url, file.kind, response.status, None, evidence)


def refused(file: SiteFileUrl, read_at: datetime, refusal: str, status: int | None) -> SiteFile:
    """Return the record of a file that could not be fetched."""
    return SiteFile(read_at, file.host, file.url, file.kind, status, refusal)


def _licences(evidence: Evidence) -> list[str]:
    """Return the URLs of the RSL documents that evidence points to.

    Links in the text (`a`) do not count: anybody may write them, for example in a comment.
    """
    rsl = (s for s in read(evidence).signals if s.vocabulary == "rsl" and s.rule is None)
    pointers = (s for s in rsl if not s.uses and s.licence_url and s.raw[:2].lower() != "<a")
    urls = (absolute(evidence.url, s.licence_url or "") for s in pointers)
    return [url for url in urls if url is not None]
