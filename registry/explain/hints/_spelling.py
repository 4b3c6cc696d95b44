"""The only table of near misses: misspellings of marks, and the correct form of each. Pure."""

from __future__ import annotations

import re

# Quotation marks, colons, dashes and blanks that word processors use instead of plain ones.
CURLY = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u2018\u2019\u201a\u201b\u2032"
QUOTES_TO_PLAIN = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'")
)
TO_PLAIN = QUOTES_TO_PLAIN | str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
    | {"\uff1a": ":", "\u00a0": " "}
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", "")
)
AROUND = f"{CURLY}`\u00b4\"' \t"

# A refusal in any spelling; the name of the group shows which directive is meant.
REFUSAL = re.compile(
    r"(?<![a-z0-9_-])no[-_ ]{0,2}(?:(?P<image>images?[-_ ]{0,2}ai|ai[-_ ]{0,2}images?)"
    r"|(?P<all>ai)|(?P<ml>ml))(?![a-z0-9_-])"
)
_CANONICAL = {"image": "noimageai", "all": "noai", "ml": "noml"}
# Other directives in a list with a refusal. A text with anything else is prose.
_BESIDE = re.compile(
    r"(?:all|none|(?:no)?(?:index|follow|archive|cache|snippet|imageindex|translate|odp|ydir)"
    r"|max-(?:snippet|image-preview|video-preview)\s?:\s?[a-z0-9-]+)"
)
_BETWEEN = re.compile(r"[\s,;|/.\"']+")

# Misspelt names, by their letters only, and the names that are meant.
ROBOTS_NAMES = frozenset(
    {
        "robots",
        "robot",
        "robts",
        "robos",
        "rbots",
        "robost",
        "robtos",
        "robotos",
        "robotstag",
        "robottag",
        "xrobotstag",
        "xrobottag",
        "xrobots",
        "xrobot",
        "ai",
    }
)
HEADER_NAMES = frozenset(
    {
        "xrobotstag",
        "xrobottag",
        "xrobots",
        "xrobot",
        "xrobotstags",
        "xrobottags",
        "xrobotags",
        "robots",
        "robot",
        "robotstag",
        "robottag",
        "xrobotstg",
        "xroboststag",
    }
)
REFUSAL_NAMES = frozenset(("noai", "noimageai", "noaiimage", "xnoai", "xnoimageai"))
YES = frozenset(("", "1", "true", "yes", "on"))
ROBOTS_KEYS = {
    **dict.fromkeys(("useragent", "useragents", "useragant", "usaragent"), "User-agent"),
    **dict.fromkeys(("useragen", "usersagent", "useagent", "useraget"), "User-agent"),
    **dict.fromkeys(("disallow", "dissallow", "dissalow", "disalow"), "Disallow"),
    **dict.fromkeys(("diasllow", "disallaw", "disallows", "disallowed"), "Disallow"),
    "disallowaitraining": "DisallowAITraining",
    **dict.fromkeys(("contentsignal", "contentsignals"), "Content-Signal"),
    "contentusage": "Content-Usage",
}
RESERVATION_KEYS = frozenset(
    {
        "tdmreservation",
        "tdmreservations",
        "tdmreservaton",
        "tdmresevation",
        "tdmreservtion",
        "tdmreservatoin",
        "tdmreserved",
        "tdmreserve",
    }
)
RESERVATION = "tdm-reservation"


def letters(name: str) -> str:
    """Return the ASCII letters of a name, in lower case."""
    return "".join(c for c in name.lower() if "a" <= c <= "z")


def directives(value: str) -> tuple[str, ...]:
    """Return the directives that a list is meant to have; empty for prose, or without a refusal."""
    text = value.translate(TO_PLAIN).lower()[:500]
    words: list[str] = []
    place = 0
    for match in REFUSAL.finditer(text):
        beside = _beside(text[place : match.start()])
        if beside is None:
            return ()
        words += [*beside, _CANONICAL[match.lastgroup or "all"]]
        place = match.end()
    rest = _beside(text[place:])
    return tuple(dict.fromkeys([*words, *rest])) if words and rest is not None else ()


def _beside(text: str) -> list[str] | None:
    """Return the directives in the text around a refusal; None if it has any other text."""
    words = [word for word in _BETWEEN.split(text) if word]
    return words if all(map(_BESIDE.fullmatch, words)) else None
