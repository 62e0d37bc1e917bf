"""SQLite's conflict clauses. Each case runs with `recursive_triggers` off, as it is by default, and on."""

from collections.abc import Iterator
from dataclasses import replace

from tests.capture_torture.cases import sqlite_ignores
from tests.capture_torture.cases.laid_out import on_sqlite
from tests.capture_torture.cases.tables import ROWS, UNIQUE, T
from tests.capture_torture.model import Case, Fails, Statement, created, deleted, updated

A, B, C = ({"id": 1, "x": "a", "n": 1}, {"id": 2, "x": "b", "n": 2}, {"id": 3, "x": None, "n": 3})


REPLACES = (
    on_sqlite(
        "replace-by-key",
        "The row that a REPLACE evicts by its key is recorded.",
        T,
        ("INSERT OR REPLACE INTO t VALUES (1, 'z', 9)",),
        (deleted("t", **A), created("t", id=1, x="z", n=9)),
    ),
    on_sqlite(
        "replace-by-key-same-row",
        "A REPLACE by the very same row is a row deleted and made again.",
        T,
        ("INSERT OR REPLACE INTO t VALUES (1, 'a', 1)",),
        (deleted("t", **A), created("t", **A)),
    ),
    on_sqlite(
        "replace-by-unique",
        "A row under another key, evicted by a unique column, is recorded.",
        UNIQUE,
        ("INSERT OR REPLACE INTO t VALUES (9, 'a', 9)",),
        (deleted("t", **A), created("t", id=9, x="a", n=9)),
    ),
    on_sqlite(
        "replace-two-at-once",
        "One row may evict two others: one by key, one by a unique column.",
        UNIQUE,
        ("INSERT OR REPLACE INTO t VALUES (1, 'b', 9)",),
        (deleted("t", **A), deleted("t", **B), created("t", id=1, x="b", n=9)),
    ),
    on_sqlite(
        "replace-no-match",
        "A REPLACE that evicts nothing is an insert.",
        T,
        ("INSERT OR REPLACE INTO t VALUES (9, 'z', 9)",),
        (created("t", id=9, x="z", n=9),),
    ),
    on_sqlite(
        "replace-many-rows",
        "Each row of a REPLACE of many rows evicts its own.",
        UNIQUE,
        ("INSERT OR REPLACE INTO t VALUES (1, 'z', 9), (8, 'b', 8), (7, 'g', 7)",),
        (
            deleted("t", **A),
            deleted("t", **B),
            created("t", id=1, x="z", n=9),
            created("t", id=8, x="b", n=8),
            created("t", id=7, x="g", n=7),
        ),
    ),
    on_sqlite(
        "replace-a-row-of-the-same-statement",
        "A REPLACE may evict a row that it made itself.",
        UNIQUE,
        ("INSERT OR REPLACE INTO t VALUES (7, 'g', 7), (8, 'g', 8)",),
        (created("t", id=7, x="g", n=7), deleted("t", id=7, x="g", n=7), created("t", id=8, x="g", n=8)),
    ),
    on_sqlite(
        "replace-into",
        "REPLACE INTO is the same.",
        T,
        ("REPLACE INTO t VALUES (2, 'z', 9)",),
        (deleted("t", **B), created("t", id=2, x="z", n=9)),
    ),
    on_sqlite(
        "replace-select",
        "A REPLACE from a query evicts row by row.",
        T,
        ("REPLACE INTO t SELECT id + 1, x, n FROM t WHERE id < 3 ORDER BY id DESC",),
        (
            deleted("t", **C),
            created("t", id=3, x="b", n=2),
            deleted("t", **B),
            created("t", id=2, x="a", n=1),
        ),
    ),
    on_sqlite(
        "replace-null-in-not-null",
        "REPLACE puts a default where NULL is not allowed; that is what is recorded.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL DEFAULT 'd', n INTEGER)",
        ("INSERT OR REPLACE INTO t VALUES (1, NULL, 9)",),
        (deleted("t", **A), created("t", id=1, x="d", n=9)),
        "INSERT INTO t VALUES (1, 'a', 1)",
    ),
    on_sqlite(
        "replace-by-three-constraints",
        "A row may evict as many others as there are constraints.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE, n INTEGER UNIQUE)",
        ("REPLACE INTO t VALUES (1, 'b', 3)",),
        (deleted("t", **A), deleted("t", **B), deleted("t", **C), created("t", id=1, x="b", n=3)),
    ),
    on_sqlite(
        "replace-null-is-no-match",
        "NULLs do not conflict in a unique column.",
        UNIQUE,
        ("REPLACE INTO t VALUES (9, NULL, 9)",),
        (created("t", id=9, x=None, n=9),),
    ),
    on_sqlite(
        "replace-in-a-savepoint",
        "An eviction that is rolled back never happened.",
        T,
        ("BEGIN", "SAVEPOINT s", "REPLACE INTO t VALUES (1, 'z', 9)", "ROLLBACK TO s", "COMMIT"),
        (),
    ),
    on_sqlite(
        "replace-evicts-children",
        "Rows that go with an evicted parent are recorded.",
        f"{T}; CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t ON DELETE CASCADE)",
        ("REPLACE INTO t VALUES (1, 'z', 9)",),
        (deleted("t", **A), deleted("u", id=1, t=1), created("t", id=1, x="z", n=9)),
        *ROWS,
        "INSERT INTO u VALUES (1, 1)",
    ),
    on_sqlite(
        "update-or-replace",
        "The row that an UPDATE OR REPLACE evicts is recorded.",
        UNIQUE,
        ("UPDATE OR REPLACE t SET x = 'b' WHERE id = 1",),
        (deleted("t", **B), updated("t", {"id": 1}, x=("a", "b"))),
    ),
    on_sqlite(
        "update-or-replace-the-key",
        "A row that moves onto another's key evicts it.",
        T,
        ("UPDATE OR REPLACE t SET id = 2 WHERE id = 1",),
        (deleted("t", **B), updated("t", {"id": 2}, id=(1, 2))),
    ),
    on_sqlite(
        "update-or-replace-many",
        "An UPDATE OR REPLACE of many rows may evict rows it has yet to reach.",
        T,
        ("UPDATE OR REPLACE t SET id = id + 1 WHERE id < 3",),
        (
            deleted("t", **B),
            updated("t", {"id": 2}, id=(1, 2)),
            deleted("t", **C),
            updated("t", {"id": 3}, id=(2, 3)),  # its second turn: SQLite visits the place, not the row
        ),
    ),
    on_sqlite(
        "conflict-replace-in-the-table",
        "A table that says ON CONFLICT REPLACE evicts on a plain INSERT and a plain UPDATE.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, x TEXT UNIQUE ON CONFLICT REPLACE, n INTEGER)",
        ("INSERT INTO t VALUES (1, 'z', 9)", "UPDATE t SET x = 'b' WHERE id = 1"),
        (
            deleted("t", **A),
            created("t", id=1, x="z", n=9),
            deleted("t", **B),
            updated("t", {"id": 1}, x=("z", "b")),
        ),
    ),
    on_sqlite(
        "replace-by-expression",
        "A unique index on an expression evicts.",
        f"{T}; CREATE UNIQUE INDEX t_lower ON t (lower(x))",
        ("REPLACE INTO t VALUES (9, 'A', 9)",),
        (deleted("t", **A), created("t", id=9, x="A", n=9)),
    ),
    on_sqlite(
        "replace-by-partial-index",
        "A partial unique index evicts within its condition, and not outside.",
        f"{T}; CREATE UNIQUE INDEX t_some ON t (x) WHERE n < 100",
        ("REPLACE INTO t VALUES (8, 'b', 200)", "REPLACE INTO t VALUES (9, 'a', 9)"),
        (created("t", id=8, x="b", n=200), deleted("t", **A), created("t", id=9, x="a", n=9)),
    ),
    on_sqlite(
        "replace-by-nocase",
        "A unique column that ignores case evicts what differs in case only.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE COLLATE NOCASE, n INTEGER)",
        ("REPLACE INTO t VALUES (9, 'A', 9)",),
        (deleted("t", **A), created("t", id=9, x="A", n=9)),
    ),
    on_sqlite(
        "replace-by-affinity",
        "A value that becomes another's when it is stored evicts it.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE, n INTEGER)",
        ("REPLACE INTO t VALUES (9, 5, 9)", "REPLACE INTO t VALUES ('1', 'q', 1)"),
        (
            deleted("t", id=4, x="5", n=4),
            created("t", id=9, x="5", n=9),
            deleted("t", **A),
            created("t", id=1, x="q", n=1),
        ),
        *ROWS,
        "INSERT INTO t VALUES (4, '5', 4)",
    ),
    on_sqlite(
        "replace-without-rowid",
        "A WITHOUT ROWID table evicts by its key and by its unique columns.",
        "CREATE TABLE t (id TEXT, k INTEGER, x TEXT UNIQUE, PRIMARY KEY (id, k)) WITHOUT ROWID",
        ("REPLACE INTO t VALUES ('a', 1, 'y')", "REPLACE INTO t VALUES ('c', 1, 'z')"),
        (
            deleted("t", id="a", k=1, x="x"),
            created("t", id="a", k=1, x="y"),
            deleted("t", id="b", k=1, x="z"),
            created("t", id="c", k=1, x="z"),
        ),
        "INSERT INTO t VALUES ('a', 1, 'x'), ('b', 1, 'z')",
    ),
    on_sqlite(
        "replace-without-a-key",
        "A table without a primary key evicts by its unique columns.",
        "CREATE TABLE t (x TEXT UNIQUE, n INTEGER)",
        ("REPLACE INTO t VALUES ('a', 9)",),
        (deleted("t", x="a", n=1), created("t", x="a", n=9)),
        "INSERT INTO t VALUES ('a', 1)",
    ),
    on_sqlite(
        "replace-by-rowid",
        "A table without a primary key evicts by its rowid.",
        "CREATE TABLE t (x TEXT, n INTEGER)",
        ("REPLACE INTO t (rowid, x, n) VALUES (1, 'b', 2)",),
        (deleted("t", x="a", n=1), created("t", x="b", n=2)),
        "INSERT INTO t VALUES ('a', 1)",
    ),
    on_sqlite(
        "replace-by-text-key",
        "A text key evicts.",
        "CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT)",
        ("REPLACE INTO t VALUES ('k', 'new')",),
        (deleted("t", id="k", x="old"), created("t", id="k", x="new")),
        "INSERT INTO t VALUES ('k', 'old')",
    ),
    on_sqlite(
        "replace-by-generated-column",
        "A unique generated column evicts.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, y TEXT GENERATED ALWAYS AS (lower(x)) VIRTUAL UNIQUE)",
        ("REPLACE INTO t (id, x) VALUES (9, 'A')",),
        (deleted("t", id=1, x="a", y="a"), created("t", id=9, x="A", y="a")),
        "INSERT INTO t (id, x) VALUES (1, 'a')",
    ),
    on_sqlite(
        "replace-upsert-mixed",
        "A conflict that the upsert does not name falls to the outer REPLACE.",
        UNIQUE,
        ("INSERT OR REPLACE INTO t VALUES (9, 'a', 9) ON CONFLICT (id) DO UPDATE SET n = 0",),
        (deleted("t", **A), created("t", id=9, x="a", n=9)),
    ),
    on_sqlite(
        "replace-refused",
        "A REPLACE that fails at its last row evicted nothing.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, n INTEGER CHECK (n < 100))",
        (Fails("REPLACE INTO t VALUES (1, 'z', 9), (2, 'y', 900)"),),
        (),
    ),
    on_sqlite(
        "replace-by-own-trigger",
        "A REPLACE inside an application's own trigger evicts.",
        f"{T}; CREATE TABLE last (id INTEGER PRIMARY KEY, x TEXT); CREATE TRIGGER app AFTER INSERT ON t "
        "BEGIN REPLACE INTO last VALUES (1, NEW.x); END",
        ("INSERT INTO t VALUES (9, 'z', 9)",),
        (created("t", id=9, x="z", n=9), deleted("last", id=1, x="old"), created("last", id=1, x="z")),
        "INSERT INTO last VALUES (1, 'old')",
    ),
)

