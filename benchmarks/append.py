"""What it costs to append: the log against the same bytes decoded, hashed and put in a bare table, in turns.

    python benchmarks/append.py [--entries 1000000] [--batch 1000] [--postgres | --leanest]

Both are on this disk, every batch durable: files of their own (WAL, `synchronous=FULL`), or databases of one server
(`fsync`, as it comes), where the bare table is filled by COPY. Events have about 550 bytes:
200,000 entities, 5,000 users, 1,000 organizations, 40 actions. The log's batch is indexed, its head signed.

--leanest measures in the log's place the least that any such log in Python has to do: see `Leanest`.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent.parent))

import apsw
import msgspec
import psycopg
from tests.postgres import Server

from indelible.event import Actor, Context, Entity, Event, Organization, micros, seal
from indelible.log import Log
from indelible.merkle.tile import grow
from indelible.merkle.tree import Frontier, leaf_hash

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PARTS = 10  # a line of the table for each

decode = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode
SIZES = """SELECT pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'indelible_log'::regnamespace"""
Append = Callable[[list[bytes]], None]
World = tuple["Bare | BareTable", Append, Callable[[], int]]  # the last gives the bytes that are on the disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1000)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--postgres", dest="world", action="store_const", const=on_server, default=in_files)
    how.add_argument("--leanest", dest="world", action="store_const", const=leanest)
    arguments = parser.parse_args()
    with arguments.world() as (floor, append, measure):
        print(
            "| entries | floor, a second | indelible, a second | of the floor | longest batch | bytes, of the lines |"
        )
        print("| --- | --- | --- | --- | --- | --- |")
        measured, batches = Measured(), events(arguments.entries, arguments.batch)
        for number, batch in enumerate(batches, 1):
            measured.take(batch, floor.append, append)
            if number * arguments.batch % (arguments.entries // PARTS) == 0:
                size = measure() / floor.bytes
                print(measured.line(number * arguments.batch), f"{size:.2f} |", flush=True)
                measured = Measured()


def log_append(log: Log, lines: list[bytes]) -> None:
    log.append([decode(line) for line in lines])


@contextmanager
def in_files() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        path = Path(folder).absolute() / "audit.db"
        with Log.create(f"sqlite:///{path}") as log:
            yield Bare(Path(folder, "floor.db")), partial(log_append, log), lambda: path.stat().st_size


@contextmanager
def leanest() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        path = Path(folder, "lean.db")
        yield Bare(Path(folder, "floor.db")), Leanest(path).append, lambda: path.stat().st_size


@contextmanager
def on_server() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = Server.start(folder, settings={"listen_addresses": "", "shared_buffers": "512MB", "max_wal_size": "4GB"})
    try:
        url = server.database()
        os.environ["INDELIBLE_KEYS"] = str(folder / "keys")
        with Log.create(url) as log, psycopg.connect(url, autocommit=True) as db:
            yield (
                BareTable(server.database()),
                partial(log_append, log),
                lambda: sum(size for (size,) in db.execute(SIZES)),
            )
    finally:
        server.stop()
        shutil.rmtree(folder)


class BareTable:
    """The floor on a server."""

    def __init__(self, url: str) -> None:
        self._db = psycopg.connect(url, autocommit=True)
        self._db.execute("CREATE TABLE leaf (seq bigint PRIMARY KEY, hash bytea, line bytea)")
        self._size = self.bytes = 0

    def append(self, lines: list[bytes]) -> None:
        with self._db.cursor() as cursor, cursor.copy("COPY leaf FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("int8", "bytea", "bytea"))
            for line in lines:
                decode(line)
                copy.write_row((self._size, leaf_hash(line), line))
                self._size += 1
        self.bytes += sum(map(len, lines))


class Bare:
    """The floor in a file."""

    def __init__(self, path: Path) -> None:
        self._db = apsw.Connection(str(path))
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE leaf (seq INTEGER PRIMARY KEY, hash BLOB, line BLOB) STRICT")
        self._size = self.bytes = 0

    def append(self, lines: list[bytes]) -> None:
        with self._db:
            for line in lines:
                decode(line)
                self._db.execute("INSERT INTO leaf VALUES (?, ?, ?)", (self._size, leaf_hash(line), line))
                self._size += 1
        self.bytes += sum(map(len, lines))


class Leanest:
    """The line with its number, the hashes of the tree, a row of numbers to search by; and all of it read and hashed
    once more before it could be signed. No checks, dictionaries in memory alone, no signature.
    """

    def __init__(self, path: Path) -> None:
        self._db = apsw.Connection(str(path))
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE leaf (seq INTEGER PRIMARY KEY, hash BLOB, line BLOB) STRICT")
        self._db.execute("CREATE TABLE node (level, place, hash, PRIMARY KEY (level, place)) WITHOUT ROWID")
        self._db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, id, at, a, b, c, d, e, f, g)")
        self._frontier = Frontier()
        self._numbers = defaultdict[object, int](count().__next__)

    def append(self, lines: list[bytes]) -> None:
        first = self._frontier.size
        leaves, rows = list[tuple[int, bytes, bytes]](), list[tuple[object, ...]]()
        for seq, event in enumerate(map(decode, lines), first):
            line, _ = seal(event, seq)
            leaves.append((seq, leaf_hash(line), line))
            rows.append((seq, event.id.bytes, micros(event.occurred_at), *self._names(event)))
        with self._db:
            self._db.executemany("INSERT INTO leaf VALUES (?, ?, ?)", leaves)
            self._db.executemany(
                "INSERT INTO node VALUES (?, ?, ?)", grow(self._frontier, [leaf[1] for leaf in leaves])
            )
            self._db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        written = self._db.execute("SELECT hash, line FROM leaf WHERE seq >= ?", (first,)).fetchall()
        assert all(leaf_hash(line) == hash_ for hash_, line in written)  # type: ignore[arg-type]  # blobs, as the table has it

    def _names(self, event: Event) -> list[int]:
        entity, organization = event.entity, event.organization
        named = (
            event.action,
            event.operation,
            event.context.source,
            entity.type,
            (entity.type, entity.id),
            event.actor,
        )
        return [self._numbers[name] for name in (*named, organization and organization.id)]


class Measured:
    """Batches that both appended, one after the other."""

    def __init__(self) -> None:
        self.count = 0
        self.floor: list[float] = []
        self.ours: list[float] = []

    def take(self, batch: list[bytes], floor: Append, ours: Append) -> None:
        self.count += len(batch)
        turns = [(floor, self.floor), (ours, self.ours)]
        for append, times in turns if len(self.ours) % 2 else reversed(turns):
            start = time.perf_counter()
            append(batch)
            times.append(time.perf_counter() - start)

    def line(self, entries: int) -> str:
        floor, ours = self.count / sum(self.floor), self.count / sum(self.ours)
        return f"| {entries:,} | {floor:,.0f} | {ours:,.0f} | {ours / floor:.2f} | {max(self.ours) * 1000:.0f} ms |"


def events(amount: int, batch: int) -> Iterator[list[bytes]]:
    random = Random(1)
    for first in range(0, amount, batch):
        yield [encode(_event(random, number)) for number in range(first, min(first + batch, amount))]


def _event(random: Random, number: int) -> Event:
    at = BEGAN + timedelta(seconds=number)
    user, organization = random.randrange(5000), random.randrange(1000)
    bits = int(at.timestamp() * 1000) << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return Event(
        action=f"LICENSE_A{random.randrange(40)}",
        operation="update",
        entity=Entity("License", f"lic_{random.randrange(200_000)}", "Pro seat"),
        occurred_at=at,
        actor=Actor(id=f"u_{user}", name=f"Dana Lee {user}", email=f"dana{user}@acme.test"),
        id=UUID(int=bits),
        organization=Organization(f"org_{organization}", f"Acme {organization}"),
        changes={"assignee_id": {"old": None, "new": f"u_{user}"}, "status": {"old": "active", "new": "expired"}},
        context=Context(
            source="portal",
            ip="203.0.113.9",
            user_agent="Mozilla/5.0",
            request_id=f"r{number}",
            transaction_id="a" * 32,
        ),
    )


if __name__ == "__main__":
    main()
