"""Which room may import which. The picture is in docs/design.md."""

import ast
from collections.abc import Iterator

import pytest
from sources import Module, hold, imports, modules, typing_lines, within

# Values and errors: every room may use them.
VALUES = {"registry.model", "registry.errors", "registry.text"}
# response -> evidence -> signals -> verdict; image bytes -> fingerprint -> match.
PURE_CORE = VALUES | {
    "registry.plugins",
    "registry.arrow_csv",
    "registry.urls",
    "registry.agents",
    "registry.evidence",
    "registry.signals",
    "registry.verdict",
    "registry.claims.columns",
    "registry.claims.rows",
    "registry.claims.csv_rows",
    "registry.claims.ordinary",
    "registry.fingerprints",
    "registry.matching",
}
# Room: what it may import of this project, itself aside. The longest name that
# fits a module is its room, and every module has one.
ROOMS = {
    # Loose modules of the package.
    "registry.model": set(),
    "registry.errors": set(),
    "registry.plugins": {"registry.errors"},
    "registry.text": set(),
    "registry.home": {"registry.errors"},
    "registry.terminal": {"registry.errors", "registry.text"},
    "registry.durable": VALUES,
    "registry.compiling": set(),
    "registry.arrow_csv": set(),
    "registry.ordered": set(),
    # The flow, from left to right.
    "registry.urls": {"registry.compiling"},
    "registry.urls.variants": {"registry.plugins", "registry.urls"},
    "registry.agents": VALUES,
    "registry.evidence": VALUES | {"registry.plugins", "registry.urls"},
    "registry.signals": VALUES
    | {"registry.plugins", "registry.urls", "registry.agents", "registry.evidence"},
    "registry.verdict": VALUES
    | {"registry.urls", "registry.agents", "registry.evidence", "registry.signals"},
    "registry.sources": VALUES
    | {"registry.urls", "registry.evidence", "registry.signals", "registry.verdict"},
    "registry.sources.pauses": set(),
    "registry.explain": VALUES
    | {"registry.urls", "registry.agents", "registry.evidence", "registry.signals"}
    | {"registry.verdict", "registry.sources", "registry.files"},
    # Pictures.
    "registry.files": VALUES,
    "registry.sandbox": VALUES,
    "registry.fingerprints": VALUES | {"registry.plugins"},
    "registry.pictures": VALUES
    | {"registry.files", "registry.sandbox", "registry.fingerprints", "registry.evidence"},
    "registry.matching": VALUES | {"registry.compiling"},
    # What is kept.
    "registry.claims": VALUES | {"registry.arrow_csv", "registry.files"},
    "registry.claims.columns": VALUES,
    "registry.claims.rows": VALUES
    | {"registry.claims.columns", "registry.matching", "registry.urls"},
    "registry.claims.csv_rows": VALUES | {"registry.claims.rows"},
    "registry.db": PURE_CORE | {"registry.home", "registry.durable"},
    "registry.db.rows": VALUES | {"registry.db.values"},
    "registry.db.event_rows": VALUES,
    "registry.db.values": VALUES,
    "registry.snapshot": PURE_CORE
    | {"registry.home", "registry.durable", "registry.files", "registry.db"},
    "registry.snapshot.format": VALUES | {"registry.urls"},
    "registry.bundles": PURE_CORE
    | {"registry.db", "registry.snapshot", "registry.durable", "registry.files"},
    # What is asked.
    "registry.datasets": PURE_CORE | {"registry.durable", "registry.files", "registry.ordered"},
    "registry.datasets.layouts": {"registry.datasets.text.csv_form"},
    "registry.datasets.text.csv_form": {"registry.evidence"},
    "registry.index": VALUES
    | {"registry.urls", "registry.matching", "registry.verdict", "registry.snapshot"},
    "registry.checking": PURE_CORE
    | {"registry.snapshot", "registry.index", "registry.datasets", "registry.pictures"}
    | {"registry.durable", "registry.ordered"},
    "registry.checking.complete": {"registry.model"},
    "registry.checking.hash_family": set(),
    "registry.checking.address_columns": {
        *("registry.checking.columns", "registry.evidence", "registry.urls"),
    },
    "registry.checking.hash_forms": VALUES | {"registry.checking.hash_family"},
    "registry.checking.file_points": {"registry.checking.hash_forms", "registry.evidence"},
    "registry.checking.mentions": {"registry.urls"},
    "registry.checking.strays": {
        *("registry.checking.file_points", "registry.checking.hash_forms"),
        *("registry.evidence", "registry.model", "registry.urls"),
    },
    "registry.checking.columns": VALUES,
    "registry.checking.column_roles": VALUES
    | {
        "registry.evidence",
        "registry.checking.address_columns",
        "registry.checking.columns",
        "registry.checking.complete",
        "registry.checking.hash_family",
        "registry.checking.hash_forms",
    },
    "registry.checking.column_plan": VALUES
    | {
        "registry.checking.address_columns",
        "registry.checking.column_roles",
        "registry.checking.columns",
        "registry.checking.hash_family",
        "registry.datasets.layouts",
    },
    "registry.checking.texts": set(),
    "registry.checking.samples": set(),
    "registry.checking.tally": {"registry.checking.samples"},
    "registry.checking.report": VALUES | {"registry.checking.tally", "registry.datasets"},
    # The forms of a report: values in, text or values of JSON out.
    "registry.checking.reports": VALUES
    | {"registry.checking.complete", "registry.checking.report", "registry.checking.samples"}
    | {"registry.checking.tally", "registry.matching", "registry.signals", "registry.urls"},
    "registry.checking._page_style": set(),
    "registry.checking.page": VALUES
    | {"registry.checking.report", "registry.checking.reports", "registry.checking.tally"}
    | {"registry.checking._page_style"},
    "registry.engines": VALUES | {"registry.plugins", "registry.checking", "registry.datasets"},
    "registry.guarding": VALUES
    | {"registry.checking", "registry.datasets", "registry.index", "registry.pictures"}
    | {"registry.durable", "registry.files", "registry.snapshot", "registry.verdict"},
    "registry.lookups": PURE_CORE
    | {
        *("registry.checking", "registry.files", "registry.index", "registry.pictures"),
        "registry.snapshot",
    },
    "registry.lookups.history": PURE_CORE
    | {"registry.db", "registry.lookups", "registry.pictures", "registry.snapshot"},
}
# The crawler's rooms. What only type checkers read is free: Scrapy hands its parts the spider.
CRAWLER = {
    "crawler": set(),
    "crawler.settings": VALUES | {"registry.urls"},
    "crawler.options": VALUES,
    "crawler.schedule": VALUES,
    "crawler.pages": VALUES | {"registry.urls", "registry.evidence", "registry.signals"},
    "crawler.guides": {"registry.urls", "registry.evidence", "registry.signals"},
    "crawler.report": VALUES | {"crawler.options", "registry.terminal", "registry.signals"},
    "crawler.monitors": {"registry.plugins"},
    "crawler.warc": VALUES | {"registry.evidence", "registry.signals", "registry.durable"},
    "crawler.record": VALUES
    | {"crawler.schedule", "crawler.monitors", "crawler.warc"}
    | {"registry.db", "registry.urls", "registry.signals"}
    | {"registry.snapshot.history", "registry.snapshot.marks"},
    "crawler.owners": VALUES | {"registry.urls"},
    "crawler.owners.server": VALUES | {"registry.terminal"},
    # The WSGI application: the pages, and the list in the database.
    "crawler.owners.app": VALUES
    | {"crawler.settings", "crawler.owners", "crawler.record", "registry.terminal"},
    "crawler.manners": VALUES
    | {"crawler.settings", "crawler.record.events"}
    | {"registry.urls", "registry.evidence", "registry.signals", "registry.sources"},
    "crawler.visit": VALUES
    | {"crawler.options", "crawler.settings", "crawler.pages", "crawler.manners", "crawler.report"}
    | {"crawler.guides", "registry.urls", "registry.evidence", "registry.signals"}
    | {"registry.snapshot.history"}
    | {"registry.sandbox", "registry.pictures", "registry.db.values", "registry.db.known_rows"}
    | {"crawler.schedule", "crawler.record.values", "crawler.warc.captures"},
    "crawler.site_spider": VALUES
    | {"crawler.options", "crawler.settings", "crawler.pages", "crawler.manners", "crawler.visit"}
    | {"crawler.record", "crawler.report", "crawler.guides", "crawler.warc.captures"}
    | {"registry.urls", "registry.evidence", "registry.sources"}
    | {"registry.db", "registry.pictures"},
    "crawler.spiders": VALUES | {"crawler.site_spider", "crawler.pages", "registry.urls"},
    "crawler.plan": VALUES
    | {"crawler.options", "crawler.settings", "crawler.site_spider", "registry.urls"},
    "crawler.visit.run": VALUES
    | {
        "crawler.options",
        "crawler.settings",
        "crawler.plan",
        "crawler.site_spider",
        "crawler.visit",
    }
    | {"crawler.record", "crawler.report", "crawler.warc", "registry.db", "registry.urls"},
    "crawler.visit.crawl": VALUES
    | {
        "crawler.options",
        "crawler.settings",
        "crawler.plan",
        "crawler.site_spider",
        "crawler.visit",
    }
    | {"crawler.record", "crawler.report", "registry.urls"},
    "crawler.worker": VALUES | {"crawler.record", "crawler.report", "registry.db", "registry.urls"},
    # The only module of a worker that knows Scrapy.
    "crawler.worker.child": VALUES
    | {"crawler.options", "crawler.settings", "crawler.plan", "crawler.visit", "crawler.worker"}
    | {"crawler.record", "crawler.report", "crawler.warc", "registry.db"},
    "crawler.cli": VALUES
    | {"crawler.options", "crawler.plan", "crawler.visit", "crawler.report"}
    | {"crawler.record", "crawler.schedule", "crawler.worker", "crawler.owners", "crawler.warc"}
    | {"registry.cli", "registry.terminal", "registry.db", "registry.claims", "registry.urls"},
}
# Edges of processes: they may use the command line's own helpers.
EDGES = {"registry.cli", "crawler.cli"}


