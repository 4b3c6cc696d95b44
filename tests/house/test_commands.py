"""Commands: one file each, a summary that is the file's own, and a place in docs/commands.md."""

import re
import runpy
import shlex

import click
import pytest
from sources import ROOT, hold, modules

import crawler.cli
import registry.cli

GENERATE = runpy.run_path(str(ROOT / "docs/generate.py"))
COMMANDS = {name: (command, context) for name, command, context in GENERATE["commands"]()}
PAGE = (ROOT / "docs/commands.md").read_text("utf-8")
FIX = ".venv/bin/python docs/generate.py"


GROUPS = {"registry": registry.cli.registry, "crawler": crawler.cli.crawler}
SUMMARIES = [(program, name) for program, group in GROUPS.items() for name in group.summaries]


@pytest.mark.parametrize("program", GROUPS)
def test_summaries_are_those_of_the_files(program):
    files = {m.name.rpartition(".")[2] for m in modules(f"{program}/cli")} - {"cli"}
    commands = {name.rstrip("_") for name in files if not name.startswith("_")}
    assert set(GROUPS[program].summaries) == commands, f"fix: SUMMARIES in {program}/cli"


@pytest.mark.parametrize(("program", "name"), SUMMARIES)
def test_summary_is_the_commands_own(program, name):
    group = GROUPS[program]
    command = group.get_command(click.Context(group), name)
    own = " ".join((command.help or "").split("\n\n")[0].split())
    if own != group.summaries[name]:
        pytest.fail(
            f"SUMMARIES[{name!r}] is {group.summaries[name]!r}\nits file says {own!r}\n"
            f"rule: `{program} --help` and `{program} NAME --help` say the same\nfix: edit one",
            pytrace=False,
        )


def test_page_is_fresh():
    assert GENERATE["page"]() == PAGE, f"docs/commands.md is not what the commands say; {FIX}"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name):
    assert f"\n## {name}\n" in PAGE, FIX
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    command, _ = COMMANDS[name]
    options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
    hold([o for o in options if f"`{o}" not in section], "every option is in docs/commands.md", FIX)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_says_what_it_does(name):
    command, _ = COMMANDS[name]
    silent = [p.opts[0] for p in command.params if isinstance(p, click.Option) and not p.help]
    hold([f"{name} {option}" for option in silent], "every option has a help text", "write one")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_example_is_one_that_works(name):
    """The command takes the example's options; nothing is run."""
    command, context = COMMANDS[name]
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    lines = section.rpartition("Example:\n\n```\n")[2].partition("\n```")[0].splitlines()
    assert lines, "every command has an example"
    for line in lines:
        words = shlex.split(line, comments=True)
        while "=" in words[0]:
            variable = words.pop(0).partition("=")[0]
            assert variable in {"REGISTRY_DATABASE_URL", "REGISTRY_HOME", "CRAWLER_CONTACT"}
        assert words[: len(name.split())] == name.split(), line
        command.make_context(name, words[len(name.split()) :], parent=context.parent)


@pytest.mark.parametrize("name", ["check", "explain", "lookup", "history"])
def test_help_of_a_command_that_answers_lists_its_exit_codes(name):
    command, _ = COMMANDS[f"registry {name}"]
    codes = command.help.partition("Exit codes: ")[2].partition("\n\n")[0]
    assert {"0", "2", "4"} <= set(re.findall(r"\b\d\b", codes))


def test_examples_are_needed():
    lacking = {name for name, (command, _) in COMMANDS.items() if "Example" not in command.help}
    stale = sorted(GENERATE["EXAMPLES"].keys() - lacking)
    hold(stale, "EXAMPLES is for commands whose help has no example", "take these out of it")


def test_page_says_every_setting():
    """Every environment variable of ours that the code reads is on the page."""
    read = {
        name
        for module in modules("registry", "crawler")
        for name in re.findall(r"\b(?:REGISTRY|CRAWLER)_[A-Z_]+\b", module.text)
    }
    assert read
    hold([n for n in sorted(read) if f"`{n}`" not in PAGE], "settings are on the page", FIX)
