"""What it costs to take entries away: each format against the database's own shell that writes the same rows as CSV.

    python benchmarks/export.py --log URL [--rounds 3] [--query QUERY]

The log is one that `search.py` made and kept. The shell is `sqlite3` (or `psql`, with COPY), which must be there. It
writes the number and the line of each entry; and then the columns of our CSV, cut out of the line by the database's
own functions for JSON. Every one is a process of its own and writes into a file here; memory is the largest that the
process had.
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

from indelible.export.csv import COLUMNS
from indelible.log import Log
from indelible.urls import is_postgres, sqlite_path

FORMATS = ("jsonl", "json", "csv", "cloudevents", "ocsf")
# Where in a line the columns of our CSV are; `changes` and `metadata` are JSON there, too.
PATHS = {
    "actor_type": "actor.type", "actor_id": "actor.id", "actor_name": "actor.name", "actor_email": "actor.email",
    "on_behalf_of": "actor.on_behalf_of", "entity_type": "entity.type", "entity_id": "entity.id",
    "entity_name": "entity.name", "organization_id": "organization.id", "organization_name": "organization.name",
    "source": "context.source", "ip": "context.ip", "user_agent": "context.user_agent",
    "request_id": "context.request_id", "transaction_id": "context.transaction_id",
}  # fmt: skip


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
    print("| | rows a second | of number and line | of our columns | memory |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder:
        file = Path(folder, "out")
        indelible = [str(Path(sys.executable).with_name("indelible")), "export", arguments.log, arguments.query]
        commands = {
            "the shell, number and line": shell(arguments.log, columns=False),
            "the shell, our columns": shell(arguments.log, columns=True),
            **{name: [*indelible, "--format", name] for name in FORMATS},
        }
        floors: list[Measured] = []
        for name, command in commands.items():
            found = best([measured(command, file) for _ in range(arguments.rounds)])
            floors = [*floors, found][:2]
            of = " | ".join(f"{floor.seconds / found.seconds:.2f}" for floor in floors)
            print(f"| {name} | {size / found.seconds:,.0f} | {of} | {found.memory / 2**20:.0f} MB |", flush=True)


def shell(url: str, *, columns: bool) -> list[str]:
    if is_postgres(url):
        line = ", ".join(map(_cut_by_postgres, COLUMNS)) if columns else "seq, convert_from(line, 'UTF8')"
        leaf = "(SELECT seq, line, convert_from(line, 'UTF8')::json AS j FROM indelible_log.leaf WHERE log_id = 1)"
        return ["psql", url, "-c", f"COPY (SELECT {line} FROM {leaf} AS l ORDER BY seq) TO STDOUT (FORMAT csv)"]
    line = ", ".join(map(_cut_by_sqlite, COLUMNS)) if columns else "seq, CAST(line AS TEXT)"
    leaf = "(SELECT seq, line, CAST(line AS TEXT) AS j FROM leaf)"
    return ["sqlite3", "-readonly", "-csv", str(sqlite_path(url)), f"SELECT {line} FROM {leaf} ORDER BY seq"]


def _cut_by_sqlite(column: str) -> str:
    return f"json_extract(j, '$.{PATHS.get(column, column)}')"


def _cut_by_postgres(column: str) -> str:
    return f"j #>> '{{{PATHS.get(column, column).replace('.', ',')}}}'"


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
