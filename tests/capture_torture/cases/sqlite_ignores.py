"""SQLite's conflict clauses but REPLACE: IGNORE, FAIL, ROLLBACK, ABORT."""

from tests.capture_torture.cases.laid_out import on_sqlite
from tests.capture_torture.cases.tables import UNIQUE
from tests.capture_torture.model import Fails, created, deleted, updated

A = {"id": 1, "x": "a", "n": 1}

CASES = (
    on_sqlite(
        "insert-or-ignore",
        "Rows that INSERT OR IGNORE passes over were never there.",
        UNIQUE,
        ("INSERT OR IGNORE INTO t VALUES (1, 'q', 9), (9, 'a', 9), (7, 'g', 7)",),
        (created("t", id=7, x="g", n=7),),
    ),
    on_sqlite(
        "insert-or-ignore-then-the-very-row",
        "A row that was passed over leaves no trace, also when it is made later in the transaction.",
        UNIQUE,
        (
            "BEGIN",
            "INSERT OR IGNORE INTO t VALUES (1, 'q', 9)",
            "DELETE FROM t WHERE id = 1",
            "INSERT INTO t VALUES (1, 'q', 9)",
            "COMMIT",
        ),
        (deleted("t", **A), created("t", id=1, x="q", n=9)),
    ),
    on_sqlite(
        "insert-or-ignore-then-deleted",
        "A row that was passed over, whose rival is deleted afterwards, is one delete.",
        UNIQUE,
        ("INSERT OR IGNORE INTO t VALUES (9, 'a', 9)", "DELETE FROM t WHERE x = 'a'"),
        (deleted("t", **A),),
    ),
    on_sqlite(
        "insert-or-ignore-not-null",
        "A row passed over for a NULL was never there.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL, n INTEGER)",
        ("INSERT OR IGNORE INTO t VALUES (9, NULL, 9)",),
        (),
        "INSERT INTO t VALUES (1, 'a', 1)",
    ),
    on_sqlite(
        "update-or-ignore",
        "An update that was passed over changed nothing.",
        UNIQUE,
        ("UPDATE OR IGNORE t SET x = 'a'",),
        (),
    ),
    on_sqlite(
        "update-or-ignore-some",
        "Of an UPDATE OR IGNORE only the rows that changed are recorded.",
        UNIQUE,
        ("UPDATE OR IGNORE t SET x = 'b' WHERE id IN (1, 2)", "UPDATE OR IGNORE t SET x = 'c' WHERE id IN (1, 3)"),
        (updated("t", {"id": 1}, x=("a", "c")),),
    ),
    on_sqlite(
        "insert-or-fail",
        "Rows that INSERT OR FAIL made before it failed stay, and are recorded.",
        UNIQUE,
        (Fails("INSERT OR FAIL INTO t VALUES (7, 'g', 7), (1, 'q', 1), (8, 'h', 8)"),),
        (created("t", id=7, x="g", n=7),),
    ),
    on_sqlite(
        "insert-or-rollback",
        "INSERT OR ROLLBACK takes the whole transaction with it.",
        UNIQUE,
        ("BEGIN", "INSERT INTO t VALUES (7, 'g', 7)", Fails("INSERT OR ROLLBACK INTO t VALUES (1, 'q', 1)")),
        (),
    ),
    on_sqlite(
        "conflict-ignore-in-the-table",
        "A table that says ON CONFLICT IGNORE passes over on a plain INSERT.",
        "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, x TEXT, n INTEGER)",
        ("INSERT INTO t VALUES (1, 'z', 9), (7, 'g', 7)",),
        (created("t", id=7, x="g", n=7),),
    ),
    on_sqlite(
        "upsert-inside-or-ignore",
        "An upsert under OR IGNORE updates the row it names, and passes over other conflicts.",
        UNIQUE,
        (
            "INSERT OR IGNORE INTO t VALUES (1, 'q', 9) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
            "INSERT OR IGNORE INTO t VALUES (9, 'a', 9) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
        ),
        (updated("t", {"id": 1}, n=(1, 9)),),
    ),
)
