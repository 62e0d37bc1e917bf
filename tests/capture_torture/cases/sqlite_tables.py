"""Tables, values and files that only SQLite has."""

import math

from indelible.values import BrokenText
from tests.capture_torture.cases.tables import ROWS, T
from tests.capture_torture.model import SQLITE, Case, Change, Expr, Remove, Save, Statement, created, deleted, updated
from tests.capture_torture.model import Alter as Changed

ANY = "CREATE TABLE t (id INTEGER PRIMARY KEY, x)"


def _case(
    id_: str,
    promise: str,
    schema: str,
    run: tuple[Statement, ...],
    expected: tuple[Change, ...],
    *setup: str,
    settings: tuple[str, ...] = (),
    attached: bool = False,
) -> Case:
    return Case(
        id=id_,
        promise=promise,
        engines=SQLITE,
        schema=schema,
        run=run,
        expected=expected,
        setup=setup,
        settings=settings,
        attached=attached,
    )


TABLES = (
    _case(
        "strict",
        "A STRICT table is recorded.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x ANY, r REAL) STRICT",
        ("INSERT INTO t VALUES (1, '1', 1)", "UPDATE t SET x = 1"),
        (created("t", id=1, x="1", r=1.0), updated("t", {"id": 1}, x=("1", 1))),
    ),
    _case(
        "without-rowid",
        "A WITHOUT ROWID table is recorded.",
        "CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        ("INSERT INTO t VALUES ('a', 1)", "UPDATE t SET id = 'b'", "DELETE FROM t"),
        (created("t", id="a", n=1), updated("t", {"id": "b"}, id=("a", "b")), deleted("t", id="b", n=1)),
    ),
    _case(
        "strict-without-rowid",
        "A STRICT table WITHOUT ROWID is recorded.",
        "CREATE TABLE t (a INTEGER, b TEXT, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID",
        ("INSERT INTO t VALUES (1, 'b')", "UPDATE t SET b = 'c'"),
        (created("t", a=1, b="b"), updated("t", {"a": 1, "b": "c"}, b=("b", "c"))),
    ),
    _case(
        "null-in-a-primary-key",
        "SQLite lets a key be NULL, twice; the rows are recorded.",
        "CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER)",
        ("INSERT INTO t VALUES (NULL, 1), (NULL, 2)", "DELETE FROM t WHERE n = 1"),
        (created("t", id=None, n=1), created("t", id=None, n=2), deleted("t", id=None, n=1)),
    ),
    _case(
        "boolean",
        "A column declared BOOLEAN holds true and false.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x BOOLEAN)",
        ("INSERT INTO t VALUES (1, TRUE)", "UPDATE t SET x = FALSE"),
        (created("t", id=1, x=True), updated("t", {"id": 1}, x=(True, False))),
    ),
    _case(
        "truncate-optimization",
        "A DELETE of everything is not taken as a shortcut past the records.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        ("DELETE FROM t",),
        tuple(deleted("t", id=i) for i in (1, 2)),
        "INSERT INTO t VALUES (1), (2)",
    ),
    _case(
        "attached",
        "A writer that has the file attached to another one is recorded like any other.",
        T,
        (
            "INSERT INTO app.t VALUES (9, 'z', 9)",
            "UPDATE app.t SET x = 'q' WHERE id = 1",
            "DELETE FROM app.t WHERE id = 2",
        ),
        (
            created("t", id=9, x="z", n=9),
            updated("t", {"id": 1}, x=("a", "q")),
            deleted("t", id=2, x="b", n=2),
        ),
        *ROWS,
        attached=True,
    ),
    _case(
        "attached-with-a-twin",
        "A table of the same name in the writer's main file is another table.",
        T,
        (
            "CREATE TABLE main.t (id INTEGER PRIMARY KEY, x TEXT, n INTEGER)",
            "INSERT INTO main.t VALUES (5, 'm', 5)",
            "INSERT INTO app.t VALUES (6, 'a', 6)",
        ),
        (created("t", id=6, x="a", n=6),),
        attached=True,
    ),
    _case(
        "attached-across",
        "Rows copied across files are recorded where they arrive.",
        T,
        (
            "CREATE TABLE main.source (id INTEGER, x TEXT)",
            "INSERT INTO main.source VALUES (5, 'm')",
            "INSERT INTO app.t SELECT id, x, 0 FROM source",
        ),
        (created("t", id=5, x="m", n=0),),
        attached=True,
    ),
    _case(
        "writable-temp-names",
        "A temporary table of the same name is another table.",
        T,
        (
            "CREATE TEMP TABLE t (id INTEGER, x TEXT)",
            "INSERT INTO t VALUES (1, 'temp')",
            "INSERT INTO main.t VALUES (1, 'main', 1)",
        ),
        (created("t", id=1, x="main", n=1),),
    ),
    _case(
        "without-foreign-keys",
        "A connection that does not keep foreign keys cascades nothing, and nothing is recorded of it.",
        f"{T}; CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t ON DELETE CASCADE)",
        ("DELETE FROM t WHERE id = 1",),
        (deleted("t", id=1, x="a", n=1),),
        *ROWS,
        "INSERT INTO u VALUES (1, 1)",
        settings=("PRAGMA foreign_keys = OFF",),
    ),
    _case(
        "reverse-unordered",
        "The order in which SQLite visits rows is its own.",
        T,
        ("UPDATE t SET n = n + 1",),
        tuple(updated("t", {"id": i}, n=(i, i + 1)) for i in (1, 2, 3)),
        *ROWS,
        settings=("PRAGMA reverse_unordered_selects = ON",),
    ),
    _case(
        "count-changes-and-case-sensitive-like",
        "A connection's own habits change nothing.",
        T,
        ("INSERT INTO t VALUES (9, 'z', 9)",),
        (created("t", id=9, x="z", n=9),),
        settings=("PRAGMA case_sensitive_like = ON", "PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON"),
    ),
)

