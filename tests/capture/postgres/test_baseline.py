"""The rows that were there when watching began are in the log, whatever their keys and whoever writes meanwhile."""

import threading
import time
from contextlib import closing
from typing import Any

import pytest

from indelible.capture.postgres import baseline, joined
from indelible.capture.postgres.source import PostgresSource
from indelible.event import Entry
from tests.capture.postgres.world import PostgresWorld
from tests.capture.postgres.writers import SCHEMA, Writers

T = "CREATE TABLE t (id integer PRIMARY KEY, n integer, x text)"


def rows(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.operation, entry.entity.id) for entry in entries if not entry.action.startswith("AUDIT_")]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "PAGE", 7)


KEYS = {
    "integer": "i - 25",
    "smallint": "i",
    "numeric": "CASE WHEN i = 50 THEN 'NaN' ELSE i / 7::numeric END",
    "double precision": "CASE i WHEN 50 THEN 'NaN' WHEN 49 THEN '-Infinity' ELSE i / 7::float8 END",
    "real": "i / 7::float4",
    "money": "(i - 25)::money",
    "text": "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END || i",
    "text COLLATE pg_c_utf8": "chr(223 + i)",
    "char(5)": "'a' || CASE WHEN i < 9 THEN ' ' || i ELSE i::text END",
    "name": "'n' || i",
    "citext": "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END || i",
    "ltree": "('a.b' || i)::ltree",
    "mood": "('m' || i)::mood",
    "even": "i * 2",
    "place": "ROW('a', i)::place",
    "integer[]": "ARRAY[i, NULL]",
    "int4range": "int4range(i, i + 1)",
    "uuid": "gen_random_uuid()",
    "bytea": "decode(lpad(to_hex(i), 2, '0'), 'hex')",
    "boolean": "i = 1",
    "timestamptz": "'0044-03-15 12:00+00 BC'::timestamptz + i * interval '100 years'",
    "date": "CASE WHEN i = 50 THEN 'infinity' ELSE '0001-01-01 BC'::date + i END",
    "time": "time '00:00' + i * interval '1.000001 s'",
    "timetz": "timetz '00:00+05:45' + i * interval '1 s'",
    "interval": "i * interval '1 mon -3 days 04:05:06.789'",
    "inet": "'10.0.0.0'::inet + i",
    "macaddr": "lpad(to_hex(i), 12, '0')::macaddr",
    "bit(8)": "i::bit(8)",
    "jsonb": "to_jsonb(i)",
    "pg_lsn": "('0/' || i)::pg_lsn",
    "oid": "i",
}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("type_", KEYS)
def test_keys_of_any_type_are_read_to_the_end_and_each_once(world: PostgresWorld, type_: str) -> None:
    moods = ", ".join(f"'m{i}'" for i in range(1, 51))
    world.run(
        "CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE DOMAIN even AS integer CHECK (VALUE % 2 = 0);"
        f"CREATE TYPE mood AS ENUM ({moods}); CREATE TYPE place AS (a text, b integer);"
        "SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET lc_monetary = 'C.UTF-8'"
    )
    many = 2 if type_ == "boolean" else 50
    world.run(f"CREATE TABLE t (id {type_} PRIMARY KEY, n integer)")
    world.run(f"INSERT INTO t SELECT {KEYS[type_]}, i FROM generate_series(1, {many}) i")
    world.watch_all()
    told = [entry.changes["n"]["new"] for entry in world.sealed() if entry.operation == "baseline"]
    assert sorted(told) == list(range(1, many + 1))
    assert world.differences() == []


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (a text, b integer, n integer, PRIMARY KEY (a, b))",
        "CREATE TABLE t (a text, b integer, n integer, PRIMARY KEY (b, a))",
        "CREATE TABLE t (a text NOT NULL, b integer NOT NULL, n integer, UNIQUE (a, b))",
        "CREATE TABLE t (a text, b integer, n integer)",
        'CREATE TABLE t ("a%s" text, "b%(x)s" integer, n integer, PRIMARY KEY ("a%s", "b%(x)s"))',
        """CREATE TABLE t (a text, b integer, n integer, PRIMARY KEY (a, b)) PARTITION BY LIST (a);
        CREATE TABLE t0 PARTITION OF t FOR VALUES IN ('k0'); CREATE TABLE t1 PARTITION OF t DEFAULT""",
        "CREATE TABLE t (a text, b integer, n integer, PRIMARY KEY (a, b)); CREATE TABLE child (x text) INHERITS (t)",
    ],
)
def test_keys_of_several_columns_no_key_partitions_and_children(world: PostgresWorld, ddl: str) -> None:
    world.run(ddl)
    world.run("INSERT INTO t SELECT 'k' || i % 3, i, i FROM generate_series(1, 50) i")
    if "child" in ddl:
        world.run("INSERT INTO child SELECT 'k' || i % 3, i, i FROM generate_series(51, 60) i")
    world.watch_all()
    told = [entry.changes["n"]["new"] for entry in world.sealed() if entry.operation == "baseline"]
    assert sorted(told) == list(range(1, 61 if "child" in ddl else 51))
    assert world.differences() == []


