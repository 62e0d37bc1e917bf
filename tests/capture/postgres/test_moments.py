"""A moment is recorded as the server itself would write it, in UTC, whatever its session is set to."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from indelible.capture.definition import Definition
from indelible.capture.postgres import moments
from tests.capture.postgres.world import PostgresWorld
from tests.postgres import Server
from tests.world import told

TYPES = {"date": (-4712, 5874897), "timestamp": (-4712, 294275), "timestamptz": (-4712, 294275)}
STYLES = ("ISO, DMY", "SQL, DMY", "Postgres, MDY", "German, YMD")


@composite
def spelled(draw: DrawFn, type_: str) -> str:
    year = draw(st.integers(*TYPES[type_]) | st.integers(-3, 3) | st.integers(1970, 2040))
    day = f"{abs(year - (year <= 0)):04}-{draw(st.integers(1, 12)):02}-{draw(st.integers(1, 28)):02}"
    at = "" if type_ == "date" else f" {draw(st.times()).isoformat()}"
    return f"{day}{at}{'+00' if type_ == 'timestamptz' else ''}{' BC' if year <= 0 else ''}"


@pytest.fixture(scope="module")
def server_world(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[PostgresWorld]:
    world = PostgresWorld(tmp_path_factory.mktemp("moments"), postgres.database())
    world.watch("CREATE TABLE t (id integer PRIMARY KEY)")
    yield world
    world.close()


@pytest.mark.parametrize("type_", TYPES)
@given(data=st.data())
def test_every_moment_reads_as_the_server_writes_it(
    server_world: PostgresWorld, type_: str, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(spelled(type_), min_size=1, max_size=40))
    server_world.db.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'")
    query = f"SELECT v::text, indelible.moment(v) FROM unnest(%s::text[]::{type_}[]) v"
    for written, cell in server_world.db.execute(query.encode(), (texts,)):
        assert moments.read(cell) == written


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [1, 3])
def test_no_setting_of_the_session_changes_what_is_recorded(world: PostgresWorld, style: str, count: int) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, d date, a timestamp, z timestamptz)")
    world.run(f"SET DateStyle = '{style}'; SET TimeZone = 'Asia/Kolkata'")
    values = "date '2026-11-04', timestamp '2026-11-04 05:06:07.5', timestamptz '2026-11-04 05:06:07.000008+00'"
    world.run(f"INSERT INTO t SELECT i, {values} FROM generate_series(1, {count}) i")
    for entry in world.sealed():
        assert {name: change["new"] for name, change in entry.changes.items() if name != "id"} == {
            "d": "2026-11-04", "a": "2026-11-04 05:06:07.5", "z": "2026-11-04 05:06:07.000008+00"
        }  # fmt: skip


TEXTS = [
    "0123456789abcdef", "0123abcd", "0123456789A=", "=", "=0123abcd", "", "plain", "12:34:56", "tomorrow", "00 00 00",
    "2026-11-04 05:06", "hello world=", "abcd-efgh--=", "0123456789ABCDEF", "0123ABCD", "x" * 40, "0123abcd\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_column_that_is_text_by_now_keeps_its_texts_apart_from_moments(world: PostgresWorld, text: str) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, z timestamptz)")
    world.db.execute("ALTER EVENT TRIGGER indelible_ddl DISABLE")
    world.run("ALTER TABLE t ALTER z TYPE text")
    world.run("INSERT INTO t VALUES (1, %s), (2, %s)", (text, text))
    world.run("INSERT INTO t VALUES (3, %s)", (text,))
    assert [changes["z"] for _, _, changes in told(world.sealed())] == [{"new": text}] * 3


def test_a_column_of_any_type_by_now_is_written_to_and_read(world: PostgresWorld) -> None:
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, a date, b timestamp, c timestamptz)")
    world.db.execute("ALTER EVENT TRIGGER indelible_ddl DISABLE")
    world.run("ALTER TABLE t ALTER a TYPE text, ALTER b TYPE time USING b::time")
    world.run("ALTER TABLE t ALTER c TYPE int[] USING NULL")
    world.run("INSERT INTO t VALUES (1, '0123abcd', '12:34:56', '{1,2}'), (2, NULL, NULL, NULL)")
    world.run("UPDATE t SET a = 'x' WHERE id = 1")
    created, _, updated = told(world.sealed())
    assert {name: change["new"] for name, change in created[2].items()} == {
        "id": 1, "a": "0123abcd", "b": "12:34:56", "c": "{1,2}"
    }  # fmt: skip
    assert updated[2] == {"a": {"old": "0123abcd", "new": "x"}}


def test_a_type_of_somebody_s_that_is_called_as_a_moment_is_none(world: PostgresWorld) -> None:
    world.watch("CREATE TYPE date AS ENUM ('12:34:56', 'b'); CREATE TABLE t (id integer PRIMARY KEY, d public.date)")
    world.run("INSERT INTO t VALUES (1, '12:34:56')")
    assert [changes["d"] for _, _, changes in told(world.sealed())] == [{"new": "12:34:56"}]


def test_a_baseline_that_was_begun_before_is_finished_as_the_table_is_watched_now(world: PostgresWorld) -> None:
    """By an earlier version, say, which was killed before it had read a row."""
    world.run("CREATE TABLE t (z timestamptz PRIMARY KEY)")
    world.run("INSERT INTO t VALUES ('2026-11-04 05:06:07+00')")
    world.watch_all(baseline=False)
    (text,) = world.query("SELECT definition FROM indelible.watch ORDER BY id DESC LIMIT 1")
    world.run("UPDATE indelible.watch SET definition = %s", (text.replace('"kind":"moment"', '"kind":"text"'),))
    world.run("INSERT INTO indelible.baseline (watch) SELECT max(id) FROM indelible.watch")
    world.watch_all()
    (entry,) = [each for each in world.sealed() if each.operation == "baseline"]
    assert entry.entity.id == "2026-11-04 05:06:07+00"
    assert world.differences() == []


def test_a_key_that_is_a_moment_is_known_by_it_and_a_baseline_goes_on_behind_it(world: PostgresWorld) -> None:
    world.run("CREATE TABLE t (z timestamptz PRIMARY KEY)")
    minutes = "SELECT '2026-03-29 00:00+00'::timestamptz + i * interval '1 minute' FROM generate_series(1, 1200) i"
    world.run(f"INSERT INTO t {minutes}")
    world.db.execute(f"ALTER DATABASE {world.database} SET DateStyle = 'SQL, DMY'")
    world.db.execute(f"ALTER DATABASE {world.database} SET TimeZone = 'Europe/Berlin'")
    world.watch_all()
    entries = [entry for entry in world.sealed() if entry.operation == "baseline"]
    assert len({entry.entity.id for entry in entries}) == len(entries) == 1200
    assert entries[0].entity.id == "2026-03-29 00:01:00+00"
    assert world.differences() == []


def test_what_was_watched_by_an_earlier_version_is_read_as_that_wrote_it(world: PostgresWorld) -> None:
    """Its definition calls them texts: until `watch` runs again it is read, reconciled and told as drifted so."""
    world.watch("CREATE TABLE t (id integer PRIMARY KEY, z timestamptz, d date)")
    world.run("INSERT INTO t VALUES (1, '2026-11-04 05:06:07+00', '2026-11-04')")
    world.sealed()
    (text,) = world.query("SELECT definition FROM indelible.watch ORDER BY id DESC LIMIT 1")
    before = msgspec.json.decode(text.replace('"kind":"moment"', '"kind":"text"'), type=Definition)
    world.run("UPDATE indelible.watch SET definition = %s", (msgspec.json.encode(before).decode(),))
    assert world.differences() == []
    assert [each.reason for each in world.covered()] == [
        "the trigger indelible_create of t is not as this version makes it. Run indelible watch again."
    ]
    world.watch()
    assert [each.state for each in world.covered()] == ["watched"]
    world.run("UPDATE t SET z = z + interval '1 day'")
    assert world.differences() == []
