"""A snapshot built after another one has the bytes of one built at once, and shares what it can."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from made import Made, day

from registry.db.rows import SEGMENT_BITS
from registry.signals import read
from registry.snapshot import evidence_read
from registry.snapshot.opened import Snapshot, open_snapshot
from registry.snapshot.verified import verify

FAR = 1 << SEGMENT_BITS


def grow(made: Made, rng: random.Random) -> None:
    """Change a registry in one of the ways in which it changes."""
    number, host = rng.randrange(4), f"h{rng.randrange(3)}.example"
    url = f"https://{host}/{number}.jpg"
    match rng.randrange(7):
        case 0:
            mark = made.headers(rng.choice(["noai", "noindex", ""]), url=url)
            image = made.image(rng.getrandbits(64)) if rng.random() < 0.5 else None
            refusal = None if image else "http-404"
            made.observe(url, [mark], on=rng.randrange(1, 28), image_id=image, refusal=refusal)
        case 1:
            made.robots(host, f"User-agent: *\nDisallow: /{number}\n", on=rng.randrange(1, 28))
        case 2:
            made.claim(url=url, sha256=rng.choice([number.to_bytes(32), None]))
        case 3:
            made.claim(site=host, path_pattern=rng.choice(["/a", None]))
        case 4 if made.claim_rows:  # withdrawn
            made.claim_rows.pop(rng.randrange(len(made.claim_rows)))
        case 5 if made.observation_rows:  # seen again
            row = made.observation_rows[0]
            made.observation_rows[0] = type(row)(
                **{f: getattr(row, f) for f in row.__slots__} | {"again": 1, "again_at": day(28)}
            )
        case _:
            made.claim(phash64=rng.randbytes(8), page_url=url)


def spread(made: Made, rng: random.Random) -> None:
    """Give the next rows ids of another segment."""
    for kind in ("image", "site_rule", "observation", "claim", "evidence"):
        if rng.random() < 0.5:
            made.skip(kind, FAR)


@pytest.mark.parametrize("seed", range(12))
def test_deltas_give_the_bytes_of_a_whole_build(tmp_path: Path, seed: int):
    rng = random.Random(seed)
    made, before = Made(), None
    for step in range(1, 7):
        for _ in range(rng.randrange(6)):
            grow(made, rng)
        if rng.random() < 0.4:
            spread(made, rng)
        delta = made.snapshot(tmp_path, step, before)
        whole = made.snapshot(tmp_path / "whole", step)
        assert delta.manifest.files == whole.manifest.files
        assert delta.manifest.digest == whole.manifest.digest
        verify(delta)
        before = delta


def registry() -> Made:
    """Return one with two segments of every kind."""
    made = Made()
    for part in range(2):
        for number in range(3):
            url = f"https://h{part}.example/{number}.jpg"
            image = made.image(5 << 40 + number)
            made.observe(url, [made.headers("noai", url=url)], image_id=image)
            made.robots(f"h{part}.example", "User-agent: *\nDisallow: /a\n", on=number + 1)
            made.claim(url=url)
        for kind in ("image", "site_rule", "observation", "claim"):
            made.skip(kind, FAR)
    return made


def shared(one: Snapshot, other: Snapshot) -> set[str]:
    """Return the segments of a snapshot that are the same files in another one."""
    return {
        name
        for name in one.manifest.files
        if name.startswith("segments/")
        and (other.path / name).exists()
        and (one.path / name).samefile(other.path / name)
    }


def test_only_what_changed_is_written(tmp_path: Path):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    assert len(one.manifest.segments) == 2 * 4 + 1
    made.claim(url="https://new.example/1.jpg")
    two = made.snapshot(tmp_path, 2, one)
    everything = {name for name in one.manifest.files if name.startswith("segments/")}
    assert everything - shared(one, two) == {next(n for n in everything if "site-hosts" in n)}
    # A new reading of an old picture is in the segment of the first.
    mark = made.headers("noindex", url="https://h0.example/1.jpg")
    made.observe("https://h0.example/1.jpg", [mark], on=9, refusal="http-404")
    three = made.snapshot(tmp_path, 3, two)
    changed = {name for name in two.manifest.files if name.startswith("segments/")}
    changed -= shared(two, three)
    assert any("observations-00000000" in name for name in changed)
    assert not any("claims-" in name or "pictures-" in name for name in changed)
    assert not any("observations-00000001" in name for name in changed)


def test_changed_rules_of_a_host_change_its_entries_only(tmp_path: Path):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    made.robots("h1.example", "User-agent: *\nDisallow: /\n", on=20)
    two = made.snapshot(tmp_path, 2, one)
    kept = shared(one, two)
    assert any("observations-00000000" in name for name in kept)
    assert not any("observations-00000001" in name for name in kept)
    assert [entry.name for entry in two.entries if "robots-txt:disallow" in names(entry)] == [
        f"observation:{row.id}" for row in made.observation_rows if "h1" in row.image_url
    ]


def names(entry) -> list[str]:
    return [signal.name for signal in entry.signals]


def test_evidence_of_segments_that_did_not_change_is_not_read(tmp_path: Path, monkeypatch):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    seen = []
    monkeypatch.setattr(
        evidence_read, "read", lambda evidence: seen.append(evidence) or read(evidence)
    )
    made.claim(url="https://new.example/1.jpg")
    made.snapshot(tmp_path, 2, one)
    assert seen == []


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_a_damaged_segment_is_not_shared(tmp_path: Path, harm: str):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    name = next(name for name in one.manifest.files if "claims-00000000" in name)
    content = (one.path / name).read_bytes()
    (one.path / name).unlink()
    if harm == "altered":
        (one.path / name).write_bytes(content[:-9] + bytes([content[-9] ^ 4]) + content[-8:])
    two = made.snapshot(tmp_path, 2, open_one(one.path) if harm == "altered" else one)
    verify(two)
    assert two.manifest.files == one.manifest.files


def open_one(path: Path) -> Snapshot:
    return open_snapshot(path)


def test_other_code_builds_all_segments_again(tmp_path: Path, monkeypatch):
    made = registry()
    one = made.snapshot(tmp_path, 1)
    monkeypatch.setattr("registry.snapshot.build.code_digest", lambda: "other")
    two = made.snapshot(tmp_path, 2, one)
    assert not shared(one, two)
    assert two.manifest.digest == one.manifest.digest
