"""Conditional rows come with whom to ask, allowed rows with their proof, all with their creator."""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from made import Made

from registry.checking import filling, report, tally
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.checking.tally import Tally
from registry.cli.check import command as check_command
from registry.cli.lookup import command as lookup_command
from registry.datasets import open_dataset

LICENSED = "https://art.example/licensed.jpg"
RESERVED = "https://art.example/reserved.jpg"
FREE = "https://free.example/1.jpg"
CLAIMED = "https://deal.example/3.jpg"
CARLAS = "https://claimed.example/carla.jpg"
TDMREP = "https://press.example/.well-known/tdmrep.json"


def packet(properties: str) -> str:
    names = {
        "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "tdm": "http://www.w3.org/ns/tdmrep/",
    }
    spaces = " ".join(f'xmlns:{name}="{url}"' for name, url in names.items())
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {spaces}>{properties}</rdf:Description></rdf:RDF>"
    )


CREDITS = "<dc:creator>Ada Artist</dc:creator><photoshop:Credit>Ada / Agency</photoshop:Credit>"
LICENSOR = (
    "<plus:Licensor><plus:LicensorName>Agency</plus:LicensorName>"
    "<plus:LicensorEmail>rights@agency.example</plus:LicensorEmail></plus:Licensor>"
)
POLICY = "<tdm:reservation>1</tdm:reservation><tdm:policy>https://agency.example/terms</tdm:policy>"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    made = Made()
    xmp = packet(CREDITS + LICENSOR + POLICY)
    made.observe(LICENSED, [made._evidence("xmp", "image", LICENSED, None, xmp)])
    made.observe(
        RESERVED,
        [
            made.headers("noai", url=RESERVED),
            made._evidence("xmp", "image", RESERVED, None, packet(CREDITS)),
        ],
    )
    allowed = packet(
        '<plus:DataMining rdf:resource="http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"/>'
    )
    made.observe(FREE, [made._evidence("xmp", "image", FREE, None, allowed)])
    made.claim(url=CLAIMED, meaning="conditional", licence_url="https://l.example")
    made.claim(url=CARLAS, meaning="conditional", claimant="Carla")
    made.claim(site="c.example", path_pattern="/c/", meaning="conditional", claimant="Carla")
    entries = [
        {"location": f"/{name}/", "tdm-reservation": 1, "tdm-policy": f"https://p.example/{name}"}
        for name in ("a", "b")
    ]
    made.site_file("tdmrep-json", "press.example", TDMREP, json.dumps(entries))
    made.robots("open.example", "User-agent: *\nContent-Signal: ai-train=yes\nAllow: /\n")
    rsl = (
        '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">'
        'ai-train</permits><payment type="purchase"><custom>https://rsl.example/buy</custom>'
        '</payment></license><copyright contactEmail="rights@rsl.example">The Gallery</copyright>'
        "</content></rsl>"
    )
    made.site_file("rsl-xml", "rsl.example", "https://rsl.example/license.xml", rsl)
    return made.snapshot(tmp_path_factory.mktemp("registry"))


URLS = [
    *(LICENSED, RESERVED, FREE, CLAIMED, "https://none.example/x.jpg"),
    *(f"https://press.example/{path}.jpg" for path in ("a/1", "a/2", "b/1")),
    *("https://open.example/1.jpg", "https://rsl.example/1.jpg"),
    *(CARLAS, "https://c.example/c/1.jpg", "https://c.example/d/1.jpg"),
]
LICENSORS = {
    ("Agency", "rights@agency.example", "https://agency.example/terms"): 1,
    ("a list", None, "https://l.example"): 1,
    ("Carla", None, None): 2,
    ("press.example", None, "https://p.example/a"): 2,
    ("press.example", None, "https://p.example/b"): 1,
    ("The Gallery", "rights@rsl.example", "https://rsl.example/buy"): 1,
}


def checked(path, snapshot, **options):
    dataset = open_dataset([str(path)])
    return check(dataset, snapshot, plan(dataset), CheckOptions(**options))


@pytest.fixture
def data(tmp_path):
    pq.write_table(pa.table({"url": URLS}), tmp_path / "d.parquet")
    return tmp_path / "d.parquet"


