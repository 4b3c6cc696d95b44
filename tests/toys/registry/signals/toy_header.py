"""`Toy-Training`: an invented header, which shows that a vocabulary is one file and its vectors.

Refuses: `no`.

Where: any response, of an image or of a page.

Example:

    Toy-Training: no

Grammar: `no` or `yes`, in any case.

What it says: `no` reserves training, `yes` permits it.

Decisions: other values are ignored, with a warning.

Source: invented for tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.agents.known import TRAINING
from registry.model import Evidence, Meaning, Reading, Signal
from registry.text import quote

CARRIERS = ("headers",)
HEADERS = ("toy-training",)
COVERS_IMAGES = True

_MEANINGS: dict[str, Meaning] = {"no": "reserved", "yes": "allowed"}


def read(evidence: Evidence) -> Reading:
    """Read the header's field lines, of which the first 20 count."""
    lines = [line for line in evidence.lines if line[0].strip().lower() in HEADERS]
    wrong = (value for _, value in lines[:20] if value.strip().lower() not in _MEANINGS)
    warnings = [f"Toy-Training is neither no nor yes: {quote(value)}" for value in wrong]
    warnings += ["more than 20 lines of Toy-Training, the others not read"] * (len(lines) > 20)
    return Reading(tuple(dict.fromkeys(_signals(lines[:20], evidence))), tuple(warnings))


def _signals(lines: list[tuple[str, str]], evidence: Evidence) -> Iterator[Signal]:
    for name, given in lines:
        value = given.strip().lower()
        meaning = _MEANINGS.get(value)
        if meaning is not None:
            yield Signal(
                name=f"toy-training={value}",
                vocabulary="toy-header",
                carrier="headers",
                scope="image" if evidence.about == "image" else "page",
                raw=f"{name.strip()}: {value}",
                url=evidence.url,
                uses=tuple((use, meaning) for use, _ in TRAINING),
            )
