"""Statements that only PostgreSQL has."""

from tests.capture_torture.cases.tables import ROWS, UNIQUE, T
from tests.capture_torture.model import (
    POSTGRES,
    Case,
    Change,
    Copy,
    Fails,
    Pipeline,
    Statement,
    created,
    deleted,
    updated,
)

A, B, C = ({"id": 1, "x": "a", "n": 1}, {"id": 2, "x": "b", "n": 2}, {"id": 3, "x": None, "n": 3})
TWO = f"{T}; CREATE TABLE u (id integer PRIMARY KEY, x text)"


def _case(
    id_: str, promise: str, schema: str, run: tuple[Statement, ...], expected: tuple[Change, ...], *setup: str
) -> Case:
    return Case(id=id_, promise=promise, engines=POSTGRES, schema=schema, setup=setup, run=run, expected=expected)


WRITES = (
    _case(
        "copy-from",
        "Rows that COPY brings are recorded.",
        T,
        (Copy("COPY t FROM STDIN", "1\ta\t1\n2\t\\N\t2\n"),),
        (created("t", **A), created("t", id=2, x=None, n=2)),
    ),
    _case(
        "copy-from-csv-some-columns",
        "A COPY of some columns is recorded with the defaults of the others.",
        "CREATE TABLE t (id integer PRIMARY KEY, x text DEFAULT 'd', n integer DEFAULT 7)",
        (Copy("COPY t (id) FROM STDIN WITH (FORMAT csv)", "1\n2\n"),),
        (created("t", id=1, x="d", n=7), created("t", id=2, x="d", n=7)),
    ),
    _case(
        "copy-freeze",
        "A COPY into a table that was emptied in the same transaction is recorded.",
        T,
        ("BEGIN", "TRUNCATE t", Copy("COPY t FROM STDIN WITH (FREEZE)", "9\tz\t9\n"), "COMMIT"),
        (deleted("t", **A), deleted("t", **B), deleted("t", **C), created("t", id=9, x="z", n=9)),
        *ROWS,
    ),
    _case(
        "merge",
        "A MERGE that inserts, updates and deletes is recorded as all three.",
        TWO,
        (
            """MERGE INTO t USING (SELECT * FROM u) AS s ON t.id = s.id WHEN MATCHED AND s.x = 'gone' THEN DELETE
            WHEN MATCHED THEN UPDATE SET x = s.x WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.x, 0)""",
        ),
        (deleted("t", **A), updated("t", {"id": 2}, x=("b", "new")), created("t", id=9, x="nine", n=0)),
        *ROWS,
        "INSERT INTO u VALUES (1, 'gone'), (2, 'new'), (9, 'nine')",
    ),
    _case(
        "merge-do-nothing",
        "A MERGE that does nothing is nothing.",
        TWO,
        ("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING",),
        (),
        *ROWS,
        "INSERT INTO u VALUES (1, 'a'), (9, 'z')",
    ),
    _case(
        "merge-not-matched-by-source",
        "Rows that a MERGE deletes for not being in its source are recorded.",
        TWO,
        ("MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED BY SOURCE THEN DELETE",),
        (deleted("t", **B), deleted("t", **C)),
        *ROWS,
        "INSERT INTO u VALUES (1, 'a')",
    ),
    _case(
        "delete-using",
        "A delete by another table is recorded.",
        TWO,
        ("DELETE FROM t USING u WHERE u.id = t.id",),
        (deleted("t", **A),),
        *ROWS,
        "INSERT INTO u VALUES (1, 'a')",
    ),
    _case(
        "update-returning-old-and-new",
        "RETURNING old and new changes nothing about it.",
        T,
        ("UPDATE t SET x = 'z' WHERE id = 1 RETURNING old.x, new.x",),
        (updated("t", {"id": 1}, x=("a", "z")),),
        *ROWS,
    ),
    _case(
        "cte-moves-rows",
        "Rows moved from one table to another in one statement are recorded in both.",
        TWO,
        ("WITH gone AS (DELETE FROM t WHERE id < 3 RETURNING id, x) INSERT INTO u SELECT * FROM gone",),
        (deleted("t", **A), deleted("t", **B), created("u", id=1, x="a"), created("u", id=2, x="b")),
        *ROWS,
    ),
    _case(
        "cte-same-table-twice",
        "Two parts of one statement that write one table are both recorded.",
        T,
        (
            """WITH up AS (UPDATE t SET n = 10 WHERE id = 1), ins AS (INSERT INTO t VALUES (9, 'z', 9))
            DELETE FROM t WHERE id = 2""",
        ),
        (updated("t", {"id": 1}, n=(1, 10)), created("t", id=9, x="z", n=9), deleted("t", **B)),
        *ROWS,
    ),
    _case(
        "cte-same-row-twice",
        "Of two updates of one row in one statement only the one that took effect is recorded.",
        T,
        ("WITH one AS (UPDATE t SET n = 10 WHERE id = 1 RETURNING 1) UPDATE t SET n = 10 WHERE id = 1",),
        (updated("t", {"id": 1}, n=(1, 10)),),
        *ROWS,
    ),
    _case(
        "do-block",
        "What a DO block writes is recorded.",
        T,
        (
            """DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO t VALUES (i, 'd', i); END LOOP;
            UPDATE t SET n = 0 WHERE id = 2; END $$""",
        ),
        (*(created("t", id=i, x="d", n=i) for i in (1, 2, 3)), updated("t", {"id": 2}, n=(2, 0))),
    ),
    _case(
        "do-block-catches",
        "What a block's exception handler undid never happened.",
        UNIQUE,
        (
            """DO $$ BEGIN INSERT INTO t VALUES (8, 'h', 8); BEGIN INSERT INTO t VALUES (7, 'g', 7);
            INSERT INTO t VALUES (1, 'q', 1); EXCEPTION WHEN unique_violation THEN NULL; END; END $$""",
        ),
        (created("t", id=8, x="h", n=8),),
        *ROWS,
    ),
    _case(
        "procedure-commits",
        "A procedure that commits and rolls back is recorded as far as it committed.",
        f"{T}; CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1, 'a', 1); COMMIT; "
        "INSERT INTO t VALUES (2, 'b', 2); ROLLBACK; INSERT INTO t VALUES (3, NULL, 3); END $$",
        ("CALL p()",),
        (created("t", **A), created("t", **C)),
    ),
    _case(
        "prepared-statement",
        "A prepared statement is recorded each time it runs.",
        T,
        ("PREPARE ins (integer) AS INSERT INTO t VALUES ($1, 'p', $1)", *(f"EXECUTE ins({i})" for i in range(8))),
        tuple(created("t", id=i, x="p", n=i) for i in range(8)),
    ),
    _case(
        "prepared-across-a-schema-change",
        "A prepared statement is recorded with the columns that the table has when it runs.",
        T,
        ("PREPARE up AS UPDATE t SET n = n + 1 WHERE id = 1", "EXECUTE up", "EXECUTE up"),
        (updated("t", {"id": 1}, n=(1, 2)), updated("t", {"id": 1}, n=(2, 3))),
        *ROWS,
    ),
    _case(
        "pipeline",
        "Statements sent without waiting are recorded.",
        T,
        (Pipeline(("INSERT INTO t VALUES (1, 'a', 1)", "UPDATE t SET n = 5", "DELETE FROM t")),),
        (created("t", **A), updated("t", {"id": 1}, n=(1, 5)), deleted("t", id=1, x="a", n=5)),
    ),
    _case(
        "several-in-one-message",
        "Several statements in one message are each recorded.",
        T,
        ("INSERT INTO t VALUES (1, 'a', 1); UPDATE t SET n = 5; DELETE FROM t",),
        (created("t", **A), updated("t", {"id": 1}, n=(1, 5)), deleted("t", id=1, x="a", n=5)),
    ),
    _case(
        "where-current-of",
        "Rows changed and deleted through a cursor are recorded.",
        T,
        (
            "BEGIN",
            "DECLARE c CURSOR FOR SELECT * FROM t ORDER BY id FOR UPDATE",
            "FETCH c",
            "UPDATE t SET n = 10 WHERE CURRENT OF c",
            "FETCH c",
            "DELETE FROM t WHERE CURRENT OF c",
            "COMMIT",
        ),
        (updated("t", {"id": 1}, n=(1, 10)), deleted("t", **B)),
        *ROWS,
    ),
    _case(
        "two-phase-commit",
        "A prepared transaction is recorded when it is committed.",
        T,
        (
            "BEGIN",
            "INSERT INTO t VALUES (1, 'a', 1)",
            "PREPARE TRANSACTION 'torture_commit'",
            "COMMIT PREPARED 'torture_commit'",
        ),
        (created("t", **A),),
    ),
    _case(
        "two-phase-rollback",
        "A prepared transaction that is rolled back never happened.",
        T,
        (
            "BEGIN",
            "INSERT INTO t VALUES (1, 'a', 1)",
            "PREPARE TRANSACTION 'torture_back'",
            "ROLLBACK PREPARED 'torture_back'",
        ),
        (),
    ),
    _case(
        "set-constraints",
        "Constraints that are told to wait, and then not to, change nothing about the records.",
        "CREATE TABLE t (id integer PRIMARY KEY DEFERRABLE, x text)",
        (
            "BEGIN",
            "SET CONSTRAINTS ALL DEFERRED",
            "UPDATE t SET id = 3 - id",
            "SET CONSTRAINTS ALL IMMEDIATE",
            "COMMIT",
        ),
        (updated("t", {"id": 2}, id=(1, 2)), updated("t", {"id": 1}, id=(2, 1))),
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    ),
    _case(
        "keys-swapped-in-one-statement",
        "Two rows that swap keys in one statement are two changes of keys.",
        "CREATE TABLE t (id integer PRIMARY KEY DEFERRABLE, x text)",
        ("UPDATE t SET id = 3 - id",),
        (updated("t", {"id": 2}, id=(1, 2)), updated("t", {"id": 1}, id=(2, 1))),
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    ),
    _case(
        "serializable",
        "The strictest isolation changes nothing about it.",
        T,
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "INSERT INTO t VALUES (1, 'a', 1)", "COMMIT"),
        (created("t", **A),),
    ),
    _case(
        "with-check-option-refuses",
        "A write that a view refuses never happened.",
        f"{T}; CREATE VIEW v AS SELECT * FROM t WHERE n < 10 WITH CHECK OPTION",
        (Fails("INSERT INTO v VALUES (1, 'a', 100)"), "INSERT INTO v VALUES (1, 'a', 1)"),
        (created("t", **A),),
    ),
)

