"""Watching again without a map keeps what was said; and nothing that was redacted is shown again unasked."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from indelible import Audit
from indelible.actions import ActionMap
from indelible.capture.source import open_source
from indelible.capture.sqlite.watch import install
from indelible.errors import MapError
from indelible.log import Log
from indelible.sealer import Sealer
from tests.world import World

INDELIBLE = Path(sys.executable).with_name("indelible")
SECRET, LATER = "panther5", "leopard6"
MAP = """
["*"]
redact = ["*_number"]
[rooms]
entity = "Room"
redact = ["door_code"]
guard = ["card"]
rule = [{ action = "ROOM_CLOSED", on = "update", column = "open", new = 0 }]
"""
Run = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/app.db" if request.param == "sqlite" else str(request.getfixturevalue("pg_url"))


def run(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as db:
            for statement in statements:
                db.exec_driver_sql(statement)
    finally:
        engine.dispose()


@pytest.fixture
def log(url: str, tmp_path: Path) -> str:
    """Rooms with their codes are watched by a map; then the table gets another column, and is to be watched again."""
    run(url, "CREATE TABLE rooms (id integer PRIMARY KEY, door_code text, card_number text, open integer)")
    (tmp_path / "map.toml").write_text(MAP)
    with closing(open_source(url)) as source:
        source.watch(None, ActionMap.load(tmp_path / "map.toml"), strict=False)
    run(url, f"INSERT INTO rooms VALUES (1, '{SECRET}', '{SECRET}', 1)", "ALTER TABLE rooms ADD COLUMN note text")
    Log.create(f"sqlite:///{tmp_path}/audit.db").close()
    return f"sqlite:///{tmp_path}/audit.db"


def sealed(url: str, log: str) -> list[tuple[str, str]]:
    """(action, line)."""
    with Log.open(log) as opened, closing(open_source(url)) as source, closing(source.outbox()) as outbox:
        Sealer(outbox, opened).seal()
        lines = [line.decode() for _, _, line in opened.leaves(0, 10**9)]
        return [(opened.entry(seq).action, line) for seq, line in enumerate(lines)]


@pytest.mark.parametrize("tables", [["rooms"], ["--all"]])
def test_the_command_that_coverage_names_reveals_nothing(url: str, log: str, tables: list[str]) -> None:
    subprocess.run([INDELIBLE, "watch", url, *tables], check=True, capture_output=True)
    run(
        url, f"UPDATE rooms SET door_code = '{LATER}', card_number = '{LATER}', note = 'x'", "UPDATE rooms SET open = 0"
    )
    told = sealed(url, log)
    assert not any(secret in line for _, line in told for secret in (SECRET, LATER))
    assert told[-1][0] == "ROOM_CLOSED"  # nor are names forgotten
    assert '"note"' in told[-2][1]
    run(url, "CREATE TABLE cards (id integer PRIMARY KEY, card_number text)")
    subprocess.run([INDELIBLE, "watch", url, "--all"], check=True, capture_output=True)
    run(url, f"INSERT INTO cards VALUES (1, '{SECRET}')")
    assert not any(SECRET in line for _, line in sealed(url, log))


@pytest.mark.usefixtures("log")
def test_a_map_that_would_reveal_has_to_say_so(url: str, tmp_path: Path) -> None:
    weaker = MAP.replace('redact = ["door_code"]', "")
    (tmp_path / "map.toml").write_text(weaker)
    with closing(open_source(url)) as source:
        with pytest.raises(MapError, match=r"\[rooms\]: 'door_code' was redacted until now"):
            source.watch(None, ActionMap.load(tmp_path / "map.toml"))
        with pytest.raises(MapError, match="was redacted until now"):
            source.watch(None, ActionMap())
    (tmp_path / "map.toml").write_text(weaker.replace('guard = ["card"]', 'keep = ["door_code"]'))
    with closing(open_source(url)) as source:
        assert source.watch(None, ActionMap.load(tmp_path / "map.toml")) == ["rooms"]
        assert [each.state for each in source.coverage()] == ["watched"]


@pytest.mark.usefixtures("log")
def test_the_command_says_what_is_otherwise(url: str, tmp_path: Path) -> None:
    def said(text: str) -> str:
        (tmp_path / "map.toml").write_text(text)
        command = [str(INDELIBLE), "watch", url, "--all", "--map", str(tmp_path / "map.toml")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stderr

    assert "rooms is watched otherwise: columns: id, door_code, card_number, open → id," in said(MAP)
    assert said(MAP).count("\n") == 1  # nothing is
    assert "rooms is watched otherwise: guarded: note (card) → (empty)" in said(MAP.replace('guard = ["card"]', ""))
    assert "rooms is watched no more." in said('[rooms]\nexclude = "Not now."')
    assert "rooms is watched again." in said(MAP)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "between",
    ['[rooms]\nignore = ["door_code", "card_number"]', '[rooms]\nexclude = "Not now."', "unwatch", "unwatch, exclude"],
)
def test_what_was_redacted_is_not_forgotten_while_it_is_not_seen(url: str, tmp_path: Path, between: str) -> None:
    def watch(text: str) -> None:
        (tmp_path / "map.toml").write_text(text)
        with closing(open_source(url)) as source:
            source.watch(None, ActionMap.load(tmp_path / "map.toml"))

    if between.startswith("unwatch"):
        with closing(open_source(url)) as source:
            source.unwatch("rooms")
    if not between.endswith("unwatch"):
        watch(between if between.startswith("[") else '[rooms]\nexclude = "Not now."')
    for _ in range(2):
        with pytest.raises(MapError, match=r"\[rooms\]: 'card_number' was redacted until now"):
            watch('[rooms]\nname = "note"\nredact = ["door_code"]')
    watch('[rooms]\nredact = ["door_code", "card_number"]')
    with pytest.raises(MapError, match="'card_number' was redacted until now"):
        watch('[rooms]\nkeep = ["door_code"]')
    watch('[rooms]\nkeep = ["door_code", "card_number"]')
    watch("[rooms]")


@pytest.mark.parametrize("ddl", ["id INTEGER PRIMARY KEY, token, n", "n, token", "id PRIMARY KEY, token, n UNIQUE"])
@pytest.mark.parametrize("guard", ["", 'guard = ["card"]'])
def test_a_redacted_column_stays_so_under_another_name(world: World, ddl: str, guard: str) -> None:
    world.watch_all(
        f"CREATE TABLE t ({ddl}); INSERT INTO t (token, n) VALUES ('{SECRET}', 1)", map_text=f"[t]\n{guard}"
    )
    world.run("ALTER TABLE t RENAME COLUMN token TO plain")
    with pytest.raises(MapError, match="'plain' was redacted until now"):
        install(world.db, None, None)
    world.watch_all(map_text='[t]\nredact = ["plain"]')
    changed = (
        "ALTER TABLE t RENAME COLUMN plain TO x; ALTER TABLE t RENAME COLUMN n TO plain; ALTER TABLE t RENAME x TO n"
    )
    with pytest.raises(MapError, match="'n' was redacted until now"):
        world.watch_all(changed, map_text='[t]\nredact = ["plain"]')
    world.watch_all(map_text='[t]\nexclude = "Not now."')
    with pytest.raises(MapError, match="'n' was redacted until now"):
        world.watch_all(map_text='[t]\nkeep = ["plain"]')
    world.watch_all(map_text='[t]\nkeep = ["plain"]\nredact = ["n"]')
    assert not any(SECRET in repr(entry.changes) for entry in world.sealed())


def test_a_host_without_a_map_goes_by_what_was_said(url: str, log: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with Audit(engine, log) as audit:
        audit.watch()
        with engine.begin() as db:
            db.exec_driver_sql(f"UPDATE rooms SET door_code = '{LATER}', open = 0")
        audit.seal()
        assert audit.log.entry(audit.log.head().size - 1).action == "ROOM_CLOSED"
    engine.dispose()
    assert not any(secret in line for _, line in sealed(url, log) for secret in (SECRET, LATER))


@pytest.mark.usefixtures("log")
def test_a_table_that_refuses_unclaimed_changes_goes_on_doing_so(url: str) -> None:
    with closing(open_source(url)) as source:
        source.watch(["rooms"], None, strict=True)
    subprocess.run([INDELIBLE, "watch", url, "rooms"], check=True, capture_output=True)
    with pytest.raises(Exception, match="indelible"):
        run(url, "UPDATE rooms SET open = 0")
    subprocess.run([INDELIBLE, "watch", url, "rooms", "--no-strict"], check=True, capture_output=True)
    run(url, "UPDATE rooms SET open = 0")
