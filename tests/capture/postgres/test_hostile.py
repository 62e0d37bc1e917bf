"""No value that a database can hold, and nothing that somebody put into it, breaks a write or stops the queue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from indelible.capture.postgres import baseline
from tests.capture.postgres.world import PostgresWorld
from tests.postgres import Server
from tests.world import told

REDACTED = {"redacted": True}
MASKED = '[t]\nhash = ["h"]\nguard = ["card"]'


@pytest.fixture
def database(tmp_path: Path, postgres: Server) -> Iterator[Any]:
    """Makes worlds in databases of other encodings."""
    made = []

    def make(encoding: str) -> PostgresWorld:
        made.append(PostgresWorld(tmp_path, postgres.database(encoding)))
        return made[-1]

    yield make
    for world in made:
        world.close()
        postgres.drop(world.app_url)


@pytest.mark.parametrize(
    ("encoding", "raw", "seen"),
    [
        ("SQL_ASCII", "x81", {"text": "gQ=="}),
        ("SQL_ASCII", "xc3a4", "ä"),
        ("WIN1252", "x81", {"text": "gQ=="}),  # a byte that means nothing there, and that the server lets in
        ("WIN1252", "x80", "€"),
        ("LATIN1", "xe4", "ä"),
        ("KOI8R", "xc0", "ю"),
        ("EUC_JP", "xb4c1bbfa", "漢字"),
    ],
)
def test_letters_of_any_encoding_are_recorded_seen_hidden_and_hashed(
    database: Any, encoding: str, raw: str, seen: object
) -> None:
    world = database(encoding)
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, password text, h text, x text)", map_text=MASKED)
    given = f"convert_from('\\{raw}', getdatabaseencoding())"
    world.run(f"INSERT INTO t SELECT 1, v, v, v FROM {given} v")
    world.run("UPDATE t SET password = password || 'a', x = NULL")
    world.run("TRUNCATE t")
    created, updated, deleted = world.sealed()
    assert (created.changes["x"], created.changes["password"]) == ({"new": seen}, {"new": REDACTED})
    assert created.changes["h"]["new"] == deleted.changes["h"]["old"] != None  # noqa: E711 - and something it is
    assert updated.changes == {"password": {"old": REDACTED, "new": REDACTED}, "x": {"old": seen, "new": None}}
    assert world.differences() == []


def test_names_are_the_same_in_a_database_of_another_encoding(database: Any) -> None:
    world = database("LATIN1")
    world.watch('CREATE TABLE "größe" ("schlüssel" text PRIMARY KEY, "ß%" text)')
    world.run("""INSERT INTO "größe" VALUES ('ä', 'ö')""")
    assert told(world.sealed()) == [("create", "ä", {"schlüssel": {"new": "ä"}, "ß%": {"new": "ö"}})]
    assert world.differences() == []


CASTS = {
    "date": "'2026-11-20'",
    "integer": "7",
    "timestamptz": "'2026-11-20 00:00+00'",
    "jsonb": "'{}'",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "numeric": "1.50",
    "bytea": "'\\x00'",
    "mood": "'ok'",
    "place": "ROW('a', 1)",
    "integer[]": "'{1}'",
}


@pytest.mark.parametrize("type_", CASTS)
def test_a_cast_to_text_that_somebody_made_is_not_used(world: PostgresWorld, type_: str) -> None:
    world.watch(
        "CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE place AS (street text, n integer);"
        f"CREATE TABLE t (id text PRIMARY KEY, x {type_})"
    )
    world.run(
        f"CREATE FUNCTION boom({type_}) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'boom'; END $$;"
        f"CREATE CAST ({type_} AS text) WITH FUNCTION boom({type_})"
    )
    world.run(f"INSERT INTO t VALUES ('a', {CASTS[type_]})")
    world.run("UPDATE t SET x = NULL")
    world.run(f"UPDATE t SET x = {CASTS[type_]}")
    world.run("TRUNCATE t")
    assert len(world.sealed()) == 4


def test_operators_and_functions_of_the_same_name_see_and_change_nothing(world: PostgresWorld) -> None:
    """In every schema that a session may put before the system's; a superuser's write would run them as such."""
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, x text)", map_text='[t]\nhash = ["x"]')
    app = world.role("app", "GRANT ALL ON t TO {}", "CREATE SCHEMA AUTHORIZATION {}")
    body = "LANGUAGE plpgsql AS $$ BEGIN RAISE 'stolen as %', current_user; END $$"
    with world.client(app) as db:
        db.execute(f"SET search_path = {app}")
        for name, args, gives in [
            ("convert_to", "text, name", "bytea"), ("sha256", "bytea", "bytea"), ("encode", "bytea, text", "text"),
            ("nullif", "text, text", "text"), ("coalesce", "text, text", "text"), ("count", "text[]", "integer"),
            ("current_setting", "text, boolean", "text"), ("starts_with", "text, text", "boolean"),
            ("pg_column_size", "text[]", "integer"), ("array_agg", "text[]", "text[]"), ("concat", "uuid", "text"),
            ("octet_length", "text", "integer"), ("gen_random_uuid", "", "uuid"), ("getdatabaseencoding", "", "name"),
        ]:  # fmt: skip
            db.execute(f'CREATE FUNCTION "{name}"({args}) RETURNS {gives} {body}')
        db.execute(f"CREATE FUNCTION same(text, text) RETURNS boolean {body}")
        db.execute("CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = same)")
        db.execute(f"CREATE FUNCTION joined(bytea, bytea) RETURNS bytea {body}")
        db.execute("CREATE OPERATOR || (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = joined)")
        db.execute(f"SET search_path = {app}, pg_temp, pg_catalog, public")
        db.execute("INSERT INTO public.t VALUES (1, 'a')")
        db.execute("UPDATE public.t SET x = 'b'")
        db.execute("TRUNCATE public.t")
    assert [entry.operation for entry in world.sealed()] == ["create", "update", "delete"]


NAMES = [
    "found", "new", "old", "t", "c", "d", "v", "w", "p", "s", "cells", "width", "widest", "gathered", "count", "place",
    "new_side", "old_side", "indelible_old", "indelible_size", "indelible_marker", "indelible_salt", "indelible_began",
    "tg_op", "TG_RELID", "id ", 'quo"te', "back\\slash", "$indelible$", "$$", "per%cent", "%s", "%(x)s", "{brace}",
    ":colon", "ünïcödé", "漢字", "a" * 63, "select", "user", "current_user", "O'Brien", "new\nline", "*", ".", "rows",
]  # fmt: skip


TYPES = (
    "text",
    "name",
    "oid",
    "regclass",
    "refcursor",
    "record",
    "bool",
    "int4",
    "int8",
    "timestamptz",
    "xid8",
    "bytea",
)


@pytest.mark.parametrize("schema", ["pg_temp", "front"])
def test_types_of_the_same_name_run_nothing_as_the_owner_and_stop_no_write(world: PostgresWorld, schema: str) -> None:
    """A check of a domain runs as whoever a value is made by: in a function with the owner's rights, as the owner."""
    world.watch(
        "CREATE TABLE t (id int PRIMARY KEY, x text, at timestamptz, v int GENERATED ALWAYS AS (id + 1) VIRTUAL);"
        "CREATE TABLE quiet (id integer PRIMARY KEY, x text);"
        "CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER app AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION app()"
    )
    world.run("CREATE SCHEMA IF NOT EXISTS front")
    world.run(f"CREATE FUNCTION {schema}.refuse() RETURNS pg_catalog.bool LANGUAGE sql AS 'SELECT 1 / 0 > 0'")
    for name in TYPES:
        base = "int4" if name == "record" else name
        world.run(f"CREATE DOMAIN {schema}.{name} AS pg_catalog.{base} CHECK ({schema}.refuse())")
    world.run("SET search_path = front, public, pg_catalog")
    for table in ("t", "quiet"):
        world.run(f"INSERT INTO public.{table} (id, x) SELECT n, 'a' FROM generate_series(1, 3) n")
        world.run(f"INSERT INTO public.{table} (id, x) VALUES (4, 'a')")
        world.run(f"UPDATE public.{table} SET x = 'b' WHERE id = 1")
        world.run(f"DELETE FROM public.{table} WHERE id = 2")
        world.run(f"TRUNCATE public.{table}")
    assert len(world.sealed()) == 2 * (3 + 1 + 1 + 1 + 3)


