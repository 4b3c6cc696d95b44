"""The differences between two snapshots: decisions by image and page, and by site."""

from __future__ import annotations

from dataclasses import dataclass

from registry.model import DECISIONS, Decision
from registry.snapshot.format import signals_from_json
from registry.snapshot.store import Snapshot
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
    sets = [signals_from_json(text) for text in snapshot.signals["signals"].to_pylist()]
    decided: dict[tuple[int, int | None], Decision] = {}
    images = snapshot.images["sha256"].to_pylist()
    columns = ["url", "url_key", "page_url", "source", "image", "signals", "rules"]
    decisions: dict[str, Decision] = {}
    for row in snapshot.entries.select(columns).to_pylist():
        digest = images[row["image"]] if row["image"] is not None else None
        what = row["url"] or (digest.hex() if digest else "a fingerprint")
        if row["url"] and not row["url_key"]:
            what += f" (earlier picture {digest.hex() if digest else '?'})"
        what += f" on {row['page_url']}" if row["page_url"] else ""
        what += "" if row["source"] == "crawl" else f" says {row['source']}"
        own, rules = row["signals"], row["rules"]
        if (own, rules) not in decided:
            signals = sets[own] + (sets[rules] if rules is not None else ())
            decided[own, rules] = decide(signals, policy).decision
        # Two entries may share a name; the strictest speaks for both.
        was = decisions.get(what, "unspecified")
        decisions[what] = min(was, decided[own, rules], key=DECISIONS.index)
    return decisions


def _rules(snapshot: Snapshot) -> dict[str, str]:
    """Return the rules of every host as text; what they decide depends on the path."""
    texts_of: dict[str, list[str]] = {}
    for row in snapshot.sites.select(["host", "kind", "signals"]).to_pylist():
        texts_of.setdefault(f"rules of {row['host']} ({row['kind']})", []).append(row["signals"])
    return {what: "\n".join(texts) for what, texts in texts_of.items()}


def _sizes(rules: dict[str, str]) -> dict[str, str]:
    counts = {
        what: sum(len(signals_from_json(line)) for line in text.split("\n"))
        for what, text in rules.items()
    }
    return {what: f"{count} rules" for what, count in counts.items()}
