"""Upserts, and what a constraint refuses."""

from tests.capture_torture.cases.tables import ROWS, UNIQUE, T
from tests.capture_torture.model import Case, Fails, created, deleted, updated

UPSERTS = (
    Case(
        id="upsert-inserts",
        promise="An upsert without a match creates.",
        schema=T,
        run=("INSERT INTO t VALUES (1, 'a', 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n",),
        expected=(created("t", id=1, x="a", n=1),),
    ),
    Case(
        id="upsert-updates",
        promise="An upsert with a match updates, and creates nothing.",
        schema=T,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'z', 9) ON CONFLICT (id) DO UPDATE SET n = excluded.n",),
        expected=(updated("t", {"id": 1}, n=(1, 9)),),
    ),
    Case(
        id="upsert-mixed",
        promise="One statement may create some rows and update others.",
        schema=T,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'z', 9), (7, 'g', 7) ON CONFLICT (id) DO UPDATE SET x = excluded.x",),
        expected=(updated("t", {"id": 1}, x=("a", "z")), created("t", id=7, x="g", n=7)),
    ),
    Case(
        id="upsert-by-unique-column",
        promise="The row that was there is updated, under its own key.",
        schema=UNIQUE,
        setup=ROWS,
        run=("INSERT INTO t VALUES (9, 'a', 5) ON CONFLICT (x) DO UPDATE SET n = excluded.n",),
        expected=(updated("t", {"id": 1}, n=(1, 5)),),
    ),
    Case(
        id="upsert-same-values",
        promise="An upsert that changes nothing is no change.",
        schema=T,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'a', 1) ON CONFLICT (id) DO UPDATE SET x = excluded.x, n = excluded.n",),
        expected=(),
    ),
    Case(
        id="upsert-where-false",
        promise="A condition that is not met leaves the row, and nothing is recorded.",
        schema=T,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'z', 9) ON CONFLICT (id) DO UPDATE SET n = 9 WHERE t.n > 100",),
        expected=(),
    ),
    Case(
        id="upsert-nothing-on-match",
        promise="DO NOTHING with a match is nothing.",
        schema=T,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'z', 9) ON CONFLICT (id) DO NOTHING",),
        expected=(),
    ),
    Case(
        id="upsert-nothing-mixed",
        promise="DO NOTHING passes over some rows and creates the others.",
        schema=UNIQUE,
        setup=ROWS,
        run=("INSERT INTO t VALUES (1, 'q', 9), (7, 'g', 7), (8, 'b', 8) ON CONFLICT DO NOTHING",),
        expected=(created("t", id=7, x="g", n=7),),
    ),
    Case(
        id="upsert-nothing-then-the-very-row",
        promise="A row that was passed over leaves no trace, also when it is made later.",
        schema=T,
        setup=ROWS,
        run=(
            "BEGIN",
            "INSERT INTO t VALUES (1, 'z', 9) ON CONFLICT DO NOTHING",
            "DELETE FROM t WHERE id = 1",
            "INSERT INTO t VALUES (1, 'z', 9)",
            "COMMIT",
        ),
        expected=(deleted("t", id=1, x="a", n=1), created("t", id=1, x="z", n=9)),
    ),
    Case(
        id="upsert-moves-the-key",
        promise="An upsert may change the key of the row it meets.",
        schema=UNIQUE,
        setup=ROWS,
        run=("INSERT INTO t VALUES (9, 'a', 1) ON CONFLICT (x) DO UPDATE SET id = excluded.id",),
        expected=(updated("t", {"id": 9}, id=(1, 9)),),
    ),
)

REFUSED = (
    Case(
        id="insert-refused",
        promise="A row that breaks a constraint was never there.",
        schema=UNIQUE,
        setup=ROWS,
        run=(Fails("INSERT INTO t VALUES (9, 'a', 1)"), Fails("INSERT INTO t VALUES (1, 'q', 1)")),
        expected=(),
    ),
    Case(
        id="insert-refused-half-way",
        promise="A statement that fails at its second row leaves nothing of its first.",
        schema=UNIQUE,
        setup=ROWS,
        run=(Fails("INSERT INTO t VALUES (9, 'q', 1), (10, 'a', 1)"), "INSERT INTO t VALUES (11, 'r', 1)"),
        expected=(created("t", id=11, x="r", n=1),),
    ),
    Case(
        id="update-refused-half-way",
        promise="An update that fails at a later row changed nothing.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, n INTEGER CHECK (n < 100))",
        setup=ROWS,
        run=(Fails("UPDATE t SET n = n * 40"),),
        expected=(),
    ),
    Case(
        id="delete-refused",
        promise="A delete that a foreign key forbids is none.",
        schema=f"{T}; CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t)",
        setup=(*ROWS, "INSERT INTO u VALUES (1, 2)"),
        run=(Fails("DELETE FROM t"),),
        expected=(),
    ),
)

CASES = (*UPSERTS, *REFUSED)
