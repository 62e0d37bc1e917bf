"""What it costs to take entries away: each format against the database's own shell that writes the same rows as CSV.

    python benchmarks/export.py --log URL [--rounds 3] [--query QUERY]

The log is one that `search.py` made and kept. The shell is `sqlite3` (or `psql`, with COPY), which must be there; it
writes the number and the line of each entry. Every one is a process of its own and writes into a file here; memory is
the largest that the process had.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from indelible.log import Log
from indelible.urls import is_postgres, sqlite_path

FORMATS = ("jsonl", "json", "csv", "cloudevents", "ocsf")
WHOLE = "SELECT seq, {line} FROM {leaf} ORDER BY seq"


class Measured(NamedTuple):
    seconds: float
    memory: int  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--query", default="")
    arguments = parser.parse_args()
    with Log.open(arguments.log, sign=False) as log:
        size = log.head().size
    print("| format | rows a second | of the shell's | memory |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        file = Path(folder, "out")
        floor = best([measured(shell(arguments.log), file) for _ in range(arguments.rounds)])
        print(f"| the shell's CSV | {size / floor.seconds:,.0f} | 1 | {floor.memory / 2**20:.0f} MB |", flush=True)
        for name in FORMATS:
            command = [str(Path(sys.executable).with_name("indelible")), "export", arguments.log, arguments.query]
            found = best([measured([*command, "--format", name], file) for _ in range(arguments.rounds)])
            told = f"| {name} | {size / found.seconds:,.0f} | {floor.seconds / found.seconds:.2f} |"
            print(f"{told} {found.memory / 2**20:.0f} MB |", flush=True)


def shell(url: str) -> list[str]:
    if is_postgres(url):
        query = WHOLE.format(line="convert_from(line, 'UTF8')", leaf="indelible_log.leaf WHERE log_id = 1")
        return ["psql", url, "-c", f"COPY ({query}) TO STDOUT (FORMAT csv)"]
    return ["sqlite3", "-readonly", "-csv", str(sqlite_path(url)), WHOLE.format(line="CAST(line AS TEXT)", leaf="leaf")]


def measured(command: list[str], file: Path) -> Measured:
    with file.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)  # noqa: S603 - our own commands
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
    if status:
        sys.exit(f"{command[0]} failed.")
    return Measured(took, usage.ru_maxrss * 1024)


def best(tries: list[Measured]) -> Measured:
    return min(tries)


if __name__ == "__main__":
    main()
