"""Outcomes of random datasets against a plain row-by-row oracle."""

import random
from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made, day

from registry.checking.plan import plan
from registry.checking.report import FLOOD, to_lines
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.index import Index
from registry.lookups import lookup
from registry.matching.confirm import tier
from registry.urls.key import url_key

STRICTNESS = ["reserved", "conditional", "review", "clear"]
RULES = "User-agent: *\nDisallow: /closed/\nAllow: /closed/open\n"


# A few URLs are compared very often.
key_of = cache(url_key)


def make(rng: random.Random, folder: Path):
    """Return a snapshot with claims and rules, and the claims as plain rows."""
    made, claims = Made(), []
    for number in range(60):
        meaning = rng.choice(["reserved", "reserved", "conditional", "allowed"])
        claim = {
            "url": f"https://h{number % 7}.example/{number % 40}.jpg"
            if rng.random() < 0.7
            else None,
            "sha256": bytes([number]) * 32 if rng.random() < 0.5 else None,
            "phash64": rng.randbytes(8),
            "meaning": meaning,
        }
        made.claim(**claim)
        claims.append(claim)
    made.robots("h3.example", RULES)
    return made.snapshot(folder), claims


def row_of(rng: random.Random, claims: list[dict]) -> dict:
    claim = rng.choice(claims)
    code = int.from_bytes(claim["phash64"])
    for bit in rng.sample(range(64), rng.randrange(12)):
        code ^= 1 << bit
    near, digest = f"{code:016x}", claim["sha256"]
    other = f"https://h{rng.randrange(9)}.example/{rng.choice(['closed/', 'closed/open', ''])}x.jpg"
    return {
        "url": rng.choice([claim["url"], other, None]),
        "sha256": rng.choice([digest.hex() if digest else None, rng.randbytes(32).hex(), None]),
        "phash": rng.choice([near, rng.randbytes(8).hex(), None]),
    }


def by_look(row: dict, claim: dict, distance: int | None) -> str | None:
    bits = (int(row["phash"], 16) ^ int.from_bytes(claim["phash64"])).bit_count()
    if distance is not None:
        return claim["meaning"] if bits <= distance else None
    named = tier(bits, None)
    return "review" if named == "possible" else named and claim["meaning"]


def oracle(row: dict, claims: list[dict], distance: int | None) -> str:
    """Look one row up the slow way."""
    if not any(row.values()):
        return "unchecked"
    found = []
    for claim in claims:
        if row["url"] and claim["url"] and key_of(row["url"]) == key_of(claim["url"]):
            found.append(claim["meaning"])
        if row["sha256"] and claim["sha256"] == bytes.fromhex(row["sha256"]):
            found.append(claim["meaning"])
        if row["phash"] and claim["meaning"] != "allowed":
            found.append(by_look(row, claim, distance))
    path = (row["url"] or "").removeprefix("https://h3.example")
    if path.startswith("/closed/") and not path.startswith("/closed/open"):
        found.append("reserved")
    return min((f for f in found if f in STRICTNESS), key=STRICTNESS.index, default="clear")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("distance", [None, 0, 6, 11])
def test_outcomes_equal_the_oracle(tmp_path: Path, seed: int, distance: int | None):
    rng = random.Random(seed)
    snapshot, claims = make(rng, tmp_path)
    rows = [row_of(rng, claims) for _ in range(400)]
    types = pa.schema([(name, pa.string()) for name in ("url", "sha256", "phash")])
    pq.write_table(pa.Table.from_pylist(rows, types), tmp_path / "d.parquet", row_group_size=90)
    dataset = open_dataset([str(tmp_path / "d.parquet")])
    out = tmp_path / "rows.parquet"
    # The hashes are random: somebody has to vouch for them.
    columns = plan(dataset, {"phash64": ["phash"]})
    report = check(dataset, snapshot, columns, CheckOptions(distance=distance, out=out))
    expected = [oracle(row, claims, distance) for row in rows]
    assert pq.read_table(out)["optout_outcome"].to_pylist() == expected
    assert report.tally.outcomes == Counter(expected)
    matched = sum(report.tally.matched_by.values())
    assert matched == sum(outcome in STRICTNESS[:3] for outcome in expected)


