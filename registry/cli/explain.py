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
    decoded_response,
    saved_response,
)
from registry.explain import Asked, Explanation, asked_policies, explain, licences
from registry.explain.evidence_lines import HEADER_KINDS, TEXT_KINDS
from registry.files import opened, standard_input
from registry.model import Evidence, Scope
from registry.signals import carriers
from registry.sources.kinds import is_site_file, kind_of
from registry.sources.mhtml import pieces_in, read_mhtml
from registry.sources.pieces import Piece, pieces_of
from registry.terminal import say, say_error
from registry.text import without_user
from registry.urls.paths import url_host

_WEB_SCHEMES = ("http://", "https://")
# Product token of an agent, with or without a version.
_TOKEN = re.compile(r"[^\s;()]+(?: [^\s;()]+)*")
_STRIPPED = "user name and password are removed from the URL; they are never sent"

# Most bytes of an archive on standard input, which is copied to a temporary file.
ARCHIVE_LIMIT = 8 << 30
COPIED = 1 << 20


@dataclass(frozen=True, slots=True)
class Question:
    """The values of the options, the same for every target."""

    url: str | None
    headers: Lines
    kind: str | None
    asked: Asked
    as_json: bool


@click.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option(
    "--url", metavar="U", help="URL of the target; for robots.txt, the URL to apply it to."
)
@click.option(
    "--header",
    "headers",
    metavar="'N: V'",
    multiple=True,
    help="Add a response header. Repeatable.",
)
@click.option(
    "--kind",
    type=click.Choice(FILE_KINDS),
    help="Carrier of the target, or its kind of file.  [default: guess]",
)
@click.option("--agent", metavar="A", help="Product token of the agent.  [default: any trainer]")
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option("--all-policies", is_flag=True, help="Show the verdict under every policy.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per target.")
@click.option(
    "--jsonl",
    metavar="FILE|-",
    help="Read one JSON object of evidence per line, and print an answer to each.",
)
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

    TARGET is a page, an image, a robots.txt or another site file, a response saved by
    `curl -i`, a page saved by a browser with its images (MHTML), a WARC archive, or the
    URL of a page or an image; `-` is standard input. A `*` is shown at each mark that
    decides the verdict.

    For a URL, that page or image and the site files that can hold marks are fetched, if
    robots.txt allows it. For a file, nothing is fetched.

    An evidence line, for --jsonl, is a JSON object with a piece of evidence and its URLs;
    its fields are in docs/json.md.

    Exit codes: 0 every target was explained, whatever the verdict; 2 wrong usage;
    4 a target could not be read or fetched, or an evidence line could not be answered.

    \b
    Examples:
      registry explain https://a.example/art/1
      registry explain page.html --url https://a.example/art/1 --all-policies
      registry explain robots.txt --url https://a.example/art/1.jpg --agent GPTBot
      registry explain --header 'X-Robots-Tag: noai'
    """
    if agent and not _TOKEN.fullmatch(agent.strip()):
        raise UsageError(
            f"--agent {agent!r} is not a product token",
            "give only the token, as in --agent GPTBot, not the whole user agent string",
        )
    asked = Asked(agent, asked_policies(policy, all_policies))
    url = _place(url) if url else None
    if jsonl is not None:
        if targets or headers or url or kind or agent:
            raise UsageError(
                "--jsonl takes only --policy and --all-policies", "give all else in the lines"
            )
        return answer_lines(jsonl, policy, all_policies=all_policies)
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
    """Return a `--url` without user name and password; raise UsageError for other than a URL."""
    stripped = without_user(url)
    if not url_host(stripped) or not stripped.lower().startswith(_WEB_SCHEMES):
        raise UsageError(f"--url {stripped}: not a web address", "write it as https://HOST/PATH")
    if stripped != url:
        say(_STRIPPED)
    return stripped


def _explain_all(targets: tuple[str, ...], question: Question) -> int:
    """Show every target, or its error, and return the exit code."""
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
    elif name.lower().startswith(_WEB_SCHEMES):
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
        response = decoded_response(Response(url, body=content))
    yield _explained(name, kind, response, question, notes)


def _saved_kind(response: Response) -> str:
    """Return the kind of a saved response: by its headers and URL, else by its content.

    For pages the headers and URL decide alone.
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
    """Explain a file or response, together with the headers of --header."""
    pieces, more = pieces_of(response, kind)
    if question.headers:
        about: Scope = "page" if kind == "html" else "image"
        pieces.append(Piece(Evidence("headers", about, response.url, question.headers)))
    url = question.url or response.url or None
    return explain(name, kind, pieces, url, question.asked, [*notes, *more])


