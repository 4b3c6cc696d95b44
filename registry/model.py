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
Scope = Literal["image", "page", "site"]
Relation = Literal["own", "cdn", "third-party"]
Conformance = Literal["ok", "legacy", "malformed", "unverified"]
Digest = Literal["sha256", "md5"]
HashName = Literal["sha256", "md5", "phash64", "phash256"]
# The kind of key by which a row names its picture; `picture`: the picture itself.
Way = Literal["address", "sha256", "md5", "fingerprint", "picture"]
Precedence = Literal["longest-allow", "longest-restrict", "first", "all"]

USES: tuple[Use, ...] = ("train", "train-genai", "ai-input", "search", "index", "tdm")
TRAINING_USES: tuple[Use, ...] = ("train", "train-genai")
OUTCOMES: tuple[Outcome, ...] = ("reserved", "conditional", "review", "clear", "unchecked")
TIERS: tuple[Tier, ...] = ("exact", "certain", "likely", "possible")
# The length of each digest and fingerprint in bytes; as text, two hex digits a byte.
HASH_BYTES: Mapping[HashName, int] = {"sha256": 32, "md5": 16, "phash64": 8, "phash256": 32}
DIGESTS: tuple[Digest, ...] = ("sha256", "md5")
# Strictest first; `unspecified` is silence and never counts as permission.
DECISIONS: tuple[Decision, ...] = ("reserved", "conditional", "allowed", "unspecified")


def hex_pattern(*names: HashName) -> str:
    """Return a regular expression of these digests and fingerprints as hex; of all if none named.

    It matches within longer texts: its user says what may stand around it.
    """
    digits = sorted({2 * HASH_BYTES[name] for name in names or HASH_BYTES}, reverse=True)
    return f"(?:{'|'.join(f'[0-9a-fA-F]{{{count}}}' for count in digits)})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The content of one response, before it is interpreted.

    `carrier` names the kind of text (`headers`, `html`, `robots-txt`, `xmp`, ...). `lines`
    holds header lines in their order, not joined; `text` holds all else. `about` says
    whether the response belongs to an image, a page or a whole site.
    """

    carrier: str
    about: Scope
    url: str
    lines: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class PathRule:
    """A path pattern (RFC 9309, section 2.2.2) and how it competes with others.

    `order` is the position in the file. `precedence` says which of several matching
    rules wins: the longest (ties permissive or restrictive), the first in the file (with
    all others of the same `order`), or all of them. `host` limits a rule to one host (RSL
    lists licences by full URL); None is the host of the file.
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
    `conformance` is `ok` if a current document defines the mark; `legacy` for obsolete or
    undocumented vocabularies; `malformed` for wrong syntax; `unverified` if a required
    signature does not verify. `raw` is the exact text of the mark; `url` is where it was.
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
        """Return the meaning of this signal for `use`; None if it has none."""
        return dict(self.uses).get(use)


@dataclass(frozen=True, slots=True)
class Reading:
    """The signals in one piece of evidence, and warnings about text that could not be read."""

    signals: tuple[Signal, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An image, the page that shows it, and the agent for which a verdict is made.

    `agent` None stands for any AI trainer.
    """

    image_url: str | None = None
    page_url: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the signals that made it, under a named policy.

    `about` holds the signals that name whom to ask for a licence, and whom to credit.
    """

    decision: Decision
    policy: str
    deciding: tuple[Signal, ...] = ()
    licence_url: str | None = None
    about: tuple[Signal, ...] = ()


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


# The refusal of observations on an incomplete page: marks may be missing from it, so its
# marks count, but a mark seen earlier is not taken as removed.
PAGE_TRUNCATED = "page-truncated"


@dataclass(frozen=True, slots=True)
class Observation:
    """One dated reading of one image at one URL, as the crawler records it.

    `image_url` is the URL in the page, `fetched_url` the URL whose bytes were read (the
    largest size offered; for most images both are equal). Without a picture, `refusal` is
    the reason: `robots-txt`, `http-404`, `too-large`, ... On an incomplete page it is
    PAGE_TRUNCATED, with or without a picture.
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

    `evidence` is None if the file could not be fetched; `refusal` is the reason
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
class UrlReading:
    """One dated reading of a page, an image or a site file, to be compared with the one before.

    `about` says which of them it is. A site file has its `host` and `kind`. `refusal` is the
    reason why nothing, or not everything, was read. `is_cut`: the page was truncated.
    """

    about: Scope
    url: str
    read_at: datetime
    evidence: tuple[Evidence, ...] = ()
    picture: Picture | None = None
    refusal: str | None = None
    is_cut: bool = False
    host: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a person or an imported list about an image, a URL or a site.

    Hashes are lower-case hex. One of url, sha256, md5, phash64 or site is set.
    `file_name` is the path of an imported picture within the imported folder; claims
    that differ in it alone are the same claim.
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
