"""`Link: <...>; rel="tdm-reservation"`: an incorrect form of TDMRep, found on real sites.

Refuses: `rel="tdm-reservation"`.

Where: a `Link` header of an image or a page.

Example:

    Link: <https://gallery.example/tdm>; rel="tdm-reservation"

Grammar: a link (RFC 8288) of the relation `tdm-reservation`. No document defines
it: TDMRep's header is `tdm-reservation: 1`.

What it says: text and data mining is reserved; the mark counts as malformed. The
target of the link is not read.

Decisions: the relation is read as the property of the same name. A link has no value
that could mean `0`, so it is a refusal. It is in the same vocabulary as
`registry.signals.tdmrep`: a well formed statement of a later layer replaces it.

Who: goresearch, as seen in its responses.

Sources: https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/,
https://www.rfc-editor.org/rfc/rfc8288.html.
"""

from __future__ import annotations

from registry.agents.known import TRAINING
from registry.model import Evidence, Meaning, Reading, Signal, Use
from registry.signals import _link_header
from registry.text import quote

VOCABULARY = "tdmrep"
CARRIERS = ("headers",)
HEADERS = ("link",)
ADDRESSES = ("link",)

_RESERVED: tuple[tuple[Use, Meaning], ...] = (("tdm", "reserved"), *TRAINING)


def read(evidence: Evidence) -> Reading:
    """Read the first link with this relation; further ones would add nothing."""
    links, _ = _link_header.links_of(evidence)
    for link in links:
        if "tdm-reservation" in link.relations:
            signal = Signal(
                name="tdm-reservation",
                vocabulary=VOCABULARY,
                carrier="headers",
                scope="image" if evidence.about == "image" else "page",
                raw=link.raw,
                url=evidence.url,
                uses=_RESERVED,
                conformance="malformed",
            )
            fault = f"no document defines the relation tdm-reservation: {quote(link.raw)}"
            return Reading((signal,), (fault,))
    return Reading()
