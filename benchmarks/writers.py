"""Many writers at once and a sealer, for as long as one likes: what was lost, doubled or out of order.

    python -m benchmarks.writers [SECONDS] [WRITERS]

The code is that of tests/capture/postgres/test_exactly_once.py, which has it for three seconds.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.capture.postgres.world import PostgresWorld
from tests.capture.postgres.writers import SCHEMA, Writers, faults, prepare
from tests.postgres import Server, new_folder


def main(seconds: float, count: int) -> None:
    folder = new_folder()
    server = Server.start(folder)
    with tempfile.TemporaryDirectory() as beside:
        world = PostgresWorld(Path(beside), server.database())
        world.watch(SCHEMA)
        prepare(world.db)
        writers = Writers(world.app_url, count, seconds)
        writers.run(world.sealer.seal)
        found = faults(world.sealed(), writers.committed)
        rate = writers.committed.total() / seconds
        print(f"{count} writers, {seconds:g} s: {writers.committed.total()} changes committed, {rate:.0f} a second.")
        print(f"Lost, doubled or out of order: {len(found)}; failures of writers: {len(writers.failures)}.")
        print(*found[:20], *writers.failures[:20], sep="\n")
        world.close()
    server.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else 60, int(given[1]) if given[1:] else 64)
