"""`registry lookup`: the recorded entries for one image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli._path import NamedPath
from registry.terminal import show, show_json

if TYPE_CHECKING:
    from registry.lookups import Answer, EntryMatch

SHOWN = 10
SHOWN_PAST = 3
SILENCE = (
    "  nothing recorded. That is no permission: this registry does not know every image.",
    '  To reserve an image, add <meta name="robots" content="noai, noimageai"> to its page,',
    "  or the header X-Robots-Tag: noai, noimageai to its response.",
)
WITHDRAWN = (
    "  Withdrawn claims ({count:,} in this registry) are not in a snapshot:",
    "  registry history {target} shows whether one was about this.",
)
CROWDED = (
    "  more than {most:,} recorded pictures are similar; only the nearest were compared, so that",
    "  a check answers review, unless one of them or another mark reserves it",
)
NOT_COMPARED = (
    "  Every picture of one colour has this hash, so a match would mean nothing.",
    "  Look up the picture's file, its URL or a digest.",
)


@click.command()
@click.argument("target", nargs=-1, required=True)
@click.option("--snapshot", type=NamedPath(), help="Folder of the snapshot to use.")
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option(
    "--distance",
    type=click.IntRange(0, 64),
    help="Match every phash64 that differs in at most this many bits.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per target.")
def command(
    target: tuple[str, ...],
    snapshot: Path | None,
    policy: str,
    distance: int | None,
    as_json: bool,
) -> int:
    """Look up an image file, a URL, a fingerprint or a digest.

    TARGET is an image file, the URL of an image or a page, 16 hex digits (phash64),
    64 (phash256 or sha256) or 32 (md5). A URL is looked up, never fetched.

    \b
    Exit codes: 0 something is recorded; 1 nothing is recorded; 2 wrong usage;
    4 a file or the registry is unreadable.
    """
    from registry.cli._snapshot import resolve
    from registry.index import Index
    from registry.lookups import kind_of, lookup
    from registry.verdict import policy_named

    policy_named(policy)
    for name in target:
        kind_of(name)  # report a wrong target before any work
    index = Index(resolve(snapshot), policy)
    answers = [lookup(index, name, distance) for name in target]
    for answer in answers:
        if as_json:
            show_json(_json(answer))
        else:
            show(*_text(answer))
    return 0 if any(answer.found for answer in answers) else 1


def _json(answer: Answer) -> dict[str, object]:
    return {
        "target": answer.target,
        "kind": answer.kind,
        "decision": answer.decision,
        "unfit": answer.unfit,
        "page": answer.page,
        "crowded": answer.crowded,
        "withdrawn_claims": answer.withdrawn,
        "found": [match.to_json() for match in answer.found],
    }


def _text(answer: Answer) -> list[str]:
    head = f"{answer.target} ({'a page' if answer.page else answer.kind})"
    if answer.unfit and answer.kind == "phash64":
        return [f"{head}: {answer.unfit}, so it was not compared", *NOT_COMPARED]
    if answer.unfit:
        head += f": {answer.unfit}, so only its digests were compared"
    if not answer.found:
        return [head, *SILENCE, *_withdrawn(answer)]
    lines = [f"{head}: {answer.decision}"]
    if answer.page:
        shown = sum(match.on_page for match in answer.found)
        lines.append(
            f"  pictures of the page: {shown} recorded; "
            f"a row that names only the page is {answer.page}"
        )
    if answer.crowded:
        from registry.index.prints import MOST_SIMILAR

        lines += [line.format(most=MOST_SIMILAR) for line in CROWDED]
    for match in answer.found[:SHOWN]:
        lines += _entry(answer, match)
    if len(answer.found) > SHOWN:
        lines.append(f"  and {len(answer.found) - SHOWN} more (--json shows all)")
    return lines


def _withdrawn(answer: Answer) -> list[str]:
    """Return a note on withdrawn claims, which the snapshot leaves out; [] if there are none."""
    from shlex import quote

    target, count = quote(answer.target), answer.withdrawn
    return [line.format(count=count, target=target) for line in WITHDRAWN] if count else []


def _entry(answer: Answer, match: EntryMatch) -> list[str]:
    from registry.text import visible

    where = "a rule of the site" if match.by == "site" else visible(match.url or "no URL recorded")
    page = f" on {visible(match.page_url)}" if match.page_url else ""
    lines = [
        f"  {match.verdict.decision:<12}{where}{page}",
        f"    matched by  {_how(answer, match)}",
    ]
    lines += [f"    mark        {mark}" for mark in _marks(match)]
    lines += _earlier(match)
    # A licence of an unspecified verdict is not shown: no mark decided by it.
    if match.verdict.licence_url and match.verdict.decision != "unspecified":
        lines.append(f"    licence     {visible(match.verdict.licence_url)}")
    lines += _terms(match)
    lines.append(f"    seen        {_dates(match)}  ({visible(match.source)}, {match.entry})")
    return lines


def _terms(match: EntryMatch) -> list[str]:
    """Return whom to ask for a licence, and whom to credit, as far as marks name them."""
    from registry.text import visible
    from registry.verdict.licensing import terms_of

    terms = terms_of(match.verdict)
    ask = [] if match.verdict.decision == "unspecified" else [terms.licensor, terms.contact]
    found = {"ask": ask, "creator": [terms.creator], "credit": [terms.credit]}
    texts = {name: ", ".join(map(visible, filter(None, some))) for name, some in found.items()}
    return [f"    {name:<12}{text}" for name, text in texts.items() if text]


def _earlier(match: EntryMatch) -> list[str]:
    """Return a line for each group of marks with the same dates, the newest first."""
    from registry.text import visible

    now = bool(match.verdict.deciding)
    if not match.past:
        return [] if now else ["    mark        none seen"]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for mark in reversed(match.past):
        when = f"{mark.since:%Y-%m-%d}", f"{mark.until:%Y-%m-%d}", mark.url
        groups.setdefault(when, []).append(mark.name)
    texts = [
        f"{', '.join(map(visible, dict.fromkeys(names)))} seen from {since} to {until}"
        + (f"  at {visible(url)}" if url else "")
        for (since, until, url), names in groups.items()
    ]
    lines = [f"    earlier     {text}" for text in texts[:SHOWN_PAST]]
    if not now:
        lines[0] = f"    mark        none now; {texts[0]}"
    if len(texts) > SHOWN_PAST:
        lines.append(f"    earlier     {len(texts) - SHOWN_PAST} more: registry history shows all")
    return lines


def _marks(match: EntryMatch) -> list[str]:
    """Quote each mark once, however many signals were read from it."""
    from registry.text import visible

    marks = ((s.raw, f"  at {s.url}" if s.url else "") for s in match.verdict.deciding)
    return list(dict.fromkeys(visible(raw) + visible(place) for raw, place in marks))


def _how(answer: Answer, match: EntryMatch) -> str:
    from registry.urls.key import host_of

    host = host_of(answer.target)
    if match.in_question:
        return (
            f"a claim on {match.site}, which may not cover {host}: a person must decide; "
            "a check answers review"
        )
    if match.site not in {None, host}:
        return f"host and path; a claim on {match.site} covers {host}"
    if match.on_page:
        return "the page that shows it"
    if match.other_size:
        return "the URL of another size of the picture"
    if match.by != "fingerprint":
        return {"url": "the same URL", "digest": "the same file", "site": "host and path"}[match.by]
    distance = "" if match.distance is None else f", {match.distance} of 64 bits differ"
    return f"the same picture: {match.tier or 'within --distance'}{distance}"


def _dates(match: EntryMatch) -> str:
    since = f"{match.since:%Y-%m-%d %H:%M}" if match.since else "?"
    seen = f"{match.seen:%Y-%m-%d %H:%M}" if match.seen else "?"
    return f"since {since}, last {seen} UTC"
