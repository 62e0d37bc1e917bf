"""What was rolled back never happened; what others set off did."""

from tests.capture_torture.cases.tables import ROWS, UNIQUE, T
from tests.capture_torture.model import POSTGRES, SQLITE, Case, Engine, Fails, created, deleted, updated

A, B = created("t", id=11, x="a1", n=1), created("t", id=12, x="b1", n=2)
INSERT_A, INSERT_B = "INSERT INTO t VALUES (11, 'a1', 1)", "INSERT INTO t VALUES (12, 'b1', 2)"

TRANSACTIONS = (
    Case(
        id="rollback",
        promise="What is rolled back never happened.",
        schema=T,
        setup=ROWS,
        run=("BEGIN", INSERT_A, "UPDATE t SET n = 0", "DELETE FROM t", "ROLLBACK"),
        expected=(),
    ),
    Case(
        id="savepoint-rolled-back",
        promise="What is rolled back to a savepoint never happened; what was before did.",
        schema=T,
        run=("BEGIN", INSERT_A, "SAVEPOINT s", INSERT_B, "ROLLBACK TO s", "COMMIT"),
        expected=(A,),
    ),
    Case(
        id="savepoint-released",
        promise="A released savepoint leaves everything.",
        schema=T,
        run=("BEGIN", "SAVEPOINT s", INSERT_A, "RELEASE s", INSERT_B, "COMMIT"),
        expected=(A, B),
    ),
    Case(
        id="savepoints-nested",
        promise="An inner savepoint's work goes when an outer one is rolled back.",
        schema=T,
        run=(
            "BEGIN",
            "SAVEPOINT a",
            INSERT_A,
            "SAVEPOINT b",
            INSERT_B,
            "RELEASE b",
            "ROLLBACK TO a",
            INSERT_B,
            "COMMIT",
        ),
        expected=(B,),
    ),
    Case(
        id="savepoint-inner-rolled-back",
        promise="The inner savepoint is undone, the outer one stays.",
        schema=T,
        run=(
            "BEGIN",
            "SAVEPOINT a",
            INSERT_A,
            "SAVEPOINT b",
            "UPDATE t SET n = 5",
            "ROLLBACK TO b",
            "RELEASE a",
            "COMMIT",
        ),
        expected=(A,),
    ),
    Case(
        id="failure-inside-a-transaction",
        promise="A statement that fails inside a savepoint takes nothing else with it.",
        schema=UNIQUE,
        run=("BEGIN", INSERT_A, "SAVEPOINT s", Fails(INSERT_A), "ROLLBACK TO s", INSERT_B, "COMMIT"),
        expected=(A, B),
    ),
    Case(
        id="deferred-constraint",
        promise="A child may come before its parent when the constraint waits.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY, "
        "t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
        run=("BEGIN", "INSERT INTO u VALUES (1, 1)", "INSERT INTO t VALUES (1)", "COMMIT"),
        expected=(created("u", id=1, t=1), created("t", id=1)),
    ),
    Case(
        id="deferred-constraint-fails-at-commit",
        promise="A transaction that fails at its very end never happened.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY, "
        "t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
        run=("BEGIN", "INSERT INTO u VALUES (1, 1)", Fails("COMMIT"), "ROLLBACK"),
        expected=(),
    ),
)

CHILD = "CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t ON {event} {action}, y TEXT)"
CHILDREN = (*ROWS, "INSERT INTO u VALUES (1, 1, 'p'), (2, 1, 'q'), (3, 2, 'r')")

