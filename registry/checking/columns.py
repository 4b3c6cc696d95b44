"""The columns of a dataset and their roles, as values (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from registry.errors import UsageError

Role = Literal["url", "page_url", "source_url", "sha256", "md5", "phash64", "image"]
ROLES: tuple[Role, ...] = get_args(Role)
# Role for --column: leave the column out.
IGNORE = "ignore"
Kind = Literal["string", "binary", "picture", "nested", "other"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the dataset describes it.

    `kind` is `string`, `binary`, `picture` (a struct of bytes and path), `nested`
    (a list, a map, another struct) or `other`; `type` is the name of the type, for
    messages. `sample` holds the first values that are not null, as str (bytes as hex);
    for a nested column, the texts and bytes within its values.
    """

    name: str
    kind: Kind
    type: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A column, its role (None: left out) and the reason for it.

    `doubt` is the reason why a row with a value here cannot be clear, or None. `by_hand`:
    the user gave the role, so the values are trusted to fit it.
    """

    column: str
    role: Role | None
    why: str
    doubt: str | None = None
    by_hand: bool = False


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
    """The plan of a check: the relevant columns with their roles, in the dataset's order."""

    choices: tuple[Choice, ...]
    others: tuple[Other, ...] = ()

    def of(self, role: Role) -> tuple[Choice, ...]:
        """Return the columns with this role."""
        return tuple(choice for choice in self.choices if choice.role == role)

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the columns that a check reads."""
        chosen = (c.column for c in self.choices if c.role or c.doubt)
        return tuple(dict.fromkeys([*chosen, *(other.column for other in self.others)]))
