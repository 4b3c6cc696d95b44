"""The result of a run as JSON, as text, and as an exit code. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FINISHED, NOTHING_FOUND, UNREADABLE = 0, 1, 4
_WHY = {
    "connection": "the host cannot be reached or does not exist",
    "limit": "the time limit of the visit was reached",
    "not-a-page": "it is not an HTML page",
    "other-site": "it redirects to another site; start there instead",
    "parse-error": "the spider's parser failed on it; the marks of the page were recorded",
    "private-address": "host resolves to a private address; refused (to crawl a site of your own "
    "network, name it by its IP address, or use --private)",
    "public-address": "host resolves to a public address; refused (leave --private out)",
    "page-too-complex": "it cannot be parsed within the limits of time and memory",
    "page-truncated": "the response was truncated; the received part was recorded",
    "redirect-loop": "too many redirects",
    "refused-host": "the host is on the list of hosts that are never visited "
    "(`crawler refuse list` shows why)",
    "robots-txt": "the host's robots.txt disallows it",
    "robots-txt-unavailable": "the host's robots.txt cannot be fetched, so no request is allowed",
    "timeout": "the request timed out",
    "too-large": "it is too large",
    "too-long": "its URL is too long",
    "truncated": "the response was truncated",
}


# What a visit asks for, if not for everything.
_PARTS = {"due": " (pages that are due)", "site-files": " (site files)"}


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of one visit. `start_refusal` is the reason why the first page was not read.

    `extent` is what it asked for. `stopped` maps the hosts to which requests stopped to their
    last status; `suspicions` is what monitors say of a suspect visit, by their names; `signal` is
    the number of the signal that interrupted the visit, or None.
    """

    visit: int
    spider: str
    start_url: str
    host: str
    state: str
    counts: dict[str, int]
    seconds: float
    extent: str = "full"
    start_refusal: str | None = None
    stopped: dict[str, int] = field(default_factory=dict)
    suspicions: dict[str, str] = field(default_factory=dict)
    signal: int | None = None


def exit_code(ended: Sequence[Ended]) -> int:
    """Return 4 if a visit failed, 1 if no image was found at all, else 0.

    A visit fails if its start URL could not be read, or requests to its host stopped.
    """
    if any(visit.state == "failed" for visit in ended):
        return UNREADABLE
    has_images = any(visit.counts["observations"] for visit in ended)
    return FINISHED if has_images else NOTHING_FOUND


def failures(ended: Sequence[Ended]) -> list[str]:
    """Return a line for every start URL that was not read, and every incomplete visit."""
    return [line for visit in ended if (line := _failure(visit))]


def _failure(visit: Ended) -> str | None:
    if visit.start_refusal is not None:
        return f"cannot read {visit.start_url}: {_why(visit.start_refusal)}"
    if visit.state == "failed":
        return f"the visit of {visit.host} is incomplete: the host refused further requests"
    return None


def as_json(ended: Sequence[Ended]) -> dict[str, Any]:
    """Return the grouped counts of all visits together, and of each visit."""
    total: Counter[str] = Counter()
    for visit in ended:
        total.update(visit.counts)
    seconds = round(sum(visit.seconds for visit in ended), 3)
    return {**grouped(total), "seconds": seconds, "visits": [visit_json(one) for one in ended]}


def visit_json(visit: Ended) -> dict[str, Any]:
    """Return the result of one visit with its grouped counts."""
    fields = asdict(visit) | {"counts": grouped(visit.counts)}
    del fields["signal"]
    return fields


def grouped(counts: dict[str, int]) -> dict[str, Any]:
    """Return flat counts (`refused.http-404`) as a dictionary with one per group."""
    result: dict[str, Any] = {"refused": {}, "pages_refused": {}, "marks": {}, "left": {}}
    for name, count in counts.items():
        group, _, word = name.partition(".")
        if word:
            result[group][word] = count
        else:
            result[name] = count
    return result


def in_one_line(visit: Ended) -> str:
    """Return the end of a visit as one line: its main counts, and why it failed or is suspect."""
    line = _end(visit)
    if visit.extent != "site-files":
        line += f", {visit.counts['pages']} pages, {visit.counts['images']} images"
    reasons = [failure] if (failure := _failure(visit)) else []
    return "; ".join([line, *reasons, *visit.suspicions.values()])


def as_text(visit: Ended) -> str:
    """Return a visit's counts as lines of text."""
    counts = grouped(visit.counts)
    unchanged = f" ({counts['unchanged']} unchanged)" if counts["unchanged"] else ""
    lines = [
        _end(visit),
        f"  pages read       {counts['pages']}",
        f"  images           {counts['images']}{unchanged}",
        f"  observations     {counts['observations']}",
    ]
    for label, group in (
        ("refused", "refused"),
        ("pages refused", "pages_refused"),
        ("left out", "left"),
        ("marks", "marks"),
    ):
        if counts[group]:
            words = ", ".join(f"{word} {count}" for word, count in sorted(counts[group].items()))
            lines.append(f"  {label:<16} {words}")
    for name, text in visit.suspicions.items():
        lines.append(f"  suspect          {name}: {text}")
    if visit.stopped:
        words = ", ".join(f"{host} (http-{n})" for host, n in sorted(visit.stopped.items()))
        lines.append(f"  stopped hosts    {words}")
    if counts["errors"]:
        lines.append(f"  crawler errors   {counts['errors']} (--verbose shows them)")
    return "\n".join(lines)


def _end(visit: Ended) -> str:
    state = visit.state.replace("_", " ")
    part = _PARTS.get(visit.extent, "")
    return f"visit {visit.visit} of {visit.host}{part}: {state} after {visit.seconds:.1f} s"


def _why(refusal: str | None) -> str:
    if refusal is not None and refusal.startswith("http-"):
        return f"the host responded with status {refusal.removeprefix('http-')}"
    return _WHY.get(refusal or "", "the request failed")
