"""What capture costs a write: a ratio to no capture, beside other libraries and the bare driver, in one run.

    python benchmarks/capture.py [--rounds 3] [--engine sqlite|postgres] [--host sqlalchemy|django|driver]

The portal's tables, on this disk, with every write as durable as its engine makes it by default: SQLite with WAL and
`synchronous=FULL` as the portal has it, PostgreSQL with fsync. The tables are Markdown, for docs/benchmarks.md.
"""

import argparse
import platform
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.cost import plan
from benchmarks.cost.table import NOTE, lines
from benchmarks.cost.turns import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    parser.add_argument("--host", choices=[*plan.HOSTS])
    arguments = parser.parse_args()
    for host, engine in plan.PEERS:
        if arguments.host in (None, host) and arguments.engine in (None, engine):
            print(*lines(host, engine, measure(host, engine, arguments.rounds)), "", sep="\n", flush=True)
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(NOTE, f"Median of {arguments.rounds} rounds; {versions}.")


if __name__ == "__main__":
    main()
