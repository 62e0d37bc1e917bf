"""Measure every library and write the table: `python -m tests.capture_torture.peers [LIBRARY ...]`.

With names only those are measured; of the others the page keeps what it says. About five minutes for all.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.capture_torture import ours
from tests.capture_torture.cases import of
from tests.capture_torture.model import BOTH, Engine
from tests.capture_torture.place import Place, measure
from tests.capture_torture.table import LIBRARIES, OURS, PAGE, Verdicts, empty, parse, render, replaced
from tests.postgres import Server, new_folder

DISTRIBUTIONS = (*LIBRARIES[1:], "Django", "SQLAlchemy")


def main() -> None:
    page = PAGE.read_text()
    known, verdicts = parse(page), empty()
    for library in LIBRARIES:
        for engine in BOTH:
            measured = sys.argv[1:] == [] or library in sys.argv[1:]
            told = dict(_measured(library, engine)) if measured else _kept(known, library, engine)
            for case, verdict in told.items():
                verdicts[engine, case][library] = verdict
    PAGE.write_text(replaced(page, render(verdicts, _versions())))


def _kept(known: Verdicts, library: str, engine: Engine) -> dict[str, str]:
    return {
        case: told[library]
        for (of_engine, case), told in known.items()
        if of_engine == engine and library in told and case in {case.id for case in of(engine)}
    }


def _measured(library: str, engine: Engine) -> Iterator[tuple[str, str]]:
    sys.stderr.write(f"{library} on {engine}\n")
    if library == OURS:
        yield from _ours(engine)
    elif (library, engine) != ("django-pghistory", "sqlite"):
        command = [sys.executable, "-m", "tests.capture_torture.peers.one", library, engine]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for case, verdict, why in map(json.loads, lines):
            sys.stderr.write(f"  {case}: {verdict} {why[:200]!r}\n" if why else "")
            yield case, verdict


def _ours(engine: Engine) -> Iterator[tuple[str, str]]:
    if engine not in ours.ADAPTERS:
        return
    folder = new_folder()
    server = Server.start(folder) if engine == "postgres" else None
    try:
        for number, case in enumerate(of(engine)):
            with tempfile.TemporaryDirectory(dir=folder) as home:
                url = server.database() if server else str(Path(home) / f"{number}.db")
                yield case.id, measure(Place.make(engine, url, case), ours.ADAPTERS[engine]).verdict
                if server:
                    server.drop(url)
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)


if __name__ == "__main__":
    main()
