"""A stored claim as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.text import visible

if TYPE_CHECKING:
    from registry.db.claims import StoredClaim, Withdrawal


def claim_json(stored: StoredClaim) -> dict[str, object]:
    """Return a claim as `registry claims list --json` prints it."""
    from dataclasses import asdict

    values = {"id": stored.id, **asdict(stored.claim), "imported_at": stored.imported_at}
    times = {n: v.isoformat() if hasattr(v, "isoformat") else v for n, v in values.items()}
    return times | {"withdrawals": [_withdrawal_json(w) for w in stored.withdrawals]}


def _withdrawal_json(withdrawal: Withdrawal) -> dict[str, object]:
    restored = withdrawal.restored_at
    return {
        "withdrawn_at": withdrawal.withdrawn_at.isoformat(),
        "reason": withdrawal.reason,
        "restored_at": restored.isoformat() if restored else None,
    }


def claim_text(stored: StoredClaim) -> list[str]:
    """Return the lines of text about a claim: the claim, its import and its withdrawals."""
    claim = stored.claim
    site = claim.site and claim.site + (claim.path_pattern or "")
    names = (claim.url, site, claim.file_name, claim.sha256, claim.md5, claim.phash64)
    subject = next(name for name in names if name)
    state = "  (withdrawn)" if stored.is_withdrawn else ""
    lines = [
        f"claim:{stored.id}  {claim.meaning} for {claim.use}  {visible(subject)}{state}",
        f"    imported    {stored.imported_at:%Y-%m-%d %H:%M} UTC  ({visible(claim.source)})",
    ]
    for withdrawal in stored.withdrawals:
        why = f"  ({visible(withdrawal.reason)})" if withdrawal.reason else ""
        lines.append(f"    withdrawn   {withdrawal.withdrawn_at:%Y-%m-%d %H:%M} UTC{why}")
        if withdrawal.restored_at:
            lines.append(f"    restored    {withdrawal.restored_at:%Y-%m-%d %H:%M} UTC")
    return lines
