"""A reader for the part of YAML that this project's own files are written in."""

from __future__ import annotations

import re
from typing import Any


class NotSimpleError(ValueError):
    """A line of YAML that this reader does not take."""


def read_yaml(text: str) -> Any:
    """Read block mappings and lists of scalars, flow lists of strings, anchors and merges.

    Everything else raises NotSimpleError with the line's number: tabs, a name given
    twice, odd indentation, block scalars, an alias nobody defined.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line:
            raise NotSimpleError(f"line {number}: a tab")
        content = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if content:
            indent = len(content) - len(content.lstrip())
            lines.append((number, indent, content.lstrip()))
    reader = _Reader(lines)
    read = reader.block(0)
    if reader.lines:
        raise NotSimpleError(f"line {reader.lines[0][0]}: indentation")
    return read


class _Reader:
    def __init__(self, lines: list[tuple[int, int, str]]) -> None:
        self.lines = lines
        self.anchors: dict[str, Any] = {}

    def block(self, indent: int) -> Any:
        is_list = self.lines[0][2].startswith("- ")
        found: Any = [] if is_list else {}
        while self.lines and self.lines[0][1] == indent:
            number, _, content = self.lines.pop(0)
            if content.startswith("- ") is not is_list:
                raise NotSimpleError(f"line {number}: a list and a mapping in one")
            if is_list:
                found.append(self.scalar(number, content[2:].strip()))
            else:
                self.pair(found, number, indent, content)
        return found

    def pair(self, into: dict[str, Any], number: int, indent: int, content: str) -> None:
        match = re.fullmatch(r"([\w.-]+|<<):(?: +(?:&(\w+))? *(.*))?", content)
        if match is None:
            raise NotSimpleError(f"line {number}: not NAME: VALUE")
        name, anchor, text = match[1], match[2], match[3] or ""
        if name in into:
            raise NotSimpleError(f"line {number}: {name} is there twice")
        deeper = self.lines and self.lines[0][1] > indent
        if text and deeper:
            raise NotSimpleError(f"line {number}: a value and a block")
        value = self.block(self.lines[0][1]) if deeper else self.scalar(number, text)
        if anchor:
            self.anchors[anchor] = value
        if name == "<<":
            into.update({k: v for k, v in value.items() if k not in into})
        else:
            into[name] = value

    def scalar(self, number: int, text: str) -> Any:
        if text.startswith("*"):
            if text[1:] not in self.anchors:
                raise NotSimpleError(f"line {number}: nobody defined {text}")
            return self.anchors[text[1:]]
        if re.fullmatch(r'\[("[^"\\]*"(, |(?=\])))*\]', text):
            return re.findall(r'"([^"]*)"', text)
        if re.fullmatch(r'"[^"\\]*"', text):
            return text[1:-1]
        if re.match(r"""[-?:,\[\]{}#&*!|>'"%@`]""", text) or re.search(r""": |:$|["'\\]""", text):
            raise NotSimpleError(f"line {number}: {text!r} needs quotes, or is no simple value")
        return text or None