def test_a_row_whose_key_moves_while_its_page_waits_hides_none(
    world: PostgresWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come in the order of the keys that they had before they were locked."""
    world.run(T + "; INSERT INTO t SELECT i, i FROM generate_series(1, 1600) i")
    with world.client(autocommit=False) as db:

        def record(connection: Any) -> None:
            db.execute("UPDATE t SET id = 100000 WHERE id = 500")
            committing = threading.Timer(0.3, db.commit)
            committing.start()
            baseline.record_baselines(connection)
            committing.join()

        monkeypatch.setattr(joined, "record_baselines", record)
        world.watch_all()
    told = rows(world.sealed())
    assert len([each for each in told if each[0] == "baseline"]) == 1600
    assert world.differences() == []


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("page", [1, 2, 3])
def test_what_ended_halfway_goes_on_where_it_was(
    world: PostgresWorld, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(T + "; INSERT INTO t SELECT i, i FROM generate_series(1, 20) i")
    real, calls = baseline._record, []

    def ends(db: Any, subject: Any) -> bool:
        calls.append(subject)
        if len(calls) == page:
            (pid,) = db.execute("SELECT pg_backend_pid() AS pid").fetchone().values()
            world.run("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        return real(db, subject)

    monkeypatch.setattr(baseline, "_record", ends)
    with pytest.raises(Exception, match=r"terminat|closed|lost"):
        world.watch_all()
    monkeypatch.setattr(baseline, "_record", real)
    world.run("UPDATE t SET n = -n WHERE id > 10")
    world.run("DELETE FROM t WHERE id = 12")
    world.watch_all()
    told = rows(world.sealed())
    assert sorted(id_ for operation, id_ in told if operation == "baseline") == sorted(
        str(i) for i in range(1, 21) if i != 12 or page > 2
    )
    assert world.differences() == []
    world.watch_all()
    assert world.waiting() == 0


def test_two_at_once_record_each_row_once(world: PostgresWorld) -> None:
    world.run(T + "; INSERT INTO t SELECT i, i FROM generate_series(1, 3000) i")
    threads = [threading.Thread(target=world.watch_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [each for each in rows(world.sealed()) if each[0] == "baseline"]
    assert len(told) == len(set(told)) == 3000


@pytest.mark.usefixtures("small_pages")
def test_under_many_writers_the_log_gives_the_table(world: PostgresWorld) -> None:
    world.run(SCHEMA + "; INSERT INTO counters SELECT i, 0 FROM generate_series(0, 49) i")
    writers = Writers(world.app_url, count=6, seconds=1.5)
    started: list[float] = []

    def meanwhile() -> None:
        if not started:
            time.sleep(0.3)
            started.append(time.monotonic())
            with closing(PostgresSource(world.app_url)) as source:
                source.watch(None, world.action_map(""))
        world.sealer.seal()

    writers.run(meanwhile)
    assert writers.failures == []
    told = world.sealed()
    assert len([entry for entry in told if entry.operation == "baseline"]) == 50
    assert len(told) > 200
    assert world.differences() == []


@pytest.mark.parametrize("key", [" PRIMARY KEY", ""])
def test_wide_rows_come_in_pages_that_can_be_held(world: PostgresWorld, key: str) -> None:
    world.run(f"CREATE TABLE t (id integer{key}, x text, b bytea)")
    world.run("INSERT INTO t SELECT i, repeat(chr(64 + mod(i, 26)), 3000000), NULL FROM generate_series(1, 12) i")
    world.run("INSERT INTO t SELECT i, NULL, decode(repeat('00', 5000000), 'hex') FROM generate_series(13, 14) i")
    world.watch_all()
    ((widest, pages),) = world.query(
        "SELECT max(pg_column_size(new)), count(*) FROM indelible.outbox WHERE operation = 'baseline'"
    )
    assert (widest < 25_000_000, pages > 4) == (True, True)
    assert len(rows(world.sealed())) == 14
    assert world.differences() == []


def test_who_is_watched_from_now_on_has_no_baseline(world: PostgresWorld) -> None:
    world.watch_all(T + "; INSERT INTO t VALUES (1, 1, 'a')", baseline=False)
    assert rows(world.sealed()) == []
    world.watch_all()
    assert rows(world.sealed()) == []
