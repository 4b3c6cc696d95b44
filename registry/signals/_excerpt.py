"""What is kept of a page as evidence: the tags that can carry marks, never the page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.signals import _markup

_DATA_SCRIPTS = frozenset({"application/ld+json", "application/rsl+xml"})
_SHORT = 4096


def excerpt(html: str, given: Iterable[str], limit: int, speaks: Callable[[str], bool]) -> str:
    """Return the exact text of a page's tags that can carry marks, and its data scripts.

    Data scripts are those of type `application/ld+json` and `application/rsl+xml`, with
    their content. A line `<body>` stands where the body begins, if anything is kept from
    it. `given` are the lines that readers give. At most `limit` characters. Where that is
    too little, tags that say something (`speaks`, asked of a tag's text) go first, then short
    `meta` tags, then what readers give, then `base` and links, then the rest, each in order.
    """
    room = limit - len("<body>\n")
    tags = [tag for tag in _markup.tags(html) if _holds_marks(tag)]
    given = [text for text in given if text]
    texts = [_source(tag) for tag in tags] + given
    ranks = [_rank(tag) for tag in tags] + [1] * len(given)
    if sum(len(text) + 1 for text in texts) > room:
        ranks = [-1 if speaks(text) else rank for text, rank in zip(texts, ranks, strict=True)]
    chosen: set[int] = set()
    for _, place in sorted(zip(ranks, range(len(texts)), strict=True)):
        if len(texts[place]) < room:
            chosen.add(place)
            room -= len(texts[place]) + 1
    kept = [tag for place, tag in enumerate(tags) if place in chosen]
    head = [_source(tag) for tag in kept if not tag.in_body]
    head += [text for place, text in enumerate(given, len(tags)) if place in chosen]
    body = [_source(tag) for tag in kept if tag.in_body]
    return "\n".join(head + (["<body>", *body] if body else []))


def _holds_marks(tag: _markup.Tag) -> bool:
    if tag.name != "script":
        return True
    kind = tag.attributes.get("type", "").partition(";")[0].strip().lower()
    return kind in _DATA_SCRIPTS and tag.content != ""


def _rank(tag: _markup.Tag) -> int:
    if tag.name == "meta" and len(tag.text) <= _SHORT:
        return 0
    return 2 if tag.name in {"base", "link", "a"} else 3


def _source(tag: _markup.Tag) -> str:
    return tag.text + tag.content
