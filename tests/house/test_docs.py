"""Pages name what there is, and what they name is there."""

import json
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from sources import ROOT, hold, modules, tracked

from crawler import settings
from crawler.manners import pace
from crawler.options import VisitLimits
from crawler.visit import frontier, site_files
from registry import model
from registry.checking import address_columns, complete
from registry.checking.column_roles import HASHES, IMAGES, OF_OTHERS
from registry.checking.columns import ROLES
from registry.checking.reports.reasons import MEANS
from registry.checking.wording import FIELDS
from registry.datasets._left_out import METADATA_LEFT_OUT, PICTURES_LEFT_OUT
from registry.db.connect import OLDEST_MAJOR
from registry.db.server_setup import MAJOR
from registry.fingerprints._structure import unfit
from registry.index import prints
from registry.matching import confirm
from registry.model import DIGESTS
from registry.signals._robots_groups import MAX_BYTES
from registry.snapshot.format import DIGESTS_FILE, FORMAT, INDEX_FILE, KINDS, MANIFEST, schema_of
from registry.snapshot.manifest import SEAL, Manifest
from registry.verdict import known_policies

PAGES = [path for path in tracked() if path.suffix == ".md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TOP = {path.parts[0] for path in tracked() if len(path.parts) > 1}
FIX = "correct the page, or the name"
MEANS_FIX = "add it to registry/checking/reports/reasons.py"


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page: Path, text: str) -> list[str]:
    """Return the links of a page, relative to the root, that lead nowhere."""
    wrong = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (ROOT / page.parent / name) if name else ROOT / page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(f"{page}: {target}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    hold(broken_links(page, text_of(str(page))), "links lead to what is there", FIX)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_paths_named_are_there(page):
    """`registry/db/sql/*.sql` and its like, below one of the repository's own folders."""
    wrong = []
    for code in CODE.findall(FENCE.sub("", text_of(str(page)))):
        pattern = re.sub(r"NAME|NNNN_name", "*", code.strip("/"))
        is_path = re.fullmatch(r"[\w.*/-]+/[\w.*/-]*", code) and code.partition("/")[0] in TOP
        if is_path and not any(ROOT.glob(pattern)):
            wrong.append(f"{page}: {code}")
    hold(wrong, "files that a page names are there", FIX)


def lacking(page: str, names: list[str]) -> list[str]:
    return [f"{page} does not name `{n}`" for n in names if f"`{n}`" not in text_of(page)]


def test_words_has_every_word():
    aliases = [name for name in vars(model) if get_args(getattr(model, name))]
    own = {"Precedence", "USES"}  # spelt out in the readers' own pages
    values = {
        value
        for name in aliases
        if name not in own
        for value in get_args(getattr(model, name))
        if isinstance(value, str)
    }
    hold(lacking("docs/words.md", sorted(values - {"page", "site"})), "words.md has all", FIX)


def test_checking_names_what_a_check_says():
    reasons = [word for word in vars(complete).values() if _is_reason(word)]
    reasons += [PICTURES_LEFT_OUT, METADATA_LEFT_OUT]
    assert len(reasons) > 5
    reasons += [f"bad-{name}" for name in ("url", "page_url", *DIGESTS, "phash64")]
    reasons += [f"unfit-{word}" for word in re.findall(r"`([a-z-]+)`", unfit.__doc__)[:2]]
    reasons += [f"image-{word}" for word in picture_reasons()]
    hold(sorted(set(reasons) - MEANS.keys()), "the report says what each reason means", MEANS_FIX)
    parts = (part for parts in HASHES.values() for part in parts)
    names = [*address_columns.NAMES, *ROLES, *IMAGES, *OF_OTHERS, *parts]
    columns = [name for name, _ in FIELDS]
    said = [*reasons, *names, *columns, *model.OUTCOMES, *model.TIERS, *known_policies()]
    hold(lacking("docs/checking.md", said), "checking.md says what `check` says", FIX)


def _is_reason(word: object) -> bool:
    return isinstance(word, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", word) is not None


def picture_reasons() -> set[str]:
    """Return the words with which an UnreadablePicture is raised anywhere."""
    raised = re.compile(r"UnreadablePicture\(\s*\"([a-z-]+)\"")
    found = {word for m in modules("registry/fingerprints") for word in raised.findall(m.text)}
    assert len(found) > 3
    return found


def test_crawling_names_the_refusals():
    table = next(m for m in modules("crawler") if m.name == "crawler.manners.refusals").doc
    words = set(re.findall(r"`([a-z-]+)`", table)) | picture_reasons()
    assert len(words) > 10
    hold(lacking("docs/crawling.md", sorted(words)), "crawling.md has every refusal", FIX)


def test_numbers_are_those_of_the_code():
    likely, possible = confirm.LIKELY_64, confirm.POSSIBLE_64
    limits = VisitLimits()
    said = {
        "docs/checking.md": [
            f"| `certain` | at most {confirm.CERTAIN_256} of 256 bits differ | never |",
            f"| `likely` | at most {confirm.LIKELY_256} of 256 bits differ | "
            f"at most {likely} of 64 |",
            f"| `possible` | at most {likely} of 64 bits differ, whatever `phash256` says | "
            f"at most {possible} of 64, fewer in a large registry |",
            f"with the {prints.MOST_SIMILAR:,} nearest recorded ones at most",
            f"A pair is compared if at most {confirm.CANDIDATE_RADIUS} of 64 bits differ.",
            f"more than {address_columns.MIN_SHARE:.0%}".replace("%", " %"),
        ],
        "docs/crawling.md": [
            f"less than {settings.LEAST_DELAY:g} s only for this machine",
            f"up to {settings.AUTOTHROTTLE_MAX_DELAY:g} s |",
            f"counts if it is longer, up to {pace.MOST_CRAWL_DELAY:g} s |",
            f"up to {pace.MOST_PAUSE:g} s; without it {pace.BACKOFF} times the delay",
            f"gets no more requests | {pace.MOST_REFUSALS} |",
            f"After {frontier.BARREN_VARIANTS} consecutive\npages of one shape",
            f"({frontier.BARREN_NEXT} in a series of next pages, {frontier.BARREN_FOLDER} in one",
            f"| {settings.CONCURRENT_REQUESTS}, of them "
            f"{settings.CONCURRENT_REQUESTS_PER_DOMAIN} to one host |",
            f"| pages | {limits.pages} | `--max-pages` |",
            f"| {limits.depth} | `--max-depth` |",
            f"| images requested | {limits.images} | `--max-images` |",
            f"| time of the visit | {limits.seconds:g} s | `--max-seconds` |",
            f"| bytes of an image | {limits.bytes >> 20} MiB | `--max-bytes` |",
            f"| {settings.DOWNLOAD_MAXSIZE >> 20} MiB, {MAX_BYTES >> 20} MiB, "
            f"{site_files.MAXSIZE >> 20} MiB |",
            f"at most {site_files.MAX_LICENCES} per host",
            f"| {settings.REDIRECT_MAX_TIMES}, {settings.RETRY_TIMES} |",
            f"User-agent: {settings.PRODUCT_TOKEN}\n",
        ],
        "docs/database.md": [f"a PostgreSQL, {OLDEST_MAJOR} or newer", f"PostgreSQL {MAJOR} "],
        "docs/snapshot.md": [f"## Files, format {FORMAT}", f"| `format` | {FORMAT} |"],
    }
    wrong = [
        f"{p}: {text}" for p, texts in said.items() for text in texts if text not in text_of(p)
    ]
    hold(wrong, "a page says the code's numbers", FIX)


def test_snapshot_page_has_the_format():
    columns = [name for kind in KINDS for name in schema_of(kind).names]
    fields = list(Manifest.__dataclass_fields__)
    said = [*KINDS, *columns, *fields, SEAL, MANIFEST, DIGESTS_FILE, INDEX_FILE]
    hold(lacking("docs/snapshot.md", said), "snapshot.md describes the format", FIX)


def test_database_page_has_the_tables():
    sql = "".join(path.read_text("utf-8") for path in ROOT.glob("migrations/versions/*.sql"))
    tables = re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", sql, re.MULTILINE)
    assert tables
    hold(lacking("docs/database.md", tables), "database.md has every table", FIX)


ROOMS = {module.name.split(".")[1] for module in modules("registry") if "." in module.name}


def rooms_named() -> dict[str, set[str]]:
    """Return the words in places of pages that name rooms only, by the place."""
    arrows = text_of("docs/design.md").partition("## Arrows")[2].split("```")[1]
    where = text_of("CONTRIBUTING.md").partition("## Where things are")[2].partition("\n## ")[0]
    return {
        "docs/design.md, Arrows": set(re.findall(r"\w+", arrows)),
        "CONTRIBUTING.md, Where things are": set(re.findall(r"`(\w+)`", where)),
    }


def test_rooms_that_pages_name_are_there():
    named = rooms_named()
    assert all(len(rooms) > 9 for rooms in named.values())
    known = ROOMS | {"registry", "crawler"}
    wrong = [f"{at}: {word}" for at, rooms in named.items() for word in sorted(rooms - known)]
    hold(wrong, "a room has the name of its folder", FIX)


def test_design_has_a_row_for_every_room():
    folders = {
        f"{module.name.replace('.', '/')}/"
        for module in modules("registry", "crawler")
        if module.path.endswith("/__init__.py") and module.name.count(".") == 1
    }
    hold(lacking("docs/design.md", sorted(folders)), "design.md has every room", FIX)


def test_no_two_words_of_the_model_have_the_same_values():
    aliases = {name: get_args(value) for name, value in vars(model).items() if get_args(value)}
    same = [
        f"{one} and {other}"
        for one, values in aliases.items()
        for other in aliases
        if one < other and set(values) == set(aliases[other])
    ]
    hold(same, "registry/model.py has one type for one set of values", "delete one of them")


def test_every_page_is_linked_from_another():
    linked = {
        (ROOT / page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in LINK.findall(text_of(str(page)))
    }
    alone = [str(p) for p in PAGES if p.parts[0] == "docs" and (ROOT / p) not in linked]
    hold(alone, "every page of docs/ is linked from another", "link it where a reader needs it")


@pytest.mark.parametrize("link", ["gone.md", "words.md#gone", "../gone.py", "#gone"])
def test_the_rule_bites(link):
    assert broken_links(Path("docs/design.md"), f"see [it]({link})")


def test_vectors_that_discussions_name_exist():
    known = {
        json.loads(line)["id"]
        for path in (ROOT / "tests/vectors").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    }
    named = re.findall(r"\b[a-z]{2,5}(?:-own)?-\d{3}[a-z]?\b", text_of("docs/discussions.md"))
    assert len(named) > 50
    missing = sorted(set(named) - known)
    hold(missing, "a decision names the vectors that hold it", "correct the id, or write it")
