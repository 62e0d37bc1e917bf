"""What somebody with the log's file and no key can do to it, by name; used on a log of ten entries."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import apsw

from indelible.merkle.tree import Frontier, leaf_hash


class Attack(NamedTuple):
    """How the log is changed, and what `verify` is to say: its kind and the first bad entry."""

    do: Callable[[apsw.Connection], None]
    kind: str
    seq: int | None


def lines(db: apsw.Connection) -> list[bytes]:
    return [line for (line,) in db.execute("SELECT line FROM leaf ORDER BY seq") if isinstance(line, bytes)]


def edit(db: apsw.Connection, seq: int, *, hash_: bool = False, head: bool = False, new: bytes | None = None) -> None:
    line = new if new is not None else lines(db)[seq].replace(b"dana", b"kimm")
    assert line != lines(db)[seq]
    db.execute("UPDATE leaf SET line = ? WHERE seq = ?", (line, seq))
    if hash_:
        db.execute("UPDATE leaf SET hash = ? WHERE seq = ?", (leaf_hash(line), seq))
    if head:
        consistent_head(db)


def consistent_head(db: apsw.Connection) -> None:
    frontier = Frontier()
    for line in lines(db):
        frontier.append(leaf_hash(line))
    db.execute("UPDATE head SET size = ?, root = ?, frontier = ?", (frontier.size, frontier.root(), frontier.pack()))


def delete(db: apsw.Connection, seq: int) -> None:
    db.execute("DELETE FROM leaf WHERE seq = ?", (seq,))
    db.execute("DELETE FROM entry WHERE seq = ?", (seq,))


def close_the_gap(db: apsw.Connection, seq: int) -> None:
    """Delete one, move the later ones down, make tree and index fit."""
    delete(db, seq)
    for table in ("leaf", "entry"):
        db.execute(f"UPDATE {table} SET seq = -seq WHERE seq > ?", (seq,))
        db.execute(f"UPDATE {table} SET seq = -seq - 1 WHERE seq < 0")
    consistent_head(db)


def renumber(db: apsw.Connection, seq: int) -> None:
    """Likewise, and rewrite each line's own number."""
    close_the_gap(db, seq)
    for at, line in enumerate(lines(db)):
        new = line.replace(b'"seq":%d,' % (at + 1), b'"seq":%d,' % at)
        db.execute("UPDATE leaf SET line = ?, hash = ? WHERE seq = ?", (new, leaf_hash(new), at))
    consistent_head(db)


def swap(db: apsw.Connection, one: int, other: int) -> None:
    for table in ("leaf", "entry"):
        for old, new in ((one, 99), (other, one), (99, other)):
            db.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (new, old))
    consistent_head(db)


def append(db: apsw.Connection, *, head: bool, time: bytes = b"2026-11-20T00:00:00.000000Z") -> None:
    line = lines(db)[9].replace(b'"seq":9', b'"seq":10').replace(b"2026-11-20T00:00:00.000000Z", time)
    db.execute("INSERT INTO leaf VALUES (10, ?, ?)", (leaf_hash(line), line))
    if head:
        consistent_head(db)


def cut(db: apsw.Connection, keep: int, *, checkpoints: bool = False) -> None:
    db.execute("DELETE FROM leaf WHERE seq >= ?", (keep,))
    db.execute("DELETE FROM entry WHERE seq >= ?", (keep,))
    consistent_head(db)
    if checkpoints:
        db.execute("DELETE FROM checkpoint WHERE size > ?", (keep,))


def run(*statements: str) -> Callable[[apsw.Connection], None]:
    def do(db: apsw.Connection) -> None:
        for statement in statements:
            db.execute(statement)
            assert db.changes() > 0, statement

    return do


WRONG = "x'" + hashlib.sha256(b"wrong").hexdigest() + "'"

