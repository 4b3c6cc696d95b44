"""From signals to a verdict, under a named and versioned policy. Pure.

In order: `site_rules` keeps the rules that win for a URL, `addressing` the signals for the
given agent, `precedence` resolves several marks of one vocabulary, `policies` defines which
signals count, and `combination` makes one verdict of them.
"""

from registry.verdict.addressing import addressed
from registry.verdict.combination import decide
from registry.verdict.policies import POLICIES, Policy, known_policies, policy_named

__all__ = ["POLICIES", "Policy", "addressed", "decide", "known_policies", "policy_named"]
