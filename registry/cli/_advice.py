"""Advice to owners: the marks that would reserve a target that has none."""

from __future__ import annotations

from collections.abc import Iterator

from registry.explain import Explanation
from registry.model import Evidence, Scope
from registry.signals import read
from registry.terminal import say
from registry.text import visible
from registry.verdict import decide

_HEAD = """\
{name}: no mark about training found (in: {looked_at}).
That neither reserves nor permits training. To reserve it, its owner can add one of these:"""
_NONE = """\
{name}: no mark about training found (in: {looked_at}).
That neither reserves nor permits training."""
_META = '<meta name="robots" content="noai, noimageai">'
_TDMREP = '[{"location": "/", "tdm-reservation": 1}]'
# How exiftool names the value, and what it writes.
_EXIFTOOL = 'exiftool -XMP-plus:DataMining="Prohibited for AI/ML training" FILE'
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
    'plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def advise(explained: Explanation) -> None:
    """Print on standard error that there is no mark, and the marks that its owner can add.

    Only marks that reserve the target for this agent under this policy are offered.
    """
    carriers = dict.fromkeys(piece.evidence.carrier for piece in explained.pieces)
    name, looked_at = visible(explained.name), ", ".join(carriers)
    lines = [text for text, evidence in _offers(explained) if _reserves(evidence, explained)]
    head = (_HEAD if lines else _NONE).format(name=name, looked_at=looked_at)
    say(*"\n".join([head, *lines]).split("\n"))


def _reserves(evidence: Evidence, explained: Explanation) -> bool:
    about: Scope = "page" if explained.kind == "html" else "image"
    verdict = explained.verdicts[0]
    signals = read(evidence).signals
    agent = explained.target.agent
    return decide(signals, verdict.policy, agent, asked=about).decision == "reserved"


def _offers(explained: Explanation) -> Iterator[tuple[str, Evidence]]:
    """Yield each mark to offer: the lines to show, and the same mark as evidence."""
    image = explained.kind == "image"
    if image:
        yield f"  to the picture   {_EXIFTOOL}", Evidence("xmp", "image", "", text=_XMP)
    page = "its page" if image else "the page"
    yield f"  to {page:<13} {_META}", Evidence("html", "page", "", text=f"<head>{_META}</head>")
    lines = (("X-Robots-Tag", "noai, noimageai"),)
    header = Evidence("headers", "image", "", lines)
    yield "  to the response  X-Robots-Tag: noai, noimageai", header
    agent = explained.target.agent
    named = [visible(agent)] if agent else ["GPTBot", "CCBot"]
    rules = [*(f"User-agent: {name}" for name in named), "Disallow: /"]
    shown = f"\n{'':19}".join(rules)
    text = Evidence("robots-txt", "site", "", text="\n".join(rules))
    yield f"  to robots.txt    {shown}", text
    place = Evidence("tdmrep-json", "site", "", text=_TDMREP)
    yield f"  to /.well-known/tdmrep.json\n{'':19}{_TDMREP}", place
