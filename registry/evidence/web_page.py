"""Recognises a web page sent in place of a site file, for every carrier. Pure.

Some servers respond to any path with status 200 and an error page, a challenge, or the page
of a single-page application. Such a page has no rules, but it does not prove that the site
has none.

In doubt the text counts as the file, and its marks are read: a file with an HTML comment
before its rules is a file, and so is a robots.txt with one line of rules between any other
text.
"""

from __future__ import annotations

import re

from registry.evidence.carriers import HTML_TYPES

# Characters that are examined: a page is recognised by its beginning.
_START = 65536
_NOT_TEXT = "\ufeff\ufffd \t\r\n\f"
_LEADING = re.compile(
    r"(?:\s|<!--.{0,60000}?-->|<\?xml[^>]{0,300}\?>)*+", re.IGNORECASE | re.DOTALL
)
# The first tag of a page (WHATWG MIME Sniffing, section 7.1, and a few more tags).
_PAGE_TAG = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|base|iframe|h1|div|font"
    r"|table|a|b|br|p|main|section|article|header|nav|span|img)[\s/>]",
    re.IGNORECASE,
)
# The first tag of other XML: names with a prefix, and carriers of marks.
_OTHER_TAG = re.compile(r"<(?:\?|[\w.-]{1,100}:|(?:svg|rsl|rdf)[\s/>])", re.IGNORECASE)
# A comment at the start, or a line that web pages do not have, except those about robots.txt.
_ROBOTS_LINE = re.compile(
    r"\A#|^[ \t]*(?:(?:user[ -]?agent|diss?all?ow|diasllow|disallaw|crawl-delay"
    r"|content-(?:signal|usage)|disallowaitraining|license)[ \t]*:|allow[ \t]*:[ \t]*[/*$]"
    r"|sitemap[ \t]*:[ \t]*http)",
    re.IGNORECASE | re.MULTILINE,
)


def has_rules(text: str) -> bool:
    """Return whether a text starts with a robots.txt comment or has a robots.txt line."""
    return _ROBOTS_LINE.search(text.replace("\r", "\n")) is not None


def begins_as_page(text: str) -> bool:
    """Return whether a text begins with an HTML tag, after comments and an XML declaration."""
    start = text[:_START].lstrip(_NOT_TEXT)
    return _PAGE_TAG.match(start, _after_comments(start)) is not None


def begins_with_comment(text: str) -> bool:
    """Return whether a text begins with an HTML comment, not followed by a tag of other XML."""
    start = text[:_START].lstrip(_NOT_TEXT)
    return start.startswith("<!--") and not _OTHER_TAG.match(start, _after_comments(start))


def is_web_page(carrier: str, text: str, media_type: str = "") -> bool:
    """Return whether a text is a web page sent in place of a site file of this carrier.

    `media_type` is that of the response, in lower case and without parameters; it counts
    only if the text does not decide. An empty text is not a page.
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
    match = _LEADING.match(text)
    return match.end() if match else 0
