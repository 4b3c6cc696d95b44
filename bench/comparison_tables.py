"""The tables of docs/comparison.md, from the answers of all readers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.explain.evidence_lines import HEADER_KINDS
from registry.text import visible

# Lines that any image response has; without one datadiligence raises.
PLAIN = [["Content-Type", "image/jpeg"], ["Server", "nginx"]]
PEERS = ("datadiligence", "img2dataset")
# img2dataset with the words noai and noimageai, without its default noindex and noimageindex.
NOAI_ALONE = "img2dataset, noai alone"

Vector = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One vector, the peers' input for it, and the answers of all readers.

    `refused` has the documents' answer, both policies' and the peers', by name.
    """

    vector: Vector
    given: Mapping[str, Any]
    refused: Mapping[str, bool]
    said: Mapping[str, str]

    @property
    def carrier(self) -> str:
        """Return the carrier of its marks."""
        kind, said = str(self.vector["kind"]), self.vector["input"]
        if isinstance(said, dict):
            return "several" if len(said) > 1 else next(iter(said))
        return "headers" if kind in HEADER_KINDS else kind

    @property
    def agent(self) -> str | None:
        """Return the agent that asks."""
        return self.given["agent"] or None

    @property
    def lines(self) -> list[list[str]]:
        """Return the header lines that the vector is about."""
        return list(self.given["headers"])[len(PLAIN) :]

    @property
    def is_robots(self) -> bool:
        """Return whether there is an X-Robots-Tag that is not empty."""
        return any(name.lower() == "x-robots-tag" and value.strip() for name, value in self.lines)

    @property
    def disputed(self) -> bool:
        """Return whether the peers disagree."""
        return self.refused["datadiligence"] != self.refused["img2dataset"]


def table(head: str, rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; `head` has its columns between bars."""
    rule = "| --- " * head.count(" | ") + "| --- |"
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([f"| {head} |", rule, *lines]) + "\n"


def counts(found: Sequence[Case]) -> list[str]:
    """Return a row's numbers: cases, refused by the documents, found by each tool, and more."""
    marked = [case for case in found if case.refused["documents"]]
    others = [case for case in found if not case.refused["documents"]]
    cells = [len(found), len(marked)]
    cells += [sum(case.refused[name] for case in marked) for name in ("letter", "cautious", *PEERS)]
    texts = [str(cell) for cell in cells]
    texts.append(str(sum(case.refused["cautious"] for case in others)))
    for peer in PEERS:
        too = sum(case.refused[peer] and case.refused["cautious"] for case in others)
        alone = sum(case.refused[peer] and not case.refused["cautious"] for case in others)
        texts.append(f"{too} + {alone}" if too + alone else "0")
    return texts


def by_vocabulary(found: Sequence[tuple[str, Case]]) -> str:
    """Return the table of all vocabularies and carriers."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for name, case in found:
        groups.setdefault((name, case.carrier), []).append(case)
    rows = [[*place, *counts(groups[place])] for place in sorted(groups)]
    every = [case for _, case in found]
    taken = [case for case in every if case.vector["origin"] == "external"]
    rows.append(["**all**", "", *counts(every)])
    rows.append(["of them from elsewhere", "", *counts(taken)])
    head = "vocabulary | carrier | cases | refused | found: `letter` | `cautious` | datadiligence"
    return table(
        f"{head} | img2dataset | more: `cautious` | datadiligence | img2dataset",
        rows,
    )


def shares(found: Sequence[Case]) -> str:
    """Return a table: how often the two peers disagree, and how often they match the documents."""
    rows = []
    for name, robots, asked in (
        ("`X-Robots-Tag`, no agent named", True, False),
        ("`X-Robots-Tag`, an agent named", True, True),
        ("all header cases, no agent named", False, False),
        ("all header cases, an agent named", False, True),
    ):
        chosen = [c for c in found if bool(c.agent) == asked and (c.is_robots or not robots)]
        some = [c for c in chosen if any(c.refused[tool] for tool in (*PEERS, "documents"))]
        first, second = PEERS
        parts = [
            (sum(c.refused[first] != c.refused[second] for c in chosen), len(chosen)),
            (sum(c.refused[first] != c.refused[second] for c in some), len(some)),
            (sum(c.refused[first] != c.refused[NOAI_ALONE] for c in chosen), len(chosen)),
            *(
                (sum(c.refused[p] == c.refused["documents"] for c in chosen), len(chosen))
                for p in PEERS
            ),
        ]
        rows.append([name, *(percent(part, whole) for part, whole in parts)])
    head = "cases | the two disagree | where one of them or the documents refuse | in `noai` alone"
    return table(f"{head} | as the documents: datadiligence | img2dataset", rows)


def percent(part: int, whole: int) -> str:
    """Return a count with its percentage."""
    return f"{part} of {whole} ({part / whole:.0%})".replace("%)", " %)") if whole else "0"


def disputes(found: Iterable[Case]) -> str:
    """Return the table of the header cases on which the two peers disagree."""
    rows = dict.fromkeys(
        (
            shown(case.lines),
            case.agent or "",
            case.vector["expect"]["train"],
            *("refused" if case.refused[name] else "" for name in ("letter", "cautious", *PEERS)),
        )
        for case in found
        if case.disputed
    )
    head = "header lines | agent | documents | `letter` | `cautious` | datadiligence"
    return table(f"{head} | img2dataset", rows)


def remarks(found: Sequence[tuple[str, Case]]) -> str:
    """Return the other counts as text: kinds of header objects, errors."""
    headers = [case for _, case in found if case.carrier == "headers"]
    first = PEERS[0]
    joined = [c for c in headers if c.refused[first] != c.refused[f"{first}, urllib"]]
    failed = {case.carrier for _, case in found if case.said[first].startswith("error")}
    return (
        f"datadiligence answers differently for urllib's headers than for those of requests in "
        f"{len(joined)} of the header cases: {'; '.join(shown(case.lines) for case in joined)}. "
        f"It raised errors on: {', '.join(sorted(failed)) or 'nothing'}.\n"
    )


def shown(lines: Iterable[Sequence[str]]) -> str:
    """Return header lines as the text of a table's cell."""
    texts = [visible(f"{name}: {value}") for name, value in lines]
    texts = [text if len(text) < 100 else text[:96] + " ..." for text in texts]
    if len(texts) > 6:
        texts[2:-1] = [f"and {len(texts) - 3} more lines"]
    return "<br>".join(f"`{text}`".replace("|", "\\|") for text in texts)
