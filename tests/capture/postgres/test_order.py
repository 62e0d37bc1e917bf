"""The changes of one row are told in the order in which they happened, whatever triggers the application has."""

import itertools

import pytest

from tests.capture.postgres.world import PostgresWorld

T = "CREATE TABLE t (id integer PRIMARY KEY, n integer, x text)"
PARTED = (
    T
    + " PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (50);"
    + ("CREATE TABLE t2 PARTITION OF t DEFAULT")
)
TOUCH = """CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF pg_trigger_depth() < 3 THEN {body} END IF; RETURN {gives};
END $$; CREATE TRIGGER {name} {when} ON t {each} EXECUTE FUNCTION touch()"""
ROW = "FOR EACH ROW"
NONE = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"


def chained(world: PostgresWorld) -> bool:
    """Whether each change of `n` begins where the one before it ended."""
    last: dict[str, object] = {}
    for entry in world.sealed():
        n = entry.changes.get("n", {})
        if "old" in n and entry.operation == "update" and last.get(entry.entity.id, n["old"]) != n["old"]:
            return False
        if "new" in n:
            last[entry.entity.id] = n["new"]
    return True


BODIES = {
    "the same row": (ROW, "UPDATE t SET n = n + 1 WHERE id = NEW.id;"),
    "the next row": (ROW, "UPDATE t SET n = n + 1 WHERE id = NEW.id + 1;"),
    "the row before": (ROW, "UPDATE t SET n = n + 1 WHERE id = NEW.id - 1;"),
    "all rows": ("", "UPDATE t SET n = n + 1;"),
    "gone again": (ROW, "IF NEW.n % 3 = 0 THEN DELETE FROM t WHERE id = NEW.id; END IF;"),
    "gone and back": (ROW, "DELETE FROM t WHERE id = NEW.id; INSERT INTO t VALUES (NEW.id, NEW.n + 7, 'again');"),
}


@pytest.mark.parametrize("name", ["A_first", "a_first", "z_last"])
@pytest.mark.parametrize("body", BODIES)
def test_what_a_trigger_writes_is_told_behind_the_statement_that_it_answers(
    world: PostgresWorld, body: str, name: str
) -> None:
    each, does = BODIES[body]
    world.watch(T + ";" + TOUCH.format(body=does, gives="NULL", name=name, when="AFTER INSERT OR UPDATE", each=each))
    world.run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 9) i")
    assert world.differences() == []
    world.run("UPDATE t SET n = n + 10 WHERE id > 3")
    world.run("BEGIN; UPDATE t SET n = n + 20; UPDATE t SET n = n + 30 WHERE id < 5; COMMIT")
    world.run("INSERT INTO t SELECT i, 1 FROM generate_series(5, 12) i ON CONFLICT (id) DO UPDATE SET n = t.n + 100")
    assert world.differences() == []
    assert chained(world)
    assert world.differences() == []


@pytest.mark.parametrize("name", ["A_first", "z_last"])
@pytest.mark.parametrize("body", ["the same row", "gone again", "gone and back"])
def test_so_it_is_in_partitions(world: PostgresWorld, body: str, name: str) -> None:
    each, does = BODIES[body]
    world.watch(
        PARTED + ";" + TOUCH.format(body=does, gives="NULL", name=f'"{name}"', when="AFTER INSERT OR UPDATE", each=each)
    )
    world.run("INSERT INTO t SELECT i, 0 FROM generate_series(45, 54) i")
    world.run("UPDATE t SET n = n + 10 WHERE id > 47")
    assert chained(world)
    assert world.differences() == []


def test_what_a_trigger_does_beforehand_is_told_before(world: PostgresWorld) -> None:
    """Whoever makes room for a row deletes first; so it does not matter that both have other triggers behind them."""
    room = TOUCH.format(body="DELETE FROM t WHERE id = NEW.id;", gives="NEW", name="r", when="BEFORE INSERT", each=ROW)
    after = f"CREATE TRIGGER also AFTER INSERT OR DELETE ON t {ROW} EXECUTE FUNCTION nothing()"
    world.watch(f"{T}; {room}; {NONE}; {after}")
    for n in (1, 2, 2, 3):
        world.run("INSERT INTO t VALUES (1, %s)", (n,))
    told = [entry.operation for entry in world.sealed()]
    assert told == ["create", *itertools.chain.from_iterable([("delete", "create")] * 3)]
    assert world.differences() == []


def test_a_statement_that_failed_leaves_no_place_behind(world: PostgresWorld) -> None:
    world.watch(T + ";" + TOUCH.format(
        body="IF NEW.n = 13 THEN RAISE 'no'; END IF; UPDATE t SET n = n + 1 WHERE id = NEW.id;", gives="NULL",
        name="a", when="AFTER INSERT OR UPDATE", each=ROW,
    ))  # fmt: skip
    world.run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 3) i")
    world.run(
        "BEGIN; SAVEPOINT s; UPDATE t SET n = n + 5; ROLLBACK TO s; UPDATE t SET n = n * 10;"
        "DO $$ BEGIN UPDATE t SET n = 13; EXCEPTION WHEN raise_exception THEN NULL; END $$;"
        "UPDATE t SET n = n + 1 WHERE id = 2; COMMIT"
    )
    assert chained(world)
    assert world.differences() == []


@pytest.mark.parametrize("mark", ["x", "", "-1", "99999999999999999999", "1"])
def test_a_place_that_somebody_claims_breaks_no_write(world: PostgresWorld, mark: str) -> None:
    world.watch(T + ";" + TOUCH.format(body="", gives="NULL", name="a", when="AFTER INSERT", each=ROW))
    (oid,) = world.query("SELECT 't'::regclass::oid::integer")
    world.run(f"SET indelible.mark_{oid}_1 = '{mark}'")
    world.run("INSERT INTO t VALUES (1, 1)")
    world.run("INSERT INTO t VALUES (2, 2)")
    assert len(world.sealed()) == 2


def test_statements_of_many_rows_keep_their_order_too(world: PostgresWorld) -> None:
    world.watch(
        T + ";" + TOUCH.format(body=BODIES["all rows"][1], gives="NULL", name="a", when="AFTER UPDATE", each="")
    )
    world.run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 2500) i")
    world.run("UPDATE t SET n = n + 10")
    assert chained(world)
    assert world.differences() == []
