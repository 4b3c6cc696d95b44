"""The words of the project as frozen values.

Nothing here does input or output, and nothing outside the standard library is
imported, so every other module may import it. Words and their meaning are
listed in `docs/words.md`; the code uses no synonyms of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Use = Literal["train", "train-genai", "ai-input", "search", "index", "tdm"]
Meaning = Literal["reserved", "conditional", "allowed"]
Decision = Literal["reserved", "conditional", "allowed", "unspecified"]
Outcome = Literal["reserved", "conditional", "review", "clear", "unchecked"]
MatchedBy = Literal["url", "digest", "fingerprint", "site"]
Tier = Literal["exact", "certain", "likely", "possible"]
About = Literal["image", "page", "site"]
Scope = Literal["image", "page", "site"]
Relation = Literal["own", "cdn", "third-party"]
Conformance = Literal["ok", "legacy", "malformed", "unverified"]
Precedence = Literal["longest-allow", "longest-restrict", "first", "all"]

USES: tuple[Use, ...] = ("train", "train-genai", "ai-input", "search", "index", "tdm")
TRAINING_USES: tuple[Use, ...] = ("train", "train-genai")
OUTCOMES: tuple[Outcome, ...] = ("reserved", "conditional", "review", "clear", "unchecked")
TIERS: tuple[Tier, ...] = ("exact", "certain", "likely", "possible")
# Strictest first; `unspecified` is silence and never counts as permission.
DECISIONS: tuple[Decision, ...] = ("reserved", "conditional", "allowed", "unspecified")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one response really said, before anybody interprets it.

    `carrier` names the kind of text (`headers`, `html`, `robots-txt`, `xmp`, ...);
    header field lines are kept in order and unjoined in `lines`, everything else is
    `text`. `about` says whether it speaks of an image, a page or a whole site.
    """

    carrier: str
    about: About
    url: str
    lines: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path pattern (RFC 9309, section 2.2.2) and how it competes with others.

    `order` is the position in the file. `precedence` says which of several
    matching rules wins: the longest (ties permissive or restrictive), the
    first in the file (with all that stands at its place), or all of them. `host`
    limits a rule to one host: RSL lists licences by full URL; None is the host
    that the file speaks for.
    """

    pattern: str
    precedence: Precedence
    order: int
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """One mark read from evidence.

    `agents` holds lower-case product tokens; empty means everybody. In
    robots.txt `*` is the group of every agent that has no group of its own.
    `uses` holds (use, meaning) pairs and may be empty: such a signal permits
    nothing, but a robots.txt `Allow` still outranks a shorter `Disallow`, and
    `noindex` is still shown as what it is.
    `conformance` is `ok` for what current documents define; `legacy` for dead or
    undocumented vocabularies; `malformed` for what is not written as it must be;
    `unverified` where a signature that should vouch for it does not.
    `raw` is the exact text of the mark; `url` is where it stood.
    """

    name: str
    vocabulary: str
    carrier: str
    scope: Scope
    raw: str
    url: str = ""
    uses: tuple[tuple[Use, Meaning], ...] = ()
    agents: tuple[str, ...] = ()
    rule: PathRule | None = None
    conformance: Conformance = "ok"
    licence_url: str | None = None
    third_party: bool = False

    def meaning(self, use: Use) -> Meaning | None:
        """Return what this signal says about `use`, or None where it is silent."""
        return dict(self.uses).get(use)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers found in one piece of evidence, with what they could not read."""

    signals: tuple[Signal, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The image asked about, the page that shows it, and who asks.

    `agent` None means any AI trainer, none in particular.
    """

    image_url: str | None = None
    page_url: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the signals that made it, under a named policy."""

    decision: Decision
    policy: str
    deciding: tuple[Signal, ...] = ()
    licence_url: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Digests and fingerprints of one image file; never its bytes.

    `fingerprints` maps algorithm to view to lower-case hex. An unfit picture, whose
    reason `unfit` names, has none of the view `full`.
    """

    sha256: str
    md5: str
    width: int
    height: int
    format: str
    size: int
    fingerprints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unfit: str | None = None


# The refusal of observations on a page that broke off: the page may have said more, so its
# marks count, and take no earlier one back.
PAGE_TRUNCATED = "page-truncated"


@dataclass(frozen=True, slots=True)
class Observation:
    """One dated reading of one image at one URL, as the crawler hands it over.

    `image_url` is the address the page shows, `fetched_url` the one whose
    bytes were read (the largest size offered; equal for most images). Without
    a picture, `refusal` says why: `robots-txt`, `http-404`, `too-large`, ...
    With or without one it is PAGE_TRUNCATED where the page broke off.
    """

    observed_at: datetime
    image_url: str
    page_url: str | None = None
    fetched_url: str | None = None
    relation: Relation = "own"
    status: int | None = None
    refusal: str | None = None
    picture: Picture | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteFile:
    """One dated reading of a file that holds rules for a whole site.

    `evidence` is None where the file could not be had; `refusal` says why
    (`http-404`, `http-503`, `timeout`, ...).
    """

    observed_at: datetime
    host: str
    url: str
    kind: str
    status: int | None = None
    refusal: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a person or an imported list says about an image, a URL or a site.

    Hashes are lower-case hex. One of url, sha256, md5, phash64 or site is set.
    `file_name` says where an imported picture lay, from the folder that was named;
    it does not tell claims apart.
    """

    source: str
    url: str | None = None
    page_url: str | None = None
    site: str | None = None
    path_pattern: str | None = None
    sha256: str | None = None
    md5: str | None = None
    phash64: str | None = None
    phash256: str | None = None
    width: int | None = None
    height: int | None = None
    meaning: Meaning = "reserved"
    use: Use = "train"
    signal: str | None = None
    evidence: str | None = None
    observed_at: datetime | None = None
    claimant: str | None = None
    licence_url: str | None = None
    file_name: str | None = None