# A value, and how SQL spells it.
VALUES = {
    "blob": (b"\x00\xff'\"", "x'00ff2722'"),
    "blob-empty": (b"", "x''"),
    "text-empty": ("", "''"),
    "text-with-nul": ("a\0b", "CAST(x'610062' AS TEXT)"),
    "text-not-utf8": (BrokenText(b"\xff\x00\xfe"), "CAST(x'ff00fe' AS TEXT)"),
    "text-lone-surrogate": (BrokenText(b"a\xed\xa0\x80"), "CAST(x'61eda080' AS TEXT)"),
    "text-of-many-scripts": ("Größe 🔑 \u202eabc\u2028 \u0301", "'Größe 🔑 \u202eabc\u2028 \u0301'"),
    "text-like-json": ('{"redacted":true}', "'{\"redacted\":true}'"),
    "text-like-null": ("NULL", "'NULL'"),
    "text-of-a-megabyte": ("0" * 2**20, "hex(zeroblob(524288))"),
    "blob-of-a-megabyte": (b"\0" * 2**20, "zeroblob(1048576)"),
    "integer-largest": (2**63 - 1, "9223372036854775807"),
    "integer-smallest": (-(2**63), "-9223372036854775808"),
    "integer-2^53+1": (2**53 + 1, "9007199254740993"),
    "real-infinity": (math.inf, "9e999"),
    "real-minus-infinity": (-math.inf, "-9e999"),
    "real-minus-zero": (-0.0, "-0.0"),
    "real-smallest": (5e-324, "5e-324"),
    "real-largest": (1.7976931348623157e308, "1.7976931348623157e308"),
    "real-0.1": (0.1, "0.1"),
}


def _value(name: str, value: object, sql: str) -> Case:
    return _case(
        f"value-{name}",
        "Made, changed to it, changed from it: the value is recorded as it is.",
        ANY,
        (
            Save("t", {"id": 1, "x": Expr(sql)}),
            Changed("t", {"id": 1}, {"x": "other"}),
            Changed("t", {"id": 1}, {"x": Expr(sql)}),
            Remove("t", {"id": 1}),
            Save("t", {"id": 2, "x": Expr(sql)}),  # this one stays: whoever wrote it wrote the right value
        ),
        (
            created("t", id=1, x=value),
            updated("t", {"id": 1}, x=(value, "other")),
            updated("t", {"id": 1}, x=("other", value)),
            deleted("t", id=1, x=value),
            created("t", id=2, x=value),
        ),
    )


ALIKE = (
    _case(
        "nan-is-null",
        "SQLite stores NaN as NULL, and so it is recorded.",
        ANY,
        ("INSERT INTO t VALUES (1, 9e999 - 9e999)",),
        (created("t", id=1, x=None),),
    ),
    _case(
        "integer-to-real",
        "1 and 1.0 are two values in a column without a type.",
        ANY,
        ("UPDATE t SET x = 1.0",),
        (updated("t", {"id": 1}, x=(1, 1.0)),),
        "INSERT INTO t VALUES (1, 1)",
    ),
    _case(
        "integer-to-text",
        "1 and '1' are two values in a column without a type.",
        ANY,
        ("UPDATE t SET x = '1'",),
        (updated("t", {"id": 1}, x=(1, "1")),),
        "INSERT INTO t VALUES (1, 1)",
    ),
    _case(
        "text-to-blob",
        "A text and its bytes are two values.",
        ANY,
        ("UPDATE t SET x = CAST(x AS BLOB)",),
        (updated("t", {"id": 1}, x=("a", b"a")),),
        "INSERT INTO t VALUES (1, 'a')",
    ),
    _case(
        "trailing-blanks-under-rtrim",
        "A change of trailing blanks is a change, also where they sort alike.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT COLLATE RTRIM)",
        ("UPDATE t SET x = 'a  '",),
        (updated("t", {"id": 1}, x=("a", "a  ")),),
        "INSERT INTO t VALUES (1, 'a')",
    ),
    _case(
        "affinity",
        "What is recorded is what the column made of it.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, n NUMERIC, b BLOB)",
        ("INSERT INTO t VALUES ('1', '2', 3, 4, '5.0', '6')",),
        (created("t", id=1, i=2, r=3.0, t="4", n=5, b="6"),),
    ),
)

CASES = (*TABLES, *(_value(name, value, sql) for name, (value, sql) in VALUES.items()), *ALIKE)
