"""Fuzz one target, guided by coverage; every invariant that breaks is an exception.

    python tests/fuzz/fuzz_reader.py NAME [--seconds N | --runs N] [INPUT ...]

NAME is a reader, found by its file, or one of `file_metadata`, `site_rules`,
`precedence`; `all` is one after the other. Seeds are the inputs of the vectors. What
fails is written to `crash-...` in the current folder; given as INPUT it is run
again, alone. Needs the extra `fuzz`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import atheris

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

with atheris.instrument_imports(include=["registry"], enable_loader_override=False):
    import registry.evidence.xmp
    import registry.verdict
    import registry.verdict.site_rules
    from registry.evidence.xmp import containers, read_file_metadata
    from registry.model import Evidence
    from registry.signals import carriers, read, readers

    FOUND = {**readers(), **containers()}

import image_files  # noqa: E402
from invariants import held_reading, hold_verdicts, hold_warnings  # noqa: E402

VECTORS = TESTS / "vectors"
ABOUT = ("image", "page", "site")
AGENTS = (None, "GPTBot", "bingbot", "Amazonbot", "googlebot", "a")
MAX_INPUT = 4096


def text_of(data: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def evidence_of(carrier: str, fields: tuple[str, ...], data: bytes, about: str) -> Evidence:
    """Return the evidence that bytes stand for: of headers, a field and a value a line."""
    url = "https://a.example/x/y.jpg"
    text = text_of(data)
    if carrier != "headers":
        return Evidence(carrier, about, url, text=text)
    lines = []
    for number, line in enumerate(text.split("\n")):
        name, colon, value = line.partition(":")
        known = name.strip().lower() in fields
        lines.append((name, value) if colon and known else (fields[number % len(fields)], line))
    return Evidence(carrier, about, url, lines=tuple(lines))


def chosen(data: bytes) -> tuple[int, bytes]:
    """Split what is chosen from the rest: one byte at the end, so that seeds stay readable."""
    return (data[-1], data[:-1]) if data else (0, b"")


def fuzz_reader(name: str) -> Callable[[bytes], None]:
    """Return the target of a reader: each of its carriers, about each thing."""
    reader = readers()[name]
    fields = getattr(reader, "HEADERS", ())

    def target(data: bytes) -> None:
        choice, rest = chosen(data)
        for carrier in reader.CARRIERS:
            evidence = evidence_of(carrier, fields, rest, ABOUT[choice % 3])
            reading = held_reading(name, evidence)
            assert reader.read(evidence) == reading, "the same text is read alike"
            hold_verdicts(reading.signals, AGENTS[choice // 3 % len(AGENTS)])

    return target


def fuzz_file_metadata(data: bytes) -> None:
    """Read the marks in a file's bytes, and the packets in them."""
    found = read_file_metadata(data)
    hold_warnings(found.warnings)
    for evidence in found.evidence:
        hold_verdicts(read(evidence).signals)


def fuzz_site_rules(data: bytes) -> None:
    """Ask a robots.txt for a path that stands in its first line."""
    path, _, text = text_of(data).partition("\n")
    evidence = Evidence("robots-txt", "site", "https://a.example/robots.txt", text=text)
    signals = read(evidence).signals
    rules = registry.verdict.site_rules.SiteRules(signals)
    won = rules.applicable("/" + path)
    assert {s.raw for s in won} <= {s.raw for s in signals}
    assert rules.applicable("/" + path) is won
    robots = registry.verdict.site_rules.Robots(text)
    assert robots.allowed("https://a.example/robots.txt", "GPTBot")
    robots.allowed("https://a.example/" + path, "GPTBot/1.0")


def fuzz_precedence(data: bytes) -> None:
    """Read several pieces, divided by NULs, as files of one site, and decide on all together."""
    choice, rest = chosen(data)
    signals = []
    for number, piece in enumerate(rest.split(b"\0")[:8]):
        kinds = sorted({c for reader in readers().values() for c in reader.CARRIERS})
        carrier = kinds[(piece[0] if piece else number) % len(kinds)]
        fields = tuple(f for reader in readers().values() for f in getattr(reader, "HEADERS", ()))
        about = "site" if carrier in carriers().site_paths else ABOUT[choice % 2]
        signals += read(evidence_of(carrier, fields, piece[1:], about)).signals
    hold_verdicts(signals, AGENTS[choice // 3 % len(AGENTS)])


OTHERS = {
    "file_metadata": fuzz_file_metadata,
    "site_rules": fuzz_site_rules,
    "precedence": fuzz_precedence,
}


def target_of(name: str) -> Callable[[bytes], None]:
    """Return what is fuzzed under a name."""
    return OTHERS.get(name) or fuzz_reader(name)


def seeds(name: str) -> Iterator[bytes]:
    """Yield inputs to begin with."""
    if name == "file_metadata":
        yield from image_files.files(image_files.marked()).values()
        return
    own = VECTORS / f"{name}.jsonl"
    kinds = {"site_rules": VECTORS / "robots_txt.jsonl"}
    path = own if own.exists() else kinds.get(name)
    paths = [path] if path else sorted(VECTORS.glob("*.jsonl"))
    for vector in (json.loads(line) for p in paths for line in p.read_text("utf-8").splitlines()):
        given = vector["input"]
        if isinstance(given, list):
            given = "\n".join(f"{field}: {value}" for field, value in given)
        text = given if isinstance(given, str) else json.dumps(given)
        first = "x/y.jpg\n" if name == "site_rules" else ""
        yield f"{first}{text}\0".encode("utf-8", "surrogateescape")


def fuzz(name: str, bound: str) -> bool:
    """Fuzz one target in a process forked from this one; print a line, and tell if all held."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, log = Path(folder) / "corpus", Path(folder) / "log"
        corpus.mkdir()
        for number, seed in enumerate(seeds(name)):
            (corpus / str(number)).write_bytes(seed)
        child = os.fork()
        if child == 0:
            in_child(name, [str(corpus), bound], log)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = log.read_text("utf-8", "replace")
    if status:
        print(f"{name}: failed\n{said[-4000:]}", flush=True)
        return False
    runs = re.findall(r"^Done (\d+) runs", said, re.MULTILINE)
    coverage = re.findall(r"cov: (\d+)", said)
    print(f"{name}: {runs[-1]} runs, {coverage[-1]} branches reached", flush=True)
    return True


def in_child(name: str, arguments: list[str], log: Path) -> NoReturn:
    """Run the fuzzer, which ends the process; what it says goes into the log."""
    with log.open("wb") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    options = [f"-max_len={MAX_INPUT}", "-timeout=20", "-rss_limit_mb=1024"]
    try:
        atheris.Setup([sys.argv[0], *arguments, *options], target_of(name))
        atheris.Fuzz()
    finally:
        os._exit(1)


def main() -> None:
    """Run the targets that the command line names."""
    names = sorted({*readers(), *OTHERS})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["all", *names])
    parser.add_argument("inputs", nargs="*", metavar="INPUT", type=Path)
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--runs", type=int, help="so many for each, instead of some seconds")
    options = parser.parse_args()
    for path in options.inputs:
        target_of(options.name)(path.read_bytes())
    if options.inputs:
        return
    bound = f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds}"
    chosen_names = names if options.name == "all" else [options.name]
    failed = [name for name in chosen_names if not fuzz(name, bound)]
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