def test_rows_have_whom_to_ask_and_to_credit_and_their_proof(data, snapshot, tmp_path):
    result = checked(data, snapshot, out=tmp_path / "rows.parquet")
    rows = {row["url"]: row for row in pq.read_table(tmp_path / "rows.parquet").to_pylist()}
    names = ("licensor", "contact", "licence", "creator", "credit")
    given = {
        url: tuple(row[f"optout_{name}"] for name in names)
        for url, row in rows.items()
        if any(row[f"optout_{name}"] for name in names)
    }
    ada = ("Ada Artist", "Ada / Agency")
    assert given == {
        LICENSED: ("Agency", "rights@agency.example", "https://agency.example/terms", *ada),
        RESERVED: ("Ada Artist", None, None, *ada),
        CLAIMED: ("a list", None, "https://l.example", None, None),
        **{url: ("press.example", None, f"https://p.example/{url[22]}", None, None)
           for url in URLS[5:8]},
        URLS[9]: ("The Gallery", "rights@rsl.example", "https://rsl.example/buy", None, None),
        **dict.fromkeys(URLS[10:12], ("Carla", None, None, None, None)),
    }  # fmt: skip
    proofs = {url: row["optout_proof"] for url, row in rows.items() if row["optout_proof"]}
    assert set(proofs) == {FREE, "https://open.example/1.jpg"}
    assert "DMI-ALLOWED" in proofs[FREE]
    assert proofs[FREE].endswith("; since 2026-11-01, last seen 2026-11-01 (observation:3)")
    site = proofs["https://open.example/1.jpg"]
    assert "ai-train=yes at https://open.example/robots.txt; since 2026-11-01" in site
    assert result.tally.allowed == len(proofs)
    assert all(rows[url]["optout_outcome"] == "clear" for url in proofs)
    assert "not recorded, allowed by a rule of its site" in rows[URLS[8]]["optout_reason"]


def test_licensors_are_counted_with_and_without_the_rows(data, snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(filling, "PART_ROWS", 3)
    result = checked(data, snapshot, progress=tmp_path / "unfinished")
    assert dict(result.tally.licensors) == LICENSORS
    assert sum(LICENSORS.values()) == result.tally.outcomes["conditional"]
    again = Tally.from_json(json.loads(json.dumps(result.tally.to_json())))
    assert again == result.tally


def test_a_row_with_several_urls_has_no_proof(snapshot, tmp_path):
    table = pa.table({"url": [FREE, FREE], "image_url": ["https://none.example/x.jpg", None]})
    pq.write_table(table, tmp_path / "d.parquet")
    checked(tmp_path / "d.parquet", snapshot, out=tmp_path / "rows.parquet")
    proofs = pq.read_table(tmp_path / "rows.parquet")["optout_proof"].to_pylist()
    assert [proof is not None for proof in proofs] == [False, True]


def test_the_command_says_whom_to_ask(data, snapshot, monkeypatch):
    monkeypatch.setattr(report, "SHOWN_LICENSORS", 2)
    arguments = [str(data), "--snapshot", str(snapshot.path)]
    text = CliRunner().invoke(check_command, arguments, standalone_mode=False).stdout
    assert "  whom to ask about conditional rows, and on what terms:\n" in text
    assert "               2  press.example  https://p.example/a\n" in text
    assert "    and 4 more" in text
    assert "allowed by a mark: 2 of the clear rows" in text
    given = CliRunner().invoke(check_command, [*arguments, "--json"], standalone_mode=False).stdout
    values = json.loads(given)
    assert values["licensors"][1] == {
        "licensor": "press.example",
        "contact": None,
        "licence_url": "https://p.example/a",
        "rows": 2,
    }
    assert (len(values["licensors"]), values["more_licensors"], values["allowed_rows"]) == (6, 0, 2)


def test_very_many_licensors_are_bounded(monkeypatch):
    monkeypatch.setitem(tally.MOST_COUNTED, "licensors", 10)
    total = Tally()
    for number in range(40):
        total.add(Tally(licensors=Counter({(str(number), None, None): number + 1})))
    assert len(total.licensors) <= 10
    assert ("39", None, None) in total.licensors


def test_a_lookup_says_whom_to_ask(snapshot):
    arguments = ["--snapshot", str(snapshot.path), LICENSED]
    text = CliRunner().invoke(lookup_command, arguments, standalone_mode=False).stdout
    for line in ("ask         Agency, rights@agency.example", "creator     Ada Artist"):
        assert f"    {line}\n" in text
    given = CliRunner().invoke(lookup_command, [*arguments, "--json"], standalone_mode=False)
    (match,) = json.loads(given.stdout)["found"]
    assert match["licensor"] == "Agency"
    assert match["credit"] == "Ada / Agency"
