"""`/.well-known/toy.json`: an invented file, which shows that a site file needs no other code.

Refuses: `"toy": "no"`.

Where: `/.well-known/toy.json` of the host that serves the image.

Example:

    {"toy": "no"}

Grammar: a JSON object, of which the property `toy` is `no` or `yes`.

What it says: `no` reserves training for the whole host, `yes` permits it.

Decisions: other texts are ignored, with a warning.

Source: invented for tests.
"""

from __future__ import annotations

import json

from registry.agents.known import TRAINING
from registry.evidence.carriers import Carrier
from registry.model import Evidence, Meaning, PathRule, Reading, Signal

CARRIERS = ("toy-json",)
SITE_FILES = (
    Carrier(
        "toy-json",
        "site",
        ("/.well-known/toy.json",),
        "media",
        endings=("toy.json",),
        words='"toy"',
    ),
)

_MEANINGS: dict[str, Meaning] = {"no": "reserved", "yes": "allowed"}


def read(evidence: Evidence) -> Reading:
    """Read the property of one toy.json."""
    try:
        given = json.loads(evidence.text[:10_000])
    except (ValueError, RecursionError):
        given = None
    value = given.get("toy") if isinstance(given, dict) else None
    if not isinstance(value, str) or value not in _MEANINGS:
        return Reading(warnings=("toy.json says neither no nor yes",))
    signal = Signal(
        name=f"toy-json:{value}",
        vocabulary="toy-file",
        carrier="toy-json",
        scope="site",
        raw=f'"toy": "{value}"',
        url=evidence.url,
        uses=tuple((use, _MEANINGS[value]) for use, _ in TRAINING),
        rule=PathRule("/", "all", 0),
    )
    return Reading((signal,))