def test_columns_of_any_name_are_recorded_and_so_they_are_when_they_are_gone(world: PostgresWorld) -> None:
    columns = {name: f'"{name.replace(chr(34), chr(34) * 2)}"' for name in NAMES}
    ddl = ", ".join(f"{quoted} text DEFAULT '{i}'" for i, quoted in enumerate(columns.values()))
    world.db.execute(f"CREATE TABLE t (id integer PRIMARY KEY, {ddl})".encode())
    world.watch(map_text='["*"]\nkeep = ["*"]')
    world.run("INSERT INTO t (id) VALUES (1)")
    (created,) = world.sealed()
    assert created.changes == {"id": {"new": 1}} | {name: {"new": str(i)} for i, name in enumerate(NAMES)}
    assert world.differences() == []
    for quoted in list(columns.values())[::2]:
        world.db.execute(f"ALTER TABLE t DROP {quoted}".encode())
    world.run("INSERT INTO t (id) VALUES (2)")
    world.run("TRUNCATE t")
    left = {"id": {"new": 2}} | {name: {"new": str(i)} for i, name in enumerate(NAMES) if i % 2}
    second = next(entry for entry in world.sealed() if entry.operation == "create" and entry.entity.id == "2")
    assert second.changes == left


@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_any_name_is_watched_and_its_baseline_recorded(world: PostgresWorld, name: str) -> None:
    quoted = f'"{name.replace(chr(34), chr(34) * 2)}"'
    world.db.execute(f"CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} text PRIMARY KEY)".encode())
    world.db.execute(f"INSERT INTO {quoted}.{quoted} VALUES ('before')".encode())
    world.watch_all(map_text='["*"]\nkeep = ["*"]')
    world.db.execute(f"INSERT INTO {quoted}.{quoted} VALUES ('a')".encode())
    world.db.execute(f"UPDATE {quoted}.{quoted} SET {quoted} = 'b' WHERE {quoted} = 'a'".encode())
    world.db.execute(f"TRUNCATE {quoted}.{quoted}".encode())
    rows = [entry for entry in world.sealed() if not entry.action.startswith("AUDIT_")]
    assert [entry.operation for entry in rows] == ["baseline", "create", "update", "delete", "delete"]
    assert [each.clean for each in world.covered()] == [True]


