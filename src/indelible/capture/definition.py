"""How a table is watched: its columns, what is hidden of them, and what the map says. Stored beside the outbox."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from indelible.actions import ActionMap, TableMap
from indelible.errors import CaptureError, MapError

# How a captured value is read. "any": a column without a type, in which 1, 1.0 and '1' are three values; "moment": see
# `postgres.moments`.
Kind = Literal["", "any", "boolean", "integer", "real", "decimal", "bytes", "text", "moment"]


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """A captured column: its place in the outbox is its place in the definition."""

    name: str
    kind: Kind = ""
    mask: Literal["", "redacted", "hashed"] = ""  # what stands in place of the value, from the trigger on
    guard: list[str] = []  # kinds of secrets that the trigger looks for in each value
    shown: bool = True  # False: the map ignores it, but it is part of the row's key


class Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a table is watched; an outbox row is read by the definition it was written under."""

    table: str
    columns: list[Column]
    key: list[str]  # the columns of the entity's id; none: the row has no identity but its values
    row_key: list[str]  # the columns that tell this row from every other
    map: TableMap
    alike: bool = False  # another table's rows are called the same entity
    strict: bool = False  # a change that nobody claims is refused
    hidden: list[str] = []  # columns that were redacted, and are not seen since

    @property
    def about_itself(self) -> bool:
        """False: its rows tell of another table's entity, whose name they may only repeat."""
        return self.key == self.row_key


class Table(NamedTuple):
    """A table as the database describes it."""

    name: str
    columns: list[Column]  # unmasked
    primary_key: list[str]  # or what stands in for it


def chosen(existing: list[str], tables: Iterable[str] | None, action_map: ActionMap) -> list[str]:
    """The tables to watch (None: all that the map does not exclude). Raises MapError, CaptureError."""
    shown = ", ".join(existing) or "none"
    if unknown := sorted(action_map.names() - set(existing)):
        raise MapError(f"The map names the table {unknown[0]!r}, which is not in the database. It has: {shown}.")
    if tables is None:
        return [name for name in existing if action_map.table(name).exclude is None]
    wanted = list(dict.fromkeys(tables))
    for name in wanted:
        if name not in existing:
            raise CaptureError(f"There is no table {name!r} to watch. The database has: {shown}.")
    return wanted


def define(table: Table, table_map: TableMap, *, strict: bool = False) -> Definition:
    """Raises MapError where table and map do not fit together."""
    names = [column.name for column in table.columns]
    for column, place in table_map.columns().items():
        if column not in names:
            raise MapError(
                f"The map, table [{table.name}], {place}: there is no column {column!r}. It has: {', '.join(names)}."
            )
    _refuse_hidden_name(table, table_map)
    key = table_map.ids() or table.primary_key
    _refuse_secret_key(table, key, table_map)
    _refuse_no_owner(table, key, table_map)
    in_keys = {*key, *table.primary_key}
    columns = [
        msgspec.structs.replace(
            column if column.name in key else _masked(column, table_map),
            shown=column.name in key or column.name not in table_map.ignore,
            guard=[] if column.name in in_keys else _guard(column, table_map),
        )
        for column in table.columns
        if column.name not in table_map.ignore or column.name in in_keys
    ]
    return Definition(table.name, columns, key, table.primary_key, table_map, strict=strict)


def in_force(before: Mapping[str, Definition], existing: Iterable[str]) -> ActionMap:
    """What was said when the tables were watched: it holds where nothing else is said."""
    return ActionMap.kept({name: before[name].map for name in existing if name in before})


def was_strict(before: Definition | None) -> bool:
    return before is not None and before.strict


def keep_hidden(before: Definition | None, after: Definition) -> Definition:
    """What was redacted is shown again only where the map says so, also after it was not seen at all. Raises MapError.

    `before` is how the table was seen last, whatever became of watching it since.
    """
    hidden = {*before.hidden, *(column.name for column in before.columns if column.mask)} if before else set[str]()
    seen = {column.name: column.mask for column in after.columns}
    if told := [name for name in sorted(hidden) if seen.get(name) == "" and not after.map.keeps(name)]:
        raise MapError(
            f"The map, table [{after.table}]: {told[0]!r} was redacted until now, and this map no longer says so. Put "
            f"it back under `redact`; or, if it holds no secret, say keep = [{told[0]!r}]."
        )
    return msgspec.structs.replace(after, hidden=sorted(hidden - seen.keys()))


