"""Every way to tamper with a log that we know of, at random places, as often as one likes: was it found, and where?

    python -m benchmarks.tampering [--flips 10000] [--attacks 200]

Flips: one bit of the log's file, of a mirror's files, of what a bundle holds, of a checkpoint that was kept. A flip of
the log's file that leaves every row as it was is counted by itself: SQLite's pages have room that nobody reads.
Attacks: by whoever owns the database, on SQLite and PostgreSQL; those with the key too, against what was verified
before. A log of 600 entries, signed at every 50: "where" is the entry, or the last checkpoint before it that holds.
"""

import argparse
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import apsw
from tests import attacks
from tests.postgres import Server, new_folder
from tests.shell import Shell, shell
from tests.store.test_log import happened

from indelible.errors import Error, VerificationError
from indelible.event import Entity, Organization
from indelible.export import alone
from indelible.export.bundle import write_bundle
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tree import leaf_hash
from indelible.publish.folder import publish
from indelible.verify import verify_log, verify_tiles

SIZE, EVERY = 600, 50


def filled(url: str) -> Log:
    log = Log.create(url, "audit.example/tampering")
    for first in range(0, SIZE, EVERY):
        log.append(
            happened(entity=Entity("License", f"{seq}"), organization=Organization("acme"), reason=f"number {seq}")
            for seq in range(first, first + EVERY)
        )
    return log


# Flips.


def flipped(path: Path, random: Random) -> Iterator[int]:
    """One bit, for a while; gives the place of the byte."""
    data = path.read_bytes()
    at = random.randrange(len(data))
    path.write_bytes(data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :])
    yield at
    path.write_bytes(data)


def flip_file(folder: Path, log: Log, count: int) -> Counter[str]:
    random, found, path = Random(1), Counter[str](), folder / "flip.db"
    db = apsw.Connection(str(folder / "audit.db"))
    db.execute("VACUUM INTO ?", (str(path),))
    db.close()
    whole, key = content(path), log.verifier
    for _ in range(count):
        for _ in flipped(path, random):
            found[seen(lambda: _verify(path, key))] += 1
            if found["not found"] and content(path) == whole:
                found["not found"] -= 1
                found["changed nothing"] += 1
    return found


def _verify(path: Path, key: object) -> None:
    with Log.open(f"sqlite:///{path}", sign=False) as opened:
        verify_log(opened, key)  # type: ignore[arg-type]  # a verifier


def content(path: Path) -> object:
    """Every row of every table, as far as it can be read."""
    db = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        tables = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        names = [name for name, sql in tables if str(sql).startswith("CREATE TABLE")]
        return tables, [db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names]
    except apsw.Error as error:
        return str(error)
    finally:
        db.close()


def flip_folder(folder: Path, log: Log, count: int) -> Counter[str]:
    random, found, mirror = Random(2), Counter[str](), folder / "mirror"
    publish(log, mirror)
    paths = [path for path in sorted(mirror.rglob("*")) if path.is_file()]
    for _ in range(count):
        for _ in flipped(random.choice(paths), random):
            found[seen(lambda: verify_tiles(mirror, log.verifier))] += 1
    return found


def flip_bundle(folder: Path, log: Log, count: int) -> Counter[str]:
    random, found, bundle = Random(3), Counter[str](), folder / "bundle"
    with (folder / "log.zip").open("wb") as file:
        write_bundle(log, file)
    zipfile.ZipFile(folder / "log.zip").extractall(bundle)
    for _ in range(count):
        for _ in flipped(bundle / random.choice(("entries.jsonl", "hashes", "checkpoint")), random):
            found[seen(lambda: alone.check(alone.Files(bundle), str(log.verifier)))] += 1
    return found


def flip_checkpoint(folder: Path, log: Log, count: int) -> Counter[str]:
    random, found, path = Random(4), Counter[str](), folder / "kept"
    path.write_text(log.checkpoint() or "")
    for _ in range(count):
        for _ in flipped(path, random):
            note = path.read_text(errors="replace")
            found[seen(lambda note=note: log.keys.open(note))] += 1  # type: ignore[misc]  # bound at once
    return found


def seen(look: Callable[[], object]) -> str:
    try:
        look()
    except (Error, alone.Refused):
        return "found"
    return "not found"


# Attacks.


def delete(db: Shell, seq: int) -> None:
    attacks.delete(db, seq)


def insert(db: Shell, seq: int) -> None:
    """Between two: what is behind it moves up, and tree and index fit."""
    for table in ("leaf", "entry"):
        db.run(f"UPDATE {table} SET seq = seq + 100000 WHERE seq >= ?", seq)
        db.run(f"UPDATE {table} SET seq = seq - 99999 WHERE seq >= 100000")
    line = attacks.lines(db)[0].replace(b'"number 0"', b'"forged"')
    db.insert("leaf", seq=seq, hash=leaf_hash(line), line=line)
    attacks.consistent_head(db)


