"""A web page sent in place of a site's file: decided here for every carrier. Pure.

Servers answer any path with status 200 and their page for what is not found, with a
challenge, or with the one page of a single-page application. Such a page holds no rules,
and it is no evidence that there are none.

In doubt the text is taken for the file, and its marks are read: a file that begins with a
comment of HTML and goes on with rules is a file, and so is a robots.txt with one line of
rules in it, whatever stands around that line.
"""

from __future__ import annotations

import re

from registry.evidence.carriers import HTML_TYPES

# What is looked at: a page tells itself at its beginning.
_START = 65536
_NOT_TEXT = "\ufeff\ufffd \t\r\n\f"
_LEADING = re.compile(
    r"(?:\s|<!--.{0,60000}?-->|<\?xml[^>]{0,300}\?>)*+", re.IGNORECASE | re.DOTALL
)
# What a page begins with (WHATWG MIME Sniffing, section 7.1, and a few tags more).
_PAGE_TAG = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|base|iframe|h1|div|font"
    r"|table|a|b|br|p|main|section|article|header|nav|span|img)[\s/>]",
    re.IGNORECASE,
)
# What else XML begins with: names with a prefix, and files that carry marks themselves.
_OTHER_TAG = re.compile(r"<(?:\?|[\w.-]{1,100}:|(?:svg|rsl|rdf)[\s/>])", re.IGNORECASE)
# A comment at the very start, or a line that no web page has, one about robots.txt aside.
_ROBOTS_LINE = re.compile(
    r"\A#|^[ \t]*(?:(?:user[ -]?agent|diss?all?ow|diasllow|disallaw|crawl-delay"
    r"|content-(?:signal|usage)|disallowaitraining|license)[ \t]*:|allow[ \t]*:[ \t]*[/*$]"
    r"|sitemap[ \t]*:[ \t]*http)",
    re.IGNORECASE | re.MULTILINE,
)


def has_rules(text: str) -> bool:
    """Return whether a text has a comment at its start, or a line, of a robots.txt."""
    return _ROBOTS_LINE.search(text.replace("\r", "\n")) is not None


def begins_as_page(text: str) -> bool:
    """Return whether a text begins with a tag of HTML, behind comments and an XML declaration."""
    start = text[:_START].lstrip(_NOT_TEXT)
    return _PAGE_TAG.match(start, _after_comments(start)) is not None


def begins_with_comment(text: str) -> bool:
    """Return whether a text begins with a comment of HTML and goes on as no other kind of file."""
    start = text[:_START].lstrip(_NOT_TEXT)
    return start.startswith("<!--") and not _OTHER_TAG.match(start, _after_comments(start))


def is_web_page(carrier: str, text: str, media_type: str = "") -> bool:
    """Return whether a text is a web page in place of a site's file of this carrier.

    `media_type` is that of the response, in lower case and without parameters; it counts
    only where the text itself leaves the question open. An empty text is no page.
    """
    text = text.replace("\x00", "").lstrip(_NOT_TEXT)
    if not text:
        return False
    is_html = media_type in HTML_TYPES
    if carrier == "robots-txt":
        is_markup = text.startswith("<") or is_html
        return is_markup and not has_rules(text)
    if carrier.endswith("-xml"):
        is_markup = text.startswith("<") and (is_html or begins_as_page(text))
        return is_markup and not _has_element(text, carrier.removesuffix("-xml"))
    return text.startswith("<", _after_comments(text))


def _has_element(text: str, name: str) -> bool:
    return re.search(rf"<(?:[\w-]+:)?{re.escape(name)}[\s/>]", text, re.IGNORECASE) is not None


def _after_comments(text: str) -> int:
    found = _LEADING.match(text)
    return found.end() if found else 0