CASCADES = (
    Case(
        id="cascade-delete",
        promise="Rows that a deleted parent takes with it are recorded.",
        schema=f"{T}; " + CHILD.format(event="DELETE", action="CASCADE"),
        setup=CHILDREN,
        run=("DELETE FROM t WHERE id = 1",),
        expected=(
            deleted("t", id=1, x="a", n=1),
            deleted("u", id=1, t=1, y="p"),
            deleted("u", id=2, t=1, y="q"),
        ),
    ),
    Case(
        id="cascade-set-null",
        promise="References that a deleted parent empties are recorded.",
        schema=f"{T}; " + CHILD.format(event="DELETE", action="SET NULL"),
        setup=CHILDREN,
        run=("DELETE FROM t WHERE id = 1",),
        expected=(
            deleted("t", id=1, x="a", n=1),
            updated("u", {"id": 1}, t=(1, None)),
            updated("u", {"id": 2}, t=(1, None)),
        ),
    ),
    Case(
        id="cascade-set-default",
        promise="References that fall back to their default are recorded.",
        schema=f"{T}; {CHILD}".format(event="DELETE", action="SET DEFAULT DEFAULT 3"),
        setup=CHILDREN,
        run=("DELETE FROM t WHERE id = 2",),
        expected=(deleted("t", id=2, x="b", n=2), updated("u", {"id": 3}, t=(2, 3))),
    ),
    Case(
        id="cascade-update",
        promise="References that follow a changed key are recorded.",
        schema=f"{T}; " + CHILD.format(event="UPDATE", action="CASCADE"),
        setup=CHILDREN,
        run=("UPDATE t SET id = 9 WHERE id = 1",),
        expected=(
            updated("t", {"id": 9}, id=(1, 9)),
            updated("u", {"id": 1}, t=(1, 9)),
            updated("u", {"id": 2}, t=(1, 9)),
        ),
    ),
    Case(
        id="cascade-within-one-table",
        promise="A tree that goes with its root is recorded to the leaves.",
        schema="CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t ON DELETE CASCADE)",
        setup=("INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, NULL)",),
        run=("DELETE FROM t WHERE id = 1",),
        expected=tuple(deleted("t", id=i, up=up) for i, up in ((1, None), (2, 1), (3, 2), (4, 3))),
    ),
    Case(
        id="cascade-three-deep",
        promise="A cascade through three tables is recorded in each.",
        schema="CREATE TABLE a (id INTEGER PRIMARY KEY); "
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a ON DELETE CASCADE); "
        "CREATE TABLE c (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b ON DELETE SET NULL)",
        setup=("INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1, 1)", "INSERT INTO c VALUES (1, 1)"),
        run=("DELETE FROM a",),
        expected=(deleted("a", id=1), deleted("b", id=1, a=1), updated("c", {"id": 1}, b=(1, None))),
    ),
    Case(
        id="cascade-rolled-back",
        promise="A cascade that is rolled back never happened.",
        schema=f"{T}; " + CHILD.format(event="DELETE", action="CASCADE"),
        setup=CHILDREN,
        run=("BEGIN", "DELETE FROM t", "ROLLBACK"),
        expected=(),
    ),
)

COUNTS = "CREATE TABLE counts (id INTEGER PRIMARY KEY, n INTEGER)"
FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
TRIGGER = "CREATE TRIGGER {name} {when} ON t FOR EACH ROW EXECUTE FUNCTION f()"


def _triggered(sqlite: str, body: str, when: str, name: str = "app") -> dict[Engine, str]:
    """A trigger of the application's own, in both dialects."""
    function, trigger = FUNCTION.format(body=body), TRIGGER.format(name=name, when=when)
    return {"sqlite": f"{T}; {COUNTS}; {sqlite}", "postgres": f"{T}; {COUNTS}; {function}; {trigger}"}


