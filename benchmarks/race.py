"""Sealers that race for one log, each stopped and continued at random: one history, nothing lost, nothing doubled.

    python -m benchmarks.race [--sealers 8] [--batches 10000] [--postgres]

A batch is a transaction of the application, sealed by whichever comes first; the next comes when nothing waits. SIGSTOP
takes a sealer at any moment, within its transaction too; SIGCONT comes up to half a second later.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.capture.postgres.world import PostgresWorld
from tests.checking import check_signed
from tests.postgres import Server, new_folder
from tests.test_killed import kill
from tests.world import World

ROWS = 3  # of a transaction
AHEAD = 0  # captured, and not yet sealed, when the next batch comes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sealers", type=int, default=8)
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["INDELIBLE_KEYS"] = f"{name}/keys"
        if not arguments.postgres:
            world = World(Path(name))
            world.db.execute("PRAGMA journal_mode = wal")
            run(world, arguments.sealers, arguments.batches)
            return
        folder = new_folder()
        server = Server.start(folder)
        try:
            url = server.database()
            run(PostgresWorld(Path(name), url, url), arguments.sealers, arguments.batches)
        finally:
            server.stop()
            shutil.rmtree(folder)


def run(world: World | PostgresWorld, count: int, batches: int) -> None:
    world.watch("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
    sealers = [start(world) for _ in range(count)]
    dice, stops, begun = random.Random(8), 0, time.monotonic()
    stopped: dict[int, float] = {}
    try:
        for batch in range(batches):
            insert(world, range(batch * ROWS, (batch + 1) * ROWS))
            if dice.random() < 0.05:
                number = dice.randrange(count)
                if number not in stopped:
                    sealers[number].send_signal(signal.SIGSTOP)
                    stopped[number], stops = time.monotonic() + dice.uniform(0.01, 0.5), stops + 1
            resume(sealers, stopped, time.monotonic())
            while world.waiting() > AHEAD:
                resume(sealers, stopped, time.monotonic())
        resume(sealers, stopped, float("inf"))
        until = time.monotonic() + 120
        while world.waiting() and time.monotonic() < until:
            time.sleep(0.05)
        alive = sum(sealer.poll() is None for sealer in sealers)
    finally:
        for sealer in sealers:
            sealer.send_signal(signal.SIGCONT)
            kill(sealer)
    world.sealer.seal()
    entries = check_signed(world.log)
    ids = sorted(int(entry.entity.id) for entry in entries)
    lost, doubled = len(set(range(batches * ROWS)) - set(ids)), len(ids) - len(set(ids))
    print(f"{count} sealers, {batches} batches of {ROWS}, {stops} stops, {time.monotonic() - begun:.0f} s: ", end="")
    signed = sum(1 for _ in world.log.store.checkpoints())
    print(f"{len(entries)} entries, {lost} lost, {doubled} doubled; {signed} checkpoints, ", end="")
    print(f"verified; {alive} sealers alive at the end.")
    with suppress(Exception):
        world.close()


def start(world: World | PostgresWorld) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.sealing", world.app_url, world.log_url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own
    assert process.stdout is not None
    process.stdout.readline()
    return process


def insert(world: World | PostgresWorld, ids: range) -> None:
    rows = [(id_, "x" * 100) for id_ in ids]
    if isinstance(world, World):
        with world.db:
            world.db.executemany("INSERT INTO t VALUES (?, ?)", rows)
    else:
        with world.db.transaction(), world.db.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)


def resume(sealers: list[subprocess.Popen[bytes]], stopped: dict[int, float], now: float) -> None:
    for number in [number for number, until in stopped.items() if until <= now]:
        sealers[number].send_signal(signal.SIGCONT)
        del stopped[number]


if __name__ == "__main__":
    main()
