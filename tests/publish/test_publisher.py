"""Each new checkpoint leaves by itself; what cannot is told, and another history elsewhere is an alarm."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from indelible import Audit
from indelible.errors import Error
from indelible.log import Log
from indelible.publish import publisher, witness
from indelible.publish.publisher import Places, Publisher
from indelible.verify import verify_tiles
from tests.publish.far_witness import Dripping, FarWitness, Serving
from tests.store.test_log import happened
from tests.world import World

SOON = 20.0


@pytest.fixture
def far() -> Iterator[Serving]:
    made = Serving(FarWitness("witness.example/w1"))
    yield made
    made.close()


@pytest.fixture
def environment(tmp_path: Path, far: Serving) -> dict[str, str]:
    return {
        "INDELIBLE_PUBLISH": f"{tmp_path}/mirror",
        "INDELIBLE_ANCHOR": f"{tmp_path}/one:{tmp_path}/two",
        "INDELIBLE_WITNESS": f"\n{far.url} {far.witness.vkey}\n",
    }


def soon(holds: Callable[[], object]) -> bool:
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_every_place_that_is_named_is_told(world: World, environment: dict[str, str], tmp_path: Path) -> None:
    made = Publisher(world.log, Places.configured(environment))
    assert made.tell() == []
    assert made.assurance is None or made.assurance.level == "unsigned"
    world.log.append(happened() for _ in range(3))
    assert made.tell() == []
    assert verify_tiles(tmp_path / "mirror", world.log.verifier).size == 3
    for name in ("one", "two"):
        names = sorted(path.name for path in (tmp_path / name).rglob("*") if path.is_file())
        assert names == ["000000000003", "checkpoint"]
    assert made.assurance == ("witnessed", 3, "witness.example/w1")
    assert made.told({"status": "ok"}) == {"status": "ok", "assurance": "witnessed"}


def test_what_a_witness_cosigned_counts_though_others_cosigned_more_since(either: World, far: Serving) -> None:
    """Whoever trusts one of them is told up to where that one saw the log."""
    other, named = Serving(FarWitness("witness.example/w2", seed=2)), f"{far.url} {far.witness.vkey}"
    try:
        both = Places.configured({"INDELIBLE_WITNESS": f"{named}\n{other.url} {other.witness.vkey}"})
        either.log.append(happened() for _ in range(3))
        assert Publisher(either.log, both).tell() == []
        far.answer = (503, "away")
        either.log.append(happened() for _ in range(2))
        Publisher(either.log, both).tell()
    finally:
        other.close()
    assert both.assurance(either.log) == ("witnessed", 5, "witness.example/w2")
    assert Places.configured({"INDELIBLE_WITNESS": named}).assurance(either.log) == (
        "witnessed", 3, "witness.example/w1",
    )  # fmt: skip


def test_a_witness_that_is_listed_twice_is_one(world: World, far: Serving) -> None:
    named = f"{far.url} {far.witness.vkey}"
    world.log.append([happened()])
    made = Publisher(world.log, Places.configured({"INDELIBLE_WITNESS": f"{named}\n{named}"}))
    made.tell()
    assert made.assurance == ("witnessed", 1, "witness.example/w1")


def test_nothing_new_is_nothing_to_tell(world: World, environment: dict[str, str], far: Serving) -> None:
    world.log.append([happened()])
    made = Publisher(world.log, Places.configured(environment))
    made.tell()
    asked = len(far.asked)
    made.tell()
    assert len(far.asked) == asked


def test_what_is_gone_or_altered_elsewhere_is_told_though_nothing_is_new(world: World, tmp_path: Path) -> None:
    world.log.append([happened()])
    made = Publisher(world.log, Places.configured({"INDELIBLE_ANCHOR": f"{tmp_path}/one"}))
    made.tell()
    kept = tmp_path / "one" / "checkpoints" / f"{1:012}"
    note = kept.read_text()
    kept.unlink()
    assert made.tell() == []
    assert made.told({"status": "ok"}) == {"status": "ok", "assurance": "signed"}
    kept.write_text(note)
    made.tell()
    assert made.told({"status": "ok"}) == {"status": "ok", "assurance": "anchored"}
    kept.write_text(note.replace("\n1\n", "\n2\n"))
    made.tell()
    assert made.told({"status": "ok"})["status"] == "failing"


def test_one_place_that_fails_keeps_none_of_the_others_and_is_tried_again(
    world: World, environment: dict[str, str], tmp_path: Path, far: Serving
) -> None:
    far.answer = 500, ""
    (tmp_path / "one").write_text("no folder")
    world.log.append([happened()])
    made = Publisher(world.log, Places.configured(environment))
    assert len(made.tell()) == 2
    assert verify_tiles(tmp_path / "mirror", world.log.verifier).size == 1
    health = made.told({"status": "ok"})
    assert (health["status"], len(health["unpublished"])) == ("ok", 2)
    far.answer = None
    (tmp_path / "one").unlink()
    assert made.tell() == []
    assert made.assurance == ("witnessed", 1, "witness.example/w1")


def test_a_server_stops_though_its_witnesses_drip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "SECONDS", 1.0)
    world.log.append([happened()])
    far = [Dripping(b"HTTP/1.1 200 OK\r\n\r\n") for _ in range(2)]
    names = "\n".join(f"http://{each.address} {FarWitness('w').vkey}" for each in far)
    made = Publisher(world.log, Places.configured({"INDELIBLE_WITNESS": names}))
    made.start()
    try:
        assert far[0].asked.wait(SOON)
        began = time.monotonic()
        made.stop()
        assert time.monotonic() - began < 5
        assert not far[1].asked.is_set()
    finally:
        for each in far:
            each.close()


def test_another_history_elsewhere_is_no_health(world: World, environment: dict[str, str], far: Serving) -> None:
    far.size, far.root = 1, b"x" * 32
    world.log.append([happened() for _ in range(2)])
    made = Publisher(world.log, Places.configured(environment))
    made.tell()
    assert made.told({"status": "ok"})["status"] == "failing"


def put_back(true: Log, folder: Path) -> Log:
    """Another history, made with the log's key, into which what a witness has cosigned of the true one was put."""
    folder.mkdir()
    for key in true.store.key_path.parent.glob("*.key"):
        shutil.copy(key, folder)
    newest = true.store.newest_cosigned("witness.example/w1")
    assert newest is not None
    size, note = newest
    log = Log.create(f"sqlite:///{folder}/audit.db", true.origin)
    log.append(happened() for _ in range(size + 1))
    rows = ("checkpoint (size, note)", note), ("cosignature (size, line)", true.store.cosigned(size))
    with closing(sqlite3.connect(folder / "audit.db")) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for row, value in rows:
            db.execute(f"INSERT INTO {row} VALUES (?, ?)", (size, value))
        db.commit()
    return log


