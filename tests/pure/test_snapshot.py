"""What a snapshot holds, and that a damaged one is refused by the name of the file at fault."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import Made, day, earlier_format, pictures_of

from registry.errors import UnreadableSnapshot, UsageError
from registry.model import PathRule, Signal
from registry.snapshot import store
from registry.snapshot.diff import differences
from registry.snapshot.format import FORMAT, signals_from_json, signals_to_json
from registry.snapshot.manifest import manifest_from_json, manifest_to_json
from registry.snapshot.opened import Snapshot, open_snapshot, read_manifest
from registry.snapshot.verified import verify

URL = "https://a.example/1.jpg"


def marked() -> Made:
    made = Made()
    image = made.image(phash64=0xC9B6A7D8469C1959)
    made.observe(URL, [made.headers("noai")], image_id=image)
    made.robots("a.example", "User-agent: GPTBot\nDisallow: /closed/\n")
    made.claim(url="https://b.example/2.jpg")
    return made


def names(snapshot: Snapshot, entry: int) -> list[str]:
    """Return the names of an entry's own signals, then of what its site's rules say."""
    return [signal.name for signal in snapshot.entries[entry].signals]


def test_a_snapshot_holds_images_entries_signals_and_sites(tmp_path: Path):
    snapshot = marked().snapshot(tmp_path)
    assert snapshot.manifest.counts == {
        "pictures": 1,
        "views": 0,
        "observations": 1,
        "observation-records": 1,
        "site-files": 1,
        "site-file-records": 1,
        "site-hosts": 1,
        "claims": 1,
        "site-claims": 0,
    }
    assert [entry.name for entry in snapshot.entries] == ["observation:1", "claim:1"]
    assert "noai" in names(snapshot, 0)
    assert snapshot.rows("pictures").row(0)["phash64"] == 0xC9B6A7D8469C1959


def test_the_same_registry_gives_the_same_bytes(tmp_path: Path):
    one, two = marked().snapshot(tmp_path, 1), marked().snapshot(tmp_path, 2)
    assert one.manifest.digest == two.manifest.digest


def test_the_latest_evidence_stands_and_its_age_is_kept(tmp_path: Path):
    made = Made()
    made.observe(URL, [made.headers("noindex")], on=1, refusal="http-404")
    made.observe(URL, [made.headers("noai")], on=2, refusal="http-404")
    made.observe(URL, [made.headers("noai, noarchive")], on=3, refusal="http-404")
    made.observe(URL, [made.headers("noai, noarchive")], on=4, refusal="http-404")
    snapshot = made.snapshot(tmp_path)
    assert len(snapshot.entries) == 1
    assert names(snapshot, 0) == ["noai", "noarchive"]
    assert snapshot.entries[0].since == day(2)
    assert snapshot.entries[0].seen == day(4)


def test_a_mark_that_went_and_came_back_is_dated_from_its_return(tmp_path: Path):
    made = Made()
    for number, value in enumerate(["noai", "noindex", "noai"], start=1):
        made.observe(URL, [made.headers(value)], on=number, refusal="http-404")
    assert made.snapshot(tmp_path).entries[0].since == day(3)


def test_a_mark_that_is_not_about_training_dates_no_reservation(tmp_path: Path):
    made = Made()
    made.observe(URL, [made.headers("noindex")], on=1, refusal="http-404")
    made.robots("a.example", "User-agent: *\nDisallow: /\n", on=9)
    snapshot = made.snapshot(tmp_path)
    assert names(snapshot, 0) == ["noindex", "robots-txt:disallow"]
    assert snapshot.entries[0].since == day(9)


def test_a_picture_that_was_replaced_stays_with_the_marks_it_had(tmp_path: Path):
    made = Made()
    page = made.page('<meta name="robots" content="noai">')
    first, second = made.image(1 << 60), made.image(3 << 50)
    made.observe(URL, [page, made.headers("noimageai")], on=1, image_id=first)
    made.observe(URL, [page, made.headers()], on=2, image_id=second)
    snapshot = made.snapshot(tmp_path)
    entries = list(snapshot.entries)
    assert pictures_of(snapshot) == [0, 1]
    assert [(e.url, e.gone) for e in entries] == [(URL, True), (URL, False)]
    assert sorted(names(snapshot, 0)) == ["noai", "noimageai"]
    assert names(snapshot, 1) == ["noai"]
    assert [e.since for e in entries] == [day(1), day(2)]


def test_an_answer_that_is_no_picture_takes_no_mark_back(tmp_path: Path):
    made = Made()
    image = made.image(1 << 60)
    made.observe(URL, [made.headers("noai")], on=1, image_id=image)
    made.observe(URL, [made.headers("noimageai")], on=2, refusal="not-an-image")
    made.observe(URL, [made.headers()], on=3, refusal="not-an-image")
    assert names(made.snapshot(tmp_path, 1), 0) == ["noai"]
    made.observe(URL, [made.headers("noindex")], on=4, image_id=image)
    assert names(made.snapshot(tmp_path, 2), 0) == ["noindex"]


def test_a_missing_robots_txt_of_http_leaves_that_of_https(tmp_path: Path):
    made = Made()
    made.robots("a.example", "User-agent: *\nDisallow: /\n", on=1)
    made.robots("a.example", None, on=2, refusal="http-404", url="http://a.example/robots.txt")
    assert len(made.snapshot(tmp_path).sites) == 1


def test_one_line_for_many_agents_is_one_signal(tmp_path: Path):
    agents = ["GPTBot", "CCBot", *(f"Bot{letter}" for letter in "ABCDEFGH")]
    made = Made()
    made.robots("a.example", "".join(f"User-agent: {a}\nDisallow: /\n\n" for a in agents))
    made.observe(URL, refusal="http-403")
    snapshot = made.snapshot(tmp_path)
    (signal,) = snapshot.entries[0].rules
    assert set(signal.agents) == {agent.lower() for agent in agents}


def test_a_site_beside_a_url_is_where_it_is_from_unless_a_pattern_goes_with_it(tmp_path: Path):
    made = Made()
    made.claim(url="https://b.example/1.jpg", site="b.example")
    made.claim(url="https://c.example/1.jpg", site="c.example", path_pattern="/art/")
    made.claim(site="d.example", use="tdm")
    snapshot = made.snapshot(tmp_path)
    assert [entry.url for entry in snapshot.entries] == [f"https://{h}.example/1.jpg" for h in "bc"]
    assert [site.host for site in snapshot.sites] == ["c.example", "d.example"]
    (signal,) = snapshot.sites[1].signals
    assert dict(signal.uses) == dict.fromkeys(("tdm", "train", "train-genai"), "reserved")


def test_a_claim_lends_its_fingerprint_to_a_picture_that_has_none(tmp_path: Path):
    made = Made()
    unfit = made.image(None)
    made.claim(sha256=b"x" * 32, phash64=bytes(7) + b"\x0f", image_id=unfit)
    snapshot = made.snapshot(tmp_path)
    assert len(snapshot.pictures) == 2
    assert pictures_of(snapshot) == [1]


def test_a_failed_fetch_takes_nothing_back(tmp_path: Path):
    made = Made()
    image = made.image(phash64=5 << 40)
    page = made.page('<meta name="robots" content="noai">')
    made.observe(URL, [page, made.headers("noimageai")], on=1, image_id=image)
    unmarked = made.page("<p>the mark is gone from the page</p>")
    made.observe(URL, [unmarked], on=2, refusal="timeout")
    snapshot = made.snapshot(tmp_path)
    assert names(snapshot, 0) == ["noimageai"]  # the page was read anew, the image was not
    assert pictures_of(snapshot) == [0]


@pytest.mark.parametrize(
    ("refusal", "stands"),
    [
        ("http-503", True),
        ("timeout", True),
        ("http-429", True),
        ("http-408", True),
        ("http-404", False),
        ("http-410", False),
    ],
)
def test_site_rules_stand_until_the_site_says_otherwise(tmp_path: Path, refusal: str, stands: bool):
    made = Made()
    made.robots("a.example", "User-agent: *\nDisallow: /\n", on=1)
    made.robots("a.example", None, on=2, refusal=refusal)
    assert len(made.snapshot(tmp_path).sites) == int(stands)


def test_entries_carry_the_rules_of_their_host_and_page(tmp_path: Path):
    made = Made()
    made.robots("cdn.example", "User-agent: CCBot\nDisallow: /art/\n")
    made.observe("https://cdn.example/art/1.jpg", refusal="http-403")
    made.observe("https://cdn.example/free/1.jpg", refusal="http-403")
    snapshot = made.snapshot(tmp_path)
    said = {u: names(snapshot, i) for i, u in enumerate(e.url for e in snapshot.entries)}
    assert "robots-txt:disallow" in said["https://cdn.example/art/1.jpg"]
    assert "robots-txt:disallow" not in said["https://cdn.example/free/1.jpg"]


def test_marks_of_a_page_that_shows_anothers_picture_say_so(tmp_path: Path):
    made = Made()
    page = made.page('<meta name="robots" content="noai">')
    made.observe(URL, [page, made.headers("noimageai")], relation="third-party", refusal="timeout")
    snapshot = made.snapshot(tmp_path)
    signals = snapshot.entries[0].own
    assert {(s.name, s.third_party) for s in signals} == {("noai", True), ("noimageai", False)}


@pytest.mark.parametrize("place", range(30))
@pytest.mark.parametrize("harm", ["missing", "truncated", "altered", "garbage"])
def test_a_damaged_file_is_named(tmp_path: Path, place: int, harm: str):
    path = marked().snapshot(tmp_path).path
    # Each name, and each file of a size: an empty one cannot be altered.
    files = sorted(name for name, entry in read_manifest(path).files.items() if entry.size)
    name = files[place % len(files)]
    content = (path / name).read_bytes()
    if harm == "missing":
        (path / name).unlink()
    elif harm == "truncated":
        (path / name).write_bytes(content[:-1])
    elif harm == "altered":
        (path / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    else:
        (path / name).write_bytes(b"x" * len(content))
    with pytest.raises(UnreadableSnapshot, match=name):
        verify(open_snapshot(path))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "1"}', '{"format": 0}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str):
    path = marked().snapshot(tmp_path).path
    (path / "manifest.json").write_text(text)
    with pytest.raises(UnreadableSnapshot, match=r"manifest\.json"):
        open_snapshot(path)


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path):
    path = marked().snapshot(tmp_path).path / "manifest.json"
    fields = json.loads(path.read_text())
    fields["files"]["index"]["sha256"] = "0" * 64
    with pytest.raises(UnreadableSnapshot, match="digest"):
        manifest_from_json(json.dumps(fields), "manifest.json")


@pytest.mark.parametrize("field", ["built_at", "serial", "version", "readers", "algorithms"])
def test_a_manifest_is_under_a_digest_of_its_own(tmp_path: Path, field: str):
    path = marked().snapshot(tmp_path).path / "manifest.json"
    fields = json.loads(path.read_text())
    fields[field] = {"built_at": "2020-01-01T00:00:00+00:00", "serial": 99}.get(field, ["other"])
    for edited in (fields, {k: v for k, v in fields.items() if k != "manifest_sha256"}):
        with pytest.raises(UnreadableSnapshot, match=r"manifest\.json"):
            manifest_from_json(json.dumps(edited), "manifest.json")


def test_an_older_format_says_to_build_again(tmp_path: Path):
    path = marked().snapshot(tmp_path).path / "manifest.json"
    fields = json.loads(path.read_text()) | {"format": 1}
    with pytest.raises(UnreadableSnapshot, match="older than this version") as caught:
        manifest_from_json(json.dumps(fields), "manifest.json")
    assert "snapshot build" in caught.value.hint


def test_a_snapshot_of_the_format_before_is_to_be_built_again(tmp_path: Path):
    path = earlier_format(marked().snapshot(tmp_path).path)
    with pytest.raises(UnreadableSnapshot, match="format 3 is older") as caught:
        open_snapshot(path)
    assert "snapshot build" in caught.value.hint


@pytest.mark.parametrize("rows", [2**70, -1, True, 1.0, "1"])
def test_a_file_has_a_possible_number_of_rows(tmp_path: Path, rows: object):
    path = marked().snapshot(tmp_path).path
    manifest = read_manifest(path)
    files = {n: replace(f, rows=rows) if "obs" in n else f for n, f in manifest.files.items()}
    text = manifest_to_json(replace(manifest, files=files))
    with pytest.raises(UnreadableSnapshot, match="does not list the files"):
        manifest_from_json(text, "manifest.json")


@pytest.mark.parametrize("version", [True, 4.0, "4", None])
def test_a_format_is_a_number(tmp_path: Path, version: object):
    path = marked().snapshot(tmp_path).path / "manifest.json"
    fields = json.loads(path.read_text()) | {"format": version}
    with pytest.raises(UnreadableSnapshot, match="is not a snapshot manifest"):
        manifest_from_json(json.dumps(fields), "manifest.json")


def test_a_newer_format_says_to_upgrade(tmp_path: Path):
    path = marked().snapshot(tmp_path).path / "manifest.json"
    fields = json.loads(path.read_text()) | {"format": FORMAT + 1}
    with pytest.raises(UnreadableSnapshot, match="newer than this version") as caught:
        manifest_from_json(json.dumps(fields), "manifest.json")
    assert "install a newer" in caught.value.hint


@pytest.mark.parametrize(("keys", "hint"), [(1, "snapshot build"), (99, "install a newer")])
def test_url_keys_of_another_version_are_refused_where_urls_are_looked_up(
    tmp_path: Path, keys: int, hint: str
):
    path = marked().snapshot(tmp_path).path
    manifest = replace(read_manifest(path), url_keys=keys)
    (path / "manifest.json").write_text(manifest_to_json(manifest))
    with pytest.raises(UnreadableSnapshot, match="rules for comparing URLs") as caught:
        open_snapshot(path)
    assert hint in caught.value.hint
    assert open_snapshot(path, any_keys=True).manifest.url_keys == keys


def test_a_folder_that_is_no_snapshot(tmp_path: Path):
    with pytest.raises(UnreadableSnapshot, match="is not a snapshot"):
        open_snapshot(tmp_path)


def test_publishing_never_overwrites_and_leaves_nothing_behind(tmp_path: Path):
    marked().snapshot(tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        marked().snapshot(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["snapshot-1"]


def test_the_pointer_names_the_newest(tmp_path: Path):
    assert store.newest(tmp_path) is None
    store.point_to(tmp_path, 7)
    assert store.newest(tmp_path) == tmp_path / "000007"
    for damaged in (b"../elsewhere", b"\xff\n", b""):
        (tmp_path / "CURRENT").write_bytes(damaged)
        with pytest.raises(UnreadableSnapshot, match="CURRENT"):
            store.newest(tmp_path)


text = st.text(max_size=20)
signals = st.builds(
    Signal,
    name=text,
    vocabulary=text,
    carrier=text,
    scope=st.sampled_from(["image", "page", "site"]),
    raw=text,
    uses=st.lists(st.tuples(st.just("train"), st.sampled_from(["reserved", "allowed"]))).map(tuple),
    agents=st.lists(text, max_size=3).map(tuple),
    rule=st.none() | st.builds(PathRule, text, st.just("first"), st.integers(0, 9)),
    licence_url=st.none() | text.filter(bool),
    third_party=st.booleans(),
)


@given(st.lists(signals, max_size=3))
def test_signals_survive_their_json(some: list[Signal]):
    assert signals_from_json(signals_to_json(some)) == tuple(some)


def test_a_reading_without_the_picture_takes_no_mark_of_an_earlier_one(tmp_path: Path):
    made = Made()
    first, second = made.image(1 << 60), made.image(3 << 50)
    page, bare = made.page('<meta name="robots" content="noai">'), made.page("<p>")
    made.observe(URL, [page], on=1, image_id=first)
    made.observe(URL, [bare], on=2, refusal="http-404")
    made.observe(URL, [bare], on=3, image_id=second)
    snapshot = made.snapshot(tmp_path)
    assert [names(snapshot, entry) for entry in (0, 1)] == [["noai"], []]
    assert [entry.seen for entry in snapshot.entries] == [day(1), day(3)]


def test_a_picture_that_returns_keeps_the_date_of_a_mark_that_stood_all_the_time(tmp_path: Path):
    made = Made()
    first, second = made.image(1 << 60), made.image(3 << 50)
    page = made.page('<meta name="robots" content="noai">')
    for number, image in enumerate((first, second, first), start=1):
        made.observe(URL, [page], on=number, image_id=image)
    snapshot = made.snapshot(tmp_path)
    assert pictures_of(snapshot) == [1, 0]
    assert [entry.since for entry in snapshot.entries] == [day(2), day(1)]


def test_a_rule_of_the_page_alone_is_not_one_of_the_image(tmp_path: Path):
    made = Made()
    made.robots(
        "a.example",
        "User-agent: X1\nUser-agent: *\nDisallow: /\n\nUser-agent: *\nAllow: /img/\n",
    )
    url = "https://a.example/img/1.jpg"
    made.observe(url, page_url="https://a.example/page", refusal="timeout")
    snapshot = made.snapshot(tmp_path)
    by_scope = {s.scope: s.agents for s in snapshot.entries[0].rules}
    assert "*" not in by_scope.get("site", ())
    assert "*" in by_scope["page"]


def test_a_lifted_reservation_is_a_difference(tmp_path: Path):
    made = Made()
    first, second = made.image(1 << 60), made.image(3 << 50)
    made.observe(URL, [made.headers("noai")], on=1, image_id=first)
    older = made.snapshot(tmp_path, 1)
    made.observe(URL, [made.headers()], on=2, image_id=second)
    changes = differences(older, made.snapshot(tmp_path, 2), "cautious")
    assert [(c.before, c.after) for c in changes if "earlier" not in c.what] == [
        ("reserved", "unspecified")
    ]
