"""CC signals: conditions for a use by Creative Commons, as a parameter of `Content-Usage`.

Refuses: nothing; they state conditions for a use.

Where: in a `Content-Usage` field or robots.txt line, on a refusal.

Example:

    Content-Usage: train-ai=n;exceptions=cc-cr-ec

Grammar: the parameter `exceptions` (RFC 9651) of a label whose preference is
`n`, with one of four Tokens: `cc-cr` (credit), `cc-cr-dc` (and a direct
contribution), `cc-cr-ec` (and one to the ecosystem), `cc-cr-op` (and openness).

What it says: nothing by itself; it is recorded (`cc-signal:cc-cr-ec`). Its
authors mean "no, unless"; AIPREF's draft requires readers to ignore the parameter.

Who: draft 0.1 of December 2025; no site is known to send it.

Decisions: the refusal of a current label stays a refusal, since the vocabulary that
defines the label requires this. That of a legacy label, which no current document
defines, is conditional (see registry.signals.content_usage). Other values, values in
quotes and the parameter on a `y` are ignored. A signal competes with the preferences
of its file, so it applies if its line applies.

Source: https://github.com/creativecommons/cc-signals
"""

from __future__ import annotations

from registry.model import Evidence, Reading, Signal
from registry.signals.content_usage import signal, statements

VOCABULARY = "content-usage"
CARRIERS = ("headers", "robots-txt")
HEADERS = ("content-usage",)


def read(evidence: Evidence) -> Reading:
    """Read the CC signals of a response's header lines, or of a robots.txt.

    The reader of the preferences warns about malformed lines.
    """
    signals: dict[Signal, None] = {}
    for statement in statements(evidence)[0]:
        for preference in statement.preferences:
            if preference.exception and preference.conformance != "malformed":
                signals[signal(evidence, statement, f"cc-signal:{preference.exception}")] = None
    return Reading(tuple(signals))
