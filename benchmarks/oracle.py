"""Random writes against the replay of the log, for as long as you like: 0 differences is the only good result.

python benchmarks/oracle.py [--statements 100000] [--engine sqlite|postgres] [--seed 1]
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.capture_torture import ours
from tests.capture_torture.model import Engine
from tests.oracle.replay import Oracle
from tests.oracle.statements import STATEMENTS
from tests.postgres import Server, new_folder

EACH = 50  # statements between two comparisons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=int, default=100_000)
    parser.add_argument("--engine", choices=sorted(ours.ADAPTERS), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random, began = Random(arguments.seed), time.monotonic()
    with database(arguments.engine) as url:
        teller = ours.ADAPTERS[arguments.engine]()
        oracle = Oracle(arguments.engine, url, teller)
        while oracle.ran < arguments.statements:
            oracle.write([random.choice(STATEMENTS[arguments.engine]).draw(random) for _ in range(EACH)])
            oracle.check()
        teller.close()
    seconds = time.monotonic() - began
    print(f"{oracle.ran:,} statements, {oracle.replayed:,} entries replayed, 0 differences, {seconds:,.0f} s")


@contextmanager
def database(engine: Engine) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as home:
            yield str(Path(home) / "app.db")
        return
    folder = new_folder()
    server = Server.start(folder)
    try:
        yield server.database()
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
