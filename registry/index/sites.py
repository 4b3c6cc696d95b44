"""The rules of sites, by host and path: rules files, and claims on hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.index.decisions import MAX_KEPT, RANK, STRICT, names_of
from registry.index.site_hosts import SiteHosts
from registry.matching.key_table import NONE
from registry.model import Signal, Verdict
from registry.urls.columns import paths_of_keys
from registry.urls.key import split_key
from registry.verdict import decide
from registry.verdict.licensing import Terms, terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.index.programs import Applicable, Part
    from registry.matching.key_table import KeyTable
    from registry.matching.lists import Lists, Numbers
    from registry.snapshot.site_entries import Sites
    from registry.urls.columns import KeyColumn

# Most hosts, and most states, that are remembered from batch to batch.
_MOST = 1 << 18
# The state of a URL that no rule concerns.
_NO_STATE = 0


class Ruled(NamedTuple):
    """The rows of a column that rules concern: parallel arrays of row, host and state.

    Rows of one state have the same answers, but for the rows of `sites` that give them.
    """

    rows: Numbers
    hosts: Numbers
    states: Numbers

    def without(self, some: NDArray[np.bool_]) -> Ruled:
        """Return it without some of its rows, given as a mask."""
        return Ruled(self.rows[~some], self.hosts[~some], self.states[~some])


class Place(NamedTuple):
    """A URL, as its host and state (see `Ruled`)."""

    host: int
    state: int


# The first part that decided (or NONE), and the verdict.
Answer = tuple[int, Verdict]


class SiteIndex:
    """The rows of `sites` by the hosts that they cover, and their verdicts under a policy.

    Rows are named by their part in the program of a host; `rows` has their numbers in `sites`.
    """

    def __init__(self, sites: Sites, hosts: KeyTable, of_host: Lists, policy: str) -> None:
        self._sites = sites
        self._table = hosts, of_host
        self._policy = policy
        self._marks: dict[tuple[tuple[str, ...], Terms | None], int] = {}
        self._start()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._sites)

    def marks_of(self, verdict: Verdict) -> int:
        """Return a number for a verdict's deciding marks: their names and the terms of a condition.

        `names_of_marks` and `terms_of_marks` have these by number.
        """
        terms = terms_of(verdict) if verdict.decision == "conditional" else None
        key = tuple(names_of(verdict.deciding)), terms
        return self._marks.setdefault(key, len(self._marks))

    def names_of_marks(self) -> list[tuple[str, ...]]:
        """Return the names that have a number, in the order of their numbers."""
        return [names for names, _ in self._marks]

    def terms_of_marks(self) -> list[Terms | None]:
        """Return the terms that have a number, in the order of their numbers."""
        return [terms for _, terms in self._marks]

    def _start(self) -> None:
        self._hosts = SiteHosts(self._sites, *self._table)
        self._states: list[tuple[Applicable, ...]] = [()]
        self._numbers: dict[tuple[object, ...], int] = {}
        # The state of each program whose rules do not depend on the path, or NONE.
        self._everywhere: list[int] = []
        self._answers: dict[tuple[object, ...], tuple[int, Verdict]] = {}

    def forget_if_full(self) -> None:
        """Forget hosts and states where they are many: numbers given before are void."""
        if max(len(self._hosts), len(self._states)) > _MOST:
            self._start()

    def ruled(self, keys: KeyColumn) -> Ruled:
        """Return the rows of a column that rules concern."""
        if not len(self):
            return Ruled(*np.zeros((3, 0), np.int64))
        rows, hosts = self._hosts.numbers(keys)
        programs = self._hosts.program(hosts)
        states = np.array(self._states_of_programs(), np.int64)[programs]
        by_path = np.flatnonzero(states == NONE)
        paths = paths_of_keys(keys.keys(rows[by_path])).to_pylist()
        states[by_path] = [
            self._state(program, path)
            for program, path in zip(programs[by_path].tolist(), paths, strict=True)
        ]
        some = states != _NO_STATE
        return Ruled(rows[some], hosts[some], states[some])

    def place(self, url: str) -> Place:
        """Return the place of a URL key."""
        host, path = split_key(url)
        number = self._hosts.number(host)
        return Place(number, self._state(int(self._hosts.program(np.array([number]))[0]), path))

    def rows(self, hosts: Numbers, parts: Numbers) -> Numbers:
        """Return the row of `sites` of a part (or NONE) of each host's program."""
        return self._hosts.rows(hosts, parts)

    def _states_of_programs(self) -> list[int]:
        for number in range(len(self._everywhere), len(self._hosts.programs)):
            program = self._hosts.programs[number]
            self._everywhere.append(
                self._state(number, "/") if program.is_same_everywhere else NONE
            )
        return self._everywhere

    def _state(self, program: int, path: str) -> int:
        applied = self._hosts.programs[program].applicable(path)
        if not applied:
            return _NO_STATE
        # The states keep the signals, so that no id is reused.
        key = (program, *((part, id(signals)) for part, signals in applied))
        if key not in self._numbers:
            self._numbers[key] = len(self._states)
            self._states.append(applied)
        return self._numbers[key]

    def verdict(self, at: Place, *, claims_only: bool = False, with_texts: bool = False) -> Answer:
        """Return the verdict of a host's files and claims.

        With texts, its signals are at the places of the host's own rows; without, maybe at those
        of another host with this state.
        """
        key = ("own", at.state, claims_only, with_texts and at.host)
        return self._remembered(key, lambda: self._together(self._own(at, claims_only)))

    def wider_verdict(self, at: Place, *, with_texts: bool = False) -> Answer:
        """Return the verdict of claims on wider hosts, as if they covered this host, too."""
        key = ("wider", at.state, with_texts and at.host)
        return self._remembered(key, lambda: self._together(self._wider(at)))

    def page_verdict(
        self,
        picture: Place | None,
        page: Place,
        *,
        claims_only: bool = False,
        with_texts: bool = False,
    ) -> tuple[int, Verdict, bool]:
        """Return the verdict of a page's site, with that of the picture's site, on a picture.

        `picture` is None if its URL is not known. Returns the first of the page's parts that
        decided (or NONE), the verdict, and whether that part is about the page's own host;
        claims on wider hosts come last.
        """
        key = self._page_key(picture, page, claims_only, with_texts)

        def together(parts: list[Applicable]) -> Answer:
            return self._together(self._own(picture, claims_only) if picture else [], parts)

        part, verdict = self._remembered(key, lambda: together(self._own(page, claims_only)))
        if part != NONE and RANK[verdict.decision] < STRICT:
            return part, verdict, True
        wider = self._remembered(("wider", *key), lambda: together(self._wider(page)))
        return *wider, False

    def row(self, at: Place, part: int) -> int:
        """Return the row of `sites` of a part (or NONE) of a host's program."""
        return int(self._hosts.rows(np.array([at.host]), np.array([part]))[0])

    def relation(self, picture: Place, page: Place) -> tuple[int, ...]:
        """Return for each part that applies to a page the equal one of its picture, or NONE.

        Pairs of places with equal states and relations have the same answers.
        """
        ours, theirs = self._hosts.sources(picture.host), self._hosts.sources(page.host)
        if set(ours).isdisjoint(theirs):
            return ()
        parts = {
            (id(part.rules), ours[part.source]): number for number, part, _ in self._parts(picture)
        }
        return tuple(
            parts.get((id(part.rules), theirs[part.source]), NONE)
            for _, part, _ in self._parts(page)
        )

    def _page_key(
        self, picture: Place | None, page: Place, claims_only: bool, with_texts: bool
    ) -> tuple[object, ...]:
        if picture is None:
            return ("page", page.state, claims_only, with_texts and page.host)
        hosts = with_texts and (picture.host, page.host)
        relation = self.relation(picture, page)
        return ("page", page.state, claims_only, hosts, picture.state, relation)

    def _own(self, at: Place, claims_only: bool) -> list[Applicable]:
        return self._placed(at, lambda p: not p.wider and (p.rules.is_claim or not claims_only))

    def _wider(self, at: Place) -> list[Applicable]:
        return self._placed(at, lambda part: part.wider)

    def _placed(self, at: Place, is_wanted: Callable[[Part], bool]) -> list[Applicable]:
        """Return the wanted parts that apply to a place, with signals as those of their rows."""
        return [
            (number, self._hosts.placed(self.row(at, number), signals))
            for number, part, signals in self._parts(at)
            if is_wanted(part)
        ]

    def _parts(self, at: Place) -> Iterator[tuple[int, Part, tuple[Signal, ...]]]:
        """Yield the parts that apply to a place: their numbers, and their signals."""
        parts = self._hosts.parts(at.host)
        for number, signals in self._states[at.state]:
            yield number, parts[number], signals

    def _remembered(self, key: tuple[object, ...], decide_: Callable[[], Answer]) -> Answer:
        if key not in self._answers:
            if len(self._answers) >= MAX_KEPT:
                self._answers.clear()
            self._answers[key] = decide_()
        return self._answers[key]

    def _together(self, own: list[Applicable], page: list[Applicable] | None = None) -> Answer:
        """Return the deciding part and the verdict; the part is one of the page's, if given."""
        of_own = [signal for _, signals in own for signal in signals]
        known = set(of_own)
        of_page = [
            replace(signal, scope="page")
            for _, signals in page or ()
            for signal in signals
            if signal not in known
        ]
        verdict = decide([*of_own, *of_page], self._policy)
        return _deciding_part(own if page is None else page, verdict), verdict


def _deciding_part(parts: list[Applicable], verdict: Verdict) -> int:
    marks = set(map(_mark, verdict.deciding))
    return next(
        (part for part, signals in parts if not marks.isdisjoint(map(_mark, signals))), NONE
    )


def _mark(signal: Signal) -> tuple[str, str, str]:
    """Return the parts of a signal that settling does not change."""
    return signal.name, signal.url, signal.raw
