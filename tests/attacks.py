"""What somebody with the log's database and no key can do to it, by name; used on a log of ten entries."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from indelible.merkle.tree import Frontier, leaf_hash
from tests.shell import Shell


class Attack(NamedTuple):
    """How the log is changed, and what `verify` is to say: its kind and the first bad entry."""

    do: Callable[[Shell], object]
    kind: str
    seq: int | None


def lines(db: Shell) -> list[bytes]:
    return [line for (line,) in db.rows("SELECT line FROM leaf ORDER BY seq")]


def edit(db: Shell, seq: int, *, hash_: bool = False, head: bool = False, new: bytes | None = None) -> None:
    line = new if new is not None else lines(db)[seq].replace(b"dana", b"kimm")
    assert line != lines(db)[seq]
    db.run("UPDATE leaf SET line = ? WHERE seq = ?", line, seq)
    if hash_:
        db.run("UPDATE leaf SET hash = ? WHERE seq = ?", leaf_hash(line), seq)
    if head:
        consistent_head(db)


def consistent_head(db: Shell) -> None:
    frontier = Frontier()
    for line in lines(db):
        frontier.append(leaf_hash(line))
    db.run("UPDATE head SET size = ?, root = ?, frontier = ?", frontier.size, frontier.root(), frontier.pack())


def delete(db: Shell, seq: int) -> None:
    db.run("DELETE FROM leaf WHERE seq = ?", seq)
    db.run("DELETE FROM entry WHERE seq = ?", seq)


def close_the_gap(db: Shell, seq: int) -> None:
    """Delete one, move the later ones down, make tree and index fit."""
    delete(db, seq)
    for table in ("leaf", "entry"):
        db.run(f"UPDATE {table} SET seq = seq + 1000 WHERE seq > ?", seq)
        db.run(f"UPDATE {table} SET seq = seq - 1001 WHERE seq >= 1000")
    consistent_head(db)


def renumber(db: Shell, seq: int) -> None:
    """Likewise, and rewrite each line's own number."""
    close_the_gap(db, seq)
    for at, line in enumerate(lines(db)):
        new = line.replace(b'"seq":%d,' % (at + 1), b'"seq":%d,' % at)
        db.run("UPDATE leaf SET line = ?, hash = ? WHERE seq = ?", new, leaf_hash(new), at)
    consistent_head(db)


def swap(db: Shell, one: int, other: int) -> None:
    for table in ("leaf", "entry"):
        for old, new in ((one, 99), (other, one), (99, other)):
            db.run(f"UPDATE {table} SET seq = ? WHERE seq = ?", new, old)
    consistent_head(db)


def append(db: Shell, *, head: bool, time: bytes = b"2026-11-20T00:00:00.000000Z") -> None:
    line = lines(db)[9].replace(b'"seq":9', b'"seq":10').replace(b"2026-11-20T00:00:00.000000Z", time)
    db.insert("leaf", seq=10, hash=leaf_hash(line), line=line)
    if head:
        consistent_head(db)


def cut(db: Shell, keep: int, *, checkpoints: bool = False) -> None:
    db.run("DELETE FROM leaf WHERE seq >= ?", keep)
    db.run("DELETE FROM entry WHERE seq >= ?", keep)
    consistent_head(db)
    if checkpoints:
        db.run("DELETE FROM checkpoint WHERE size > ?", keep)


def run(statement: str, *values: object) -> Callable[[Shell], None]:
    def do(db: Shell) -> None:
        assert db.run(statement, *values) > 0, statement

    return do


def insert(table: str, **values: object) -> Callable[[Shell], object]:
    return lambda db: db.insert(table, **values)


def rename(table: str, text: str, column: str = "") -> Callable[[Shell], object]:
    """A name in a dictionary becomes another one."""
    return lambda db: db.run(f"UPDATE {table} SET {column or db.texts[table]} = ?", db.text(text))


def widen(db: Shell, table: str, id_: int) -> None:
    """It is found by what it is not called, and what is not of that does not find it."""
    ((folded,),) = db.rows(f"SELECT folded FROM {table} WHERE id = {id_}")
    text = folded.decode() if isinstance(folded, bytes) else folded
    db.run(f"UPDATE {table} SET folded = ? WHERE id = ?", db.text(f"{text}\nsomebody else"), id_)


