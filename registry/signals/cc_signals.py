"""CC signals: what Creative Commons asks for in return, as a parameter of `Content-Usage`.

Refuses: nothing; they state conditions for a use.

Where: in a `Content-Usage` field or robots.txt line, on a refusal.

Example:

    Content-Usage: train-ai=n;exceptions=cc-cr-ec

Grammar: the parameter `exceptions` (RFC 9651) of a label whose preference is
`n`, with one of four Tokens: `cc-cr` (credit), `cc-cr-dc` (and a direct
contribution), `cc-cr-ec` (and one to the ecosystem), `cc-cr-op` (and openness).

What it says: nothing by itself; it is recorded (`cc-signal:cc-cr-ec`). Its
authors mean "no, unless"; the draft of AIPREF has readers ignore the parameter.

Who: draft 0.1 of December 2025; no site is known to send it.

Decisions: the refusal of a current label stays one, since the vocabulary that
defines the label says so. That of a legacy label, which nobody defines any more,
is conditional (see registry.signals.content_usage). Other values, values in
quotes and the parameter on a `y` are passed over. A signal competes with the
preferences of its own file, so it goes where its line goes.

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

    What is wrong with a line is told by the reader of the preferences.
    """
    signals: dict[Signal, None] = {}
    for statement in statements(evidence)[0]:
        for said in statement.preferences:
            if said.exception and said.conformance != "malformed":
                signals[signal(evidence, statement, f"cc-signal:{said.exception}")] = None
    return Reading(tuple(signals))