def test_names_with_dots_in_them_are_those_of_one_table_each(world: PostgresWorld) -> None:
    tables = ['"a.b".c', 'a."b.c"', 'public."x.y"', '"public.x".y', '"""a".c', '"""a.b".c', '"""a"."b"".c"']
    schemas = ["a", '"a.b"', '"public.x"', '"""a"', '"""a.b"']
    made = [f"CREATE SCHEMA {each}" for each in schemas] + [
        f"CREATE TABLE {each} (id int PRIMARY KEY)" for each in tables
    ]
    assert len(set(world.watch(";".join(made)))) == len(tables)
    assert [each.state for each in world.covered()] == ["watched"] * len(tables)
    for each in tables:
        world.run(f"INSERT INTO {each} VALUES (1)")
    assert len(world.sealed()) == len(tables)
    assert world.differences() == []


def test_tables_whose_names_read_alike_are_two(world: PostgresWorld) -> None:
    watched = world.watch(
        'CREATE SCHEMA s; CREATE TABLE s.t (id text PRIMARY KEY); CREATE TABLE "s.t" (id text PRIMARY KEY)'
    )
    assert sorted(watched) == ["public.s.t", "s.t"]
    world.run("INSERT INTO s.t VALUES ('a')")
    world.run("""INSERT INTO "s.t" VALUES ('b')""")
    assert [(entry.metadata.get("table"), entry.entity.id) for entry in world.sealed()] != []
    assert world.differences() == []


@pytest.mark.parametrize(
    ("ddl", "map_text"),
    [("CREATE TABLE t ()", ""), ("CREATE TABLE t (x text DEFAULT 'a')", '[t]\nignore = ["x"]')],
)
@pytest.mark.parametrize("parted", ["", " PARTITION BY RANGE (x); CREATE TABLE t1 PARTITION OF t DEFAULT"])
def test_rows_of_which_nothing_is_seen_are_counted(world: PostgresWorld, ddl: str, map_text: str, parted: str) -> None:
    if parted and not map_text:
        parted = "; CREATE TABLE child () INHERITS (t)"
    world.run(ddl + parted)
    world.run("INSERT INTO t DEFAULT VALUES")
    world.watch(map_text=map_text)
    world.run("INSERT INTO t SELECT FROM generate_series(1, 1500)" if not parted else "INSERT INTO t DEFAULT VALUES")
    made = 1 if parted else 1500
    world.run("TRUNCATE t")
    assert [entry.operation for entry in world.sealed()] == ["create"] * made + ["delete"] * (made + 1)
    assert world.differences() == []


def test_a_write_that_fails_tells_the_applications_own_error(world: PostgresWorld) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, x text CHECK (x <> 'bad'))")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.run("INSERT INTO t SELECT i, CASE i WHEN 5 THEN 'bad' END FROM generate_series(1, 10) i")
    assert world.waiting() == 0


@pytest.mark.parametrize(("encoding", "raw"), [("SQL_ASCII", "xff"), ("WIN1252", "x81"), ("LATIN1", "xe4")])
@pytest.mark.parametrize("unsound", [["a"], ["a", "b"]])
def test_what_a_table_held_is_recorded_whatever_letters_its_keys_have(
    database: Any, encoding: str, raw: str, unsound: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where each page ends at such a key."""
    monkeypatch.setattr(baseline, "PAGE", 2)
    world = database(encoding)
    letter = f"convert_from('\\{raw}', getdatabaseencoding())"
    world.run("CREATE TABLE t (a text, b text, n integer, PRIMARY KEY (a, b))")
    a, b = (f"{letter} || i" if name in unsound else "'k' || i" for name in ("a", "b"))
    world.run(f"INSERT INTO t SELECT {a}, {b}, i FROM generate_series(1, 7) i")
    world.watch_all()
    told = [entry.changes["n"]["new"] for entry in world.sealed() if entry.operation == "baseline"]
    assert sorted(told) == list(range(1, 8))
    assert world.differences() == []
