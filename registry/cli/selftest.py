"""`registry selftest`: the readers and policies against conformance vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from registry.errors import UnreadableInput
from registry.explain.selftest import POLICIES, Result, counted, run, shipped
from registry.terminal import say_error, show, show_json
from registry.text import visible

DISAGREEMENTS = 1


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE.jsonl]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Run the conformance vectors: are marks read as their specifications say?

    Without a FILE, the vectors of this version are run. Vectors whose result the
    specifications leave open are counted separately. Exit code 1 if a result disagrees.

    Example: registry selftest tests/vectors/robots_txt.jsonl
    """
    results: list[Result] = []
    code = 0
    for path in [Path(name) for name in files] or shipped():
        try:
            results += run(path)
        except UnreadableInput as error:
            say_error(error.message, error.hint)
            code = error.exit_code
    failed = [result for result in results if result.outcome == "failed"]
    if as_json:
        show_json(_as_json(results))
    elif results:
        _show(results, failed)
    return code or (DISAGREEMENTS if failed else 0)


def _show(results: Sequence[Result], failed: Sequence[Result]) -> None:
    table = counted(results)
    width = max(map(len, [*table, "vocabulary"]))
    show(f"{'':{width}}  " + "".join(f"{policy:<24}" for policy in POLICIES).rstrip())
    head = f"{'agreed':>6}{'unsure':>7}{'failed':>7}    " * len(POLICIES)
    show(f"{'vocabulary':<{width}}  {head.rstrip()}")
    for name, row in table.items():
        counts = (row[policy] for policy in POLICIES)
        cells = (f"{c['agreed']:>6}{c['unsure']:>7}{c['failed']:>7}    " for c in counts)
        show(f"{visible(name):<{width}}  {''.join(cells).rstrip()}")
    for result in failed:
        show("", f"{result.id} ({result.vocabulary}, {result.policy})")
        for difference in result.differences:
            show(f"  {difference}")
        if result.why:
            show(f"  why: {result.why}")
    vectors = len(results) // len(POLICIES)
    each = {result.id for result in failed}
    show("", f"{vectors} vectors, {len(each)} disagree")


def _as_json(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "vectors": len(results) // len(POLICIES),
        "vocabularies": counted(results),
        "disagreements": [_result_json(r) for r in results if r.differences],
    }


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "vocabulary": result.vocabulary,
        "id": result.id,
        "policy": result.policy,
        "unsure": result.outcome == "unsure",
        "why": result.why,
        "differences": [
            {"field": d.field, "expected": d.expected, "got": d.got} for d in result.differences
        ],
    }
