"""The tokeniser of `registry.signals._markup` without its short cuts: every piece in exact steps.

An oracle: the reader's own must find the same tags in any text.
"""

import html
import re
from dataclasses import replace

from registry.signals._markup import MARKED, Tag

_NAME = re.compile(r"[a-zA-Z][^\t\n\f\r />]*")
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+"
    r"(?:(?P<end>>)"
    r"|(?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    r"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\t\n\f\r >\"'][^\t\n\f\r >]*+)"
    r"|(?P<unclosed>[\"'])|))?+)"
)
_COMMENT_END = re.compile(r"--!?>")
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp")
}
# Start tags that may stand before the body without opening it.
_BEFORE_BODY = {"html", "head", "base", "basefont", "bgsound", "link", "meta", "title"} | {
    *("noscript", "noframes", "script", "style", "template")
}


def exact_tags(page, frames_deep=3):
    """The tags of a page; a frame stands here as one, and is replaced by those of its document."""
    found = []
    for tag in _Scanner(page, MARKED | {"iframe"}).run():
        if tag.name == "iframe":
            document = tag.attributes.get("srcdoc", "")
            inner = exact_tags(document, frames_deep - 1) if frames_deep else []
            found += [replace(tag, in_body=True) for tag in inner if tag.name != "base"]
        elif tag.name != "script" or _data(tag):
            found.append(tag)
    return found


def _data(tag):
    """A script that runs holds no mark, but for the state of a platform's page."""
    says = any(word in tag.text.lower() for word in ("json", "xml", "&"))
    return says or "__INITIAL_STATE__" in tag.content


class _Scanner:
    def __init__(self, page, wanted):
        self.page = page
        self.wanted = wanted
        self.in_body = False
        self.templates = 0

    def run(self):
        position = 0
        while position is not None:
            opening = self.page.find("<", position)
            self._text(position, opening if opening >= 0 else len(self.page))
            if opening < 0:
                return
            if _NAME.match(self.page, opening + 1):
                position, tag = self._start_tag(opening)
                if tag is not None:
                    yield tag
            else:
                position = self._other(opening)

    def _text(self, start, end):
        """Text opens the body, unless it is white space."""
        if (
            not self.in_body
            and not self.templates
            and self.page[start:end].strip("\t\n\f\r \ufeff")
        ):
            self.in_body = True

    def _start_tag(self, opening):
        """Read one start tag; return where the text goes on, None at a tag never closed."""
        match = _NAME.match(self.page, opening + 1)
        name = _lower(match.group()) if match else ""
        attributes, end = self._attributes(match.end() if match else opening)
        if end is None:
            return None, None
        if name not in _BEFORE_BODY and not self.templates:
            self.in_body = True
        after, content = self._raw_text(name, opening, end)
        tag = None
        if name in self.wanted and not self.templates:
            text = self.page[opening:end]
            if name == "a" and not re.match(
                "<a[\t\n\f\r ][^<>]*icense", text[:2].lower() + text[2:]
            ):
                return after, None
            tag = Tag(name, attributes, text, self.in_body, content if name == "script" else "")
        if name == "template":
            self.templates += 1
        return after, tag

    def _attributes(self, position):
        """Read attributes up to `>`; of two with one name the first counts."""
        found = {}
        while match := _ATTRIBUTE.match(self.page, position):
            if match["end"]:
                return found, match.end()
            if match["unclosed"]:
                break
            value = match["double"] or match["single"] or match["bare"] or ""
            found.setdefault(match["name"].lower(), html.unescape(value))
            position = match.end()
        return found, None

    def _raw_text(self, name, opening, end):
        """Return where an element's raw text ends, and the text with its end tag."""
        if name == "plaintext":
            return None, ""
        if name not in _RAW_TEXT:
            return end, ""
        if self.page[opening:end].endswith("/>") and (self.templates or self._drawings(opening)):
            return end, ""
        closing = _RAW_TEXT[name].search(self.page, end)
        if closing is None:
            return None, ""
        _, after = self._attributes(closing.end())
        return after, self.page[end:after] if after is not None else ""

    def _drawings(self, end):
        """Count the drawings that are open, by their tags in the text before."""
        depth = 0
        for tag in re.finditer(r"<(/?)(?:svg|math)(?=[\t\n\f\r />])", self.page[:end], re.I | re.A):
            depth = max(0, depth + (-1 if tag[1] else 1))
        return depth

    def _other(self, opening):
        """Skip an end tag, a comment, or a `<` that is text."""
        page = self.page
        if page.startswith("<!--", opening):
            if page.startswith((">", "->"), opening + 4):
                return page.index(">", opening) + 1
            comment = _COMMENT_END.search(page, opening + 4)
            return comment.end() if comment else None
        end_tag = _NAME.match(page, opening + 2) if page.startswith("</", opening) else None
        if end_tag is not None:
            self._end_tag(_lower(end_tag.group()))
            return self._attributes(end_tag.end())[1]
        if page.startswith(("<!", "<?", "</"), opening):
            closing = page.find(">", opening)
            return closing + 1 if closing >= 0 else None
        self._text(opening, opening + 1)
        return opening + 1

    def _end_tag(self, name):
        if name == "template":
            self.templates = max(0, self.templates - 1)
        elif name in {"body", "html", "br"} and not self.templates:
            self.in_body = True


def _lower(name):
    return re.sub("[A-Z]+", lambda letters: letters[0].lower(), name)
