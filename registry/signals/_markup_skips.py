"""Regular expressions for the parts of a page that cannot hold a mark and are skipped.

There is one for the text before the body and one for the body. Each matches the longest
sequence of complete pieces (text, comments, elements of raw text, tags that carry no
marks), and stops before the first piece that is not closed or needs the exact step of
`registry.signals._markup`. All repetitions are possessive, so time is linear in the text.
They are compiled for the first page: most commands read no page, and compiling takes a
tenth of the start time of a check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

_SPACE = r"[\t\n\f\r ]"
_NAME_END = r"(?=[\t\n\f\r />])"
# From within a tag's name to the `>` that ends the tag: first attributes in their usual form,
# then any that the grammar allows.
TO_END = (
    r"[^\t\n\f\r />]*+"
    rf"(?:{_SPACE}++[a-zA-Z:_-]++=\"[^\"]*+\")*+"
    r"(?:>|"
    rf"(?:[\t\n\f\r /]*+[^\t\n\f\r />][^\t\n\f\r />=]*+"
    rf"(?:{_SPACE}*+={_SPACE}*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+|(?=>))"
    rf"|(?!{_SPACE}*+=)))*+[\t\n\f\r /]*+>)"
)
_COMMENT = r"!--(?!-?>)(?:[^-]++|-(?!-!?>))*+--!?>"
_BOGUS = r"(?:\?|!(?!--(?!-?>))|/(?![a-zA-Z]))[^>]*+>"
_TEXT = r"(?![a-zA-Z/!?])"


def any_case(name: str) -> str:
    """Return a pattern of a tag's name in any case; unlike a flag, it fails at the first letter."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in name) + _NAME_END


def _named(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(any_case, sorted(names)))})"


def _raw(names: Iterable[str], to_end: str = TO_END) -> list[str]:
    """Return patterns of complete elements of raw text, without `<title/>`, as in a drawing."""
    return [
        rf"{any_case(name)}{to_end}(?<!/>)(?:[^<]++|<(?!/{any_case(name)}))*+"
        rf"</{any_case(name)}{TO_END}"
        for name in sorted(names)
    ]


def _skip(text: str, tags: Iterable[str]) -> str:
    return rf"(?:{text}*+<(?:{'|'.join([*tags, _COMMENT, _BOGUS])}))*+{text}*+"


# A link with "license" or "License" before the next angle bracket.
_LICENCE_LINK = rf"[aA](?={_SPACE})[^<>i]*+(?:i(?!cense)[^<>i]*+)*+i"
SAYS_LICENCE = re.compile(f"<{_LICENCE_LINK}")
# Places in the body where a mark may begin; some have none, but no mark begins anywhere else.
MAYBE_MARKED = re.compile(
    "<(?:[mMlLbBsS](?:[eE][tT][aA]|[iI][nN][kK]|[aA][sS][eE]|[cC][rR][iI][pP][tT])"
    "|[iI][fF][rR][aA][mM][eE]"
    rf"|{_LICENCE_LINK})"
)
RAW_TEXT = ("script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp")
# Except scripts, which may hold marks in their text, and frames, in the attribute `srcdoc`.
_OTHER_RAW = tuple(name for name in RAW_TEXT if name not in {"script", "iframe"})
# The rest of a tag without `>` in a value and without the word "srcdoc".
_WITHOUT_DOCUMENT = r"(?!(?:[^>sS]++|[sS](?![rR][cC][dD][oO][cC]))*+[sS])" + TO_END.replace(
    '[^\\"]', '[^\\">]'
).replace("[^']", "[^'>]")

# First letters of tags at which a skip never stops: most tags of a page.
_OTHER_INITIALS = "c-hj-koq-ru-wyzC-HJ-KOQ-RU-WYZ"

_WITHIN_TEMPLATE = _skip(
    "[^<]",
    (
        rf"(?!{_named(['template', 'plaintext', *RAW_TEXT])})[a-zA-Z]{TO_END}",
        rf"/(?!{any_case('template')})[a-zA-Z]{TO_END}",
        *_raw(RAW_TEXT),
        rf"{_named(RAW_TEXT)}{TO_END}(?<=/>)",
        _TEXT,
    ),
)
_TEMPLATE = rf"{any_case('template')}{TO_END}{_WITHIN_TEMPLATE}</{any_case('template')}{TO_END}"


@cache
def in_body() -> re.Pattern[str]:
    """Return the pattern of pieces of the body that hold no mark."""
    stops = _named(["meta", "link", "base", "template", "plaintext", *RAW_TEXT])
    text = _skip(
        "[^<]",
        (
            rf"[{_OTHER_INITIALS}]{TO_END}",
            rf"/[a-zA-Z]{TO_END}",
            rf"(?!{stops}|{_LICENCE_LINK})[a-zA-Z]{TO_END}",
            *_raw(_OTHER_RAW),
            *_raw(["iframe"], _WITHOUT_DOCUMENT),
            _TEMPLATE,
            _TEXT,
        ),
    )
    return re.compile(text)


@cache
def in_head() -> re.Pattern[str]:
    """Return the pattern of pieces before the body that hold no mark."""
    text = _skip(
        "[\t\n\f\r \ufeff]",
        (
            rf"{_named(['html', 'head', 'basefont', 'bgsound', 'noscript'])}{TO_END}",
            rf"/(?!{_named(['body', 'html', 'br'])})[a-zA-Z]{TO_END}",
            *_raw(["style", "title", "noframes"]),
            _TEMPLATE,
        ),
    )
    return re.compile(text)


@cache
def template_tag() -> re.Pattern[str]:
    """Return the pattern, within a template, up to its next start or end tag (end: group 1)."""
    return re.compile(rf"{_WITHIN_TEMPLATE}<(/?){any_case('template')}{TO_END}")
