"""One process for one variant: libraries that rewrite a host's classes do it in their own.

A line in is the name of a kind of write and a number; a line out is how long it took.
"""

import json
import sys
import time
from pathlib import Path
from typing import TextIO

from benchmarks.cost.subject import Engine, Subject, Where


def main(host: str, engine: Engine, variant: str, database: str, folder: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else a library prints
    subject = _open(host, Where(engine, variant, database, Path(folder)))
    _say(answers, "ready")
    for line in sys.stdin:
        kind, number = json.loads(line)
        _say(answers, subject.recorded() if kind == "recorded" else _timed(subject, kind, number))
    subject.close()


def _timed(subject: Subject, kind: str, number: int) -> float | None:
    """None where the variant makes the write fail."""
    write = getattr(subject, kind)(number)
    try:
        with subject.acting():
            start = time.perf_counter()
            write()
            return time.perf_counter() - start
    except Exception as error:
        if subject.where.variant in {"none", "indelible"}:
            raise
        sys.stderr.write(f"{subject.where.variant}, {kind}: {type(error).__name__}: {error}\n")
        return None


def _open(host: str, where: Where) -> Subject:
    if host == "driver" or where.variant == "bare driver":
        from benchmarks.cost.host_driver import Driver

        return Driver(where)
    if host == "sqlalchemy":
        from benchmarks.cost.host_sqlalchemy import SQLAlchemy

        return SQLAlchemy(where)
    from benchmarks.cost.host_django import Django

    return Django(where)


def _say(answers: TextIO, value: object) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # as `turns` starts it