def index_row(db: Shell, seq: int) -> None:
    db.copy("entry", 0, seq=seq, id=db.id(UUID(int=7)))


WRONG = hashlib.sha256(b"wrong").digest()

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
    "hash edited": Attack(run("UPDATE leaf SET hash = ? WHERE seq = 3", WRONG), "changed", 3),
    "first entry deleted": Attack(lambda db: delete(db, 0), "missing", 0),
    "middle entry deleted": Attack(lambda db: delete(db, 4), "missing", 4),
    "last entry deleted": Attack(lambda db: delete(db, 9), "truncated", 9),
    "entry deleted, gap closed": Attack(lambda db: close_the_gap(db, 4), "reordered", 4),
    "entry deleted, rest renumbered": Attack(lambda db: renumber(db, 4), "changed", 4),
    "two entries swapped": Attack(lambda db: swap(db, 5, 6), "reordered", 5),
    "entry appended": Attack(lambda db: append(db, head=False), "added", 10),
    "entry appended, head moved": Attack(lambda db: append(db, head=True), "index", 10),
    "entry before the first": Attack(lambda db: db.copy("leaf", 0, seq=-1), "added", -1),
    "cut, head moved back": Attack(lambda db: cut(db, 6), "truncated", 6),
    "emptied, head moved back": Attack(lambda db: cut(db, 0), "truncated", 0),
    "head: size moved back": Attack(run("UPDATE head SET size = 6"), "truncated", 6),
    "head: size only": Attack(run("UPDATE head SET size = 7"), "changed", None),
    "head: root": Attack(run("UPDATE head SET root = ?", WRONG), "changed", None),
    "head: frontier": Attack(run("UPDATE head SET frontier = ?", bytes(64)), "changed", None),
    "head: frontier cut": Attack(run("UPDATE head SET frontier = ?", bytes(1)), "changed", None),
    "head deleted": Attack(run("DELETE FROM head"), "changed", None),
    "index: row deleted": Attack(run("DELETE FROM entry WHERE seq = 2"), "index", 2),
    "index: row added": Attack(lambda db: index_row(db, 10), "added", 10),
    "index: row before the first": Attack(lambda db: index_row(db, -7), "added", -7),
    "index: time": Attack(run("UPDATE entry SET at = at + 1 WHERE seq = 2"), "index", 2),
    "index: id": Attack(lambda db: db.run("UPDATE entry SET id = ? WHERE seq = 2", db.id(UUID(int=7))), "index", 2),
    "index: organization taken": Attack(run("UPDATE entry SET organization_id = NULL WHERE seq = 2"), "index", 2),
    "dictionary: action": Attack(rename("action", "X_Y"), "index", 0),
    "dictionary: actor": Attack(lambda db: db.replace("actor", db.texts["actor"], "dana", "kim"), "index", 0),
    "dictionary: entity": Attack(lambda db: db.replace("entity", "key", "3", "x"), "index", 3),
    "dictionary: organization": Attack(rename("organization", "other", "key"), "index", 0),
    "dictionary: entity of another type": Attack(run("UPDATE entity SET type_id = 99 WHERE id = 4"), "index", 3),
    "dictionary: entity with another name": Attack(lambda db: widen(db, "entity", 4), "index", 3),
    "dictionary: organization with another name": Attack(lambda db: widen(db, "organization", 1), "index", 0),
    "dictionary: actor with another name": Attack(lambda db: widen(db, "actor", 1), "index", 0),
    "dictionary: number that is nobody's": Attack(
        lambda db: (db.run("UPDATE entry SET organization_id = NULL"), db.run("UPDATE entry SET organization_id = 99")),
        "index", 0,
    ),
    "dictionary: row deleted": Attack(run("DELETE FROM source"), "index", 0),
    "checkpoint: text edited": Attack(lambda db: db.replace("checkpoint", "note", "4", "5"), "re-signed", None),
    "checkpoint: no note": Attack(rename("checkpoint", "", "note"), "re-signed", None),
}  # fmt: skip