def test_of_equal_entries_the_oldest_answers(tmp_path: Path):
    made = Made()
    url = "https://a.example/1.jpg"
    for number in (5, 3, 9):
        made.claim(url=url, since=day(number))
    pq.write_table(pa.table({"url": [url]}), tmp_path / "d.parquet")
    dataset = open_dataset([str(tmp_path / "d.parquet")])
    out = tmp_path / "rows.parquet"
    check(dataset, made.snapshot(tmp_path), plan(dataset), CheckOptions(out=out))
    (row,) = pq.read_table(out).to_pylist()
    assert (row["optout_entry"], row["optout_since"]) == ("claim:2", day(3))


def test_flat_hashes_are_unchecked_and_match_nothing(tmp_path: Path):
    made = Made()
    flat = ["0" * 16, "8" + "0" * 15, "f" * 16]
    for code in flat:
        made.claim(phash64=bytes.fromhex(code))
    pq.write_table(pa.table({"phash": flat}), tmp_path / "d.parquet")
    dataset = open_dataset([str(tmp_path / "d.parquet")])
    report = check(dataset, made.snapshot(tmp_path), plan(dataset), CheckOptions())
    assert report.tally.unchecked == {"unfit-phash64": 3}


def check_codes(made: Made, folder: Path, codes: list[int], distance: int | None = None):
    """Check rows of phash64, and return the report and the outcomes."""
    pq.write_table(pa.table({"phash": [f"{code:016x}" for code in codes]}), folder / "d.parquet")
    dataset = open_dataset([str(folder / "d.parquet")])
    out = folder / "rows.parquet"
    columns = plan(dataset, {"phash64": ["phash"]})
    options = CheckOptions(out=out, distance=distance)
    report = check(dataset, made.snapshot(folder), columns, options)
    return report, pq.read_table(out)["optout_outcome"].to_pylist()


def test_a_flood_is_reported_and_hides_no_row(tmp_path: Path):
    """One recorded picture is similar to most rows, and another one to a single row."""
    rng = random.Random(3)
    flooded, other = rng.getrandbits(64), rng.getrandbits(64)
    made = Made()
    made.claim(phash64=flooded.to_bytes(8))
    made.claim(phash64=other.to_bytes(8), meaning="conditional")
    near = [flooded ^ 1 << bit for bit in range(64)]
    codes = [*rng.choices(near, k=FLOOD), other, rng.getrandbits(64)]
    report, outcomes = check_codes(made, tmp_path, codes)
    assert outcomes == [*["reserved"] * FLOOD, "conditional", "clear"]
    assert report.floods == {"claim:1": FLOOD}
    assert f"{FLOOD:,} rows are similar to claim:1 alone" in "\n".join(to_lines(report))
    assert report.tally.crowded == 0


@pytest.mark.parametrize("distance", [None, 8, 10, 40])
def test_a_crowd_does_not_hide_a_nearer_refusal(tmp_path: Path, distance, monkeypatch):
    monkeypatch.setattr("registry.index.prints.MOST_SIMILAR", 20)
    rng = random.Random(5)
    centre = rng.getrandbits(64)
    made = Made()
    for _ in range(60):
        far = sum(1 << bit for bit in rng.sample(range(64), 7))
        made.claim(phash64=(centre ^ far).to_bytes(8), meaning="allowed")
    made.claim(phash64=(centre ^ 7).to_bytes(8))
    report, outcomes = check_codes(made, tmp_path, [centre, centre ^ 7], distance=distance)
    assert outcomes == ["reserved", "reserved"]
    assert report.tally.crowded >= 1
    answer = lookup(
        Index(made.snapshot(tmp_path / "again"), "cautious"), f"{centre:016x}", distance
    )
    assert (answer.decision, answer.crowded) == ("reserved", True)


