"""`registry agents`: the agent list, and its differences from a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from registry.agents.lists import AgentList


@click.group("agents", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the known AI agents by purpose, with the list's date and source.

    Under the policy `cautious`, a refusal of an agent marked * counts as a refusal of all agents.

    \b
    Example:
      registry agents --json
    """
    if ctx.invoked_subcommand is None:
        _list(as_json)


@command.command("diff")
@click.argument("file", metavar="FILE")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the differences and the merged list as JSON."
)
def diff(file: str, as_json: bool) -> int:
    """Compare the agent list with a newer one.

    FILE is the robots.json of ai.robots.txt, from whose descriptions a purpose is
    guessed, or another agents.json; `-` is standard input. The list is not changed:
    a person does that after reading the operator's documentation.

    Exit codes: 0 no difference; 1 differences; 4 FILE is unreadable.

    \b
    Example:
      registry agents diff robots.json
    """
    from registry.agents.lists import difference, parse
    from registry.cli._evidence_files import read_file

    content = read_file(file)
    shipped = _shipped()
    changes = difference(shipped, parse(content.decode("utf-8-sig", "replace"), file))
    if as_json:
        from registry.agents.lists import merged

        content_json = {
            "read": shipped.read,
            "added": dict(changes.added),
            "removed": dict(changes.removed),
            "changed": {name: list(pair) for name, pair in changes.changed.items()},
            "classes": merged(shipped, changes.added),
        }
        show_json(content_json, indent=2)
    else:
        rows = [("added", name, purpose) for name, purpose in changes.added.items()]
        rows += [("removed", name, purpose) for name, purpose in changes.removed.items()]
        rows += [("changed", name, " -> ".join(pair)) for name, pair in changes.changed.items()]
        for change, name, purpose in rows:
            show(f"{change:<7}  {name}  {purpose}")
        say(f"{len(rows)} differences from the list of {shipped.read}")
    return 1 if changes else 0


def _list(as_json: bool) -> None:
    from registry.agents.known import agent_token, agents
    from registry.agents.lists import merged

    shipped = _shipped()
    classes = merged(shipped, {})
    counted = [n for n in shipped.purpose if agent_token(n) in agents().training]
    if as_json:
        head = {"read": shipped.read, "source": shipped.source, "classes": classes}
        show_json({**head, "count_for_everybody": sorted(counted)}, indent=2)
        return
    show(f"{len(shipped.purpose)} agents, read {shipped.read} from")
    show(*_wrapped(shipped.source.split(), " "))
    for purpose, names in classes.items():
        show(f"{purpose} ({len(names)}): {shipped.meaning[purpose]}")
        starred = [name + "*" * (name in counted) for name in names]
        if starred:
            show(*_wrapped(starred))


def _wrapped(words: list[str], between: str = ", ") -> list[str]:
    """Wrap words into lines of at most 80 characters, and return the lines."""
    lines = [""]
    for number, word in enumerate(words):
        text = word + (between if number < len(words) - 1 else "")
        if lines[-1] and len(lines[-1] + text.rstrip()) > 78:
            lines.append("")
        lines[-1] += text
    return ["  " + line.rstrip() for line in lines]


def _shipped() -> AgentList:
    from registry.agents.known import agents_text
    from registry.agents.lists import parse

    return parse(agents_text(), "agents.json")
