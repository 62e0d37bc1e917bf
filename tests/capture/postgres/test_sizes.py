"""Statements of any number of rows, and rows of any width, are written down whole, each old row beside its new one."""

import base64
import hashlib
from typing import Any

import psycopg
import pytest

from indelible.capture.postgres import sizes
from indelible.event import Entry
from tests.capture.postgres.world import PostgresWorld
from tests.world import told

T = "CREATE TABLE t (id integer PRIMARY KEY, n integer, x text, b bytea)"
MB = 1024 * 1024


def pairs(entries: list[Entry]) -> list[tuple[str, int, Any, Any]]:
    """Operation, key, old and new `n`."""
    sides = [(entry, entry.changes.get("n", {})) for entry in entries]
    return sorted((entry.operation, int(entry.entity.id), n.get("old"), n.get("new")) for entry, n in sides)


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 5000])
def test_every_row_of_a_statement_is_recorded_once_with_what_it_was(world: PostgresWorld, count: int) -> None:
    world.watch(T)
    world.run("INSERT INTO t (id, n) SELECT i, i FROM generate_series(1, %s) i", (count,))
    world.run("UPDATE t SET n = -n WHERE id > 0")
    world.run("DELETE FROM t")
    entries = world.sealed()
    ids = range(1, count + 1)
    assert pairs(entries[:count]) == [("create", i, None, i) for i in ids]
    assert pairs(entries[count : 2 * count]) == [("update", i, i, -i) for i in ids]
    assert pairs(entries[2 * count :]) == [("delete", i, -i, None) for i in ids]


@pytest.mark.parametrize(("width", "count"), [(60_000, 3), (70_000, 40), (300_000, 40), (9 * MB, 3)])
def test_wide_rows_are_recorded_whole(world: PostgresWorld, width: int, count: int) -> None:
    world.watch(T)
    letters = "repeat(chr(64 + mod(i, 26)), %s)"
    world.run(f"INSERT INTO t SELECT i, i, {letters} FROM generate_series(1, %s) i", (width, count))
    world.run("UPDATE t SET n = -n, x = lower(x) WHERE mod(id, 2) = 1")
    world.run("TRUNCATE t")
    entries = world.sealed()
    odd = [i for i in range(1, count + 1) if i % 2]
    assert pairs(entries[count : count + len(odd)]) == [("update", i, i, -i) for i in odd]
    for entry in entries[: count + len(odd)]:
        letter = chr(64 + int(entry.entity.id) % 26)
        value = world.log.attached(entry.changes["x"]["new"]["sha256"])
        assert value == (letter if entry.operation == "create" else letter.lower()) * width
    assert len(entries) == 2 * count + len(odd)
    outbox = world.query("SELECT count(*) FROM indelible.outbox")
    assert outbox == [0]


def test_no_row_of_the_outbox_has_more_than_a_chunk(world: PostgresWorld) -> None:
    world.watch(T)
    world.run("INSERT INTO t SELECT i, i, repeat('x', 100000) FROM generate_series(1, 500) i")
    widest = "SELECT max(pg_column_size(new)), sum(rows), count(*) > 1 FROM indelible.outbox"
    ((size, rows, several),) = world.query(widest)
    assert size < 9 * MB
    assert (rows, several) == (500, True)
    assert len(world.sealed()) == 500


HOSTILE = """
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.n %% 3 = 0 THEN RETURN NULL; END IF;
  NEW.x := coalesce(NEW.x, '') || '!';
  IF NEW.n %% 5 = 0 AND NEW.id BETWEEN 0 AND 99999 THEN NEW.id := NEW.id + 100000; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER a_meddles BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION meddle();
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.n %% 7 = 0 THEN RETURN NULL; END IF; RETURN OLD;
END $$;
CREATE TRIGGER b_keeps BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION keep();
""".replace("%%", "%")
WRITES = (
    "INSERT INTO t (id, n) SELECT i, i FROM generate_series(1, 1500) i",
    "UPDATE t SET n = n + 1",
    (
        "INSERT INTO t (id, n, x) SELECT i, 1, 'upsert' FROM generate_series(1, 1500) i "
        "ON CONFLICT (id) DO UPDATE SET n = t.n + 2, x = excluded.x"
    ),
    "INSERT INTO t (id, n) SELECT i, 1 FROM generate_series(1000, 3000) i ON CONFLICT DO NOTHING",
    (
        "MERGE INTO t USING generate_series(1, 4000) i ON t.id = i WHEN MATCHED AND i % 2 = 0 THEN DELETE "
        "WHEN MATCHED THEN UPDATE SET n = t.n * 2, x = NULL WHEN NOT MATCHED THEN INSERT (id, n) VALUES (i, 1)"
    ),
    "UPDATE t SET id = -id WHERE id % 2 = 1",
    "WITH gone AS (DELETE FROM t WHERE n % 2 = 1 RETURNING id) INSERT INTO t (id, n) SELECT id + 500000, 1 FROM gone",
    "DELETE FROM t WHERE id % 3 = 0",
)


