"""The differences between two snapshots: decisions by image and page, and by site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry.model import DECISIONS, Decision
from registry.snapshot.entries import Entry
from registry.snapshot.format import signals_from_json, signals_to_json
from registry.snapshot.lookup_tables import ABSENT
from registry.snapshot.opened import Snapshot
from registry.verdict import decide


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a decision, or the number of rules; None where it is absent."""

    what: str
    before: str | None
    after: str | None

    def to_json(self) -> dict[str, str | None]:
        """Return it as `snapshot diff --json` prints it."""
        return {"what": self.what, "before": self.before, "after": self.after}


def differences(older: Snapshot, newer: Snapshot, policy: str) -> list[Change]:
    """Return the differences between two snapshots under a policy, by name."""
    before: dict[str, str] = {**_decisions(older, policy)}
    after: dict[str, str] = {**_decisions(newer, policy)}
    changes = [Change(w, before.get(w), after.get(w)) for w in _differing(before, after)]
    rules, rules_after = _rules(older), _rules(newer)
    sizes, sizes_after = _sizes(rules), _sizes(rules_after)
    return changes + [
        Change(w, sizes.get(w), sizes_after.get(w)) for w in _differing(rules, rules_after)
    ]


def _differing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def _decisions(snapshot: Snapshot, policy: str) -> dict[str, Decision]:
    classes = np.asarray(snapshot.array("entry-class.u32"))
    examples = np.asarray(snapshot.array("class-example.u32")).tolist()
    decided = [decide(snapshot.entries[n].signals, policy).decision for n in examples]
    pictures = np.asarray(snapshot.array("entry-picture.u32")).astype(np.int64)
    known = np.flatnonzero(pictures != ABSENT)
    digests = dict(
        zip(
            known.tolist(),
            snapshot.pictures.digests("sha256", pictures[known]).to_pylist(),
            strict=True,
        )
    )
    decisions: dict[str, Decision] = {}
    for number, entry in enumerate(snapshot.entries):
        what = _name(entry, digests.get(number))
        # Two entries may share a name; the strictest speaks for both.
        was = decisions.get(what, "unspecified")
        decisions[what] = min(was, decided[classes[number]], key=DECISIONS.index)
    return decisions


def _name(entry: Entry, digest: bytes | None) -> str:
    what = entry.url or (digest.hex() if digest else "a fingerprint")
    if entry.url and entry.gone:
        what += f" (earlier picture {digest.hex() if digest else '?'})"
    what += f" on {entry.page_url}" if entry.page_url else ""
    return what + ("" if entry.source == "crawl" else f" says {entry.source}")


def _rules(snapshot: Snapshot) -> dict[str, str]:
    """Return the rules of every host as text; what they decide depends on the path."""
    texts_of: dict[str, list[str]] = {}
    for site in snapshot.sites:
        text = signals_to_json(site.signals)
        texts_of.setdefault(f"rules of {site.host} ({site.kind})", []).append(text)
    return {what: "\n".join(texts) for what, texts in texts_of.items()}


def _sizes(rules: dict[str, str]) -> dict[str, str]:
    counts = {
        what: sum(len(signals_from_json(line)) for line in text.split("\n"))
        for what, text in rules.items()
    }
    return {what: f"{count} rules" for what, count in counts.items()}
