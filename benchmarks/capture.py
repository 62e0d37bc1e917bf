"""What capture costs the portal's own writes: none, Indelible and SQLAlchemy-Continuum in one run.

    python benchmarks/capture.py [--rounds 7]

Each variant runs in a process of its own, in turns, on a fresh database on this disk with the portal's own engine
and models. A figure is the median over rounds of variant / none of the same round: machines are noisy, a
ratio within one round less so. `floor` is the bare driver doing the same rows.
"""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SINGLES = 300  # transactions of one row
BULK = 1000  # rows of one transaction
REPEATS = 5  # of each bulk; the best counts
VARIANTS = ("none", "indelible", "continuum", "floor")
TARGETS = {"one row": 1.10, "1,000 rows": 1.40}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        json.dump(measure(arguments.variant), sys.stdout)
        return
    rounds = [{variant: _child(variant) for variant in VARIANTS} for _ in range(arguments.rounds)]
    report(rounds)


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    """A line for each kind of write: the time without capture, then each variant as a ratio to it."""
    print(f"{'write':<34}{'none':>12}" + "".join(f"{variant:>14}" for variant in VARIANTS[1:]) + f"{'target':>10}")
    for name in rounds[0]["none"]:
        base = statistics.median(r["none"][name] for r in rounds)
        cells = []
        for variant in VARIANTS[1:]:
            ratios = [r[variant][name] / r["none"][name] for r in rounds if name in r[variant]]
            cells.append(f"{statistics.median(ratios):>13.2f}x" if ratios else f"{'-':>14}")
        target = next((t for kind, t in TARGETS.items() if name.startswith(kind)), None)
        print(f"{name:<34}{base * 1e6:>9,.0f} us" + "".join(cells) + (f"{target:>9.2f}x" if target else ""))
    print(f"median of {len(rounds)} rounds; Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")