def test_old_and_new_stay_paired_whatever_other_triggers_do(world: PostgresWorld) -> None:
    """The differences are between replaying the log and the table: one wrong pair would be one."""
    world.watch(T + ";" + HOSTILE)
    for sql in WRITES:
        world.run(sql)
        assert world.differences() == [], sql
    assert len(world.sealed()) > 5000
    assert world.differences() == []


def test_cascades_within_a_table_and_keys_that_rotate_are_recorded(world: PostgresWorld) -> None:
    world.watch(
        "CREATE TABLE t (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE)"
    )
    world.run("INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 300) i")
    world.run("UPDATE tree SET id = -id WHERE id % 3 = 0")
    assert world.differences() == []
    world.run("DELETE FROM tree WHERE id = 1")
    assert len([entry for entry in world.sealed() if entry.operation == "delete"]) == 300
    world.run("INSERT INTO t SELECT generate_series(1, 1200)")
    world.run("UPDATE t SET id = id % 1200 + 1")
    first = "(SELECT min(ctid) FROM t WHERE id = 2)"
    world.run(f"BEGIN; UPDATE t SET id = 2 WHERE id = 1; UPDATE t SET id = 1 WHERE ctid = {first}; COMMIT")
    assert world.differences() == []
    world.sealed()
    assert world.differences() == []


def test_the_changes_of_one_row_are_in_their_order(world: PostgresWorld) -> None:
    world.watch(T)
    world.run("INSERT INTO t (id, n) VALUES (1, 0)")
    for _ in range(5):
        world.run("BEGIN; UPDATE t SET n = n + 1; UPDATE t SET n = n + 1; COMMIT")
    steps = [changes["n"] for operation, _, changes in told(world.sealed()) if operation == "update"]
    assert steps == [{"old": i, "new": i + 1} for i in range(10)]


