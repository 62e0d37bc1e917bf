"""From a changed row to a business name: the declarative map, and the defaults where it is silent.

The map is a TOML file, a table of it for each table of the database; `docs/map.md` shows every key.
"""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import filterfalse, pairwise
from pathlib import Path
from typing import Any, Literal, Self, get_args

import msgspec

from indelible.errors import MapError
from indelible.event import ACTION, MAX_ACTION, MAX_NAME, Outcome
from indelible.wording import fault, place

Guard = Literal["card", "key", "token"]  # a kind of secret that is known by its look
EVERYWHERE = "*"  # the table of the map whose lists hold for every table
Operation = Literal["create", "update", "delete"]
CHOICES = {"on": get_args(Operation), "outcome": get_args(Outcome), "guard": get_args(Guard)}  # of these keys
PAST = {"create": "CREATED", "update": "UPDATED", "delete": "DELETED", "baseline": "BASELINED"}

# Columns nobody wants in a log, whether or not the map says so.
SECRETS = {
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets", "token", "tokens", "hash", "otp",
    "totp", "pin", "salt", "credential", "credentials", "apikey", "privatekey", "accesskey", "secretkey",
}  # fmt: skip
KEYS = {"private", "api", "access", "secret", "signing", "encryption"}  # before the word "key"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names the action when every condition given holds. Of several rules the first wins."""

    action: str
    on: Operation
    column: str | None = None  # this column changed
    old: str | int | float | bool | None = None  # and was this
    new: str | int | float | bool | None = None  # and is this
    old_null: bool = False  # and was NULL
    new_null: bool = False  # and is NULL
    operation: str | None = None  # instead of create, update, delete
    outcome: Outcome = "success"

    def matches(self, operation: str, changes: dict[str, dict[str, Any]]) -> bool:
        if operation != self.on:
            return False
        if self.column is None:
            return True
        change = changes.get(self.column)
        return change is not None and all(
            _side_matches(change, side, value, null=null)
            for side, value, null in (("old", self.old, self.old_null), ("new", self.new, self.new_null))
        )


class TableMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the map says of one table. Defaults are filled in by `ActionMap.table`."""

    entity: str = ""
    action: str = ""  # prefix of _CREATED, _UPDATED, _DELETED
    id: str | list[str] = []
    name: str | None = None
    organization: str | None = None
    organization_of: str | None = None  # a column: the organization of what it refers to
    ignore: list[str] = []
    redact: list[str] = []  # columns, or patterns of their names: "*_token"
    hash: list[str] = []  # likewise; a keyed hash stands in the value's place
    keep: list[str] = []  # likewise; they sound like a secret and hold none
    guard: list[Guard] | None = None  # what to look for in every text
    everywhere: list[str] = []  # what the map's table "*" redacts: no such column need be here
    references: dict[str, str] = {}
    rule: list[Rule] = []
    exclude: str | None = None  # the reason

    def columns(self) -> dict[str, str]:
        """Every column named, and by what: to be checked against the table."""
        named = (
            dict.fromkeys(self.ids(), "id")
            | dict.fromkeys(self.ignore, "ignore")
            | dict.fromkeys(filterfalse(_is_pattern, self.redact), "redact")
            | dict.fromkeys(filterfalse(_is_pattern, self.hash), "hash")
        )
        named |= dict.fromkeys(self.references, "references")
        named |= {r.column: f"the rule for {r.action}" for r in self.rule if r.column}
        said = {"name": self.name, "organization": self.organization, "organization_of": self.organization_of}
        return named | {column: key for key, column in said.items() if column}

    @property
    def owner(self) -> str | None:
        """The type of what `organization_of` refers to."""
        return self.references.get(self.organization_of, self.entity) if self.organization_of else None

    def ids(self) -> list[str]:
        return [self.id] if isinstance(self.id, str) else self.id

    def redacts(self, column: str, *, boolean: bool) -> bool:
        """A flag such as `must_change_password` holds no secret; the map may still say so."""
        if _listed(column, self.redact):
            return True
        if self.keeps(column) or self.hashes(column):
            return False
        return _listed(column, self.everywhere) or (not boolean and names_secret(column))

    def keeps(self, column: str) -> bool:
        return _listed(column, self.keep)

    def hashes(self, column: str) -> bool:
        return _listed(column, self.hash) and not _listed(column, self.redact)

    def resolve(self, operation: str, changes: dict[str, dict[str, Any]]) -> Rule:
        """The rule that names this change; the default one if none matches."""
        for rule in self.rule:
            if rule.matches(operation, changes):
                return rule
        action = f"{self.action}_{PAST[operation]}"
        return Rule(action=action, on=operation)  # type: ignore[arg-type]  # a baseline has no rule of its own


class ActionMap:
    """The map of a whole database."""

    def __init__(self, tables: dict[str, TableMap] | None = None) -> None:
        self._tables = dict(tables or {})
        self._everywhere = self._tables.pop(EVERYWHERE, TableMap())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file. Raises MapError that names the table and the key."""
        try:
            raw = tomllib.loads(path.read_text())
        except OSError as error:
            raise MapError(f"The map {path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MapError(f"The map {path} is not TOML: {error}.") from error
        return cls({name: _table(path, name, table) for name, table in raw.items()})

    @classmethod
    def kept(cls, tables: Mapping[str, TableMap]) -> Self:
        """What was said of tables when they were watched; what was redacted everywhere still is, in new ones too."""
        everywhere = sorted({pattern for each in tables.values() for pattern in each.everywhere})
        return cls({**tables, EVERYWHERE: TableMap(redact=everywhere)})

    def names(self) -> set[str]:
        return set(self._tables)

    def table(self, name: str) -> TableMap:
        """What holds for one table, defaults filled in."""
        given = self._tables.get(name, TableMap())
        entity = given.entity or entity_name(name)
        return msgspec.structs.replace(
            given,
            entity=entity,
            action=given.action or action_prefix(entity),
            keep=given.keep + self._everywhere.keep,
            guard=self._everywhere.guard if given.guard is None else given.guard,
            everywhere=self._everywhere.redact,
        )


def _is_pattern(name: str) -> bool:
    return "*" in name


def _listed(column: str, names: list[str]) -> bool:
    """By name or pattern, whatever its case; * is any number of characters, and nothing else means more than itself."""
    patterns = (re.sub(r"([?[])", r"[\1]", name.lower()) for name in names)
    return any(fnmatchcase(column.lower(), pattern) for pattern in patterns)


def names_secret(column: str) -> bool:
    """By whole words, in snake_case and camelCase: `token_hash` and `apiKey`, not `secretary` or `footprint`."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", column)]
    return not SECRETS.isdisjoint(words) or any(a in KEYS and b in ("key", "keys") for a, b in pairwise(words))


def entity_name(table: str) -> str:
    """`licenses` -> `License`, `audit_log_entries` -> `AuditLogEntry`."""
    words = [w for w in re.split(r"[\W_]+", table) if w] or ["Table"]
    words[-1] = _singular(words[-1])
    return "".join(w[:1].upper() + w[1:] for w in words)[:64]


def action_prefix(entity: str) -> str:
    """`License` -> `LICENSE`, `ApiKey` -> `API_KEY`; whatever the name, the result can start an action."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", entity).upper()
    ascii_only = re.sub(r"[^A-Z0-9]+", "_", snake).strip("_")
    prefix = ascii_only if ascii_only[:1].isalpha() else f"T_{ascii_only}"
    return prefix[:64].rstrip("_")  # "ß" becomes two letters, and each capital an underscore more


