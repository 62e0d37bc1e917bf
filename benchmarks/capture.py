"""What capture costs the portal's own writes: none, Indelible and SQLAlchemy-Continuum in one run.

    python benchmarks/capture.py [--rounds 5]

The portal's engine, models and pragmas, on fresh databases on this disk. "none" and "indelible" take turns write by
write in one process; Continuum rewrites the mappers of its process, so it has one of its own, as has the floor, the
bare driver writing the same rows. A figure is the median over rounds of variant / none: machines are noisy, a
ratio of neighbours less so.
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SINGLES = 300  # transactions of one row
BULK = 1000  # rows of one transaction
REPEATS = 5  # of each bulk; the best counts
PROCESSES = (("none", "indelible"), ("continuum",), ("floor",))
VARIANTS = ("indelible", "continuum", "floor")
TARGETS = {"one row": 1.10, "1,000 rows": 1.40}
MAP = Path(__file__).parent.parent / "src" / "portal" / "audit.toml"

Times = dict[str, dict[str, float]]  # variant, kind of write: seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        json.dump(measure(arguments.measure), sys.stdout)
    else:
        report([{k: v for process in PROCESSES for k, v in _child(process).items()} for _ in range(arguments.rounds)])


def report(rounds: list[Times]) -> None:
    """A line for each kind of write: the time without capture, then each variant as a ratio to it."""
    print(f"{'write':<32}{'none':>12}" + "".join(f"{variant:>12}" for variant in VARIANTS) + f"{'target':>10}")
    for name in rounds[0]["none"]:
        base = statistics.median(r["none"][name] for r in rounds)
        cells = []
        for variant in VARIANTS:
            ratios = [r[variant][name] / r["none"][name] for r in rounds if name in r[variant]]
            cells.append(f"{statistics.median(ratios):>11.2f}x" if ratios else f"{'-':>12}")
        target = next((t for kind, t in TARGETS.items() if name.startswith(kind)), None)
        print(f"{name:<32}{base * 1e6:>9,.0f} us" + "".join(cells) + (f"{target:>9.2f}x" if target else ""))
    print(f"median of {len(rounds)} rounds; Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")


def _child(variants: tuple[str, ...]) -> Times:
    command = [sys.executable, __file__, "--measure", *variants]
    result: Times = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - this very file
    return result


def measure(variants: list[str]) -> Times:
    with tempfile.TemporaryDirectory(dir=".") as folder, ExitStack() as stack:
        if variants == ["floor"]:
            return {"floor": _floor(Path(folder))}
        subjects = {variant: Subject(variant, Path(folder) / variant, stack) for variant in variants}
        times: Times = {variant: {} for variant in variants}
        for name, writes in Subject.writes():
            for variant, taken in _in_turns(subjects, writes).items():
                times[variant][name] = statistics.median(taken) if len(taken) > REPEATS else min(taken)
        return times


def _in_turns(subjects: dict[str, "Subject"], writes: list[Callable[["Subject"], None]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {variant: [] for variant in subjects}
    for write in writes:
        for variant, subject in subjects.items():
            with subject.acting():
                start = time.perf_counter()
                write(subject)
                times[variant].append(time.perf_counter() - start)
    return times


class Subject:
    """The portal's database under one variant."""

    def __init__(self, variant: str, folder: Path, stack: ExitStack) -> None:
        if variant == "continuum":
            _version_licenses()
        from portal.database import Database
        from portal.models import Base, License, Organization

        folder.mkdir()
        self.model: Any = License
        self.database = Database(f"sqlite:///{folder}/portal.db")
        stack.callback(self.database.close)
        Base.metadata.create_all(self.database.engine)
        self.acting: Callable[[], AbstractContextManager[object]] = nullcontext
        if variant == "indelible":
            self._capture(folder, stack)
        self._write(lambda db: db.add(Organization(id="org_1", name="Acme")))

    @staticmethod
    def writes() -> Iterator[tuple[str, list[Callable[["Subject"], None]]]]:
        yield "one row, insert", [_with(Subject.insert, n) for n in range(SINGLES)]
        yield "one row, update", [_with(Subject.update, n) for n in range(SINGLES)]
        yield "1,000 rows, ORM insert", [_with(Subject.insert_many, n) for n in range(REPEATS)]
        yield "1,000 rows, ORM update", [_with(Subject.update_many, n) for n in range(REPEATS)]
        yield "1,000 rows, insert statement", [_with(Subject.insert_rows, n) for n in range(REPEATS)]
        yield "one UPDATE over 1,000 rows", [_with(Subject.update_rows, n) for n in range(REPEATS)]

    def insert(self, number: int) -> None:
        self._write(lambda db: db.add(self.model(**_row(f"a{number:06d}"))))

    def update(self, number: int) -> None:
        self._write(lambda db: setattr(db.get(self.model, f"a{number:06d}"), "product", "Changed"))

    def insert_many(self, number: int) -> None:
        self._write(lambda db: db.add_all([self.model(**row) for row in _rows(f"b{number}")]))

    def update_many(self, number: int) -> None:
        from sqlalchemy import select

        def rename(db: Any) -> None:
            for each in db.scalars(select(self.model).where(self.model.id.startswith("b0"))):
                each.product = f"Product {number}"

        self._write(rename)

    def insert_rows(self, number: int) -> None:
        from sqlalchemy import insert

        self._write(lambda db: db.execute(insert(self.model), _rows(f"c{number}")))

    def update_rows(self, number: int) -> None:
        from sqlalchemy import update

        chosen = update(self.model).where(self.model.id.startswith("c0"))
        self._write(lambda db: db.execute(chosen.values(product=f"Bulk {number}"), execution_options=_NO_SYNC))

    def _write(self, work: Callable[[Any], object]) -> None:
        with self.database.writing() as db:
            work(db)
            db.commit()

    def _capture(self, folder: Path, stack: ExitStack) -> None:
        from indelible import Actor, Audit, acting_as

        audit = stack.enter_context(Audit(self.database.engine, f"sqlite:///{folder}/audit.db", map=MAP))
        audit.watch()
        actor = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
        self.acting = lambda: acting_as(
            actor, source="portal", ip="192.0.2.1", user_agent="Mozilla/5.0", request_id="r1"
        )


