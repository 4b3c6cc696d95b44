"""The digests of records are what they were, and no field may change without them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import Made, day

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.db.values import pack
from registry.snapshot.record_digests import (
    observation_fields,
    record_digest,
    site_rule_fields,
)

PICTURES = {1: b"\1" * 32, 2: b"\2" * 32}
EVIDENCE = {5: b"\5" * 32, 6: b"\6" * 32}
OBSERVATION = ObservationRow(
    id=7,
    observed_at=day(1),
    image_url="https://art.example/é.jpg",
    page_url="https://art.example/page",
    fetched_url="https://cdn.example/1.jpg",
    relation="own",
    status=200,
    refusal=None,
    image_id=1,
    evidence=[5, 6],
)
RULE = SiteRuleRow(
    id=2,
    observed_at=day(1),
    host="art.example",
    kind="robots-txt",
    url="https://art.example/robots.txt",
    status=200,
    refusal=None,
    evidence_id=5,
)


def of_observation(**changed: object) -> str:
    row = {name: getattr(OBSERVATION, name) for name in ObservationRow.__dataclass_fields__}
    row = ObservationRow(**row | changed)
    return record_digest(observation_fields(row, PICTURES, EVIDENCE)).hex()


def of_rule(**changed: object) -> str:
    row = {name: getattr(RULE, name) for name in SiteRuleRow.__dataclass_fields__}
    return record_digest(site_rule_fields(SiteRuleRow(**row | changed), EVIDENCE)).hex()


def test_the_digests_are_what_they_were():
    """Snapshots and bundles in other hands hold them: these values never change."""
    assert of_observation() == "38b396d83686de4eb84770a5bd742a3ad5529ea43d4fcf61f94394c4af81c996"
    assert of_observation(page_url=None, status=404, refusal="http-404", image_id=None) == (
        "9f668098f164504d6ca8b704fbabc82e8676cd90dee140541272d84658e1c092"
    )
    assert of_rule() == "93192a13407307bdc98168abb6cc04cea6d1e9113d411e3c8b07194e502d8c8a"
    assert (
        of_rule(status=404, refusal="http-404", evidence_id=None)
        == "da01b8084c75266da7447ef460c826d245021cc560578f2c63ad7bb20d7a4195"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"observed_at": day(1) + timedelta(microseconds=1)},
        {"image_url": "https://art.example/e.jpg"},
        {"page_url": None},
        {"page_url": "https://art.example/other"},
        {"fetched_url": None},
        {"fetched_url": "https://art.example/1.jpg"},
        {"relation": "cdn"},
        {"status": None},
        {"status": 304},
        {"refusal": "page-truncated"},
        {"image_id": None},
        {"image_id": 2},
        {"evidence": [6, 5]},
        {"evidence": [5]},
        {"evidence": []},
    ],
    ids=str,
)
def test_a_changed_field_changes_the_digest_of_an_observation(changed: dict[str, object]):
    assert of_observation(**changed) != of_observation()


@pytest.mark.parametrize(
    "changed",
    [
        {"observed_at": day(2)},
        {"host": "www.art.example"},
        {"kind": "ai-txt"},
        {"url": "https://art.example/Robots.txt"},
        {"status": 304},
        {"refusal": "timeout"},
        {"evidence_id": 6},
        {"evidence_id": None},
    ],
    ids=str,
)
def test_a_changed_field_changes_the_digest_of_a_site_file(changed: dict[str, object]):
    assert of_rule(**changed) != of_rule()


def test_counts_of_equal_readings_and_time_zones_change_nothing():
    there = day(1).astimezone(timezone(timedelta(hours=-7)))
    assert of_observation(again=3, again_at=day(9), observed_at=there) == of_observation()
    assert of_rule(again=3, again_at=day(9), observed_at=there) == of_rule()


@given(st.text(), st.text())
def test_only_equal_texts_have_equal_digests(one: str, other: str):
    digests = (of_observation(image_url=pack(url)) for url in (one, other))
    assert len(set(digests)) == len({one, other})


@given(
    st.dictionaries(
        st.sampled_from(["image_url", "page_url", "refusal"]),
        st.text(alphabet='",:{}[]\\a', max_size=6),
    ),
    st.dictionaries(
        st.sampled_from(["image_url", "page_url", "refusal"]),
        st.text(alphabet='",:{}[]\\a', max_size=6),
    ),
)
def test_a_text_cannot_pass_for_another_field(one: dict[str, str], other: dict[str, str]):
    assert (record_digest(one) == record_digest(other)) == (one == other)


def test_a_snapshot_has_the_digest_of_every_record(tmp_path):
    made = Made()
    image = made.image()
    first = made.observe("https://a.example/1.jpg", [made.headers("noai")], image_id=image)
    second = made.observe("https://a.example/1.jpg", [made.headers()], on=2, refusal="http-404")
    rule = made.robots("A.example", "User-agent: *\nDisallow: /\n")
    gone = made.robots("A.example", None, on=2, refusal="http-404")
    snapshot = made.snapshot(tmp_path)
    pictures = {row.id: row.sha256 for row in made.image_rows}
    evidence = {row.id: row.digest for row in made.evidence_rows}
    records = {"observation": "observation-records", "site-rule": "site-file-records"}
    rows = [
        {"record": f"{what}:{row['id']}", "digest": row["digest"]}
        for what, kind in records.items()
        for row in snapshot.rows(kind).all()
    ]
    assert {row["record"]: row["digest"] for row in rows} == {
        **{
            f"observation:{row.id}": record_digest(observation_fields(row, pictures, evidence))
            for row in made.observation_rows
        },
        # The host is as it was recorded, also where the snapshot spells it in another way.
        **{
            f"site-rule:{row.id}": record_digest(site_rule_fields(row, evidence))
            for row in made.site_rule_rows
        },
    }
    assert [row["record"] for row in rows] == [
        *(f"observation:{number}" for number in (first, second)),
        *(f"site-rule:{number}" for number in (rule, gone)),
    ]


def test_time_is_written_in_utc():
    fields = observation_fields(OBSERVATION, PICTURES, EVIDENCE)
    assert fields["observed_at"] == datetime(2026, 11, 1, 12, tzinfo=UTC).isoformat()
