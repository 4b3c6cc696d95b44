"""`registry explain`: evidence, signals and verdict, with the raw text of every mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import click

from registry.cli._advice import advise
from registry.cli._evidence_files import FILE_KINDS, guess_kind, read_file, refuse_packed
from registry.cli._evidence_lines import answer_lines
from registry.cli._explanation import show
from registry.errors import RegistryError, UnreadableInput, UsageError
from registry.evidence.file_kinds import kind_by_content
from registry.evidence.headers import Lines
from registry.evidence.responses import (
    STATUS_LINE,
    Response,
    saved_response,
    unpacked,
)
from registry.explain import Asked, Explanation, asked_policies, explain, licences
from registry.explain.evidence_lines import HEADER_KINDS, TEXT_KINDS
from registry.files import opened, standard_input
from registry.model import About, Evidence
from registry.signals import carriers
from registry.sources.kinds import is_site_file, kind_of
from registry.sources.mhtml import pieces_in, read_mhtml
from registry.sources.pieces import Piece, pieces_of
from registry.terminal import say, say_error
from registry.text import without_user
from registry.urls.paths import url_host

_ON_THE_WEB = ("http://", "https://")
# What a robots.txt or header can call an agent, with its version or without.
_TOKEN = re.compile(r"[^\s;()]+(?: [^\s;()]+)*")
_STRIPPED = "user name and password are taken off the address: they are never sent"

# Most bytes of an archive on standard input, which is copied to a temporary file.
ARCHIVE_LIMIT = 8 << 30
COPIED = 1 << 20


@dataclass(frozen=True, slots=True)
class Question:
    """What the options say, the same for every target."""

    url: str | None
    headers: Lines
    kind: str | None
    asked: Asked
    as_json: bool


@click.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--url", metavar="U", help="Where the target stood; for robots.txt, the URL asked.")
@click.option("--header", "headers", metavar="'N: V'", multiple=True, help="A response header.")
@click.option("--kind", type=click.Choice(FILE_KINDS), help="What the target is.  [default: guess]")
@click.option("--agent", metavar="A", help="Who asks, by product token.  [default: any trainer]")
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option("--all-policies", is_flag=True, help="Show the verdict under every policy.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a target.")
@click.option("--jsonl", metavar="FILE|-", help="Answer evidence lines, one a line.")
def command(
    targets: tuple[str, ...],
    url: str | None,
    headers: tuple[str, ...],
    kind: str | None,
    agent: str | None,
    policy: str,
    all_policies: bool,
    as_json: bool,
    jsonl: str | None,
) -> int:
    """Show evidence, signals and verdict for URLs, files, headers or evidence lines.

    TARGET is a page, an image, a robots.txt or another file of a site, a response
    that `curl -i` saved, a page that a browser saved with its images (MHTML), a
    WARC archive, or the URL of a page or an image; `-` is standard input. A mark
    with a `*` decides.

    Of a URL, that one page or image is fetched and the files of its site that can
    hold marks, if its robots.txt allows it. For a file nothing is fetched.

    \b
    Examples:
      registry explain https://a.example/art/1
      registry explain page.html --url https://a.example/art/1 --all-policies
      registry explain robots.txt --url https://a.example/art/1.jpg --agent GPTBot
      registry explain --header 'X-Robots-Tag: noai'
    """
    if agent and not _TOKEN.fullmatch(agent.strip()):
        raise UsageError(
            f"--agent {agent!r} is no product token",
            "name the token alone, as in --agent GPTBot; a whole user agent string is not compared",
        )
    asked = Asked(agent, asked_policies(policy, all_policies))
    url = _place(url) if url else None
    if jsonl is not None:
        if targets or headers or url or kind or agent:
            raise UsageError(
                "--jsonl goes with --policy and --all-policies only", "the lines say all else"
            )
        return answer_lines(jsonl, policy, every=all_policies)
    question = Question(url, tuple(map(_header, headers)), kind, asked, as_json)
    if not targets and not headers:
        raise UsageError("nothing to explain", "name a file or URL, or give --header or --jsonl")
    return _explain_all(targets, question)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(f"--header {text!r}: no name", "write it as 'X-Robots-Tag: noai'")
    return name.strip(), value.strip()


def _place(url: str) -> str:
    """Return a `--url` without user name and password; UsageError where it is no address."""
    stripped = without_user(url)
    if not url_host(stripped) or not stripped.lower().startswith(_ON_THE_WEB):
        raise UsageError(f"--url {stripped}: not a web address", "write it as https://HOST/PATH")
    if stripped != url:
        say(_STRIPPED)
    return stripped


def _explain_all(targets: tuple[str, ...], question: Question) -> int:
    """Show every target, say which cannot be read, and return the exit code."""
    code = 0
    silent: list[Explanation] = []
    for name in targets or (None,):
        try:
            for explained in _explanations(name, question):
                show(explained, question.as_json)
                silent += [explained] if explained.is_silent and not silent else []
        except RegistryError as error:
            say_error(error.message, error.hint)
            code = error.exit_code
    if silent and not question.as_json:
        advise(silent[0])
    return code


def _explanations(name: str | None, question: Question) -> Iterator[Explanation]:
    if name is None:
        yield _explained("headers", "headers", Response(question.url or ""), question)
    elif name.lower().startswith(_ON_THE_WEB):
        address = without_user(name)
        if address != name:
            say(_STRIPPED)
        yield from _of_url(address, question)
    else:
        yield from _of_file(name, question)


def _of_file(name: str, question: Question) -> Iterator[Explanation]:
    content = read_file(name)
    refuse_packed(name, content)
    kind, odd = (question.kind, "") if question.kind else guess_kind(name, content)
    if kind == "warc":
        with _reopened(name, content) as file:
            yield from _of_archive(file, name, question)
        return
    if kind == "mhtml":
        yield from _of_saved_page(content, name, question)
        return
    notes = (odd,) if odd else ()
    url = question.url or ""
    if STATUS_LINE.match(content) or kind in {"headers", *HEADER_KINDS}:
        response = saved_response(content, url)
        kind = kind if kind not in {"headers", *HEADER_KINDS} else _saved_kind(response)
    else:
        response = unpacked(Response(url, body=content))
    yield _explained(name, kind, response, question, notes)


def _saved_kind(response: Response) -> str:
    """Tell what a saved response holds, where it is not said whence it came by its content too.

    Whether it is a page is decided already.
    """
    kind = kind_of(response)
    if kind != "headers" or not response.body:
        return kind
    guessed = kind_by_content(response.body, carriers())
    is_text = response.media_type.endswith(("json", "xml")) or not response.media_type
    if guessed == "html":
        return kind
    readable = is_text or response.media_type in {"text/plain", "application/octet-stream"}
    return guessed if guessed in TEXT_KINDS and readable else kind


def _explained(
    name: str, kind: str, response: Response, question: Question, notes: tuple[str, ...] = ()
) -> Explanation:
    """Explain a file or response, with the headers that were given for it."""
    pieces, more = pieces_of(response, kind)
    if question.headers:
        about: About = "page" if kind == "html" else "image"
        pieces.append(Piece(Evidence("headers", about, response.url, question.headers)))
    url = question.url or response.url or None
    return explain(name, kind, pieces, url, question.asked, [*notes, *more])


def _of_saved_page(content: bytes, name: str, question: Question) -> Iterator[Explanation]:
    """Explain the page that a browser saved with its images, and each of these."""
    saved = read_mhtml(content, name)
    page = replace(saved.page, url=question.url or saved.page.url)
    pieces, notes = pieces_in(page, "html")
    if question.headers:
        # Given by who asks, they are the ones that the file does not hold.
        pieces[0] = Piece(Evidence("headers", "page", page.url, question.headers))
    notes = [*saved.notes, *notes]
    yield explain(name, "html", pieces, page.url or None, question.asked, notes)
    for number, image in enumerate(saved.images, start=1):
        pieces, notes = pieces_in(image, "image")
        shown = image.url or f"{name}: image {number}"
        yield explain(shown, "image", pieces, image.url or None, question.asked, notes)
    if saved.others:
        say(f"{name}: {saved.others} other parts were passed over")


def _reopened(name: str, content: bytes) -> IO[bytes]:
    """Open an archive to be read twice; standard input is kept in a file of its own.

    Raises UnreadableInput for an archive on standard input of more than ARCHIVE_LIMIT.
    """
    if name != "-":
        return opened(Path(name))
    import tempfile  # it costs a noticeable part of the start

    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    file.write(content)
    # Of what is no archive the start is enough to say so.
    while kind_by_content(content, carriers()) == "warc" and (
        block := standard_input().read(COPIED)
    ):
        file.write(block)
        if file.tell() > ARCHIVE_LIMIT:
            file.close()
            raise UnreadableInput(
                f"standard input: an archive of more than {ARCHIVE_LIMIT >> 30} GiB",
                "save it to a file, and name that",
            )
    file.seek(0)
    return file


def _of_archive(file: IO[bytes], name: str, question: Question) -> Iterator[Explanation]:
    """Explain every page and image of an archive, with the rules of its sites."""
    from registry.sources.warc import responses, site_files

    sites = site_files(file, name)
    file.seek(0)
    seen = passed_over = 0
    for response in responses(file, name):
        seen += 1
        kind = kind_of(response)
        # A revisit answers 304 where the server said that nothing has changed.
        there = 200 <= (response.status or 0) < 300 or bool(response.unread)
        if kind not in {"html", "image"} or not there:
            passed_over += 1
            continue
        pieces, notes = pieces_of(response, kind)
        pieces += sites.of(response.url)
        yield explain(response.url, kind, pieces, response.url, question.asked, notes)
    if not seen:
        raise UnreadableInput(f"{name}: no response in it", "what was asked alone says nothing")
    talk = f"{name}: {passed_over} other responses were passed over" if passed_over else ""
    if sites.left_out:
        talk += f"; {sites.left_out} files of sites left out: too much in all"
    if talk:
        say(talk)


def _of_url(name: str, question: Question) -> Iterator[Explanation]:
    """Fetch and explain; where robots.txt forbids that, explain robots.txt alone."""
    from registry.sources.fetch import MAX_LICENCES, ClosedByRobots, Visitor

    if question.url or question.headers or question.kind:
        raise UsageError("--url, --header and --kind are for files", f"{name} says them itself")
    visitor = Visitor()
    try:
        response = visitor.fetch(name)
    except ClosedByRobots as error:
        moved = [f"redirected to {error.url}"] if error.url != name else []
        rules = visitor.robots(error.url)
        yield explain(name, "robots-txt", [rules], error.url, question.asked, moved)
        raise
    kind = kind_of(response)
    pieces, notes = pieces_of(response, kind)
    if not is_site_file(kind):
        pieces += visitor.site_files(response.url)
        pieces += map(visitor.licence, licences(pieces)[:MAX_LICENCES])
    if response.url != name:
        notes.append(f"redirected to {response.url}")
    yield explain(name, kind, pieces, response.url, question.asked, notes)
