"""Start tags of a page, as the HTML standard's tokeniser finds them.

Only what marks need is done: comments, scripts and other raw text are skipped, the
content of a `template` is not part of the page, character references in attribute
values are decoded, and each tag has a flag whether the body has begun. On any input it
runs in time linear in the text, which the standard library's parser does not guarantee.
It returns the exact source text of each tag.

`_Scanner` takes one exact step at a time; between steps it skips text that cannot hold
a mark, by a regular expression (`_markup_skips`). Tests compare both with a tokeniser
that skips nothing.

Documents embedded in frames (`iframe srcdoc`) are shown on the page, so their tags, except
`base`, count as tags in its body.

Source: https://html.spec.whatwg.org/multipage/parsing.html (tokenisation, and
"in head" insertion for the position). Not implemented: the double-escaped state of
scripts, and foreign content (`svg`, `math`). It is read as HTML, except that `<title/>`
and the like have no content there and in templates.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from registry.evidence.text import MOST_FRAMES_DEEP
from registry.signals._markup_skips import (
    MAYBE_MARKED,
    RAW_TEXT,
    SAYS_LICENCE,
    TO_END,
    any_case,
    in_body,
    in_head,
    template_tag,
)

_TAG = re.compile(rf"<(/?)([a-zA-Z][^\t\n\f\r />]*+){TO_END}")
_UNCLOSED_TAG = re.compile("</?[a-zA-Z]")
# Within a whole tag, after its name: an attribute's name, and its value in one of three groups.
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    r"(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)|))?+"
)
# The crawler decompresses a page up to the same limit.
MAX_PAGE = 64 * 1024 * 1024
MAX_TAGS = 30_000
# Types of scripts that hold data (an `&` may begin a character reference), and the name of the
# variable that holds the state of a platform's page.
_DATA = re.compile("json|xml|&", re.IGNORECASE)
_STATE = "__INITIAL_STATE__"
# Most characters of a script's tag that are examined before it is parsed exactly.
_GLANCE = 4096
# Elements that can carry marks: of `a` only those with "license" or "License" in the tag, of
# scripts only those that hold data.
MARKED = frozenset({"meta", "link", "base", "script", "a"})

_DRAWING = re.compile(f"<(/?)(?:{any_case('svg')}|{any_case('math')})")
_COMMENT_END = re.compile(r"--!?>")
_RAW_TEXT_END = {name: re.compile(f"</{any_case(name)}") for name in RAW_TEXT}
# Start tags before the body that do not open it.
_BEFORE_BODY = {"html", "head", "base", "basefont", "bgsound", "link", "meta", "title"} | {
    *("noscript", "noframes", "script", "style", "template")
}


@dataclass(frozen=True, slots=True)
class Tag:
    """One start tag: lower-case name, decoded attributes, exact text, and whether in the body.

    `content` is the raw text of a script with its end tag; empty for all else.
    """

    name: str
    attributes: dict[str, str]
    text: str
    in_body: bool
    content: str = ""


# The last page, and its tags.
_latest: list[tuple[str, tuple[Tag, ...]]] = [("", ())]


def tags(page: str) -> tuple[Tag, ...]:
    """Return the tags of a page that can carry marks, in order.

    The result is kept for the next reader of the same page. At most MAX_PAGE characters and
    MAX_TAGS tags are read.
    """
    known, parsed = _latest[0]
    # Compared by identity: comparing or hashing a page takes a tenth of the time of parsing it.
    if known is not page:
        parsed = tuple(islice(start_tags(page[:MAX_PAGE]), MAX_TAGS))
        _latest[0] = (page, parsed)
    return parsed


def start_tags(page: str, frames_deep: int = MOST_FRAMES_DEEP) -> Iterator[Tag]:
    """Yield the tags of a page that can carry marks, in order and without a limit.

    `frames_deep` is the number of levels of nested frames that are read.
    """
    return _Scanner(page, frames_deep).run()


def holds_data(tag: str, content: str) -> bool:
    """Return whether a script may hold data, by the text of its tag and its content."""
    return _DATA.search(tag) is not None or _STATE in content


class _Scanner:
    def __init__(self, page: str, frames_deep: int) -> None:
        self.page = page
        self.frames_deep = frames_deep
        self.in_body = False
        self.next_tag = -1
        self.has_state: bool | None = None
        # The position up to which `svg` and `math` were counted, and how many are open there.
        self.counted_to = 0
        self.open_drawings = 0

    def run(self) -> Iterator[Tag]:
        page = self.page
        position: int | None = 0
        while position is not None:
            position = self._skipped(position)
            opening = page.find("<", position)
            if opening != position and not self.in_body:
                self._text(position, opening if opening >= 0 else len(page))
            if opening < 0:
                return
            tag = _TAG.match(page, opening)
            if tag is None:
                position = self._other(opening)
            elif tag[1]:
                self.in_body = self.in_body or _lower(tag[2]) in {"body", "html", "br"}
                position = tag.end()
            else:
                position, marked = self._start_tag(tag)
                if marked is not None:
                    yield marked
                elif tag[2].lower() == "iframe":
                    yield from self._framed(tag)

    def _skipped(self, position: int) -> int:
        """Return the start of the next piece that needs an exact step."""
        if self.in_body and self._nothing_after(position):
            return len(self.page)
        skipped = (in_body() if self.in_body else in_head()).match(self.page, position)
        return skipped.end() if skipped else position

    def _nothing_after(self, position: int) -> bool:
        """Return whether no mark can begin from here on. Each character is examined once."""
        if self.next_tag < position:
            match = MAYBE_MARKED.search(self.page, position)
            while match and (end := self._end_of_code(match.start())):
                match = MAYBE_MARKED.search(self.page, end)
            self.next_tag = match.start() if match else len(self.page)
        return self.next_tag == len(self.page)

    def _end_of_code(self, opening: int) -> int:
        """Return the end of the tag of a script without data; 0 for any other tag."""
        tag = _TAG.match(self.page, opening, opening + _GLANCE)
        if tag is None or _lower(tag[2]) != "script" or _DATA.search(tag[0]):
            return 0
        if self.has_state is None:
            self.has_state = _STATE in self.page
        return 0 if self.has_state else tag.end()

    def _text(self, start: int, end: int) -> None:
        """Text opens the body, unless it is white space."""
        if not self.in_body and self.page[start:end].strip("\t\n\f\r \ufeff"):
            self.in_body = True

    def _start_tag(self, tag: re.Match[str]) -> tuple[int | None, Tag | None]:
        """Read one start tag; return the position after its element (None: no end), and the tag."""
        name = _lower(tag[2])
        if name == "template":
            return self._past_template(tag.end()), None
        if name not in _BEFORE_BODY:
            self.in_body = True
        after, content = self._raw_text(name, tag)
        if name not in MARKED or (name == "a" and not SAYS_LICENCE.match(tag[0])):
            return after, None
        if name == "script" and not holds_data(tag[0], content):
            return after, None
        content = content if name == "script" else ""
        return after, Tag(name, _attributes(tag), tag[0], self.in_body, content)

    def _framed(self, tag: re.Match[str]) -> Iterator[Tag]:
        """Yield the tags of the document embedded in a frame, as tags in the page's body."""
        document = _attributes(tag).get("srcdoc", "") if self.frames_deep else ""
        for inner in start_tags(document, self.frames_deep - 1) if "<" in document else ():
            if inner.name != "base":
                yield replace(inner, in_body=True)

    def _past_template(self, position: int) -> int | None:
        """Return the end of a template whose start tag ends here; None if it is not closed."""
        depth = 1
        while depth:
            tag = template_tag().match(self.page, position)
            if tag is None:
                return None
            position = tag.end()
            depth += -1 if tag[1] else 1
        return position

    def _raw_text(self, name: str, tag: re.Match[str]) -> tuple[int | None, str]:
        """Return the end of an element's raw text (None: not closed), and the text to there."""
        end = tag.end()
        if name == "plaintext":
            return None, ""
        if name not in _RAW_TEXT_END:
            return end, ""
        if tag[0].endswith("/>") and self._in_drawing(tag.start()):
            return end, ""
        closing = _RAW_TEXT_END[name].search(self.page, end)
        closed = _TAG.match(self.page, closing.start()) if closing else None
        if closed is None:
            return None, ""
        return closed.end(), self.page[end : closed.end()]

    def _in_drawing(self, position: int) -> bool:
        """Return whether a `svg` or `math` is open. Each character is examined once."""
        for drawing in _DRAWING.finditer(self.page, self.counted_to, position):
            self.open_drawings = max(0, self.open_drawings + (-1 if drawing[1] else 1))
        self.counted_to = max(self.counted_to, position)
        return self.open_drawings > 0

    def _other(self, opening: int) -> int | None:
        """Return the position after a comment or a `<` that is text; None if it is not closed."""
        page = self.page
        if page.startswith("<!--", opening):
            if page.startswith((">", "->"), opening + 4):
                return page.index(">", opening) + 1
            comment = _COMMENT_END.search(page, opening + 4)
            return comment.end() if comment else None
        if _UNCLOSED_TAG.match(page, opening):
            return None
        if page.startswith(("<!", "<?", "</"), opening):
            closing = page.find(">", opening)
            return closing + 1 if closing >= 0 else None
        self._text(opening, opening + 1)
        return opening + 1


def _attributes(tag: re.Match[str]) -> dict[str, str]:
    """Return the attributes of a complete tag; of two with the same name the first counts."""
    attributes: dict[str, str] = {}
    text, start = tag[0], tag.end(2) - tag.start()
    for name, double, single, bare in _ATTRIBUTE.findall(text, start, len(text) - 1):
        value = double or single or bare
        attributes.setdefault(name.lower(), html.unescape(value) if "&" in value else value)
    return attributes


def _lower(name: str) -> str:
    """Return a name with ASCII letters in lower case: the Kelvin sign must not become a `k`."""
    return name.lower() if name.isascii() else name