@pytest.mark.parametrize("answer", [None, (422, "no consistency"), (503, "away")])
def test_a_history_that_no_witness_saw_is_never_told_as_witnessed(
    world: World, far: Serving, tmp_path: Path, answer: tuple[int, str] | None
) -> None:
    places = Places.configured({"INDELIBLE_WITNESS": f"{far.url} {far.witness.vkey}"})
    world.log.append(happened() for _ in range(5))
    Publisher(world.log, places).tell()
    far.answer = answer
    with put_back(world.log, tmp_path / "other") as log:
        made = Publisher(log, places)
        made.tell()
        assert (made.forked, made.assurance) == (True, None)
        assert made.told({"status": "ok"})["status"] == "failing"
        assert any("has another checkpoint of 5 entries than the log" in each for each in made.failures)


def test_of_a_log_that_a_witness_does_not_know_no_level_is_shown(
    world: World, environment: dict[str, str], far: Serving
) -> None:
    world.log.append([happened()])
    made = Publisher(world.log, Places.configured(environment))
    made.tell()
    far.root = b"x" * 32
    world.log.append([happened()])
    made.tell()
    assert "assurance" not in made.told({"status": "ok"})


def test_what_nobody_expected_of_one_place_is_told_with_what_was_found_in_another(
    world: World, environment: dict[str, str], far: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.size, far.root = 1, b"x" * 32
    world.log.append([happened() for _ in range(2)])
    made = Publisher(world.log, Places.configured(environment))
    monkeypatch.setattr(made, "_assure", lambda: 1 // 0)
    made.tell()
    health = made.told({"status": "ok"})
    assert (health["status"], len(health["unpublished"])) == ("failing", 2)


@pytest.mark.parametrize("text", ["https://witness.example", "witness.example key"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Error):
        Places.configured({"INDELIBLE_WITNESS": text})


def test_a_server_tells_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], far: Serving
) -> None:
    monkeypatch.setattr(publisher, "EVERY", 0.05)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with engine.begin() as db:
        db.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with Audit(engine, f"sqlite:///{tmp_path}/audit.db") as audit:
        audit._upkeep._publisher._every = 0.05
        audit.watch()
        audit.start()
        with engine.begin() as db:
            db.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert soon(lambda: far.size >= 2)
        assert soon(lambda: audit._upkeep.assurance == ("witnessed", far.size, "witness.example/w1"))
        assert "unpublished" not in audit.health()
    engine.dispose()
    with Log.open(f"sqlite:///{tmp_path}/audit.db", sign=False) as log:
        assert verify_tiles(tmp_path / "mirror", log.verifier).size == log.head().size
