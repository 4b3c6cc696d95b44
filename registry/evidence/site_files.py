"""What a response for a file of a site (ai.txt, tdmrep.json, ...) means: decided here alone. Pure.

robots.txt is obeyed as well as read; `registry.sources.robots` decides about it.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.evidence.responses import Response
from registry.evidence.web_page import is_web_page

PACKED = "packed"


@dataclass(frozen=True, slots=True)
class SiteFileAnswer:
    """The text of a site's file, or the `refusal`: why there is none.

    Refusals: `http-404` and the like, `packed` (an encoding that is not read), and
    `not-ai-txt` and the like: a web page was sent in the file's place.
    """

    text: str | None = None
    refusal: str | None = None


def answered(kind: str, response: Response) -> SiteFileAnswer:
    """Return what a response for a site's file of a kind means; no status counts as success."""
    status = response.status
    if status is not None and not 200 <= status < 300:
        return SiteFileAnswer(refusal=f"http-{status}")
    if response.unread:
        return SiteFileAnswer(refusal=PACKED)
    text = response.text(kind)
    if is_web_page(kind, text, response.media_type):
        return SiteFileAnswer(refusal=f"not-{kind}")
    return SiteFileAnswer(text)