@pytest.fixture
def at_1_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large already: 64 MB take seconds."""
    monkeypatch.setattr(sizes, "LARGE", MB)


def large(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "preview": ""}


def test_a_value_of_100_mb_is_recorded_by_its_size_and_hash(world: PostgresWorld) -> None:
    world.watch(T)
    size = 100 * MB
    world.run("INSERT INTO t VALUES (1, 1, repeat('ä', %s), decode(repeat('00', %s), 'hex'))", (size // 2, size))
    world.run("UPDATE t SET n = 2")
    created, updated = world.sealed()
    assert created.changes["x"]["new"] == large("ä".encode() * (size // 2))
    assert created.changes["b"]["new"] == large(bytes(size))
    assert list(updated.changes) == ["n"]


@pytest.mark.usefixtures("at_1_mb")
def test_a_large_value_of_any_type_beside_a_small_one(world: PostgresWorld) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, x json, y text[], z varchar(10))")
    size = 2 * MB
    world.run("INSERT INTO t VALUES (1, ('\"' || repeat('a', %s) || '\"')::json, ARRAY[repeat('b', %s)])", (size, size))
    world.run("UPDATE t SET x = '1', z = 'small'")
    world.run("TRUNCATE t")
    created, updated, emptied = world.sealed()
    assert created.changes["x"]["new"] == large(b'"' + b"a" * size + b'"')
    assert created.changes["y"]["new"] == large(b"{" + b"b" * size + b"}")
    assert updated.changes == {
        "x": {"old": created.changes["x"]["new"], "new": "1"},
        "z": {"old": None, "new": "small"},
    }
    assert emptied.changes["y"]["old"] == created.changes["y"]["new"]


@pytest.mark.slow
def test_values_whose_text_would_pass_what_postgresql_can_hold_are_recorded(world: PostgresWorld) -> None:
    world.watch(T)
    world.run("INSERT INTO t VALUES (1, 1, NULL, decode(repeat('00', 300000000), 'hex'))")
    world.run("INSERT INTO t VALUES (2, 1, repeat('a', 600000000), NULL)")
    world.run("UPDATE t SET n = 2")
    entries = world.sealed()
    assert entries[0].changes["b"]["new"] == large(bytes(300_000_000))
    assert entries[1].changes["x"]["new"] == large(b"a" * 600_000_000)
    assert [list(entry.changes) for entry in entries[2:]] == [["n"], ["n"]]


@pytest.mark.usefixtures("at_1_mb")
def test_what_is_hidden_stays_hidden_however_large_and_that_it_changed_is_seen(world: PostgresWorld) -> None:
    map_text = '[t]\nredact = ["x"]\nhash = ["y"]\nguard = ["card"]'
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, n integer, x text, y text, z text)", map_text=map_text)
    world.run("INSERT INTO t SELECT 1, 1, v, v, v FROM repeat('a', 2000000) v")
    world.run("UPDATE t SET n = 2")
    world.run("UPDATE t SET x = 'b' || substr(x, 2), y = 'b' || substr(y, 2)")
    created, same, changed = world.sealed()
    assert created.changes["x"]["new"] == {"redacted": True}
    assert created.changes["z"]["new"] == large(b"a" * 2_000_000)
    assert (list(same.changes), list(changed.changes)) == (["n"], ["x", "y"])
    assert created.changes["y"]["new"] == changed.changes["y"]["old"] != changed.changes["y"]["new"]


@pytest.mark.usefixtures("at_1_mb")
def test_a_large_value_that_was_changed_behind_the_log_is_a_difference(world: PostgresWorld) -> None:
    world.watch(T)
    world.run("INSERT INTO t VALUES (1, 1, repeat('a', 2000000), NULL), (2, 1, repeat('b', 2000000), NULL)")
    world.sealed()
    assert world.differences() == []
    world.run("ALTER TABLE t DISABLE TRIGGER USER")
    world.run("UPDATE t SET x = 'b' || substr(x, 2) WHERE id = 1")
    ((table, row, kind, columns),) = world.differences()
    assert (table, row, kind, list(columns)) == ("t", "1", "changed", ["x"])


def test_what_stands_for_a_column_that_is_gone_cannot_be_written_by_a_client(world: PostgresWorld) -> None:
    """Everybody may read the functions' bodies."""
    world.watch(T)
    app = world.role("app", "GRANT INSERT ON t TO {}")
    with world.client(app) as db:
        ((source,),) = db.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE 'capture_%_create'").fetchall()
        texts = [source, *source.split("'")]
        for number, text in enumerate(texts):
            db.execute("INSERT INTO t (id, x) VALUES (%s, %s)", (number, text))
    assert [kept(world, entry.changes["x"]["new"]) for entry in world.sealed()] == texts


def kept(world: PostgresWorld, value: Any) -> Any:
    return world.log.attached(value["sha256"]) if isinstance(value, dict) else value


@pytest.fixture
def rows_at_3_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "ROW", 3 * MB)


KINDS = {
    "text": ("repeat('{letter}', {size})", "{letters}"),
    "bytea": ("decode(repeat('{code}', {size}), 'hex')", "{letters}"),
    "json": ("('\"' || repeat('{letter}', {size}) || '\"')::json", '"{letters}"'),
    "jsonb": ("to_jsonb(repeat('{letter}', {size}))", '"{letters}"'),
    "text[]": ("ARRAY[repeat('{letter}', {size})]", "{{{letters}}}"),
    "citext": ("repeat('{letter}', {size})::citext", "{letters}"),
}


