"""The columns of a dataset and their roles, as values (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from registry.errors import UsageError

Role = Literal["url", "page_url", "source_url", "sha256", "md5", "phash64", "image"]
ROLES: tuple[Role, ...] = get_args(Role)
ADDRESS_ROLES: tuple[Role, ...] = ("url", "page_url", "source_url")
# Role for --column: leave the column out.
IGNORE = "ignore"
Kind = Literal["string", "binary", "picture", "nested", "other"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the dataset describes it.

    `name` is that of a flat column (`registry.checking.nested`). `kind` is `string`, `binary`,
    `picture` (a struct of bytes and path), `nested` (lists of numbers) or `other`, for lists of
    such values that of the values; `type` is the name of the type, for messages. `sample` holds
    the first values that are not null, as str (bytes as hex).
    """

    name: str
    kind: Kind
    type: str
    sample: tuple[str, ...] = ()


def own_name(name: str) -> str:
    """Return the last part of the name of a flat column: `url` of `info.url`."""
    return name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Choice:
    """A column, its role (None: left out) and the reason for it.

    `doubt` is the reason why a row with a value here cannot be clear, or None. `by_hand`:
    the user gave the role, so the values are trusted to fit it. `joined`: a value may be several
    hashes in a row.
    """

    column: str
    role: Role | None
    why: str
    doubt: str | None = None
    by_hand: bool = False
    joined: bool = False


def roles_by_column(overrides: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the role, or `ignore`, that a user gave to each column.

    Raises UsageError for an unknown role, for a text in the place of a list of names, and
    for a column with two roles.
    """
    roles: dict[str, str] = {}
    for role, names in overrides.items():
        if role not in (*ROLES, IGNORE):
            known = ", ".join((*ROLES, IGNORE))
            raise UsageError(f"no column can have the role {role!r}", f"roles: {known}")
        if isinstance(names, str):
            raise UsageError(f"the columns of the role {role} are not a list", f'["{names}"]')
        for name in names:
            if name in roles:
                raise UsageError(f"the column {name} is named twice", "give a column one role")
            roles[name] = role
    return roles


Addressed = Literal["any", "page", "picture"]


@dataclass(frozen=True, slots=True)
class Other:
    """A column without a role whose values may contain keys.

    Its URLs are looked up as URLs of pictures. `addressed`: `any`, they may also be those
    of the row's own picture and page; `page`, of its page; `picture`, neither. `by_forms`:
    a value with keys in a form that is not read makes its row unchecked.
    """

    column: str
    addressed: Addressed = "any"
    by_forms: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """The plan of a check: the relevant columns with their roles, in the dataset's order.

    `roots` has, by the name of each flat column, that of its column in the dataset; `layout` is
    the name of the recognised layout, or "".
    """

    choices: tuple[Choice, ...]
    others: tuple[Other, ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict)
    layout: str = ""

    def of(self, role: Role) -> tuple[Choice, ...]:
        """Return the columns with this role."""
        return tuple(choice for choice in self.choices if choice.role == role)

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the dataset's columns that a check reads."""
        chosen = (c.column for c in self.choices if c.role or c.doubt)
        names = [*chosen, *(other.column for other in self.others)]
        return tuple(dict.fromkeys(self.roots.get(name, name) for name in names))