TRIGGERS = (
    Case(
        id="own-trigger-writes-another-table",
        promise="What an application's own trigger writes elsewhere is recorded.",
        schema=_triggered(
            "CREATE TRIGGER app AFTER INSERT ON t BEGIN UPDATE counts SET n = n + 1; END",
            "UPDATE counts SET n = n + 1; RETURN NEW;",
            "AFTER INSERT",
        ),
        setup=("INSERT INTO counts VALUES (1, 0)",),
        run=(INSERT_A, INSERT_B),
        expected=(A, B, updated("counts", {"id": 1}, n=(0, 1)), updated("counts", {"id": 1}, n=(1, 2))),
    ),
    Case(
        id="own-trigger-writes-the-same-row",
        promise="A row that a trigger changes after it was made is recorded as made, and as changed.",
        schema=_triggered(
            "CREATE TRIGGER app AFTER INSERT ON t BEGIN UPDATE t SET x = upper(NEW.x) WHERE id = NEW.id; END",
            "UPDATE t SET x = upper(NEW.x) WHERE id = NEW.id; RETURN NULL;",
            "AFTER INSERT",
        ),
        run=(INSERT_A,),
        expected=(A, updated("t", {"id": 11}, x=("a1", "A1"))),
    ),
    Case(
        id="own-trigger-deletes-the-new-row",
        promise="A row that does not outlive its own insert was made and deleted.",
        schema=_triggered(
            "CREATE TRIGGER app AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = NEW.id; END",
            "DELETE FROM t WHERE id = NEW.id; RETURN NULL;",
            "AFTER INSERT",
        ),
        run=(INSERT_A,),
        expected=(A, deleted("t", id=11, x="a1", n=1)),
    ),
    Case(
        id="own-trigger-says-no",
        promise="A row that a trigger passes over silently was never there.",
        schema=_triggered(
            "CREATE TRIGGER app BEFORE INSERT ON t WHEN NEW.n = 1 BEGIN SELECT RAISE(IGNORE); END",
            "IF NEW.n = 1 THEN RETURN NULL; END IF; RETURN NEW;",
            "BEFORE INSERT",
        ),
        run=(INSERT_A, INSERT_B),
        expected=(B,),
    ),
    Case(
        id="own-trigger-says-no-to-a-delete",
        promise="A row that a trigger keeps was not deleted.",
        schema=_triggered(
            "CREATE TRIGGER app BEFORE DELETE ON t WHEN OLD.n = 1 BEGIN SELECT RAISE(IGNORE); END",
            "IF OLD.n = 1 THEN RETURN NULL; END IF; RETURN OLD;",
            "BEFORE DELETE",
        ),
        setup=ROWS,
        run=("DELETE FROM t WHERE id < 3",),
        expected=(deleted("t", id=2, x="b", n=2),),
    ),
    Case(
        id="own-trigger-refuses",
        promise="A write that a trigger refuses never happened.",
        schema=_triggered(
            "CREATE TRIGGER app AFTER INSERT ON t WHEN NEW.n = 1 BEGIN SELECT RAISE(ABORT, 'no'); END",
            "IF NEW.n = 1 THEN RAISE 'no'; END IF; RETURN NEW;",
            "AFTER INSERT",
        ),
        run=(Fails(INSERT_A), INSERT_B),
        expected=(B,),
    ),
    Case(
        id="own-trigger-rewrites-the-row",
        promise="What is recorded is what was stored, not what was asked for.",
        engines=POSTGRES,
        schema=_triggered("", "NEW.x := upper(NEW.x); RETURN NEW;", "BEFORE INSERT OR UPDATE", "zzz"),
        run=(INSERT_A, "UPDATE t SET x = 'other'"),
        expected=(created("t", id=11, x="A1", n=1), updated("t", {"id": 11}, x=("A1", "OTHER"))),
    ),
    Case(
        id="own-trigger-undoes-the-change",
        promise="An update that a trigger undoes is no change.",
        engines=POSTGRES,
        schema=_triggered("", "NEW.x := OLD.x; RETURN NEW;", "BEFORE UPDATE", "zzz"),
        setup=ROWS,
        run=("UPDATE t SET x = 'other'",),
        expected=(),
    ),
    Case(
        id="own-trigger-on-the-same-update",
        promise="A trigger that updates its own row again is recorded step by step.",
        engines=SQLITE,
        schema=f"{T}; CREATE TRIGGER app AFTER UPDATE OF x ON t BEGIN UPDATE t SET n = n + 1 WHERE id = NEW.id; END",
        setup=ROWS,
        run=("UPDATE t SET x = 'z' WHERE id = 1",),
        expected=(updated("t", {"id": 1}, x=("a", "z")), updated("t", {"id": 1}, n=(1, 2))),
    ),
)

CASES = (*TRANSACTIONS, *CASCADES, *TRIGGERS)
