"""The excerpt of a page that is kept as evidence: the tags that can carry marks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.signals import _markup

_DATA_SCRIPTS = frozenset({"application/ld+json", "application/rsl+xml"})
_SHORT = 4096


def excerpt(html: str, given: Iterable[str], limit: int, has_mark: Callable[[str], bool]) -> str:
    """Return the exact text of a page's tags that can carry marks, and its data scripts.

    Data scripts are those of type `application/ld+json` and `application/rsl+xml`, with
    their content. A line `<body>` is put where the body begins, if anything in it
    is kept. `given` are lines from the readers. The excerpt has at most `limit` characters. If
    not everything fits, these are kept first: tags with a mark (`has_mark` is called with a
    tag's text), short `meta` tags, the lines of `given`, `base` and links, the rest.
    """
    budget = limit - len("<body>\n")
    tags = [tag for tag in _markup.tags(html) if _holds_marks(tag)]
    given = [text for text in given if text]
    texts = [_source(tag) for tag in tags] + given
    ranks = [_rank(tag) for tag in tags] + [1] * len(given)
    if sum(len(text) + 1 for text in texts) > budget:
        ranks = [-1 if has_mark(text) else rank for text, rank in zip(texts, ranks, strict=True)]
    chosen: set[int] = set()
    for _, place in sorted(zip(ranks, range(len(texts)), strict=True)):
        if len(texts[place]) < budget:
            chosen.add(place)
            budget -= len(texts[place]) + 1
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
