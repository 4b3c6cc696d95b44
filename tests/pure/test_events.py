"""Events between readings: replayed, they give what was read; failures give none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.record.changes import events_between, latest_after
from registry.db.event_rows import Compared, Latest, NewEvent
from registry.model import Evidence, Picture, Signal, UrlReading

URL = "https://art.example/1.jpg"
NOW = datetime(2026, 5, 4, tzinfo=UTC)
# Evidence ids: each holds the marks of the bits of its number.
MARKS = {
    number: [
        Signal(f"mark{bit}", f"word{bit}", "headers", "image", f"text{bit}", URL,
               (("train", "reserved"),))
        for bit in range(3) if number >> bit & 1
    ]
    for number in range(8)
}  # fmt: skip


def picture(number: int) -> Picture:
    return Picture(f"{number:064x}", f"{number:032x}", 1, 1, "png", 1)


@dataclass
class Url:
    """One URL, read again and again."""

    about: str = "image"
    latest: Latest | None = None
    day: int = 0
    events: list[NewEvent] = field(default_factory=list)

    def read(
        self, *evidence: int, image: int | None = None, refusal: str | None = None,
        is_cut: bool = False, is_first: bool = False,
    ) -> list[NewEvent]:  # fmt: skip
        self.day += 1
        at = NOW + timedelta(days=self.day)
        pieces = tuple(Evidence("headers", self.about, URL, text=str(n)) for n in evidence)
        reading = UrlReading(
            self.about, URL, at, pieces, picture(image) if image else None, refusal, is_cut
        )
        compared = Compared(reading, Latest(at, evidence, image, refusal), self.latest)
        found = events_between(compared, MARKS, is_first=is_first)
        self.latest = latest_after(compared)
        self.events += found
        return found


ImageReading = st.one_of(
    st.tuples(st.integers(1, 3), st.integers(0, 7), st.none()),
    st.tuples(st.none(), st.integers(0, 7), st.sampled_from(["http-503", "http-404", "http-410"])),
)


@dataclass
class Told:
    """The state of an image as its events tell it."""

    image: int | None = None
    marks: set[str] = field(default_factory=set)
    is_gone: bool = False

    def tell(self, event: NewEvent, marks_read: set[str]) -> None:
        match event.kind:
            case "picture-new" | "picture-replaced":
                assert event.image_before == self.image
                assert (event.kind == "picture-new") == (self.image is None)
                self.image, self.is_gone = event.image_after, False
                if event.kind == "picture-new":
                    # Its marks are read from the evidence with it.
                    self.marks = marks_read
            case "picture-gone" | "picture-back":
                assert self.is_gone == (event.kind == "picture-back")
                self.is_gone = not self.is_gone
            case "mark-appeared":
                assert event.names[0] not in self.marks
                self.marks = self.marks | set(event.names)
            case "mark-removed":
                self.marks = self.marks - set(event.names)


@given(st.lists(ImageReading, max_size=12))
def test_replayed_events_give_what_was_read(read: list[tuple[int | None, int, str | None]]) -> None:
    url, truth, told = Url(), Told(), Told()
    for number, evidence, refusal in read:
        if number is not None:
            truth = Told(number, {s.name for s in MARKS[evidence]})
        elif truth.image is not None:
            truth.is_gone |= refusal != "http-503"
        for event in url.read(evidence, image=number, refusal=refusal):
            told.tell(event, truth.marks)
        if truth.image is not None:
            assert told == truth


@given(st.lists(ImageReading, max_size=8))
def test_the_same_again_is_no_event(read: list[tuple[int | None, int, str | None]]) -> None:
    url = Url()
    for number, evidence, refusal in read:
        url.read(evidence, image=number, refusal=refusal)
        before = url.latest
        assert url.read(evidence, image=number, refusal=refusal) == []
        assert url.latest == before


def test_both_pieces_of_evidence_and_since_when() -> None:
    url = Url("page")
    assert url.read(1) == []
    url.read(1)
    (event,) = url.read(0)
    assert (event.kind, event.text_before, event.text_after) == ("mark-removed", "text0", None)
    assert (event.since, event.at) == (NOW + timedelta(days=1), NOW + timedelta(days=3))
    assert (event.evidence_before, event.evidence_after) == (1, None)
    (event,) = url.read(2)
    assert (event.kind, event.evidence_before, event.evidence_after) == ("mark-appeared", None, 2)


def test_the_first_visit_gives_no_events() -> None:
    for about in ("image", "page", "site"):
        assert Url(about).read(1, image=1 if about == "image" else None, is_first=True) == []


def test_a_new_site_file_of_a_known_site_has_events() -> None:
    (event,) = Url("site").read(1)
    assert (event.kind, event.since) == ("mark-appeared", None)


@pytest.mark.parametrize(("refusal", "kinds"), [("http-404", ["mark-removed"]), ("timeout", [])])
def test_a_site_file_that_is_gone(refusal: str, kinds: list[str]) -> None:
    url = Url("site")
    url.read(1)
    assert [event.kind for event in url.read(refusal=refusal)] == kinds
    assert url.read(refusal="timeout") == []
    assert [event.kind for event in url.read(1)] == ["mark-appeared"] * len(kinds)


def test_a_cut_page_takes_no_mark_back() -> None:
    url = Url("page")
    url.read(1)
    assert [event.kind for event in url.read(2, is_cut=True)] == ["mark-appeared"]
    assert url.read(0, is_cut=True) == []
    assert [event.kind for event in url.read(0)] == ["mark-removed", "mark-removed"]


def test_marks_of_an_image_without_a_picture() -> None:
    url = Url()
    url.read(0, refusal="too-large")
    assert [event.kind for event in url.read(1, refusal="too-large")] == ["mark-appeared"]
