"""What an answer for robots.txt means, decided here for the crawler, `explain` and archives. Pure.

RFC 9309, section 2.3.1: a file that is not there (4xx) forbids nothing; one that cannot be
had (5xx, no answer, redirects without end) forbids everything. 429 counts as "cannot be had":
a host that asks to slow down has not said that it has no rules.

- Rules are read to 5 MiB (the RFC asks for 500 KiB); what is longer is cut at the end of a
  line, with a warning.
- A web page in the file's place (a page for what is not found, a challenge) holds no rules, so
  none are obeyed; it is no evidence that there are none: it is recorded as `not-robots-txt`.
- Bytes that are no text (a picture, an archive) or that broke off forbid everything: rules may
  be in the part that cannot be read. A file that is gzipped twice or without saying so is
  unpacked.
- In doubt the crawler stays away, and marks are read: where rules stand among tags, a URL has
  to be allowed by the text as it is and by the text without its tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from registry.evidence.body_kinds import media_type
from registry.evidence.responses import Response
from registry.evidence.site_files import PACKED
from registry.evidence.text import text_of
from registry.evidence.unpacking import plain
from registry.evidence.web_page import has_rules, is_web_page
from registry.signals._robots_groups import MAX_BYTES, crawl_delay, size_of, too_long
from registry.verdict.site_rules import Robots

CARRIER = "robots-txt"
# Bytes to ask for: one more than is read, so that a longer file is known to be longer.
READ_BYTES = MAX_BYTES + 1
UNAVAILABLE = "robots-txt-unavailable"
NOT_ROBOTS_TXT = "not-robots-txt"
TOO_MANY_REQUESTS = 429
# Failures that leave no host to stay away from for other reasons.
_NOBODY = frozenset({"connection", "timeout", "private-address", "public-address"})
_TAG = re.compile(r"<[^<>]{0,2000}>")
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_GZIP = b"\x1f\x8b"
_MAX_LAYERS = 2


@dataclass(frozen=True)
class RobotsAnswer:
    """What was said for a robots.txt.

    `text` is the evidence, None where no rules file was sent; `refusal` is then the reason
    (`http-404`, `not-robots-txt`, `timeout`, ...). `stay_away` is the reason for which nothing
    on the host may be asked for, None where the rules decide. `warnings` are for people.
    """

    text: str | None = None
    refusal: str | None = None
    stay_away: str | None = None
    warnings: tuple[str, ...] = field(default=())

    def allows(self, url: str, agent: str) -> bool:
        """Return whether the agent (a product token) may ask the host for a URL."""
        if self.stay_away is not None:
            return False
        return all(rules.allowed(url, agent) for rules in self._rules)

    def crawl_delay(self, agent: str) -> float | None:
        """Return the seconds that the agent's group asks to wait between requests, if it does."""
        return None if self.text is None else crawl_delay(self.text, agent)

    @cached_property
    def _rules(self) -> tuple[Robots, ...]:
        text = self.text or ""
        if not text.lstrip("\ufeff\ufffd \t\r\n").startswith("<"):
            return (Robots(text),)
        return Robots(text), Robots(_TAG.sub("\n", text))


def failed(reason: str) -> RobotsAnswer:
    """Return what it means that no answer came; `reason` is the word for why."""
    return RobotsAnswer(None, reason, reason if reason in _NOBODY else UNAVAILABLE)


def answer_to(response: Response) -> RobotsAnswer:
    """Return what a response for a robots.txt means; no status counts as success."""
    if response.unread:
        return RobotsAnswer(None, PACKED, UNAVAILABLE, (response.unread,))
    # A long file is cut too, and that is no fault of the response.
    broken = response.cut and len(response.body) < READ_BYTES
    status = 200 if response.status is None else response.status
    return answered(status, response.body, response.field("content-type"), broken=broken)


def answered(
    status: int, body: bytes = b"", content_type: str = "", *, broken: bool = False
) -> RobotsAnswer:
    """Return what an answer means.

    `body` has its content encoding undone, and at least READ_BYTES of it if it is longer;
    `broken` says that it ended before its time. `content_type` is the field's value.
    """
    if not 200 <= status < 300:
        refusal = f"http-{status}"
        return RobotsAnswer(None, refusal, None if is_absent(status) else UNAVAILABLE)
    body, is_whole = _unzipped(body)
    text = _bounded(text_of(body[:READ_BYTES]), is_cut=len(body) > MAX_BYTES)
    if is_web_page(CARRIER, text, media_type([content_type])):
        return RobotsAnswer(None, NOT_ROBOTS_TXT)
    if _is_binary(text):
        return RobotsAnswer(None, NOT_ROBOTS_TXT, UNAVAILABLE, ("what was sent is no text",))
    warnings = too_long(text)
    if broken or not is_whole:
        return RobotsAnswer(text, None, UNAVAILABLE, (*warnings, "the file broke off"))
    return RobotsAnswer(text, None, None, tuple(warnings))


def is_absent(status: int) -> bool:
    """Return whether a status says that there is no such file (RFC 9309, section 2.3.1.3)."""
    return 400 <= status < 500 and status != TOO_MANY_REQUESTS


def _bounded(text: str, *, is_cut: bool) -> str:
    """Return a cut text so that its readers notice that it was cut, and cut it at a line's end."""
    if not is_cut or size_of(text) > MAX_BYTES:
        return text
    # In an encoding of two bytes a character: the text alone no longer shows it.
    return text.rpartition("\n")[0]


def _is_binary(text: str) -> bool:
    """Return whether these were the bytes of no text, by the control characters at their start."""
    start = text[:4096].replace("\x00", "")
    return len(_CONTROL.findall(start)) > len(start) // 100 and not has_rules(text)


def _unzipped(body: bytes) -> tuple[bytes, bool]:
    """Return a body without gzip that no header told of, and whether it was whole."""
    is_whole = True
    for _ in range(_MAX_LAYERS):
        unpacked = plain(body, "gzip", READ_BYTES) if body.startswith(_GZIP) else None
        if unpacked is None:
            break
        body, is_whole = unpacked[0], is_whole and unpacked[1]
    return body, is_whole