def _singular(word: str) -> str:
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.lower().endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + singular
    if len(word) > 1 and word.lower().endswith("s") and not word.lower().endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _side_matches(change: dict[str, Any], side: str, value: object, *, null: bool) -> bool:
    if null:
        return change.get(side) is None
    return value is None or change.get(side) == value


def _fault(error: msgspec.ValidationError) -> str:
    at = place(error)
    keys = (Rule if at.startswith("rule ") else TableMap).__struct_fields__
    choices = CHOICES.get(at.rpartition(", ")[2].partition(" ")[0], ())
    return f"{', ' * bool(at)}{at}: {fault(error, [key for key in keys if key != 'everywhere'], choices)}"


def _table(path: Path, name: str, raw: object) -> TableMap:
    try:
        table = msgspec.convert(raw, TableMap)
    except msgspec.ValidationError as error:
        raise MapError(f"The map {path}, table [{name}]{_fault(error)}") from error
    if table.everywhere:
        raise MapError(f'The map {path}, table [{name}]: `everywhere` is no key. Redact in ["*"] instead.')
    if name == EVERYWHERE and isinstance(raw, dict) and raw.keys() - {"redact", "keep", "guard"}:
        raise MapError(f'The map {path}, table ["*"]: it has redact, keep and guard, which hold for every table.')
    actions = [r.action for r in table.rule] + ([f"{table.action}_CREATED"] if table.action else [])
    for action in actions:
        if not ACTION.fullmatch(action) or len(action) > MAX_ACTION:
            raise MapError(
                f"The map {path}, table [{name}]: {action!r} is not of the form ENTITY_PASTVERB, as ORG_SUSPENDED, "
                f"of up to {MAX_ACTION} characters."
            )
    if len(table.entity) > MAX_NAME:
        raise MapError(f"The map {path}, table [{name}]: `entity` has up to {MAX_NAME} characters.")
    if table.exclude is not None and not table.exclude.strip():
        raise MapError(f"The map {path}, table [{name}]: `exclude` takes the reason why the table is not audited.")
    return table


def dotted(action: str) -> str:
    """The type of LICENSE_ASSIGNED is license.assigned, of USER_SIGNED_IN user.signed_in: the group comes first."""
    return action.lower().replace("_", ".", 1)
