"""The agents that marks address: product tokens and the purposes of their operators.

The list is data (`agents.json`, dated, with its source), so a new agent or a
new kind of token needs no code. Tokens are compared whole and in lower case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from registry.model import Meaning, Use

TRAINING: tuple[tuple[Use, Meaning], ...] = (("train", "reserved"), ("train-genai", "reserved"))

# The uses that a refusal of an agent reserves, by its class. Agents of other classes, and
# unlisted agents, count as training.
_REFUSED: dict[str, tuple[tuple[Use, Meaning], ...]] = {
    "search": (("search", "reserved"),),
    "user": (("ai-input", "reserved"),),
    "agent": (("ai-input", "reserved"),),
}


@dataclass(frozen=True, slots=True)
class Agents:
    """The agent list, keyed by lower-case token.

    `purpose` maps a token to its class, `spelling` to its operator's spelling;
    `training` holds the tokens whose refusal counts as one of all agents under the policy
    `cautious`; `search_engines` are known from meta tags only.
    """

    purpose: dict[str, str]
    spelling: dict[str, str]
    training: frozenset[str]
    search_engines: frozenset[str]


def agent_token(name: str) -> str:
    """Return the token by which an agent is compared: lower case, without its version."""
    return name.partition("/")[0].strip().lower()


def agents_text() -> str:
    """Return the agent list as it is shipped."""
    return resources.files("registry.agents").joinpath("agents.json").read_text("utf-8")


@cache
def agents() -> Agents:
    """Return the agent list, read from the package once."""
    data = json.loads(agents_text())
    listed = [(name, kind) for kind, names in data["classes"].items() for name in names]
    counted = data["refusal_counts_for_everybody"]
    extra = {agent_token(name) for name in counted["tokens"]}
    return Agents(
        purpose={agent_token(name): kind for name, kind in listed},
        spelling={agent_token(name): name.partition("/")[0] for name, _ in listed},
        training=frozenset(
            extra | {agent_token(name) for name, kind in listed if kind in counted["classes"]}
        ),
        search_engines=frozenset(data["search_engines"]["tokens"]),
    )


def refused_uses(token: str) -> tuple[tuple[Use, Meaning], ...]:
    """Return the uses that are reserved if this agent may not fetch."""
    return _REFUSED.get(agents().purpose.get(token, ""), TRAINING)
