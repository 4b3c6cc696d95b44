"""Files as found on the web: every one is read, and the counts are those written down.

A count that changes shows what a change of a reader does to real files. The new
numbers are printed when the test fails; look at them, then put them here.
The files belong to their sites and are not part of the project.
"""

import gzip
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from protego import Protego

from registry.agents.known import agents
from registry.model import Evidence, Target
from registry.signals import read
from registry.verdict import decide
from registry.verdict.site_rules import Robots, applicable

WILD = Path(__file__).parents[2].parent / "shared" / "wild"
SITE = "https://a.example"
IMAGE = Target(image_url=f"{SITE}/image.jpg")
LINES = ("content-signal", "content-usage", "license", "disallowaitraining")

pytestmark = pytest.mark.skipif(
    not WILD.is_dir(), reason="the collection of real files is not beside this checkout"
)

ROBOTS = {
    "cautious: reserved": 1119,
    "cautious: unspecified": 328,
    "files": 1447,
    "files that refuse a trainer": 1250,
    "files with warnings": 372,
    "letter: reserved": 51,
    "letter: unspecified": 1396,
    "robots-txt:allow ok": 20083,
    "robots-txt:disallow malformed": 3120,
    "robots-txt:disallow ok": 139697,
    "robots-txt:group ok": 26629,
    "robots-txt:natural-language-comment ok": 5,
    "warnings": 1666,
}

FILES = {
    "healsdata_robots.txt": {
        "cautious: reserved": 1,
        "files": 1,
        "files that refuse a trainer": 1,
        "letter: unspecified": 1,
        "robots-txt:disallow ok": 20,
        "robots-txt:group ok": 20,
        "robots-txt:natural-language-comment ok": 1,
    },
    "robots_yoshi_malformed_rsl_line.txt": {
        "cautious: unspecified": 1,
        "files": 1,
        "files with warnings": 1,
        "letter: unspecified": 1,
        "robots-txt:allow ok": 1,
        "robots-txt:group ok": 1,
        "rsl:license-line malformed": 1,
        "warnings": 1,
    },
    "ai-robots-txt_robots.txt": {
        "cautious: reserved": 1,
        "files": 1,
        "files that refuse a trainer": 1,
        "files with warnings": 1,
        "letter: unspecified": 1,
        "robots-txt:disallow malformed": 2,
        "robots-txt:disallow ok": 3,
        "robots-txt:group ok": 1,
        "warnings": 10,
    },
    "healsdata_ai.txt": {
        "ai-txt:disallow malformed": 106,
        "ai-txt:disallow ok": 56,
        "cautious: reserved": 1,
        "files": 1,
        "files with warnings": 1,
        "letter: reserved": 1,
        "warnings": 1,
    },
    "healsdata_tdmrep.json": {
        "cautious: reserved": 1,
        "files": 1,
        "letter: reserved": 1,
        "tdm-reservation=1 ok": 1,
    },
    "rsl_alexzee_permissive.xml": {
        "cautious: unspecified": 1,
        "files": 1,
        "files with warnings": 1,
        "letter: unspecified": 1,
        "rsl:payment=attribution ok": 1,
        "rsl:permits=all ok": 1,
        "warnings": 3,
    },
    "rsl_yoshi_aitrain_free.xml": {
        "cautious: allowed": 1,
        "files": 1,
        "letter: allowed": 1,
        "rsl:permits=ai-train ok": 1,
    },
    "healsdata_headers.txt": {
        "cautious: reserved": 1,
        "files": 1,
        "letter: reserved": 1,
        "noai ok": 1,
        "noimageai ok": 1,
        "tdm-reservation=1 ok": 1,
    },
    "healsdata_meta-tags.html": {
        "cautious: reserved": 1,
        "files": 1,
        "letter: reserved": 1,
        "noai ok": 1,
        "noimageai ok": 1,
        "tdm-reservation=1 ok": 1,
    },
    "deviantart_page_2024-06-10.html.gz": {
        "cautious: reserved": 1,
        "deviantart:isAiUseDisallowed=true ok": 1,
        "files": 1,
        "letter: reserved": 1,
        "noimageai ok": 1,
    },
}