def room_of(name: str) -> str | None:
    fitting = [room for room in ROOMS if within(name, room)]
    return max(fitting, key=len, default=None)


def broken_arrows(module: Module) -> list[str]:
    """Return the imports that a module of registry/ may not make."""
    room = room_of(module.name)
    # The package itself (its version, its place) is no room's business.
    ours = [
        (target, line)
        for target, line in imports(module.tree)
        if target.partition(".")[0] in {"registry", "crawler", "demo", "bench"}
        and target not in {"registry", "registry.__version__", "registry.PRODUCT_TOKEN"}
    ]
    if module.name == "registry":
        # The front door leads into every room, once it is used. Its errors are there at once.
        late = set(_late_lines(module.tree))
        wrong = [hit for hit in ours if hit[1] not in late and hit[0] != "registry.errors"]
    elif within(module.name, "registry.cli"):
        wrong = [hit for hit in ours if not within(hit[0], "registry")]
    else:
        # The package itself may import nothing: it is loaded with every part of it.
        allowed = ROOMS[room] | {room} if room else set()
        wrong = [hit for hit in ours if not any(within(hit[0], good) for good in allowed)]
    return [f"{module.path}:{line} imports {target}" for target, line in wrong]


def _late_lines(tree: ast.Module) -> Iterator[int]:
    """Yield the lines within functions, and those that only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
    yield from typing_lines(tree)


@pytest.mark.parametrize("module", modules("registry"), ids=lambda module: module.name)
def test_arrows(module):
    room = room_of(module.name)
    may = ", ".join(sorted(ROOMS[room])) if room else ""
    hold(
        broken_arrows(module),
        f"{room or module.name} may import: {may or 'nothing of this project'}",
        "pass the value in as an argument, or move the code to the room that needs it",
    )


def broken_crawler_arrows(module: Module) -> list[str]:
    """Return the imports that a module of crawler/ may not make."""
    fitting = [room for room in CRAWLER if within(module.name, room)]
    room = max(fitting, key=len)
    if room == "crawler" and module.name != "crawler":
        return [f"{module.path}: stands in no row of CRAWLER"]
    # Its own room, but not what stands above it in a file of the same folder.
    above = {name for name in CRAWLER if within(name, room) and name != room}
    typing = set(typing_lines(module.tree))
    return [
        f"{module.path}:{line} imports {target}"
        for target, line in imports(module.tree)
        if target.partition(".")[0] in {"registry", "crawler", "demo", "bench"}
        and target not in {"registry", "registry.__version__", "registry.PRODUCT_TOKEN"}
        and line not in typing
        and not any(within(target, good) for good in CRAWLER[room])
        and (not within(target, room) or any(within(target, name) for name in above))
    ]


@pytest.mark.parametrize("module", modules("crawler"), ids=lambda module: module.name)
def test_crawler_arrows(module):
    hold(
        broken_crawler_arrows(module),
        "CRAWLER says which room of the crawler may import which",
        "pass the value in as an argument, or move the code to the room that needs it",
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("crawler.pages.new", "from crawler.manners import robots"),
        ("crawler.manners.new", "from crawler.visit import frontier"),
        ("crawler.visit.new", "from crawler.visit.run import visit"),
        ("crawler.report.new", "from crawler.visit import state"),
        ("crawler.record.new", "def f():\n    from crawler.site_spider import SiteSpider"),
        ("crawler.new", "import json"),
    ],
)
def test_the_crawlers_rule_bites(name, line):
    assert broken_crawler_arrows(Module(name, "x.py", line)), f"{name} may not say {line}"


def test_crawler_uses_the_command_line_only_at_its_edge():
    wrong = [
        f"{module.path}:{line} imports {target}"
        for module in modules("crawler")
        for target, line in imports(module.tree)
        if within(target, "registry.cli") and not any(within(module.name, edge) for edge in EDGES)
    ]
    hold(wrong, "of the crawler only crawler/cli/ uses registry.cli", "move the code there")


def test_product_uses_neither_demo_nor_tests():
    wrong = [
        f"{module.path}:{line} imports {target}"
        for module in modules("registry", "crawler")
        for target, line in imports(module.tree)
        if target.partition(".")[0] in {"demo", "bench", "tests", "made", "docs"}
    ]
    hold(wrong, "registry and crawler stand without demo and tests", "move the shared code")


def test_every_module_has_a_room():
    names = {module.name for module in modules("registry")} - {"registry"}
    homeless = [n for n in names if room_of(n) is None and not within(n, "registry.cli")]
    hold(sorted(homeless), "every module of registry/ is in a row of ROOMS", "add the row")


def test_rooms_exist():
    names = {module.name for module in modules("registry")}
    gone = [room for room in ROOMS if room not in names]
    hold(gone, "ROOMS names rooms that are there", "take these out of it")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("registry.signals.new", "from registry.db import visits"),
        ("registry.signals.new", "def read():\n    import registry.verdict"),
        ("registry.model", "from registry.errors import RegistryError"),
        ("registry.checking.columns", "import registry.checking.run"),
        ("registry.db.new", "from registry.checking import report"),
        ("registry.datasets.csv", "from registry.cli import run"),
        ("registry.cli.new", "import crawler.settings"),
        ("registry.brand_new", "from registry.cli import run"),
        ("registry.brand_new", "from crawler import tally"),
    ],
)
def test_the_rule_bites(name, line):
    assert broken_arrows(Module(name, "x.py", line)), f"{name} may not say {line}"


def test_a_name_that_only_begins_alike_is_another_room():
    assert not within("registry.dbase", "registry.db")
    assert list(imports(ast.parse("from registry.db import export"))) == [("registry.db.export", 1)]
