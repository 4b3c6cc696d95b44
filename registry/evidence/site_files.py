"""The only place that interprets a response for a site file (ai.txt, tdmrep.json, ...). Pure.

Except for robots.txt, which is obeyed as well as read: see `registry.sources.robots`.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.evidence.responses import Response
from registry.evidence.web_page import is_web_page

PACKED = "packed"


@dataclass(frozen=True, slots=True)
class SiteFileAnswer:
    """The text of a site file, or the `refusal`.

    Refusals: `http-404` and the like, `packed` (an unsupported content encoding), and
    `not-ai-txt` and the like: a web page was sent in place of the file.
    """

    text: str | None = None
    refusal: str | None = None


def answered(carrier: str, response: Response) -> SiteFileAnswer:
    """Return the text or the refusal of a response; without a status it counts as a success."""
    status = response.status
    if status is not None and not 200 <= status < 300:
        return SiteFileAnswer(refusal=f"http-{status}")
    if response.unread:
        return SiteFileAnswer(refusal=PACKED)
    text = response.text(carrier)
    if is_web_page(carrier, text, response.media_type):
        return SiteFileAnswer(refusal=f"not-{carrier}")
    return SiteFileAnswer(text)
