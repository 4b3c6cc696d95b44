"""RSL 1.0 documents: the signals of each `content` element for the URLs it covers.

All licences of a content are read together: a use is reserved if one of them
prohibits it; else allowed, or conditional, if one permits it; else reserved
if other uses are permitted (section 3.5).

Text that violates the standard is read as malformed: its refusals and conditions
count, its permissions do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from xml.etree.ElementTree import Element

from registry.agents.known import TRAINING
from registry.model import Conformance, Meaning, Reading, Signal, Use
from registry.signals import _rsl_terms, _xml
from registry.signals._licence_links import absolute
from registry.signals._rsl_coverage import Coverage, RslSource, coverage_of, everywhere
from registry.signals._rsl_terms import RSL, Licence, Token, children, kind, raw_text
from registry.text import quote

_Uses = tuple[tuple[Use, Meaning], ...]

MAX_SIGNALS = 500
MAX_WARNINGS = 20

# The uses that a licence with permissions decides: of these, a use it does not list is refused.
_LISTED: tuple[Use, ...] = ("train", "train-genai", "ai-input", "search")
_CHILDREN = {
    "rsl": {"content"},
    "content": {"license", "alternate", "schema", "copyright", "terms"},
    "license": {"permits", "prohibits", "payment", "reporting", "legal"},
    "payment": {"standard", "custom", "amount", "accepts"},
}
_REFUSALS: tuple[Meaning, ...] = ("reserved", "conditional")
_CONDITIONS: _Uses = tuple((use, "conditional") for use, _ in TRAINING)


def read_document(text: str, source: RslSource) -> Reading:
    """Read a document; text that is not RSL gives no signal."""
    parsed = _xml.parse(text)
    if parsed.root is not None:
        return read_element(parsed.root, source)
    refusals = list(islice(_plain_refusals(text, source), MAX_SIGNALS + 1))
    fault = f"RSL document not read: {parsed.fault}"
    return _bounded(refusals, [fault] if not refusals else [f"{fault}; refusals in it are"], source)


def read_element(root: Element, source: RslSource) -> Reading:
    """Read a parsed document, or an RSL element in another document."""
    if kind(root) != "rsl":
        name = quote(_xml.local_name(root.tag))
        return Reading((), (f"not an RSL document: its root element is {name}",))
    warnings = _faults(root)
    faulty = bool(warnings)
    signals: list[Signal] = []
    for order, content in enumerate(children(root, "content")):
        coverage, fault = coverage_of(content.get("url"), order, source)
        warnings += [fault] if fault else []
        if coverage is not None:
            if faulty:
                coverage = replace(coverage, conformance="malformed")
            more = _Content(content, coverage, source, warnings).signals()
            signals += more
            if len(signals) > MAX_SIGNALS + len(more) and any(map(_refuses, more)):
                # Above the limit a refusal refuses everything: the rest cannot change that.
                break
    return _bounded(signals, warnings, source)


def _faults(root: Element) -> list[str]:
    """Return the faults of the document as a whole: a wrong namespace, unknown elements."""
    namespace = _xml.namespace(root.tag)
    if namespace != RSL:
        return [f"not in RSL's namespace: {quote(namespace)}"]
    for parent in root.iter():
        known = _CHILDREN.get(_xml.local_name(parent.tag), set())
        if _xml.namespace(parent.tag) != RSL or not known:
            continue
        for child in parent:
            name = _xml.local_name(child.tag)
            if _xml.namespace(child.tag) == RSL and name not in known:
                where = _xml.local_name(parent.tag)
                return [f"unknown-element: RSL knows no {quote(name)} in {where}"]
    return []


def _bounded(signals: list[Signal], warnings: list[str], source: RslSource) -> Reading:
    """Keep the first signals. Above the limit no permission is kept, and a refusal refuses all."""
    if len(warnings) > MAX_WARNINGS:
        warnings[MAX_WARNINGS - 1 :] = ["and more such warnings"]
    if len(signals) <= MAX_SIGNALS:
        return Reading(tuple(signals), tuple(warnings))
    kept = [_without_permission(signal) for signal in signals[:MAX_SIGNALS]]
    refusal = next(filter(_refuses, signals[MAX_SIGNALS:]), None)
    text = f"more than {MAX_SIGNALS} statements in one RSL document, the others not read"
    if refusal is not None:
        text += ": read as a refusal of everything, since one of them refuses"
        coverage = everywhere(source)
        kept.append(
            replace(
                refusal,
                scope=coverage.scope,
                rule=coverage.rule,
                uses=TRAINING,
                conformance="malformed",
            )
        )
    return Reading(tuple(kept), (text, *warnings[: MAX_WARNINGS - 1]))


def _refuses(signal: Signal) -> bool:
    return signal.meaning("train") in _REFUSALS


def _without_permission(signal: Signal) -> Signal:
    return replace(signal, uses=tuple(item for item in signal.uses if item[1] != "allowed"))


@dataclass(slots=True)
class _Content:
    """Makes the signals of one `content` element; its faults go to `warnings`."""

    element: Element
    coverage: Coverage
    source: RslSource
    warnings: list[str]

    def signals(self) -> list[Signal]:
        licences = [
            _rsl_terms.licence(child, self.source.url, self.warnings)
            for child in children(self.element, "license")
        ]
        missing = _not_listed(licences)
        signals = [signal for each in licences for signal in self._of_licence(each, missing)]
        signals += self._conditions(licences)
        graded = (self._graded(signal) for signal in signals)
        return list(dict.fromkeys(signal for signal in graded if signal is not None))

    def _of_licence(self, licence: Licence, missing: _Uses) -> Iterator[Signal]:
        server = self._server()
        conditional = licence.conditional or self.element.get("server") is not None
        url = licence.url or server
        for token in licence.permits:
            meaning: Meaning = "conditional" if conditional else "allowed"
            uses = (*((use, meaning) for use in token.uses), *missing)
            yield self._signal(f"permits={token.word}", token, uses=uses, licence_url=url)
        for token in licence.prohibits:
            refused: _Uses = tuple((use, "reserved") for use in token.uses)
            yield self._signal(f"prohibits={token.word}", token, uses=refused)

    def _conditions(self, licences: list[Licence]) -> Iterator[Signal]:
        """Yield limits, payments, server and terms.

        If the licences name no use, these are conditions for training: terms apply, though the
        document does not say to which uses.
        """
        alone = not any(each.names_uses for each in licences)
        grade: Conformance = "legacy" if alone else "ok"
        uses: _Uses = _CONDITIONS if alone else ()
        for licence in licences:
            for name, raw, url in licence.conditions:
                yield self._signal(name, Token("", (), True, raw), uses, url, grade)
        if self.element.get("server") is not None:
            raw = raw_text(self.element)
            yield self._signal("server", Token("", (), True, raw), uses, self._server(), grade)
        for child in children(self.element, "terms"):
            url = absolute(child.text or "", self.source.url)
            yield self._signal("terms", Token("", (), True, raw_text(child)), uses, url, grade)
        for name, text in _rsl_terms.owner(self.element):
            yield self._signal(name, Token("", (), True, text))

    def _server(self) -> str | None:
        return absolute(self.element.get("server") or "", self.source.url)

    def _signal(
        self,
        name: str,
        token: Token,
        uses: Iterable[tuple[Use, Meaning]] = (),
        licence_url: str | None = None,
        conformance: Conformance = "ok",
    ) -> Signal:
        return Signal(
            name=f"rsl:{name}",
            vocabulary="rsl",
            carrier=self.source.carrier,
            scope=self.coverage.scope,
            raw=token.raw,
            url=self.source.url,
            uses=tuple(uses),
            rule=self.coverage.rule,
            conformance=conformance if token.proper else "malformed",
            licence_url=licence_url,
        )

    def _graded(self, signal: Signal) -> Signal | None:
        """Return a signal with the conformance of its `content`; None if nothing of it counts."""
        grades: set[Conformance] = {signal.conformance, self.coverage.conformance}
        if "malformed" in grades:
            if signal.conformance == "legacy":
                return None
            signal = replace(_only_explicit(signal), conformance="malformed")
            return signal if signal.uses else None
        if "legacy" in grades:
            signal = replace(_without_permission(signal), conformance="legacy")
        return _without_permission(signal) if self.coverage.foreign else signal


def _not_listed(licences: list[Licence]) -> _Uses:
    """Return the uses that are refused because only other uses are permitted."""
    named = {u for each in licences for t in (*each.permits, *each.prohibits) for u in t.uses}
    return tuple((use, "reserved") for use in _LISTED if use not in named)


def _only_explicit(signal: Signal) -> Signal:
    """Drop the permissions of a malformed signal, and the refusals that follow from them only."""
    permits = signal.name.startswith("rsl:permits")
    kept = tuple(
        (use, meaning)
        for use, meaning in signal.uses
        if meaning == "conditional" or (meaning == "reserved" and not permits)
    )
    return replace(signal, uses=kept)


def _plain_refusals(text: str, source: RslSource) -> Iterator[Signal]:
    """Find prohibitions in a document that cannot be parsed, such as one with a DTD."""
    coverage: Coverage | None = everywhere(source)
    for order, (url, word, raw) in enumerate(_rsl_terms.scan(text[: _xml.MAX_TEXT])):
        if url is not None:
            coverage, _ = coverage_of(url, order, source)
        elif coverage is not None:
            yield Signal(
                name=f"rsl:prohibits={word}",
                vocabulary="rsl",
                carrier=source.carrier,
                scope=coverage.scope,
                raw=raw,
                url=source.url,
                uses=TRAINING,
                rule=coverage.rule,
                conformance="malformed",
            )