_NO_SYNC = {"synchronize_session": False}


def _version_licenses() -> None:
    import sqlalchemy_continuum
    from sqlalchemy.orm import configure_mappers

    sqlalchemy_continuum.make_versioned(user_cls=None)
    from portal.models import License

    License.__versioned__ = {}  # how Continuum is told
    sqlalchemy_continuum.versioning_manager.pending_classes.append(License)
    configure_mappers()


def _with(method: Callable[[Subject, int], None], number: int) -> Callable[[Subject], None]:
    return lambda subject: method(subject, number)


def _rows(prefix: str) -> list[dict[str, Any]]:
    return [_row(f"{prefix}{number:06d}") for number in range(BULK)]


def _row(id_: str) -> dict[str, Any]:
    return {
        "id": id_, "organization_id": "org_1", "product": "Desk Pro", "license_key": f"KEY-{id_}-ABCD-EFGH",
        "assignee_id": None, "status": "active", "expires_on": date(2027, 1, 1), "created_at": datetime.now(UTC),
    }  # fmt: skip


def _floor(folder: Path) -> dict[str, float]:
    """The bare driver: the same rows and pragmas, no constraint but the key."""
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    columns = list(_row("x"))
    db.execute(f"CREATE TABLE licenses ({', '.join(columns)}, PRIMARY KEY (id))")
    insert = f"INSERT INTO licenses VALUES ({', '.join('?' for _ in columns)})"

    def timed(sql: str, rows: list[tuple[str, ...]]) -> float:
        start = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.executemany(sql, rows)
        db.execute("COMMIT")
        return time.perf_counter() - start

    def texts(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        return [tuple(str(value) for value in row.values()) for row in rows]

    singles = texts([_row(f"a{number:06d}") for number in range(SINGLES)])
    results = {"one row, insert": statistics.median(timed(insert, [row]) for row in singles)}
    update = "UPDATE licenses SET product = 'Changed' WHERE id = ?"
    results["one row, update"] = statistics.median(timed(update, [row[:1]]) for row in singles)
    results["1,000 rows, insert statement"] = min(timed(insert, texts(_rows(f"c{n}"))) for n in range(REPEATS))
    update = "UPDATE licenses SET product = ? WHERE id LIKE 'c0%'"
    results["one UPDATE over 1,000 rows"] = min(timed(update, [(f"Bulk {n}",)]) for n in range(REPEATS))
    db.close()
    return results


if __name__ == "__main__":
    main()
