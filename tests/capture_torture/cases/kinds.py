"""Tables of every kind that both databases have."""

from tests.capture_torture.cases.tables import THOUSAND, T
from tests.capture_torture.model import Case, created, deleted, updated

CASES = (
    Case(
        id="key-of-two-columns",
        promise="A composite key names a row, and may change in part.",
        schema="CREATE TABLE t (a INTEGER, b TEXT, x TEXT, PRIMARY KEY (b, a))",
        run=(
            "INSERT INTO t VALUES (1, 'k', 'x')",
            "UPDATE t SET x = 'y'",
            "UPDATE t SET a = 2",
            "DELETE FROM t",
        ),
        expected=(
            created("t", a=1, b="k", x="x"),
            updated("t", {"a": 1, "b": "k"}, x=("x", "y")),
            updated("t", {"a": 2, "b": "k"}, a=(1, 2)),
            deleted("t", a=2, b="k", x="y"),
        ),
    ),
    Case(
        id="key-of-text",
        promise="A key may be any text.",
        schema="CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT)",
        run=("INSERT INTO t VALUES ('a/b ''c'' ü', 'x')", "UPDATE t SET x = 'y'", "DELETE FROM t"),
        expected=(
            created("t", id="a/b 'c' ü", x="x"),
            updated("t", {"id": "a/b 'c' ü"}, x=("x", "y")),
            deleted("t", id="a/b 'c' ü", x="y"),
        ),
    ),
    Case(
        id="no-primary-key",
        promise="A table without a primary key is recorded, twins included.",
        schema="CREATE TABLE t (x TEXT, n INTEGER)",
        run=(
            "INSERT INTO t VALUES ('a', 1), ('a', 1)",
            "UPDATE t SET n = 2",
            "DELETE FROM t",
        ),
        expected=(
            *[created("t", x="a", n=1)] * 2,
            *[updated("t", {}, n=(1, 2))] * 2,
            *[deleted("t", x="a", n=2)] * 2,
        ),
    ),
    Case(
        id="no-primary-key-but-unique",
        promise="A unique column alone is enough to be recorded.",
        schema="CREATE TABLE t (code TEXT NOT NULL UNIQUE, n INTEGER)",
        run=("INSERT INTO t VALUES ('a', 1)", "UPDATE t SET code = 'b'", "DELETE FROM t"),
        expected=(created("t", code="a", n=1), updated("t", {}, code=("a", "b")), deleted("t", code="b", n=1)),
    ),
    Case(
        id="generated-stored",
        promise="A stored generated column is recorded as people see it.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d INTEGER GENERATED ALWAYS AS (n * 2) STORED)",
        run=("INSERT INTO t (id, n) VALUES (1, 1)", "UPDATE t SET n = 2", "DELETE FROM t"),
        expected=(
            created("t", id=1, n=1, d=2),
            updated("t", {"id": 1}, n=(1, 2), d=(2, 4)),
            deleted("t", id=1, n=2, d=4),
        ),
    ),
    Case(
        id="generated-virtual",
        promise="A virtual generated column is recorded as people see it.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d INTEGER GENERATED ALWAYS AS (n * 2) VIRTUAL)",
        run=("INSERT INTO t (id, n) VALUES (1, 1)", "UPDATE t SET n = 2", "DELETE FROM t"),
        expected=(
            created("t", id=1, n=1, d=2),
            updated("t", {"id": 1}, n=(1, 2), d=(2, 4)),
            deleted("t", id=1, n=2, d=4),
        ),
    ),
    Case(
        id="through-a-view",
        promise="A write through a view is a write of its table.",
        schema={
            "sqlite": f"{T}; CREATE VIEW v AS SELECT id, x FROM t; CREATE TRIGGER v_insert INSTEAD OF INSERT ON v "
            "BEGIN INSERT INTO t VALUES (NEW.id, NEW.x, 0); END",
            "postgres": f"{T}; CREATE VIEW v AS SELECT id, x FROM t; ALTER TABLE t ALTER n SET DEFAULT 0",
        },
        run=("INSERT INTO v VALUES (1, 'a')",),
        expected=(created("t", id=1, x="a", n=0),),
    ),
    Case(
        id="many-rows",
        promise="A thousand rows in one statement are a thousand records.",
        schema=T,
        run=(f"INSERT INTO t {THOUSAND} SELECT i, 'r', i FROM c", "UPDATE t SET n = n + 1"),
        expected=tuple(
            change
            for i in range(1, 1001)
            for change in (created("t", id=i, x="r", n=i), updated("t", {"id": i}, n=(i, i + 1)))
        ),
    ),
    Case(
        id="many-columns",
        promise="A table of 800 columns is recorded to the last.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY, " + ", ".join(f"c{i} INTEGER" for i in range(799)) + ")",
        run=("INSERT INTO t (id, c798) VALUES (1, 5)", "UPDATE t SET c798 = 6", "UPDATE t SET c0 = 0"),
        expected=(
            created("t", id=1, **{f"c{i}": 5 if i == 798 else None for i in range(799)}),
            updated("t", {"id": 1}, c798=(5, 6)),
            updated("t", {"id": 1}, c0=(None, 0)),
        ),
    ),
)