# Checkpoints were signed at sizes 4, 8 and 10: what only they can tell is known to lie between two of them.
ATTACKS = {
    "line edited": Attack(lambda db: edit(db, 5), "changed", 5),
    "line and hash edited": Attack(lambda db: edit(db, 5, hash_=True), "changed", 4),
    "line, hash and head edited": Attack(lambda db: edit(db, 5, hash_=True, head=True), "changed", 4),
    "first line, hash and head edited": Attack(lambda db: edit(db, 0, hash_=True, head=True), "changed", 0),
    "last line, hash and head edited": Attack(lambda db: edit(db, 9, hash_=True, head=True), "changed", 8),
    "line made no entry": Attack(lambda db: edit(db, 5, hash_=True, new=b"{}"), "changed", 5),
    "line made no JSON": Attack(lambda db: edit(db, 5, hash_=True, new=b"\xff"), "changed", 5),
    "line emptied": Attack(lambda db: edit(db, 5, hash_=True, new=b""), "changed", 5),
    "line with a time that is none": Attack(lambda db: append(db, head=True, time=b"some day"), "changed", 10),
    "hash edited": Attack(run(f"UPDATE leaf SET hash = {WRONG} WHERE seq = 3"), "changed", 3),
    "first entry deleted": Attack(lambda db: delete(db, 0), "missing", 0),
    "middle entry deleted": Attack(lambda db: delete(db, 4), "missing", 4),
    "last entry deleted": Attack(lambda db: delete(db, 9), "truncated", 9),
    "entry deleted, gap closed": Attack(lambda db: close_the_gap(db, 4), "reordered", 4),
    "entry deleted, rest renumbered": Attack(lambda db: renumber(db, 4), "changed", 4),
    "two entries swapped": Attack(lambda db: swap(db, 5, 6), "reordered", 5),
    "entry appended": Attack(lambda db: append(db, head=False), "added", 10),
    "entry appended, head moved": Attack(lambda db: append(db, head=True), "index", 10),
    "entry before the first": Attack(run("INSERT INTO leaf SELECT -1, hash, line FROM leaf LIMIT 1"), "added", -1),
    "cut, head moved back": Attack(lambda db: cut(db, 6), "truncated", 6),
    "emptied, head moved back": Attack(lambda db: cut(db, 0), "truncated", 0),
    "head: size moved back": Attack(run("UPDATE head SET size = 6"), "truncated", 6),
    "head: size only": Attack(run("UPDATE head SET size = 7"), "changed", None),
    "head: root": Attack(run(f"UPDATE head SET root = {WRONG}"), "changed", None),
    "head: frontier": Attack(run("UPDATE head SET frontier = zeroblob(64)"), "changed", None),
    "head: frontier cut": Attack(run("UPDATE head SET frontier = x'00'"), "changed", None),
    "head deleted": Attack(run("DELETE FROM head"), "changed", None),
    "index: row deleted": Attack(run("DELETE FROM entry WHERE seq = 2"), "index", 2),
    "index: row added": Attack(lambda db: index_row(db, 10), "added", 10),
    "index: row before the first": Attack(lambda db: index_row(db, -7), "added", -7),
    "index: time": Attack(run("UPDATE entry SET at = at + 1 WHERE seq = 2"), "index", 2),
    "index: id": Attack(run("UPDATE entry SET id = x'00' WHERE seq = 2"), "index", 2),
    "index: organization taken": Attack(run("UPDATE entry SET organization_id = NULL WHERE seq = 2"), "index", 2),
    "dictionary: action": Attack(run("UPDATE action SET name = 'X_Y'"), "index", 0),
    "dictionary: actor": Attack(run("UPDATE actor SET copy = replace(copy, 'dana', 'kim')"), "index", 0),
    "dictionary: entity": Attack(run("UPDATE entity SET key = 'x' WHERE key = '3'"), "index", 3),
    "dictionary: organization": Attack(run("UPDATE organization SET key = 'other'"), "index", 0),
    "dictionary: row deleted": Attack(run("DELETE FROM source"), "index", 0),
    "checkpoint: text edited": Attack(run("UPDATE checkpoint SET note = replace(note, '4', '5')"), "re-signed", None),
    "checkpoint: no note": Attack(run("UPDATE checkpoint SET note = ''"), "re-signed", None),
}  # fmt: skip


def index_row(db: apsw.Connection, seq: int) -> None:
    db.execute(
        "INSERT INTO entry SELECT ?, randomblob(16), at, action_id, operation_id, source_id, entity_type_id, entity_id,"
        " actor_id, organization_id FROM entry WHERE seq = 0",
        (seq,),
    )
