"""Many writers at once, fast and slow, and a sealer among them. The test has them for a moment, `benchmarks/writers.py`
for as long as one likes.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from indelible.event import Entry

SCHEMA = "CREATE TABLE counters (id integer PRIMARY KEY, n bigint NOT NULL, writer integer, at_once integer)"
COUNTERS = 50  # few enough that writers meet


@dataclass
class Writers:
    """Each adds one to some counters per transaction; some linger in it, and some roll back."""

    url: str
    count: int
    seconds: float
    committed: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, meanwhile: Callable[[], object]) -> None:
        """`meanwhile` is called again and again until all have ended."""
        threads = [threading.Thread(target=self._write, args=[number]) for number in range(self.count)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            meanwhile()
        meanwhile()

    def _write(self, number: int) -> None:
        dice, done = random.Random(number), Counter[int]()  # noqa: S311 - moments, not secrets
        try:
            with psycopg.connect(self.url) as db:
                end = time.monotonic() + self.seconds
                while time.monotonic() < end:
                    done += self._transaction(db, number, dice)
        except psycopg.Error as error:
            self.failures.append(str(error))
        with self._lock:
            self.committed += done

    def _transaction(self, db: psycopg.Connection, number: int, dice: random.Random) -> Counter[int]:
        ids = sorted(dice.sample(range(COUNTERS), dice.choice([1, 1, 1, 2, 8])))  # sorted: no deadlocks
        for id_ in ids:
            db.execute("UPDATE counters SET n = n + 1, writer = %s WHERE id = %s", (number, id_))
        if dice.random() < 0.05:
            time.sleep(dice.uniform(0, 0.3))  # slow
        if dice.random() < 0.1:
            db.rollback()
            return Counter()
        db.commit()
        return Counter(ids)


def prepare(db: psycopg.Connection) -> None:
    db.execute("INSERT INTO counters SELECT i, 0 FROM generate_series(0, %s) i", (COUNTERS - 1,))


def faults(entries: Sequence[Entry], committed: Counter[int]) -> list[str]:
    """What was lost, doubled or out of order: each counter's entries count from its first to its last, one by one."""
    found = []
    last: Counter[int] = Counter()
    for entry in entries:
        if entry.operation != "update":
            continue
        id_, change = int(entry.entity.id), entry.changes["n"]
        if (change["old"], change["new"]) != (last[id_], last[id_] + 1):
            found.append(f"counter {id_}: {change} after {last[id_]}")
        last[id_] = change["new"]
    found += [f"counter {i}: {last[i]} of {n} entries" for i, n in committed.items() if last[i] != n]
    return found