def renamed(before: Definition, names: Mapping[str, str]) -> Definition:
    """What was hidden stays so under the names that its columns have now: `names`, by those that they had."""
    moved = {old: new for old, new in names.items() if old != new}

    def now(old: list[str], mask: str = "") -> list[str]:
        masked = [each.name for each in before.columns if mask and each.mask == mask and each.name in moved]
        return list(dict.fromkeys(moved.get(name, name) for name in (*old, *masked)))

    return msgspec.structs.replace(
        before,
        columns=[msgspec.structs.replace(each, name=moved.get(each.name, each.name)) for each in before.columns],
        hidden=now(before.hidden),
        map=msgspec.structs.replace(
            before.map, redact=now(before.map.redact, "redacted"), hash=now(before.map.hash, "hashed")
        ),
    )


def excluded(table: str, table_map: TableMap) -> Definition:
    """Of a table that is not watched, for the reason that the map gives."""
    return Definition(table, [], [], [], table_map)


def told_apart(definitions: Iterable[Definition]) -> list[Definition]:
    """Tables whose rows are called the same entity know of it: their entries name the table too."""
    known = _owners_first(list(definitions))
    called = Counter(each.map.entity for each in known if each.about_itself)
    return [msgspec.structs.replace(each, alike=called[each.map.entity] > 1) for each in known]


def _owners_first(definitions: list[Definition]) -> list[Definition]:
    """What has its organization from another table's entries stands behind it: a baseline tells of that first."""
    own = {each.map.entity: each for each in definitions if each.about_itself}

    def depth(each: Definition, below: tuple[str, ...] = ()) -> int:
        owner = own.get(each.map.owner or "")
        return 0 if owner is None or owner.table in below else 1 + depth(owner, (*below, owner.table))

    return sorted(definitions, key=depth)


def _masked(column: Column, table_map: TableMap) -> Column:
    if table_map.redacts(column.name, boolean=column.kind == "boolean"):
        return msgspec.structs.replace(column, mask="redacted")
    return msgspec.structs.replace(column, mask="hashed" if table_map.hashes(column.name) else "")


def _guard(column: Column, table_map: TableMap) -> list[str]:
    """What to look for in a column that can hold text and is seen."""
    texts = column.kind in ("", "any", "text") and not _masked(column, table_map).mask
    return list(table_map.guard or []) if texts else []


def _refuse_hidden_name(table: Table, table_map: TableMap) -> None:
    """The name and the organization stand in every entry: a column that is not to be seen cannot give them."""
    for column in table.columns:
        hidden = column.name in table_map.ignore or _masked(column, table_map).mask
        if hidden and column.name in (table_map.name, table_map.organization, table_map.organization_of):
            raise MapError(
                f"The map, table [{table.name}]: {column.name!r} is ignored or redacted, so it cannot give the "
                "entity's name or organization. Name another column, or none."
            )


def _refuse_no_owner(table: Table, key: list[str], table_map: TableMap) -> None:
    """What the column refers to, the map has to say: in `references`, or by giving the table another's entity."""
    column, place = table_map.organization_of, f"The map, table [{table.name}]"
    if column is None:
        return
    if table_map.organization is not None:
        raise MapError(
            f"{place}: its entries have their organization from `organization` ({table_map.organization!r}) or from "
            f"`organization_of` ({column!r}), not from both. Keep one."
        )
    if column not in table_map.references and not key == [column] != table.primary_key:
        raise MapError(
            f"{place}, organization_of: the map does not say what {column!r} refers to. Name its entity in "
            f'`references`, as {{ {column} = "Project" }}.'
        )


def _refuse_secret_key(table: Table, key: list[str], table_map: TableMap) -> None:
    """A number is no secret, nor is what the map calls `id` on purpose."""
    for column in table.columns:
        plain = column.kind == "integer" or column.name in table_map.ids()
        if column.name in key and (table_map.redacts(column.name, boolean=plain) or table_map.hashes(column.name)):
            raise MapError(
                f"The table {table.name!r} is known by {column.name!r}, and a secret cannot name its rows in the log. "
                f"Give it another `id` in the map, exclude it, or say `id` = {column.name!r} if that is no secret."
            )
