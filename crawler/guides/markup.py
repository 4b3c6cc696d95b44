"""Reads the items of sitemaps and feeds in XML, as a stream, also of broken documents. Pure.

lxml recovers from faults. No entity is expanded, since `safe_parts` leaves no reference to one;
nothing else of a DTD is applied, and nothing is fetched. An item whose end tag is missing is not
returned: its URL may be cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml.etree import XMLParser, XMLSyntaxError

from crawler.guides.text import START_BYTES, safe_parts
from registry.urls.absolute import MAX_ADDRESS

# A document is read up to here; a sitemap with the most URLs has 250,000 elements.
_MOST_ELEMENTS = 2_000_000
_MOST_DEPTH = 256
# Most children kept of an item.
_MOST_CHILDREN = 50
# An item is a child of the root element, or of a channel in it.
_MOST_ITEM_DEPTH = 3
_BASE = "{http://www.w3.org/XML/1998/namespace}base"


class Child(NamedTuple):
    """A child element of an item; `text` is cut, and empty if the child has elements.

    `bases` are the values of `xml:base` that apply to it, the outermost first.
    """

    name: str
    namespace: str
    text: str
    attributes: dict[str, str]
    bases: tuple[str, ...]


class Item(NamedTuple):
    """An item of a sitemap or feed, with its children that were asked for."""

    namespace: str
    children: list[Child]


def root_of(text: str) -> str:
    """Return the lower-case name of a document's root element, without prefix; empty if none."""
    collector = _Collector("", frozenset())
    for _ in _fed(text[:START_BYTES], collector):
        if collector.root:
            break
    return collector.root


def items_in(text: str, name: str, wanted: frozenset[str]) -> Iterator[Item]:
    """Yield the elements of this name below the root element or a channel.

    `wanted` are the names, in lower case, of the children that are kept. Never raises.
    """
    collector = _Collector(name, wanted)
    for _ in _fed(text, collector):
        yield from collector.items
        collector.items.clear()


def _fed(text: str, collector: _Collector) -> Iterator[None]:
    """Yield after each part of a text that was parsed, until its end or the collector's."""
    parser = XMLParser(
        target=collector,
        encoding="utf-8",
        recover=True,
        # Without this, lxml gives a target `&#38;` for the `&amp;` of an attribute.
        resolve_entities="internal",
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
    )
    # The parser is never closed: it would end the elements of a truncated document.
    for part in safe_parts(text):
        try:
            parser.feed(part)
        except XMLSyntaxError:
            collector.is_done = True
        yield
        if collector.is_done:
            return


@dataclass(slots=True)
class _Collector:
    """Receives the parser's events, and makes items of them."""

    item_name: str
    wanted: frozenset[str]
    items: list[Item] = field(default_factory=list)
    root: str = ""
    is_done: bool = False
    _elements: int = 0
    # By depth: the elements that are open.
    _bases: list[str] = field(default_factory=list)
    _item: Item | None = None
    _item_depth: int = 0
    _child: Child | None = None
    _pieces: list[str] = field(default_factory=list)
    _room: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Receive a start tag, `{namespace}name`."""
        base = attributes.get(_BASE, "")
        self._bases.append(base if len(base) <= MAX_ADDRESS else "")
        self._elements += 1
        depth = len(self._bases)
        self.is_done |= depth > _MOST_DEPTH or self._elements > _MOST_ELEMENTS
        if self.is_done:
            return
        namespace, _, name = tag.removeprefix("{").rpartition("}")
        if depth == 1:
            self.root = self.root or name.lower()
        elif self._item is None:
            if name == self.item_name and depth <= _MOST_ITEM_DEPTH:
                self._item, self._item_depth = Item(namespace, []), depth
        elif depth == self._item_depth + 1:
            self._start_child(name.lower(), namespace, attributes)
        else:
            # A wanted value is text; one with elements in it is not what it seems.
            self._child = None

    def _start_child(self, name: str, namespace: str, attributes: dict[str, str]) -> None:
        assert self._item is not None
        if name in self.wanted and len(self._item.children) < _MOST_CHILDREN:
            bases = tuple(base for base in self._bases if base)
            self._child = Child(name, namespace, "", dict(attributes), bases)
            self._pieces, self._room = [], MAX_ADDRESS + 1

    def data(self, text: str) -> None:
        """Receive a piece of text."""
        if self._child is not None and self._room > 0:
            self._pieces.append(text[: self._room])
            self._room -= len(text)

    def end(self, tag: str) -> None:
        """Receive an end tag, also of an element that the parser ended after a fault."""
        depth = len(self._bases)
        if self.is_done or not self._bases:
            return
        if self._item is not None and depth == self._item_depth + 1 and self._child is not None:
            self._item.children.append(self._child._replace(text="".join(self._pieces)))
            self._child = None
        elif self._item is not None and depth == self._item_depth:
            self.items.append(self._item)
            self._item = None
        self._bases.pop()

    def close(self) -> None:
        """Receive the end of the document."""
