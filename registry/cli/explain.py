"""`registry explain`: evidence, signals and verdict, with the raw text of every mark."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from registry.cli._evidence_files import (
    FILE_KINDS,
    guess_kind,
    header_lines,
    read_file,
    text_of,
)
from registry.errors import RegistryError, UnreadableInput, UsageError
from registry.evidence_lines import HEADER_KINDS, answer
from registry.model import About, Evidence, Reading, Signal, Target, Verdict
from registry.signals import read
from registry.signals._agents import agents
from registry.site_rules import applicable, robots_url
from registry.text import visible
from registry.verdict import decide, policy_named

Lines = tuple[tuple[str, str], ...]

ADVICE = """\
Of X-Robots-Tag, robots meta tags and robots.txt rules, which this version reads,
nothing here speaks of training. Its owner may add one of these:
  to the page      <meta name="robots" content="noai, noimageai">
  to the response  X-Robots-Tag: noai, noimageai
  to robots.txt    User-agent: GPTBot
                   User-agent: CCBot
                   Disallow: /"""


@dataclass(frozen=True, slots=True)
class Question:
    """What the options say, the same for every target."""

    url: str | None
    headers: Lines
    kind: str | None
    agent: str | None
    policy: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One target, what was read from it, what of that applies, and the verdict."""

    name: str
    kind: str
    target: Target
    outranked: int
    signals: tuple[Signal, ...]
    warnings: tuple[str, ...]
    verdict: Verdict


@click.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--url", metavar="U", help="Where the target stood; for robots.txt, the URL asked.")
@click.option("--header", "headers", metavar="'N: V'", multiple=True, help="A response header.")
@click.option("--kind", type=click.Choice(FILE_KINDS), help="What the target is.  [default: guess]")
@click.option("--agent", metavar="A", help="Who asks, by product token.  [default: any trainer]")
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a target.")
@click.option("--jsonl", metavar="FILE|-", help="Answer evidence lines, one a line.")
def command(
    targets: tuple[str, ...],
    url: str | None,
    headers: tuple[str, ...],
    kind: str | None,
    agent: str | None,
    policy: str,
    as_json: bool,
    jsonl: str | None,
) -> int:
    """Show evidence, signals and verdict for files, headers or evidence lines.

    TARGET is a page, a robots.txt, an image, or a block of response headers;
    `-` is standard input. Nothing is fetched.

    \b
    Examples:
      registry explain page.html --url https://a.example/art/1
      registry explain robots.txt --url https://a.example/art/1.jpg --agent GPTBot
      registry explain --header 'X-Robots-Tag: noai'
    """
    policy_named(policy)
    if jsonl is not None:
        if targets or headers or url or kind or agent:
            raise UsageError("--jsonl goes with --policy only", "the lines say all else")
        return _answer_lines(jsonl, policy)
    question = Question(url, tuple(map(_header, headers)), kind, agent, policy)
    if not targets and not headers:
        raise UsageError("nothing to explain", "name a file, or give --header or --jsonl")
    return _explain_all(targets, question, as_json)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(f"--header {text!r}: no name", "write it as 'X-Robots-Tag: noai'")
    return name.strip(), value.strip()


def _explain_all(targets: tuple[str, ...], question: Question, as_json: bool) -> int:
    code = 0
    for name in targets or (None,):
        try:
            explained = explain(name, question)
        except UnreadableInput as error:
            click.echo(f"error: {visible(error.message)}", err=True)
            code = error.exit_code
            continue
        if as_json:
            click.echo(json.dumps(_as_json(explained)))
        else:
            _show(explained)
    return code


def explain(name: str | None, question: Question) -> Explanation:
    """Explain one target; None stands for the headers alone."""
    kind, pieces, notes = _file_evidence(name, question) if name else ("headers", [], [])
    if question.headers:
        about: About = "page" if kind == "html" else "image"
        pieces.append(Evidence("headers", about, question.url or "", question.headers))
    readings = [Reading((), tuple(notes)), *map(read, pieces)]
    found = tuple(signal for reading in readings for signal in reading.signals)
    on_page = kind == "html"
    target = Target(
        image_url=None if on_page else question.url,
        page_url=question.url if on_page else None,
        agent=question.agent,
    )
    signals = applicable(found, target)
    return Explanation(
        name=name or "headers",
        kind=kind,
        target=target,
        outranked=len(_rules(found) - _rules(signals)),
        signals=signals,
        warnings=tuple(text for reading in readings for text in reading.warnings),
        verdict=decide(signals, question.policy, question.agent),
    )


def _file_evidence(name: str, question: Question) -> tuple[str, list[Evidence], list[str]]:
    """Return a file's kind, its evidence, and what cannot be read of it."""
    if name.startswith(("http://", "https://")):
        raise UsageError(
            f"{name}: nothing is fetched here",
            "`registry lookup URL` shows what is recorded; or save the page and explain the file",
        )
    content, cut = read_file(name)
    kind = question.kind or guess_kind(name, content)
    notes = ["longer than 16 MiB, read up to there"] if cut else []
    url = question.url or ""
    if kind == "image":
        return kind, [], [*notes, "this version reads no file metadata, only headers given to it"]
    text = text_of(content)
    if kind in {"headers", *HEADER_KINDS}:
        lines = header_lines(text)
        return kind, [Evidence("headers", _about(lines), url, lines)], notes
    if kind == "robots-txt":
        return kind, [Evidence(kind, "site", robots_url(url), text=text)], notes
    return kind, [Evidence(kind, "page", url, text=text)], notes