def _child(variant: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--variant", variant]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this very file
    result: dict[str, float] = json.loads(output)
    return result


def measure(variant: str) -> dict[str, float]:
    """Seconds for each kind of write, per transaction."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        return _floor(Path(folder)) if variant == "floor" else _orm(variant, Path(folder))


def _orm(variant: str, folder: Path) -> dict[str, float]:
    if variant == "continuum":
        import sqlalchemy_continuum

        sqlalchemy_continuum.make_versioned(user_cls=None)
    from sqlalchemy import insert, select, update
    from sqlalchemy.orm import Session, configure_mappers

    from portal.database import Database
    from portal.models import Base, License, Organization

    if variant == "continuum":
        License.__versioned__ = {}
        sqlalchemy_continuum.versioning_manager.pending_classes.append(License)
    configure_mappers()
    database = Database(f"sqlite:///{folder}/portal.db")
    Base.metadata.create_all(database.engine)
    closing: Callable[[], None] = _capture(database.engine, folder) if variant == "indelible" else lambda: None

    def writing(work: Callable[[Session], object]) -> None:
        with database.writing() as db:
            work(db)
            db.commit()

    def rows(prefix: str, count: int) -> list[dict[str, Any]]:
        return [_row(f"{prefix}{number:06d}") for number in range(count)]

    def ids(count: int) -> list[str]:
        with database.reading() as db:
            return list(db.scalars(select(License.id).order_by(License.id).limit(count)))

    def rename(db: Session, product: str) -> None:
        for each in db.scalars(select(License).order_by(License.id).limit(BULK)):
            each.product = product

    def set_status(id_: str) -> Callable[[Session], object]:
        return lambda db: setattr(db.get(License, id_), "product", "Changed")

    with database.writing() as db:
        db.add(Organization(id="org_1", name="Acme"))
        db.commit()
    acting = _acting(variant)
    with acting:
        results = {"one row, insert": _each(writing, [_adding(License, row) for row in rows("a", SINGLES)])}
        results["one row, update"] = _each(writing, [set_status(id_) for id_ in ids(SINGLES)])
        results["1,000 rows, ORM insert"] = _best(
            lambda n: writing(lambda db: db.add_all([License(**row) for row in rows(f"b{n}", BULK)]))
        )
        results["1,000 rows, ORM update"] = _best(lambda n: writing(lambda db: rename(db, f"Product {n}")))
        results["1,000 rows, insert statement"] = _best(
            lambda n: writing(lambda db: db.execute(insert(License), rows(f"c{n}", BULK)))
        )
        if variant != "continuum":  # which does not see it
            chosen = ids(BULK)
            results["one UPDATE over 1,000 rows"] = _best(
                lambda n: writing(
                    lambda db: db.execute(update(License).where(License.id <= chosen[-1]).values(product=f"Bulk {n}"))
                )
            )
    closing()
    database.close()
    return results


def _capture(engine: Any, folder: Path) -> Callable[[], None]:
    from indelible import Audit

    portal_map = Path(__file__).parent.parent / "src" / "portal" / "audit.toml"
    audit = Audit(engine, f"sqlite:///{folder}/audit.db", map=portal_map)
    audit.watch()
    return audit.close


def _acting(variant: str) -> Any:
    from contextlib import nullcontext

    from indelible import Actor, acting_as

    if variant != "indelible":
        return nullcontext()
    actor = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
    return acting_as(actor, source="portal", ip="192.0.2.1", user_agent="Mozilla/5.0 (X11; Linux)", request_id="r1")


def _adding(model: Any, row: dict[str, Any]) -> Callable[[Any], object]:
    return lambda db: db.add(model(**row))


def _executing(sql: str, values: tuple[str, ...]) -> Callable[[Any], object]:
    return lambda db: db.execute(sql, values)


def _row(id_: str) -> dict[str, Any]:
    return {
        "id": id_, "organization_id": "org_1", "product": "Desk Pro", "license_key": f"KEY-{id_}-ABCD-EFGH",
        "assignee_id": None, "status": "active", "expires_on": date(2027, 1, 1), "created_at": datetime.now(UTC),
    }  # fmt: skip


def _each(writing: Callable[[Callable[[Any], object]], None], works: list[Callable[[Any], object]]) -> float:
    """The median time of one transaction."""
    times = []
    for work in works:
        start = time.perf_counter()
        writing(work)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _best(work: Callable[[int], object]) -> float:
    times = []
    for number in range(REPEATS):
        start = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - start)
    return min(times)


def _floor(folder: Path) -> dict[str, float]:
    """The bare driver, the same rows, the same pragmas."""
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    columns = list(_row("x"))
    db.execute(f"CREATE TABLE licenses ({', '.join(columns)}, PRIMARY KEY (id))")
    insert = f"INSERT INTO licenses VALUES ({', '.join('?' for _ in columns)})"
    values = [tuple(str(v) for v in _row(f"a{n:06d}").values()) for n in range(SINGLES)]

    def writing(work: Callable[[Any], object]) -> None:
        db.execute("BEGIN IMMEDIATE")
        work(db)
        db.execute("COMMIT")

    def bulk(number: int) -> None:
        rows = [tuple(str(v) for v in _row(f"b{number}{n:06d}").values()) for n in range(BULK)]
        writing(lambda db: db.executemany(insert, rows))

    results = {"one row, insert": _each(writing, [_executing(insert, row) for row in values])}
    update = "UPDATE licenses SET product = 'Changed' WHERE id = ?"
    results["one row, update"] = _each(writing, [_executing(update, row[:1]) for row in values])
    results["1,000 rows, insert statement"] = _best(bulk)
    last = db.execute("SELECT id FROM licenses ORDER BY id LIMIT 1 OFFSET ?", (BULK - 1,)).fetchone()
    set_all = "UPDATE licenses SET product = ? WHERE id <= ?"
    results["one UPDATE over 1,000 rows"] = _best(
        lambda number: writing(lambda db: db.execute(set_all, (f"Bulk {number}", last[0])))
    )
    db.close()
    return results


if __name__ == "__main__":
    main()