def summary(evidences):
    """Count what is read from evidence, one a file, and what is decided of an image."""
    found = Counter()
    for evidence in evidences:
        reading = read(evidence)
        found["files"] += 1
        found["files with warnings"] += bool(reading.warnings)
        found["warnings"] += len(reading.warnings)
        found["files that refuse a trainer"] += any(map(refuses_trainer, reading.signals))
        for signal in reading.signals:
            found[f"{signal.name.partition('@')[0]} {signal.conformance}"] += 1
        words = [line.partition(":")[0].strip().lower() for line in evidence.text.splitlines()]
        for word in LINES:
            found[f"{word} lines"] += words.count(word)
        signals = applicable(reading.signals, IMAGE)
        for policy in ("letter", "cautious"):
            found[f"{policy}: {decide(signals, policy).decision}"] += 1
    return {name: number for name, number in sorted(found.items()) if number}


def refuses_trainer(signal):
    return bool(signal.uses) and not agents().training.isdisjoint(signal.agents)


def compared(found, kept):
    """Fail with the numbers as they are now, in the form in which they are kept."""
    if found != kept:
        changed = {
            name: f"{kept.get(name)} -> {found.get(name)}"
            for name in sorted(found.keys() | kept.keys())
            if found.get(name) != kept.get(name)
        }
        print("changed:", json.dumps(changed, indent=4))
        print("now:", json.dumps(found, indent=4))
    assert found == kept


def robots_files():
    with tarfile.open(WILD / "robots_ai_subset.tar.xz") as tar:
        for member in tar:
            if member.isfile():
                text = tar.extractfile(member).read().decode("utf-8", "replace")
                yield Evidence("robots-txt", "site", f"{SITE}/robots.txt", text=text)


def test_robots_files():
    compared(summary(robots_files()), ROBOTS)


def test_robots_files_are_those_of_their_list():
    rows = (WILD / "robots_ai_subset.tsv").read_text("utf-8").splitlines()[1:]
    assert len({row.split("\t")[1] for row in rows}) == sum(1 for _ in robots_files())


def site_file(name, carrier, path):
    text = (WILD / name).read_text("utf-8")
    return Evidence(carrier, "site", SITE + path, text=text)


def page(name):
    content = (WILD / name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8")
    return Evidence("html", "page", f"{SITE}/page", text=text)


def headers(name):
    lines = (line.partition(":") for line in (WILD / name).read_text("utf-8").splitlines())
    fields = tuple((field, value.strip()) for field, _, value in lines)
    return Evidence("headers", "image", IMAGE.image_url, lines=fields)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("healsdata_robots.txt", lambda n: site_file(n, "robots-txt", "/robots.txt")),
        (
            "robots_yoshi_malformed_rsl_line.txt",
            lambda n: site_file(n, "robots-txt", "/robots.txt"),
        ),
        ("ai-robots-txt_robots.txt", lambda n: site_file(n, "robots-txt", "/robots.txt")),
        ("healsdata_ai.txt", lambda n: site_file(n, "ai-txt", "/ai.txt")),
        (
            "healsdata_tdmrep.json",
            lambda n: site_file(n, "tdmrep-json", "/.well-known/tdmrep.json"),
        ),
        ("rsl_alexzee_permissive.xml", lambda n: site_file(n, "rsl-xml", "/license.xml")),
        ("rsl_yoshi_aitrain_free.xml", lambda n: site_file(n, "rsl-xml", "/license.xml")),
        ("healsdata_headers.txt", headers),
        ("healsdata_meta-tags.html", page),
        ("deviantart_page_2024-06-10.html.gz", page),
    ],
)
def test_file(name, evidence):
    compared(summary([evidence(name)]), FILES.get(name, {}))


# Of all files, how many answers to "may it fetch the image?" differ from Protego's: ours
# allow where it forbids, and the reverse. The reasons are two: Protego compares agents by
# substring (Applebot, Applebot-Extended), and ends a list of agents at Crawl-delay.
UNLIKE_PROTEGO = {
    "GPTBot": (0, 0),
    "Applebot-Extended": (25, 9),
    "CCBot": (0, 8),
    "SomeBot": (0, 1),
}


def test_robots_files_are_read_as_protego_reads_them():
    found = {agent: [0, 0] for agent in UNLIKE_PROTEGO}
    for evidence in robots_files():
        ours, theirs = Robots(evidence.text), Protego.parse(evidence.text)
        for agent, counts in found.items():
            allowed = ours.allowed(IMAGE.image_url, agent)
            if allowed != theirs.can_fetch(IMAGE.image_url, agent):
                counts[not allowed] += 1
    assert {agent: tuple(counts) for agent, counts in found.items()} == UNLIKE_PROTEGO