def _about(lines: Lines) -> About:
    """A header block that says it is a page's speaks of a page."""
    types = [value for name, value in lines if name.lower() == "content-type"]
    return "page" if types and types[-1].lower().startswith("text/html") else "image"


def _show(explained: Explanation) -> None:
    asked = explained.target.page_url or explained.target.image_url
    what = "page" if explained.kind == "html" else "for"
    place = f", {what} {asked}" if asked else ""
    click.echo(f"{visible(explained.name)} ({explained.kind}{visible(place)})")
    shown = [signal for signal in explained.signals if _is_shown(signal)]
    rows = [(visible(s.name), _meaning(s), _short(s.raw)) for s in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, meaning, raw in rows:
        click.echo(f"  {name:<{widths[0]}}  {meaning:<{widths[1]}}  {raw}")
    if not shown:
        click.echo("  no mark found")
    if explained.outranked:
        hint = "" if asked else "; --url says which URL is asked"
        click.echo(f"  and {explained.outranked} rules that do not apply{hint}")
    for text in explained.warnings:
        click.echo(f"  warning: {visible(text)}")
    verdict = explained.verdict
    by = ", ".join(dict.fromkeys(visible(signal.name) for signal in verdict.deciding))
    click.echo(
        f"verdict: {verdict.decision} (policy {verdict.policy})" + (f" by {by}" if by else "")
    )
    if not shown:
        click.echo(ADVICE, err=True)


def _rules(signals: tuple[Signal, ...]) -> set[tuple[str, int]]:
    """Return the rules that refuse something, by file and line."""
    return {(s.url, s.rule.order) for s in signals if s.rule is not None and s.uses}


def _is_shown(signal: Signal) -> bool:
    """Group markers and permissions to fetch say nothing to people."""
    return bool(signal.uses) or (signal.rule is None and signal.name != "robots-txt:group")


def _meaning(signal: Signal) -> str:
    said: dict[str, list[str]] = {}
    for use, meaning in signal.uses:
        said.setdefault(meaning, []).append(use)
    parts = [f"{meaning}: {', '.join(uses)}" for meaning, uses in said.items()] or ["says nothing"]
    if signal.agents:
        # The agents whose refusal decides most often come first.
        named = sorted(signal.agents, key=lambda agent: agent not in agents().training)
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        parts.append(f"for {visible(', '.join(named[:3]))}{more}")
    if signal.scope == "page" and signal.rule is not None:
        parts.append("on the page's path")
    if signal.conformance != "ok":
        parts.append(signal.conformance)
    return "; ".join(parts)


def _short(raw: str) -> str:
    line = " ".join(raw.split())
    return visible(line if len(line) <= 120 else line[:117] + "...")


def _as_json(explained: Explanation) -> dict[str, Any]:
    verdict = explained.verdict
    return {
        "target": explained.name,
        "kind": explained.kind,
        "image_url": explained.target.image_url,
        "page_url": explained.target.page_url,
        "agent": explained.target.agent,
        "policy": verdict.policy,
        "verdict": verdict.decision,
        "licence": verdict.licence_url,
        "rules_that_do_not_apply": explained.outranked,
        "signals": [_signal_json(s, s in verdict.deciding) for s in explained.signals],
        "warnings": list(explained.warnings),
    }


def _signal_json(signal: Signal, decides: bool) -> dict[str, Any]:
    return {
        "name": signal.name,
        "vocabulary": signal.vocabulary,
        "carrier": signal.carrier,
        "scope": signal.scope,
        "uses": dict(signal.uses),
        "agents": list(signal.agents),
        "conformance": signal.conformance,
        "path": signal.rule.pattern if signal.rule else None,
        "url": signal.url,
        "raw": signal.raw,
        "decides": decides,
    }


def _answer_lines(name: str, policy: str) -> int:
    """Answer every evidence line; a bad one gets its error and the others their answers."""
    failed = 0
    for line in _lines(name):
        if not line.strip():
            continue
        identity: object = None
        try:
            given = json.loads(line)
            if not isinstance(given, dict):
                raise UnreadableInput("not a JSON object")
            identity = given.get("id")
            said: dict[str, Any] = answer(given, policy)
        except (ValueError, RecursionError) as error:
            said = {"id": identity, "error": f"not JSON: {error}"}
        except RegistryError as error:
            said = {"id": identity, "error": error.message}
        failed += "error" in said
        click.echo(json.dumps(said))
    if failed:
        click.echo(f"error: {failed} lines could not be answered", err=True)
    return UnreadableInput.exit_code if failed else 0


def _lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    try:
        with open(name, "rb") as file:
            yield from file
    except OSError as error:
        raise UnreadableInput(f"{name}: {error.strerror}") from error
