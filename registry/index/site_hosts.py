"""The hosts that rules of sites cover, each looked up once: which rows cover it, and how.

A claimed refusal for `example.org` covers `www.example.org`, too, and the other way round. Other
subdomains and ports of the same site may belong to others: a claim on a whole site makes their
rows `review`. A permission covers only its own host.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.index.compiled_rules import Compiled, RowRules
from registry.index.programs import Part, Program
from registry.index.wide_hosts import WideHosts
from registry.matching.key_table import NONE
from registry.matching.remembered import NOT_KNOWN, Remembered
from registry.urls.columns import hashes_of, hosts_of_keys
from registry.urls.host_filter import HostFilter
from registry.urls.sites import covering_hosts, wider_hosts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.matching.key_table import AreEqual, KeyTable
    from registry.matching.lists import Lists, Numbers
    from registry.snapshot.site_entries import Sites
    from registry.urls.columns import KeyColumn

# For the hashes of hosts whose numbers are remembered: 12 MB.
_REMEMBERED_BITS = 20


class SiteHosts:
    """Hosts by number, with their programs and the rows of `sites` that these stand for."""

    def __init__(self, sites: Sites, table: KeyTable, of_host: Lists) -> None:
        self._sites = sites
        self._table = table
        self._of_host = of_host
        self._rules = RowRules(sites)
        self._refused, self._whole = _Among(self, "refuses"), _Among(self, "whole")
        self._rows_of: dict[str, list[tuple[int, Compiled]]] = {}
        self._remembered = Remembered(_REMEMBERED_BITS)
        self.names: list[str] = []
        self._by_name: dict[str, int] = {}
        self.programs: list[Program] = []
        self._by_parts: dict[tuple[tuple[int, bool, int], ...], int] = {}
        self._program, self._first, self._rows = (_Growing() for _ in range(3))
        self._sources: dict[int, list[str]] = {}
        # Number 0 is that of all hosts without a rule.
        self._cover("")

    def __len__(self) -> int:
        """Return how many hosts have a number."""
        return len(self.names)

    @cached_property
    def _wide(self) -> WideHosts:
        return WideHosts(self._sites)

    @cached_property
    def _filter(self) -> HostFilter:
        """Passes every host that a row covers."""
        own = np.asarray(self._table.marks).astype(np.uint64)
        return HostFilter(np.concatenate([own, self._wide.twins]), self._wide.whole)

    def program(self, hosts: Numbers) -> Numbers:
        """Return the number of the program of some hosts."""
        return self._program.values[hosts]

    def rows(self, hosts: Numbers, parts: Numbers) -> Numbers:
        """Return the row that a part of a host's program stands for; NONE for part NONE."""
        rows: Numbers = np.full(len(hosts), NONE, np.int64)
        has = parts != NONE
        rows[has] = self._rows.values[self._first.values[hosts[has]] + parts[has]]
        return rows

    def parts(self, host: int) -> tuple[Part, ...]:
        """Return the parts of a host's program."""
        return self.programs[int(self._program.values[host])].parts

    def sources(self, host: int) -> list[str]:
        """Return the hosts that the parts of a host's program are about."""
        return self._sources.get(host, [self.names[host]])

    def placed(self, row: int, signals: Any) -> Any:
        """Return signals that rows share as those of one row."""
        return self._rules.placed(row, signals)

    def number(self, host: str) -> int:
        """Return the number of one host."""
        if host not in self._by_name:
            self._cover(host)
        return self._by_name[host]

    def numbers(self, keys: KeyColumn) -> tuple[Numbers, Numbers]:
        """Return the rows of a column whose hosts are covered, and the numbers of their hosts."""
        rows = self._filter.rows(keys)
        numbers = self._remembered.of(keys.hosts[rows])
        new = np.flatnonzero(numbers == NOT_KNOWN)
        if len(new):
            encoded = pa.array(keys.hosts[rows[new]]).dictionary_encode()
            which = encoded.indices.to_numpy()
            first = np.empty(len(encoded.dictionary), np.int64)
            first[which[::-1]] = rows[new[::-1]]
            hashes = keys.hosts[first]
            found = self._look_up(hosts_of_keys(keys.keys(first)), hashes)
            self._remembered.keep(hashes, found)
            numbers[new] = found[which]
        covered = numbers != 0
        rows = rows[covered]
        return rows, self._confirmed(keys, rows, numbers[covered].astype(np.int64))

    def _confirmed(self, keys: KeyColumn, rows: Numbers, numbers: Numbers) -> Numbers:
        """Return the numbers of hosts of rows; another host may have the same hash."""
        names = hosts_of_keys(keys.keys(rows)).to_pylist()
        for place, (number, name) in enumerate(zip(numbers.tolist(), names, strict=True)):
            if self.names[number] != name:
                numbers[place] = self.number(name)
        return numbers

    def _look_up(self, hosts: pa.StringArray, hashes: NDArray[np.uint64]) -> Numbers:
        """Return the numbers of some hosts, and remember those that are covered."""

        found = self._table.find(hashes, self._is_host(hosts))
        shared = self._wide.may_cover(hosts, hashes)
        numbers: Numbers = np.zeros(len(hosts), np.int64)
        alone = np.flatnonzero((found != NONE) & ~shared)
        alone = alone[self._of_host.counts(found[alone]) == 1]
        names = hosts.take(pa.array(alone)).to_pylist()
        numbers[alone] = self._add_alone(names, self._of_host.first(found[alone]))
        others = (found != NONE) | shared
        others[alone] = False
        for place in np.flatnonzero(others).tolist():
            numbers[place] = self.number(hosts[place].as_py())
        return numbers

    def _add_alone(self, names: list[str], rows: Numbers) -> Numbers:
        """Add hosts that one row each covers, and return their numbers."""
        new = [place for place, name in enumerate(names) if name not in self._by_name]
        rows = rows[new]
        programs = [
            self._program_of([Part(r, False, 0)] if r else []) for r in self._rules.of(rows)
        ]
        added = [names[place] for place in new]
        # Each has room for one row, also those whose row has no rule with a meaning.
        self._first.extend(len(self._rows) + np.arange(len(rows)))
        self._rows.extend(rows)
        self._program.extend(programs)
        self._by_name.update((name, len(self.names) + place) for place, name in enumerate(added))
        self.names += added
        return np.array([self._by_name[name] for name in names], np.int64)

    def _program_of(self, parts: list[Part]) -> int:
        key = tuple((id(part.rules), part.wider, part.source) for part in parts)
        if key not in self._by_parts:
            self._by_parts[key] = len(self.programs)
            self.programs.append(Program(parts))
        return self._by_parts[key]

    def _cover(self, host: str) -> None:
        """Add a host that several rows may cover."""
        _, *twins = covering_hosts(host, self._refused)
        wider = wider_hosts(host, self._whole)
        sources = [host, *twins, *wider]
        parts, rows = list[Part](), list[int]()
        for source, name in enumerate(sources):
            is_wider = source > len(twins)
            for row, rules in self.own(name):
                if source == 0 or (rules.whole if is_wider else rules.refuses):
                    parts.append(Part(rules, is_wider, source))
                    rows.append(row)
        self._by_name[host] = len(self.names)
        if len(sources) > 1:
            self._sources[len(self.names)] = sources
        self.names.append(host)
        self._program.extend([self._program_of(parts)])
        self._first.extend([len(self._rows)])
        self._rows.extend(rows)

    def own(self, host: str) -> list[tuple[int, Compiled]]:
        """Return the rows about a host itself."""
        if host not in self._rows_of:
            names = pa.array([host])
            found = self._table.find(hashes_of(names), self._is_host(names))
            rows = self._of_host.of(found[found != NONE])[1]
            pairs = zip(rows.tolist(), self._rules.of(rows), strict=True)
            self._rows_of[host] = [(row, rules) for row, rules in pairs if rules]
        return self._rows_of[host]

    def _is_host(self, hosts: pa.StringArray) -> AreEqual:
        def is_host(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            names = self._sites.hosts_of(self._of_host.first(numbers))
            same = pc.equal(names, hosts.take(pa.array(places)))
            return np.asarray(same.to_numpy(zero_copy_only=False), bool)

        return is_host


class _Among(Container[str]):
    """The hosts that have a claim of some kind."""

    def __init__(self, hosts: SiteHosts, kind: str) -> None:
        self._hosts = hosts
        self._kind = kind

    def __contains__(self, host: object) -> bool:
        return any(getattr(rules, self._kind) for _, rules in self._hosts.own(str(host)))


class _Growing:
    """An array of numbers that grows at its end."""

    def __init__(self) -> None:
        self._held = np.zeros(1024, np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> Numbers:
        return self._held[: self._size]

    def extend(self, more: Sequence[int] | Numbers) -> None:
        end = self._size + len(more)
        if end > len(self._held):
            self._held = np.concatenate([self._held, np.zeros(end, np.int64)])
        self._held[self._size : end] = more
        self._size = end