def swap(db: Shell, seq: int) -> None:
    for table in ("leaf", "entry"):
        for old, new in ((seq, 99999), (seq + 1, seq), (99999, seq + 1)):
            db.run(f"UPDATE {table} SET seq = ? WHERE seq = ?", new, old)
    attacks.consistent_head(db)


def duplicate(db: Shell, seq: int) -> None:
    """The line before stands here too, with its own hash."""
    line = attacks.lines(db)[seq - 1]
    db.run("UPDATE leaf SET line = ?, hash = ? WHERE seq = ?", line, leaf_hash(line), seq)
    attacks.consistent_head(db)


def edit(db: Shell, seq: int) -> None:
    line = attacks.lines(db)[seq].replace(b'"number ', b'"NUMBER ')
    db.run("UPDATE leaf SET line = ?, hash = ? WHERE seq = ?", line, leaf_hash(line), seq)
    attacks.consistent_head(db)


def cut(db: Shell, seq: int) -> None:
    attacks.cut(db, seq)


def roll_back(db: Shell, seq: int) -> None:
    """As a copy of earlier has it: nothing in the database tells."""
    attacks.cut(db, seq, checkpoints=True)
    db.run("DELETE FROM node WHERE level = 1 AND (number + 1) * 256 > ?", seq)


def with_the_key(log: Log, change: Callable[[Shell, int], object]) -> Callable[[Shell, int], None]:
    """Everything from there on is made to fit, signed anew, and the old checkpoints are gone."""

    def do(db: Shell, seq: int) -> None:
        change(db, seq)
        db.run("DELETE FROM checkpoint WHERE size > ?", seq)
        db.run("DELETE FROM node WHERE level = 1 AND (number + 1) * 256 > ?", seq)
        ((size, root),) = db.rows("SELECT size, root FROM head")
        assert log._signer is not None  # noqa: SLF001 - as a thief has it
        note = Checkpoint(log.origin, size, root).sign(log._signer._key)  # noqa: SLF001 - likewise
        db.insert("checkpoint", size=size, note=db.text(note))

    return do


def attack(log: Log, url: str, count: int) -> dict[str, Counter[str]]:
    kinds: dict[str, Callable[[Shell, int], object]] = {
        "delete": delete, "insert": insert, "swap": swap, "duplicate": duplicate, "edit": edit, "cut": cut,
        "roll back": roll_back, "rewrite with the key": with_the_key(log, edit),
        "fork with the key": with_the_key(log, duplicate),
    }  # fmt: skip
    told, known = {}, log.tree(SIZE)
    with shell(log, url) as db:
        db.disarm()
        saved = {table: save(db, table) for table in ("leaf", "entry", "node", "head", "checkpoint")}
        for name, change in kinds.items():
            random, found = Random(name), Counter[str]()
            for _ in range(count):
                seq = random.randrange(1, SIZE - 1)
                change(db, seq)
                found[where(log, known, seq)] += 1
                for table, rows in saved.items():
                    restore(db, table, rows)
            told[name] = found
    return told


def where(log: Log, known: Checkpoint, seq: int) -> str:
    try:
        verify_log(log, log.verifier, known=known, files=False)
    except VerificationError as error:
        if error.seq == seq:
            return "found, at the entry"
        near = error.seq == seq - seq % EVERY
        return "found, behind the last good checkpoint" if near else f"found, at {error.seq}"
    return "not found"


def save(db: Shell, table: str) -> list[dict[str, object]]:
    columns = db.columns(table)
    return [dict(zip(columns, row, strict=True)) for row in db.rows(f"SELECT {', '.join(columns)} FROM {table}")]


def restore(db: Shell, table: str, rows: list[dict[str, object]]) -> None:
    """What is as it was stays."""
    now = save(db, table)
    key = "seq" if "seq" in rows[0] else "number" if "number" in rows[0] else "size"
    for row in now:
        if row not in rows:
            db.run(f"DELETE FROM {table} WHERE {key} = ?", row[key])
    there = [row for row in now if row in rows]
    for row in rows:
        if row not in there:
            marks = ", ".join("?" * len(row))
            db.run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--attacks", type=int, default=200)
    arguments = parser.parse_args()
    places = (flip_file, flip_folder, flip_bundle, flip_checkpoint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["INDELIBLE_KEYS"] = f"{folder}/keys"
        with filled(f"sqlite:///{folder}/audit.db") as log:
            for flip in places:
                print(f"{flip.__name__}: {dict(flip(folder, log, arguments.flips // len(places)))}", flush=True)
            for kind, found in attack(log, "", arguments.attacks).items():
                print(f"SQLite, {kind}: {dict(found)}", flush=True)
        server = Server.start(new_folder())
        try:
            url = server.database()
            with filled(url) as log:
                for kind, found in attack(log, url, arguments.attacks).items():
                    print(f"PostgreSQL, {kind}: {dict(found)}", flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
