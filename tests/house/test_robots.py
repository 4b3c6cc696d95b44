"""robots.txt is always obeyed: no line of this project can turn that off."""

import ast
import re

import pytest
from sources import ROOT, Module, hold, modules, tracked

RULE = "robots.txt is always obeyed; nothing turns that off"
FIX = "take it out: there is no exception, not for tests either"
OBEY = "ROBOTSTXT_OBEY"
# Scrapy's word for a request that robots.txt does not hold for. Ours marks the
# request for robots.txt itself in another way, so nobody needs it.
FREE = "dont_obey_robotstxt"
DISOBEYS = re.compile(rf"{FREE}|{OBEY}\s*[=:]\s*(?!True)")
CHANNELS = {OBEY, "ROBOTSTXT_USER_AGENT", "ROBOTSTXT_PARSER", "DOWNLOADER_MIDDLEWARES"}


def disobedience(tree: ast.AST) -> list[tuple[str, int]]:
    """Return the places that set ROBOTSTXT_OBEY to anything but True, or free a request."""
    found = []
    for node in ast.walk(tree):
        for name, value in _settings(node):
            if name == OBEY and not (isinstance(value, ast.Constant) and value.value is True):
                found.append((f"sets {OBEY}", value.lineno))
        if isinstance(node, ast.Constant) and DISOBEYS.search(str(node.value)):
            found.append((f"says {node.value!r}", node.lineno))
    return found


def _settings(node: ast.AST) -> list[tuple[object, ast.expr]]:
    """Return the (name, value) pairs that a node sets, in whatever way."""
    if isinstance(node, ast.Assign):
        return [(_name(target), node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(_name(node.target), node.value)]
    if isinstance(node, ast.keyword):
        return [(node.arg, node.value)]
    if isinstance(node, ast.Dict):
        return [(_name(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    if isinstance(node, ast.Call) and len(node.args) > 1:
        return [(_name(node.args[0]), node.args[1])]
    return []


def _name(node: ast.expr | None) -> object:
    if isinstance(node, ast.Subscript):
        node = node.slice
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


@pytest.mark.parametrize("folder", ["crawler", "registry", "demo", "bench"])
def test_nothing_disobeys(folder):
    found = [(m.path, *hit) for m in modules(folder) for hit in disobedience(m.tree)]
    hold([f"{path}:{line} {what}" for path, what, line in found], RULE, FIX)


def test_the_setting_is_on():
    settings = next(m for m in modules("crawler") if m.name == "crawler.settings")
    said = {
        name: value
        for node in settings.tree.body
        for name, value in _settings(node)
        if name in CHANNELS
    }
    assert isinstance(said[OBEY], ast.Constant)
    assert said[OBEY].value is True, RULE


def test_spiders_bring_no_settings_of_robots_txt():
    wrong = [
        f"{module.path}:{value.lineno} sets {name}"
        for module in modules("crawler")
        if module.name != "crawler.settings"
        for node in ast.walk(module.tree)
        for name, value in _settings(node)
        if name in CHANNELS
    ]
    hold(wrong, "these settings stand in crawler/settings.py alone", FIX)


def test_no_option_is_named_for_it():
    wrong = [
        f"{module.path}:{node.lineno} {node.value}"
        for module in modules("crawler", "registry/cli")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"--[a-z-]*(robots|obey|force|ignore|setting)[a-z-]*|-s", node.value)
    ]
    hold(wrong, f"{RULE}; no option either", FIX)


def test_no_other_file_turns_it_off():
    texts = [path for path in tracked() if path.suffix in {".cfg", ".toml", ".yaml", ".ini", ".sh"}]
    wrong = [str(path) for path in texts if DISOBEYS.search((ROOT / path).read_text("utf-8"))]
    hold(wrong, RULE, FIX)


@pytest.mark.parametrize(
    "line",
    [
        "ROBOTSTXT_OBEY = False",
        "ROBOTSTXT_OBEY: bool = flag",
        "settings['ROBOTSTXT_OBEY'] = 0",
        "settings.set('ROBOTSTXT_OBEY', False, priority='cmdline')",
        "settings.ROBOTSTXT_OBEY = None",
        "class S:\n    custom_settings = {'ROBOTSTXT_OBEY': False}",
        "dict(ROBOTSTXT_OBEY=not_now)",
        "Request(url, meta={'dont_obey_robotstxt': True})",
        "['scrapy', 'crawl', '-s', 'ROBOTSTXT_OBEY=0']",
    ],
)
def test_the_rule_bites(line):
    assert disobedience(ast.parse(line)), line


def test_the_rule_lets_obedience_be():
    assert not disobedience(Module("x", "x.py", "ROBOTSTXT_OBEY = True").tree)