def _of_saved_page(content: bytes, name: str, question: Question) -> Iterator[Explanation]:
    """Explain a page that a browser saved with its images, and then each image."""
    saved = read_mhtml(content, name)
    page = replace(saved.page, url=question.url or saved.page.url)
    pieces, notes = pieces_in(page, "html")
    if question.headers:
        # A saved page has no response headers of its own; these take their place.
        pieces[0] = Piece(Evidence("headers", "page", page.url, question.headers))
    notes = [*saved.notes, *notes]
    yield explain(name, "html", pieces, page.url or None, question.asked, notes)
    for number, image in enumerate(saved.images, start=1):
        pieces, notes = pieces_in(image, "image")
        shown = image.url or f"{name}: image {number}"
        yield explain(shown, "image", pieces, image.url or None, question.asked, notes)
    if saved.others:
        say(f"{name}: {saved.others} other parts skipped")


def _reopened(name: str, content: bytes) -> IO[bytes]:
    """Open an archive to be read twice; standard input is copied to a temporary file.

    Raises UnreadableInput for an archive on standard input of more than ARCHIVE_LIMIT.
    """
    if name != "-":
        return opened(Path(name))
    import tempfile  # slow to import

    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    file.write(content)
    # Other content is only copied in part: the reader fails at its start anyway.
    while kind_by_content(content, carriers()) == "warc" and (
        block := standard_input().read(COPIED)
    ):
        file.write(block)
        if file.tell() > ARCHIVE_LIMIT:
            file.close()
            raise UnreadableInput(
                f"standard input: an archive of more than {ARCHIVE_LIMIT >> 30} GiB",
                "save it to a file, and name the file",
            )
    file.seek(0)
    return file


def _of_archive(file: IO[bytes], name: str, question: Question) -> Iterator[Explanation]:
    """Explain every page and image of an archive, with the rules of its sites."""
    from registry.sources.warc import responses, site_files

    sites = site_files(file, name)
    file.seek(0)
    seen = skipped = 0
    for response in responses(file, name):
        seen += 1
        kind = kind_of(response)
        # A revisit has status 304 if the server answered that nothing changed.
        has_content = 200 <= (response.status or 0) < 300 or bool(response.unread)
        if kind not in {"html", "image"} or not has_content:
            skipped += 1
            continue
        pieces, notes = pieces_of(response, kind)
        pieces += sites.of(response.url)
        yield explain(response.url, kind, pieces, response.url, question.asked, notes)
    if not seen:
        raise UnreadableInput(
            f"{name}: the archive has no responses", "requests alone cannot be explained"
        )
    if skipped:
        say(f"{name}: {skipped} other responses skipped")
    if sites.left_out:
        say(f"{name}: {sites.left_out} site files skipped: too many bytes in total")


def _of_url(name: str, question: Question) -> Iterator[Explanation]:
    """Fetch and explain a URL; if its robots.txt forbids that, explain only the robots.txt."""
    from registry.sources.fetch import MAX_LICENCES, DisallowedByRobots, Visitor

    if question.url or question.headers or question.kind:
        raise UsageError("--url, --header and --kind are for files", f"leave them out for {name}")
    visitor = Visitor()
    try:
        response = visitor.fetch(name)
    except DisallowedByRobots as error:
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
