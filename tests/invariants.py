"""What holds of a reading of anything at all, for the fuzz targets and the hostile tests."""

from registry.model import USES, Evidence, Target
from registry.signals import readers
from registry.signals._directives import MAX_RAW
from registry.verdict import decide, known_policies
from registry.verdict.precedence import settled
from registry.verdict.site_rules import applicable

MAX_WARNINGS = 25
# Quoted text is 200 characters, each escaped as ten at most (`\U000e0001`).
MAX_WARNING = 2500
MAX_SIGNALS = 1100
# Of these files only the text bounds the rules: see their readers' pages.
OF_LONG_FILES = {"robots_txt", "disallow_ai_training", "ai_txt", "tdmrep"}
TARGET = Target("https://a.example/x/y.jpg?a=1", "https://a.example/x", None)


def held_reading(name: str, evidence: Evidence):
    """Read evidence with one reader, hold what holds of every reading, and return it."""
    reading = readers()[name].read(evidence)
    if name not in OF_LONG_FILES:
        assert len(reading.signals) <= MAX_SIGNALS, len(reading.signals)
    for signal in reading.signals:
        hold_signal(signal, evidence)
    hold_warnings(reading.warnings)
    return reading


def hold_signal(signal, evidence):
    assert signal.raw, signal
    assert len(signal.raw) <= MAX_RAW, signal
    assert signal.name.isprintable(), signal
    assert signal.name, signal
    assert signal.carrier == evidence.carrier, signal
    assert {use for use, _ in signal.uses} <= set(USES), signal
    assert len(dict(signal.uses)) == len(signal.uses), signal
    for agent in signal.agents if len(signal.agents) < 100 else signal.agents[:100]:
        assert agent, signal
        assert agent == agent.lower(), signal
    if signal.conformance == "malformed":
        assert "allowed" not in {meaning for _, meaning in signal.uses}, signal


def hold_warnings(warnings):
    assert len(warnings) <= MAX_WARNINGS, (len(warnings), warnings[:3])
    for warning in warnings:
        assert warning
        assert len(warning) <= MAX_WARNING, warning
        assert warning.isprintable(), warning


def hold_verdicts(signals, agent=None):
    """Decide under every policy; none comes of nothing, no guess permits."""
    target = Target(TARGET.image_url, TARGET.page_url, agent)
    found = applicable(signals, target)
    assert len(settled(found)) <= len(found)
    for policy in known_policies():
        for asked in ("image", "page", "site"):
            verdict = decide(found, policy, agent, asked=asked)
            assert bool(verdict.deciding) == (verdict.decision != "unspecified"), verdict
            if verdict.decision == "allowed":
                assert {signal.conformance for signal in verdict.deciding} == {"ok"}, verdict
