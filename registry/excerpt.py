"""What is kept of a page as evidence: the tags that can carry marks, never the page. Pure."""

from __future__ import annotations

from registry.signals import _markup

_WANTED = frozenset({"meta", "link", "base", "script"})
_DATA_SCRIPTS = frozenset({"application/ld+json", "application/rsl+xml"})
_SHORT = 4096


def page_excerpt(html: str, limit: int = 65536) -> str:
    """Return the exact text of a page's `meta`, `link` and `base` tags, and its data scripts.

    Data scripts are those of type `application/ld+json` and
    `application/rsl+xml`, with their content. A line `<body>` stands where the
    body begins, if anything is kept from it, so that the readers find the same
    marks in the excerpt as in the page. At most `limit` characters: short
    `meta` tags go first, then `base` and `link`, then the rest, each in order.
    """
    kept = [(_rank(tag), tag) for tag in _markup.start_tags(html, _WANTED) if _holds_marks(tag)]
    room = limit - len("<body>\n")
    chosen: set[int] = set()
    for place in sorted(range(len(kept)), key=lambda place: (kept[place][0], place)):
        size = len(_source(kept[place][1])) + 1
        if size <= room:
            chosen.add(place)
            room -= size
    tags = [kept[place][1] for place in sorted(chosen)]
    head = [_source(tag) for tag in tags if not tag.in_body]
    body = [_source(tag) for tag in tags if tag.in_body]
    return "\n".join(head + (["<body>", *body] if body else []))


def _holds_marks(tag: _markup.Tag) -> bool:
    if tag.name != "script":
        return True
    kind = tag.attributes.get("type", "").partition(";")[0].strip().lower()
    return kind in _DATA_SCRIPTS and tag.content != ""


def _rank(tag: _markup.Tag) -> int:
    if tag.name == "meta" and len(tag.text) <= _SHORT:
        return 0
    return 1 if tag.name in {"base", "link"} else 2


def _source(tag: _markup.Tag) -> str:
    return tag.text + tag.content
