"""One library on one engine, in a process of its own: `python -m tests.capture_torture.peers.one NAME ENGINE [CASE]`.

Prints a line of JSON for each case. Each case runs in a fork: what a library patched is as it was for the next one.
"""

import json
import multiprocessing
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

from tests.capture_torture.cases import of
from tests.capture_torture.judge import Verdict
from tests.capture_torture.model import Case, Engine
from tests.capture_torture.peers import django_world
from tests.capture_torture.place import Measured, Place, measure
from tests.postgres import Server, new_folder

SECONDS = 120


def main() -> None:
    warnings.simplefilter("ignore")  # of the libraries; none is ours
    name, engine, *only = sys.argv[1:]
    chosen = [case for case in of(_engine(engine)) if not only or case.id in only]
    with tempfile.TemporaryDirectory(prefix="torture") as folder:
        if engine == "sqlite":
            run(name, "sqlite", f"{folder}/template.db", chosen)
            return
        home = new_folder()
        server = Server.start(home)
        try:
            run(name, "postgres", server.database(), chosen)
        finally:
            server.stop()
            shutil.rmtree(home)


def _engine(text: str) -> Engine:
    return next(engine for engine in get_args(Engine) if engine == text)


def run(name: str, engine: Engine, template: str, cases: list[Case]) -> None:
    alone, peer = _set_up(name, engine, template)
    for number, case in enumerate(cases):
        measured = _forked(partial(_measured, alone, peer, engine, template, case, number))
        if measured.verdict is Verdict.NO_MODEL:  # its last chance: the model of a table with a composite key may lie
            measured = _forked(
                partial(_measured, alone, partial(peer, single_key=True), engine, template, case, number)
            )
        sys.stdout.write(json.dumps([case.id, measured.verdict, measured.why]) + "\n")
        sys.stdout.flush()


def _set_up(name: str, engine: Engine, template: str) -> tuple[Any, Any]:
    from tests.capture_torture.peers import continuum

    if name in continuum.PEERS:
        if engine == "sqlite":
            Path(template).touch()
        return continuum.SQLAlchemyAlone, continuum.PEERS[name]
    # Its fields need Django's settings.
    from tests.capture_torture.peers import django_apps

    installed, more = django_apps.of(name)
    django_world.set_up(engine, template, installed, **more)
    from tests.capture_torture.peers import django_peers

    return django_peers.DjangoAlone, django_peers.PEERS[name]


def _measured(  # noqa: PLR0917 - one case, and where
    alone: Any, peer: Any, engine: Engine, template: str, case: Case, number: int
) -> Measured:
    """First without the library: what its framework cannot say is written in SQL."""
    unsaid = "" if case.raw else _unsaid(_fresh(engine, template, case, 2 * number, alone))
    measured = _fresh(engine, template, case, 2 * number + 1, lambda: peer(raw=bool(unsaid)))
    return Measured(measured.verdict, f"{measured.why} (in SQL: {unsaid})" if unsaid else measured.why)


def _unsaid(alone: Measured) -> str:
    return alone.why if alone.verdict in (Verdict.BROKE, Verdict.NO_MODEL) else ""


def _fresh(engine: Engine, template: str, case: Case, number: int, make: Callable[[], Any]) -> Measured:
    url = django_world.copy(engine, template, number)
    try:
        return measure(Place.make(engine, url, case), make)
    finally:
        django_world.remove(engine, url)


def _forked(work: Callable[[], Measured]) -> Measured:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def child() -> None:
        theirs.send(work())

    process = context.Process(target=child)
    process.start()
    theirs.close()
    try:
        if ours.poll(SECONDS):
            return ours.recv()  # type: ignore[no-any-return]
        raise TimeoutError(f"The case took more than {SECONDS} s.")
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()
