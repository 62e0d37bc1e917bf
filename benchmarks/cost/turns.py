"""Every variant in a process of its own; they take turns write by write, so that a moment's noise meets them all."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.postgres import Server

from benchmarks.cost.plan import FLOOR, SINGLES, Kind, kinds, variants
from benchmarks.cost.subject import Engine

ROOT = Path(__file__).parents[2]
# What a server does unasked is left out; all else, fsync above all, is as it comes.
SETTINGS = {"listen_addresses": "", "timezone": "UTC", "autovacuum": "off"}


class Cell(NamedTuple):
    """One kind of write under one variant, in one round."""

    seconds: float | None  # None: a write failed
    recorded: int  # changes, of all its writes


Round = dict[str, dict[str, Cell]]  # kind of write, variant


@contextmanager
def on_processor(number: int) -> Iterator[None]:
    """Where what is started inside stays. Clients on one, their server on another: where the scheduler happens to put
    the two is worth a third of a short transaction, which would be told of a variant."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(ours)[number % len(ours)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


class Worker:
    """A process that writes when it is told to."""

    def __init__(self, host: str, engine: Engine, variant: str, database: str, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.cost.worker", host, engine, variant, database, str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own file
        self.knows = None if variant != FLOOR else ("insert", "update", "executemany", "insert_select", "update_rows")

    def ready(self) -> None:
        self._answer()

    def ask(self, kind: str, number: int = 0) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([kind, number]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} ended; what it said is above.")  # type: ignore[arg-type]
        return json.loads(line)


def measure(host: str, engine: Engine, rounds: int) -> list[Round]:
    with tempfile.TemporaryDirectory(prefix="bench", dir=".") as folder, ExitStack() as stack:
        home = Path(folder).absolute()
        database: Callable[[Path], str] = lambda folder: str(folder / "portal.db")  # noqa: E731
        if engine == "postgres":
            home.chmod(0o755)  # root's server runs as somebody else
            (home / "pg").mkdir()
            with on_processor(1):
                server = Server.start(home / "pg", settings=SETTINGS)
            stack.callback(server.stop)
            database = lambda _: server.database()  # noqa: E731
        return [_round(host, engine, home / str(number), database) for number in range(rounds)]


def _round(host: str, engine: Engine, home: Path, database: Callable[[Path], str]) -> Round:
    with ExitStack() as stack:
        workers = {}
        for variant in variants(host, engine):
            folder = home / variant.replace(" ", "-")
            folder.mkdir(parents=True)
            with on_processor(0):
                workers[variant] = Worker(host, engine, variant, database(folder), folder)
            stack.callback(workers[variant].close)
        for worker in workers.values():
            worker.ready()
        return {kind.method: _in_turns(kind, workers) for kind in kinds(host)}


def _in_turns(kind: Kind, workers: dict[str, Worker]) -> dict[str, Cell]:
    taking = {name: worker for name, worker in workers.items() if not worker.knows or kind.method in worker.knows}
    before = {name: worker.ask("recorded") for name, worker in taking.items()}
    times: dict[str, list[float | None]] = {name: [] for name in taking}
    order = list(taking)
    for number in range(kind.repeats):
        for name in order:
            times[name].append(taking[name].ask(kind.method, number))
        order.append(order.pop(0))  # nobody always comes after the same one
    return {name: Cell(_best(times[name]), taking[name].ask("recorded") - before[name]) for name in taking}


def _best(times: list[float | None]) -> float | None:
    known = [seconds for seconds in times if seconds is not None]
    if len(known) < len(times):
        return None
    return statistics.median(known) if len(known) == SINGLES else min(known)