@pytest.mark.parametrize("distance", [None, 8])
@pytest.mark.parametrize("meaning", ["allowed", "reserved"])
def test_a_crowded_row_is_never_clear(tmp_path: Path, meaning: str, distance, monkeypatch):
    """The only refusal within reach may be among those that were not compared."""
    monkeypatch.setattr("registry.index.prints.MOST_SIMILAR", 20)
    rng = random.Random(4)
    centre = rng.getrandbits(64)
    made = Made()
    for bit in range(40):
        made.claim(phash64=(centre ^ 1 << bit).to_bytes(8), meaning=meaning)
    made.claim(phash64=(centre ^ 1 << 63).to_bytes(8))
    alone = rng.getrandbits(64)
    report, outcomes = check_codes(made, tmp_path, [centre, alone, centre], distance=distance)
    expected = "reserved" if meaning == "reserved" else "review"
    assert outcomes == [expected, "clear", expected]
    assert report.tally.crowded == report.to_json()["crowded_rows"] == 2
    assert "crowded: 2 rows" in "\n".join(to_lines(report))


def test_a_page_rule_does_not_reach_somebody_elses_picture(tmp_path: Path):
    made = Made()
    made.robots("page.example", "User-agent: *\nDisallow: /\n")
    for name, relation in (("own", "cdn"), ("strange", "third-party")):
        url, page = f"https://img.example/{name}.jpg", "https://page.example/1"
        made.observe(url, page_url=page, relation=relation, refusal="timeout")
    urls = ["https://img.example/own.jpg", "https://img.example/strange.jpg"]
    pq.write_table(pa.table({"url": urls}), tmp_path / "d.parquet")
    dataset = open_dataset([str(tmp_path / "d.parquet")])
    out = tmp_path / "rows.parquet"
    check(dataset, made.snapshot(tmp_path), plan(dataset), CheckOptions(out=out))
    assert pq.read_table(out)["optout_outcome"].to_pylist() == ["reserved", "clear"]


def outcome_of(made: Made, folder: Path, url: str) -> dict:
    pq.write_table(pa.table({"url": [url]}), folder / "d.parquet")
    dataset = open_dataset([str(folder / "d.parquet")])
    out = folder / "rows.parquet"
    check(dataset, made.snapshot(folder), plan(dataset), CheckOptions(out=out))
    return pq.read_table(out).to_pylist()[0]


@pytest.mark.parametrize("other", ["allowed", "conditional", "no picture", "another picture"])
def test_every_picture_known_at_a_url_counts(tmp_path: Path, other: str):
    made = Made()
    picture, stranger = made.image(0xC9B6A7D8469C1959), made.image(0x3649582796E3E6A6)
    marked, url = "https://a.example/1.jpg", "https://b.example/1.jpg"
    made.observe(marked, [made.headers("noai", url=marked)], on=5, image_id=picture)
    if other in ("allowed", "conditional"):
        made.claim(url=url, meaning=other)
    elif other == "no picture":
        made.observe(url, on=1, page_url="https://b.example/old", refusal="limit")
    else:
        made.observe(url, on=1, page_url="https://b.example/old", image_id=stranger)
    made.observe(url, on=6, page_url="https://b.example/new", image_id=picture)
    row = outcome_of(made, tmp_path, url)
    assert (row["optout_outcome"], row["optout_match"]) == ("reserved", "digest")
    assert row["optout_entry"] == "observation:1"


def test_a_stricter_match_leaves_nothing_of_a_milder_one(tmp_path: Path):
    made = Made()
    picture = made.image(0xC9B6A7D8469C1959)
    marked, url = "https://a.example/1.jpg", "https://b.example/1.jpg"
    made.observe(marked, [made.headers("noai", url=marked)], image_id=picture)
    made.claim(site="b.example", meaning="conditional", signal="a condition")
    made.observe(url, page_url="https://b.example/", image_id=picture)
    row = outcome_of(made, tmp_path, url)
    assert (row["optout_entry"], row["optout_signal"]) == ("observation:1", "noai")


def test_pictures_without_entries(tmp_path: Path):
    made = Made()
    made.image(5 << 40)
    made.claim(site="b.example")
    assert outcome_of(made, tmp_path, "https://c.example/1.jpg")["optout_outcome"] == "clear"
