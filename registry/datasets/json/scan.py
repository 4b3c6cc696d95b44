"""Where the elements of a JSON array or object begin and end (pure).

No library gives the bytes of each element, so the structure is found here, with numpy: outside
texts, brackets change the depth, and commas of depth 0 are between elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACE = b" \t\r\n"
_QUOTE, _BACKSLASH, _COMMA, _COLON, _LF, _CR = b'"\\,:\n\r'
_STRUCTURE = np.zeros(256, bool)
_STRUCTURE[[*b'"[]{},:']] = True
_STEPS = np.zeros(256, np.int8)
_STEPS[[*b"[{"]] = 1
_STEPS[[*b"]}"]] = -1


@dataclass(frozen=True, slots=True)
class State:
    """Where some bytes begin: how deep, and whether within a text or after a backslash."""

    depth: int = 0
    in_text: bool = False
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """The places of depth 0 in some bytes: commas, colons, brackets around values.

    `close`: the place of the bracket that ends the array or object, or None; nothing behind it is
    looked at. `broken`: a line ends within a text.
    """

    commas: NDArray[np.int64]
    colons: NDArray[np.int64]
    opening: NDArray[np.int64]
    closing: NDArray[np.int64]
    close: int | None
    state: State
    broken: bool


def scan(data: bytes, state: State = State()) -> Scan:
    """Find the structure of bytes that begin within an array or object."""
    content = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(_STRUCTURE[content])
    escaped = False
    if state.escaped or _BACKSLASH in data:
        behind = _behind_backslashes(content, state.escaped)
        escaped = bool(len(behind)) and int(behind[-1]) == len(data)
        places = places[~np.isin(places, behind, assume_unique=True)]
    kinds = content[places]
    quotes = kinds == _QUOTE
    in_text = (np.cumsum(quotes) + state.in_text) & 1
    ends_in_text = bool(in_text[-1]) if len(in_text) else state.in_text
    ends = np.flatnonzero((content == _LF) | (content == _CR))
    around = np.concatenate([[int(state.in_text)], in_text])
    broken = bool(len(ends)) and bool(around[np.searchsorted(places, ends)].any())
    outside = ~quotes & (in_text == 0)
    places, kinds = places[outside], kinds[outside]
    steps = _STEPS[kinds]
    depths = np.cumsum(steps, dtype=np.int64) + state.depth
    deepest = int(depths[-1]) if len(depths) else state.depth
    ending = np.flatnonzero(depths < 0)[:1].tolist()
    if ending:
        kept = slice(0, ending[0])
        close: int | None = int(places[ending[0]])
        places, kinds, steps, depths = places[kept], kinds[kept], steps[kept], depths[kept]
    else:
        close = None
    flat = depths == 0
    return Scan(
        places[flat & (kinds == _COMMA)],
        places[flat & (kinds == _COLON)],
        places[(steps > 0) & (depths == 1)],
        places[flat & (steps < 0)],
        close,
        State(deepest, ends_in_text, escaped),
        broken,
    )


def _behind_backslashes(content: NDArray[np.uint8], escaped: bool) -> NDArray[np.int64]:
    """Return the places behind an odd number of backslashes; the last may be behind the end."""
    places = np.flatnonzero(content == _BACKSLASH)
    if escaped:
        # The first byte belongs to a backslash before.
        places = places[places > 0]
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(places)))
    behind = (places[starts] + lengths)[lengths % 2 == 1]
    return np.concatenate([[0], behind]) if escaped else behind
