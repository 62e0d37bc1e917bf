"""What an entry says gives back the value that the database held, in its type: in a column of any affinity."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indelible.capture.definition import Column
from indelible.capture.sqlite.describe import describe
from indelible.capture.sqlite.outbox import SQLiteOutbox
from indelible.capture.sqlite.record import decode
from indelible.values import BrokenText
from tests.world import World

# Declared type, kind; by the rules and examples of SQLite's page on datatypes.
TYPES = {
    "INT": "integer", "BIGINT": "integer", "CHARINT": "integer", "FLOATING POINT": "integer",
    "VARCHAR(9)": "text", "CLOB": "text", "TEXT": "text", "BLOBTEXT": "text", "": "any", "BLOB": "any", "a blob": "any",
    "DOUBLE PRECISION": "real", "float": "real", "NUMERIC": "", "DECIMAL(9,2)": "", "DATE": "", "ANY": "", "STRING": "",
    "BOOLEAN": "boolean", "bool": "boolean",
}  # fmt: skip

digits = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.none(), digits, st.integers(-2, 2), st.floats(allow_nan=False), digits.map(str), digits.map(float),
    st.floats(allow_nan=False).map(repr), st.text(), st.binary(), st.binary().map(BrokenText),
    st.sampled_from([" 9007199254740993", "9007199254740993.0", "1e3", "-9007199254740993", "0009007199254740993",
                     "9223372036854775808", "true", "NaN", "0x20000000000001", "+9007199254740993"]),
)  # fmt: skip


@pytest.mark.parametrize(("declared", "kind"), TYPES.items())
def test_a_columns_kind_is_its_affinity(world: World, declared: str, kind: str) -> None:
    world.db.execute(f"CREATE TABLE t (x {declared})")
    column = next(c for c in describe(world.db, "t").columns if c.name == "x")
    assert column == Column("x", kind)  # type: ignore[arg-type]


def held(world: World) -> tuple[Any, str]:
    """The value and its type, as the table has them."""
    raw, type_ = world.db.execute(
        "SELECT CASE typeof(x) WHEN 'text' THEN CAST(x AS BLOB) ELSE x END, typeof(x) FROM t"
    ).fetchone()
    if type_ != "text":
        return raw, type_
    try:
        return raw.decode(), type_
    except UnicodeDecodeError:
        return BrokenText(raw), type_


def type_of(value: Any) -> str:
    names = {type(None): "null", int: "integer", float: "real", str: "text", BrokenText: "text", bytes: "blob"}
    return names[type(value)]


@pytest.mark.parametrize("declared", [*TYPES, "ANY in a strict table"])
@settings(max_examples=60)
@given(values=st.lists(VALUES, min_size=1, max_size=8))
def test_a_value_comes_back_as_it_was(world: World, declared: str, values: list[Any]) -> None:
    if not world.db.execute("SELECT 1 FROM sqlite_master").fetchone():
        strict = declared.startswith("ANY in")
        world.watch(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x {'ANY' if strict else declared}){' STRICT' * strict}")
    world.run("DELETE FROM t")
    world.run("DELETE FROM indelible_outbox")
    expected = []
    for value in values:
        world.run("DELETE FROM t")
        place = "CAST(? AS TEXT)" if isinstance(value, BrokenText) else "?"
        world.run(f"INSERT INTO t VALUES (1, {place})", (bytes(value) if isinstance(value, BrokenText) else value,))
        expected.append(held(world))
    outbox = SQLiteOutbox(world.app)
    records = [record for batch in outbox.batches() for record in batch.records if record.operation == "create"]
    outbox.close()
    for record, (value, type_) in itertools.zip_longest(records, expected):
        spelled = msgspec.json.decode(msgspec.json.encode(record.changes["x"]["new"]))
        back = decode(spelled, record.definition.columns[1])
        assert (back, type_of(back)) == (value, type_)