TREE = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t ON DELETE SET NULL, x TEXT); "
    "CREATE UNIQUE INDEX t_top ON t (x) WHERE up IS NULL"
)
BRANCH = "INSERT INTO t VALUES (1, NULL, 'a'), (4, 1, 'b')"
AFTER_A_CASCADE = on_sqlite(
    "replace-evicts-after-a-cascade",
    "A row that comes into the way only because another was evicted is evicted too, and recorded.",
    TREE,
    ("REPLACE INTO t VALUES (1, NULL, 'b')",),
    (
        deleted("t", id=1, up=None, x="a"),
        updated("t", {"id": 4}, up=(1, None)),
        deleted("t", id=4, up=None, x="b"),
        created("t", id=1, up=None, x="b"),
    ),
    BRANCH,
)
# Only with `recursive_triggers` off: on, SQLite fails it wherever there is any AFTER DELETE trigger.
ITS_PARENT = on_sqlite(
    "update-or-replace-evicts-its-parent",
    "A row that evicts the row it refers to is recorded as it was changed, first by the cascade, then by the update.",
    TREE,
    ("UPDATE OR REPLACE t SET up = NULL, x = 'z'",),
    (
        updated("t", {"id": 1}, x=("a", "z")),
        deleted("t", id=1, up=None, x="z"),
        updated("t", {"id": 4}, up=(1, None)),
        updated("t", {"id": 4}, x=("b", "z")),
    ),
    BRANCH,
)

