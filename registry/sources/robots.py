"""The meaning of a response for robots.txt, for the crawler, `explain` and archives. Pure.

RFC 9309, section 2.3.1: a missing file (4xx) allows everything; one that cannot be fetched
(5xx, no response, too many redirects) disallows everything. 429 counts as "cannot be
fetched": a host that asks for a pause may have rules.

- The first 5 MiB are read (the RFC requires 500 KiB); a longer file is cut at the end of a
  line, with a warning.
- A web page in the file's place (an error page, a challenge) has no rules, so everything is
  allowed; it does not prove that there are none, so it is recorded as `not-robots-txt`.
- Bytes that are not text (an image, an archive) and truncated files disallow everything: rules
  may be in the part that cannot be read. A file that is gzipped twice or without a header
  field is decompressed.
- In doubt a URL is disallowed, and marks are read: if rules are between tags, a URL must be
  allowed by the text with its tags and by the text without them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from registry.evidence.body_kinds import media_type
from registry.evidence.responses import Response
from registry.evidence.site_files import PACKED
from registry.evidence.text import text_of
from registry.evidence.unpacking import decompressed
from registry.evidence.web_page import has_rules, is_web_page
from registry.signals._robots_groups import MAX_BYTES, crawl_delay, size_of, too_long
from registry.verdict.site_rules import Robots

CARRIER = "robots-txt"
# Bytes to download: one more than is read, to detect a longer file.
READ_BYTES = MAX_BYTES + 1
UNAVAILABLE = "robots-txt-unavailable"
NOT_ROBOTS_TXT = "not-robots-txt"
_TOO_MANY_REQUESTS = 429
# Failures of the connection, which are refusals of the host's other URLs too.
_CONNECTION_FAILURES = frozenset({"connection", "timeout", "private-address", "public-address"})
_TAG = re.compile(r"<[^<>]{0,2000}>")
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_GZIP = b"\x1f\x8b"
_MAX_LAYERS = 2


@dataclass(frozen=True)
class RobotsAnswer:
    """The result of the request for a robots.txt.

    `text` is the evidence, None if there is no rules file; `refusal` is then the reason
    (`http-404`, `not-robots-txt`, `timeout`, ...). `stay_away` is the reason why nothing on
    the host may be requested, None if the rules decide. `warnings` are shown to users.
    """

    text: str | None = None
    refusal: str | None = None
    stay_away: str | None = None
    warnings: tuple[str, ...] = field(default=())

    def allows(self, url: str, agent: str) -> bool:
        """Return whether the agent (a product token) may request a URL of the host."""
        if self.stay_away is not None:
            return False
        return all(rules.allowed(url, agent) for rules in self._rules)

    def crawl_delay(self, agent: str) -> float | None:
        """Return the seconds of the `Crawl-delay` in the agent's group, None if it has none."""
        return None if self.text is None else crawl_delay(self.text, agent)

    @cached_property
    def _rules(self) -> tuple[Robots, ...]:
        text = self.text or ""
        if not text.lstrip("\ufeff\ufffd \t\r\n").startswith("<"):
            return (Robots(text),)
        return Robots(text), Robots(_TAG.sub("\n", text))


def failed(reason: str) -> RobotsAnswer:
    """Return the answer for a failed request; `reason` is its refusal."""
    return RobotsAnswer(None, reason, reason if reason in _CONNECTION_FAILURES else UNAVAILABLE)


def answer_to(response: Response) -> RobotsAnswer:
    """Return the answer for a response; without a status it counts as a success."""
    if response.unread:
        return RobotsAnswer(None, PACKED, UNAVAILABLE, (response.unread,))
    # A file that was cut at READ_BYTES is not truncated.
    broken = response.cut and len(response.body) < READ_BYTES
    status = 200 if response.status is None else response.status
    return answered(status, response.body, response.field("content-type"), broken=broken)


def answered(
    status: int, body: bytes = b"", content_type: str = "", *, broken: bool = False
) -> RobotsAnswer:
    """Return the answer for the parts of a response.

    `body` is decoded, and may be cut after READ_BYTES; `broken`: it is truncated.
    `content_type` is the field's value.
    """
    if is_absent(status) or is_unavailable(status):
        return RobotsAnswer(None, f"http-{status}", UNAVAILABLE if is_unavailable(status) else None)
    body, is_whole = _unzipped(body)
    text = _bounded(text_of(body[:READ_BYTES]), is_cut=len(body) > MAX_BYTES)
    if is_web_page(CARRIER, text, media_type([content_type])):
        return RobotsAnswer(None, NOT_ROBOTS_TXT)
    if _is_binary(text):
        return RobotsAnswer(None, NOT_ROBOTS_TXT, UNAVAILABLE, ("the file is not text",))
    warnings = too_long(text)
    if broken or not is_whole:
        return RobotsAnswer(text, None, UNAVAILABLE, (*warnings, "the file is truncated"))
    return RobotsAnswer(text, None, None, tuple(warnings))


def is_absent(status: int) -> bool:
    """Return whether a status means that the file is missing (RFC 9309, section 2.3.1.3)."""
    return 400 <= status < 500 and status != _TOO_MANY_REQUESTS


def is_unavailable(status: int) -> bool:
    """Return whether a status means that the file may exist, but was not sent (2.3.1.4).

    So do 5xx, 429, and 3xx: a redirect that was not followed to its end.
    """
    return not 200 <= status < 300 and not is_absent(status)


def _bounded(text: str, *, is_cut: bool) -> str:
    """Return a cut text without its last, incomplete line, if readers cannot see the cut."""
    if not is_cut or size_of(text) > MAX_BYTES:
        return text
    # In UTF-16 the text has fewer bytes as UTF-8, so its size does not show the cut.
    return text.rpartition("\n")[0]


def _is_binary(text: str) -> bool:
    """Return whether the file is binary, by the control characters at its start."""
    start = text[:4096].replace("\x00", "")
    return len(_CONTROL.findall(start)) > len(start) // 100 and not has_rules(text)


def _unzipped(body: bytes) -> tuple[bytes, bool]:
    """Return a body without gzip that no header field names, and whether it is complete."""
    is_whole = True
    for _ in range(_MAX_LAYERS):
        step = decompressed(body, "gzip", READ_BYTES) if body.startswith(_GZIP) else None
        if step is None:
            break
        body, is_whole = step[0], is_whole and step[1]
    return body, is_whole