TRUNCATES = (
    _case(
        "truncate",
        "Every row that TRUNCATE takes is recorded.",
        T,
        ("TRUNCATE t",),
        (deleted("t", **A), deleted("t", **B), deleted("t", **C)),
        *ROWS,
    ),
    _case("truncate-empty", "A TRUNCATE of an empty table is no change.", T, ("TRUNCATE t",), ()),
    _case(
        "truncate-several",
        "A TRUNCATE of several tables is recorded in each.",
        TWO,
        ("TRUNCATE t, u",),
        (deleted("t", **A), deleted("t", **B), deleted("t", **C), deleted("u", id=1, x="a")),
        *ROWS,
        "INSERT INTO u VALUES (1, 'a')",
    ),
    _case(
        "truncate-cascade",
        "Rows of tables that a TRUNCATE takes along are recorded.",
        f"{T}; CREATE TABLE u (id integer PRIMARY KEY, t integer REFERENCES t)",
        ("TRUNCATE t CASCADE",),
        (deleted("t", **A), deleted("t", **B), deleted("t", **C), deleted("u", id=1, t=1)),
        *ROWS,
        "INSERT INTO u VALUES (1, 1)",
    ),
    _case(
        "truncate-restart-identity",
        "A key that comes back after a TRUNCATE names a new row.",
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)",
        ("TRUNCATE t RESTART IDENTITY", "INSERT INTO t (x) VALUES ('b')"),
        (deleted("t", id=1, x="a"), created("t", id=1, x="b")),
        "INSERT INTO t (x) VALUES ('a')",
    ),
    _case(
        "truncate-rolled-back",
        "A TRUNCATE that is rolled back never happened.",
        T,
        ("BEGIN", "TRUNCATE t", "ROLLBACK"),
        (),
        *ROWS,
    ),
    _case(
        "truncate-and-fill-again",
        "A table that is emptied and filled in one transaction is recorded as both.",
        T,
        ("BEGIN", "TRUNCATE t", "INSERT INTO t VALUES (1, 'a', 1)", "COMMIT"),
        (deleted("t", **A), created("t", **A)),
        "INSERT INTO t VALUES (1, 'a', 1)",
    ),
)

CASES = (*WRITES, *TRUNCATES)
