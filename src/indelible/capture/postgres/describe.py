"""What PostgreSQL says of its tables, and how each column is written as text."""

from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import DictRow

from indelible.capture.definition import Column, Kind, Table
from indelible.capture.postgres.names import SCHEMA, quote
from indelible.capture.postgres.sql import DESCRIBE

KINDS: dict[str, Kind] = {
    "bool": "boolean", "int2": "integer", "int4": "integer", "int8": "integer", "oid": "integer",
    "float4": "real", "float8": "real", "numeric": "decimal", "bytea": "bytes",
    "date": "moment", "timestamp": "moment", "timestamptz": "moment",
}  # fmt: skip
# Session settings that change what a value looks like as text, by the types whose text they change. A type that
# may hold others (arrays, ranges, composites) takes all.
PINS = {
    "TimeZone = 'UTC'": {"timestamptz", "timetz"},
    "DateStyle = 'ISO, YMD'": {"date", "timestamp", "timestamptz"},
    "IntervalStyle = 'postgres'": {"interval"},
    "bytea_output = 'hex'": {"bytea"},
    "extra_float_digits = 1": {"float4", "float8", "point", "line", "lseg", "box", "path", "polygon", "circle"},
    "lc_monetary = 'C'": {"money"},
}
PINNED = set().union(*PINS.values())
PLAIN = {*KINDS, "text", "varchar", "json", "jsonb", "uuid", "inet", "cidr", "name", "xml", "bit", "varbit"} - PINNED


VALUES = "indelible_values"  # where the texts of virtual columns are


class Computed(NamedTuple):
    """How a virtual column is made: see `computed`."""

    expression: str
    bases: tuple[str, ...]  # the columns in it
    function: str


class TypedColumn(NamedTuple):
    """A column, and what is needed to write it as text."""

    column: Column
    declared: str
    type: str
    builtin: bool
    castable: bool  # to text, by the server's own cast: an application can make those that are missing
    arrays: bool  # there are arrays of it
    computed: Computed | None
    number: int = 0  # which the column keeps, whatever it is called

    def text(self, row: str = "") -> str:
        """The SQL expression of its value in `row` as a cell. Never raises, whatever casts the application has made."""
        return self.text_of(f"{row}.{quote(self.column.name)}" if row else self.value)

    def found(self) -> "TypedColumn":
        """As it is found beside a row: see `computed`."""
        return self.plain()._replace(declared="text", type="text", castable=True) if self.computed else self

    @property
    def moment(self) -> bool:
        """Its text does not depend on the session's settings: see `moments`. What is masked is compared as text."""
        return self.column.kind == "moment" and not self.column.mask

    def plain(self) -> "TypedColumn":
        """Its text is what a cast makes of it."""
        return self._replace(column=Column(self.column.name, "text")) if self.moment else self

    def text_of(self, value: str) -> str:
        """The same of another expression of its type."""
        if self.moment:
            return f"{SCHEMA}.moment({value})"
        if self.castable and self.type != "bpchar":  # whose cast drops trailing blanks
            return f"{value}::text"
        # `concat` takes the output function of whatever type the column has by then. num_nulls: `IS NULL` is true for
        # a composite of NULLs.
        there = f"{value} IS NOT NULL" if self.builtin else f"num_nulls({value}) = 0"
        return f"CASE WHEN {there} THEN concat({value}) END"

    @property
    def value(self) -> str:
        """The SQL expression of it, where its row is `c`."""
        return f"{VALUES}.{quote(self.column.name)}" if self.computed else quote(self.column.name)


class Relation(NamedTuple):
    """A table as it is now."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    inherits: bool
    crowded: bool  # by triggers of the application's, whose writes come between a change and our note of it

    @property
    def known_as(self) -> str:
        """As the map and the log call it. With dots in them, no two tables are called the same."""
        if self.schema == "public" and "." not in self.name:
            return self.name
        plain = not {".", '"'} & set(self.schema)
        return f"{self.schema if plain else quote(self.schema)}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def by_row(self) -> bool:
        """Partitions and children are written to by themselves too: only row triggers see all of it."""
        return self.partitioned or self.inherits


def relations(db: Connection[DictRow]) -> dict[str, Relation]:
    """Every table that could be watched, by the name it is known as."""
    found = [Relation(**row) for row in db.execute(DESCRIBE["tables"])]
    return {relation.known_as: relation for relation in found}


def members(db: Connection[DictRow], relation: Relation) -> list[Relation]:
    """The partitions below a root."""
    rows = db.execute(DESCRIBE["members"], {"oid": relation.oid})
    return [Relation(**row, partitioned=False, inherits=False, crowded=False) for row in rows]


def describe(db: Connection[DictRow], relation: Relation) -> tuple[Table, list[TypedColumn]]:
    """The table, neutrally, and its columns with their types."""
    typed = [
        TypedColumn(
            Column(row["name"], KINDS.get(row["type"], "text") if row["builtin"] else "text"),
            row["declared"],
            row["type"],
            row["builtin"],
            row["castable"],
            row["arrays"],
            _computed(relation, row),
            row["number"],
        )
        for row in db.execute(DESCRIBE["columns"], {"oid": relation.oid})
    ]
    found = db.execute(DESCRIBE["key"], {"oid": relation.oid}).fetchone()
    key = found["columns"] if found else []
    return Table(relation.known_as, [each.column for each in typed], key), typed


def gone(column: Column) -> TypedColumn:
    """What stands for a column that the table has no more: a text can be found in its place."""
    return TypedColumn(column, "text", "text", builtin=True, castable=True, arrays=True, computed=None)


def _computed(relation: Relation, row: DictRow) -> Computed | None:
    function = f"capture_{relation.oid}_computed_{row['number']}"
    return Computed(row["expression"], tuple(row["bases"]), function) if row["expression"] else None


def pins(columns: list[TypedColumn]) -> list[str]:
    """The settings to hold still while these columns are written as text."""
    types = {
        each.type if each.builtin and (each.type in PINNED or each.type in PLAIN) else "*"
        for each in columns
        if not each.moment
    }
    everything = "*" in types - PLAIN
    return [pin for pin, those in PINS.items() if everything or types & those]