TRIES = range(0, 200, 10)  # what goes wrong within one tick of a clock goes wrong in one of them


def _refused_then_evicted(at: int) -> tuple[Statement, ...]:
    return (
        f"INSERT INTO t VALUES ({at + 1}, 'a{at}', 1), ({at + 2}, 'b{at}', 2)",
        Fails(f"UPDATE OR FAIL t SET x = 'a{at}' WHERE id = {at + 2}"),
        f"REPLACE INTO t VALUES ({at + 3}, 'a{at}', 3)",
        f"UPDATE t SET n = 9 WHERE id = {at + 2}",
    )


REFUSED_FIRST = on_sqlite(
    "evicted-once-though-in-the-way-twice",
    "A row that a refused statement would have hurt, and the next one evicts, is recorded as deleted once.",
    UNIQUE,
    tuple(statement for at in TRIES for statement in _refused_then_evicted(at)),
    tuple(
        change
        for at in TRIES
        for change in (
            created("t", id=at + 1, x=f"a{at}", n=1),
            created("t", id=at + 2, x=f"b{at}", n=2),
            deleted("t", id=at + 1, x=f"a{at}", n=1),
            created("t", id=at + 3, x=f"a{at}", n=3),
            updated("t", {"id": at + 2}, n=(2, 9)),
        )
    ),
    "INSERT INTO t VALUES (1000, 'other', 0)",
)


def _both_settings() -> Iterator[Case]:
    for case in (*REPLACES, AFTER_A_CASCADE, REFUSED_FIRST, *sqlite_ignores.CASES):
        for value in ("off", "on"):
            setting = f"PRAGMA recursive_triggers = {value}"
            yield replace(case, id=f"{case.id}, recursive_triggers {value}", settings=(setting,))


OFF = replace(ITS_PARENT, id=f"{ITS_PARENT.id}, recursive_triggers off", settings=("PRAGMA recursive_triggers = off",))
CASES = (*_both_settings(), OFF)