@pytest.mark.usefixtures("at_1_mb", "rows_at_3_mb")
@pytest.mark.parametrize("type_", KINDS)
@pytest.mark.parametrize("parted", ["", " PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT"])
def test_of_a_row_that_is_too_wide_the_wide_values_are_recorded_by_size_and_hash(
    world: PostgresWorld, type_: str, parted: str
) -> None:
    """None of them is large by itself. What is small is kept, and what is not changed is not told."""
    columns = ", ".join(f"x{i} {type_}" for i in range(9))
    world.watch(f"CREATE EXTENSION citext; CREATE TABLE t (id integer PRIMARY KEY, n integer, {columns}){parted}")
    spelled, text = KINDS[type_]
    wide = 900_000

    def value(letter: str, size: int = wide) -> str:
        return spelled.format(letter=letter, code=f"{ord(letter):x}", size=size)

    values = ", ".join(value(letter, 1000 if letter == "i" else wide) for letter in "abcdefghi")
    world.run(f"INSERT INTO t VALUES (1, 1, {values}), (2, 1, {value('a')}{', NULL' * 8})")
    world.run("UPDATE t SET n = 2")
    world.run(f"UPDATE t SET x0 = {value('A')}, x8 = NULL WHERE id = 1")
    world.run("TRUNCATE t") if not parted else world.run("DELETE FROM t")
    both, (changed, *_) = world.sealed()[:2], world.sealed()[4:]
    assert [list(entry.changes) for entry in world.sealed()[2:4]] == [["n"], ["n"]]
    created, narrow = sorted(both, key=lambda entry: entry.entity.id)
    for i, letter in enumerate("abcdefgh"):
        assert created.changes[f"x{i}"]["new"] == large(text.format(letters=letter * wide).encode())
    kept = text.format(letters="i" * 1000)
    assert read(created.changes["x8"]["new"]) == kept
    assert read(world.log.attached(narrow.changes["x0"]["new"]["sha256"])) == text.format(letters="a" * wide)
    assert changed.changes["x0"] == {
        "old": large(text.format(letters="a" * wide).encode()), "new": large(text.format(letters="A" * wide).encode()),
    }  # fmt: skip
    assert (list(changed.changes), read(changed.changes["x8"]["old"])) == (["x0", "x8"], kept)


def read(value: Any) -> str:
    return base64.b64decode(value["bytes"]).decode() if isinstance(value, dict) else value


@pytest.mark.slow
@pytest.mark.parametrize(("type_", "count"), [("text", 9), ("bytea", 6)])
def test_a_row_whose_values_together_pass_what_postgresql_can_hold_is_written(
    world: PostgresWorld, type_: str, count: int
) -> None:
    """None of them is large by itself."""
    columns = ", ".join(f"x{i} {type_}" for i in range(count))
    world.watch(f"CREATE TABLE t (id integer PRIMARY KEY, n integer, {columns})")
    size = 60 * MB
    values = ", ".join(f"convert_to(repeat('{i}', {size}), 'UTF8')" for i in range(count))
    values = values if type_ == "bytea" else values.replace("convert_to", "concat").replace(", 'UTF8'", "")
    world.run(f"INSERT INTO t VALUES (1, 1, {values})")
    world.run("UPDATE t SET n = 2")
    created, updated = world.sealed()
    assert created.changes["x1"]["new"] == large(b"1" * size)
    assert list(updated.changes) == ["n"]


@pytest.mark.slow
@pytest.mark.parametrize(("type_", "gather"), [("numeric[]", "array_agg"), ("jsonb", "jsonb_agg")])
def test_a_value_that_cannot_be_text_is_recorded_and_that_it_changed(
    world: PostgresWorld, type_: str, gather: str
) -> None:
    """PostgreSQL itself cannot show it: 12 bytes of 1e131071 are 131 KB of text."""
    world.watch(f"CREATE TABLE t (id integer PRIMARY KEY, n integer, x {type_})")
    value = f"(SELECT {gather}(1e131071::numeric + i / 8200) FROM generate_series(1, %s) i)"
    world.run(f"INSERT INTO t VALUES (1, 1, {value})", (8200,))
    with pytest.raises(psycopg.Error, match=r"memory|buffer"):
        world.query("SELECT x::text FROM t")
    world.run("UPDATE t SET n = 2")
    world.run(f"UPDATE t SET x = {value}", (8199,))
    created, same, changed = world.sealed()
    assert created.changes["x"]["new"].keys() == {"sha256", "size", "preview"}
    assert list(same.changes) == ["n"]
    assert changed.changes["x"]["old"] == created.changes["x"]["new"] != changed.changes["x"]["new"]
