"""SQLAlchemy: the portal's engine, models and sessions."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import configure_mappers

from benchmarks.cost.rows import INSERT_SELECT, MAP, SEED, row, rows, seeded
from benchmarks.cost.subject import COUNTS, Subject, Where, Write
from benchmarks.cost.tables import make_tables, watch
from indelible import Audit
from portal.database import Database
from portal.models import License

NO_SYNC = {"synchronize_session": False}


class SQLAlchemy(Subject):
    def __init__(self, where: Where) -> None:
        self.where = where
        self._open = ExitStack()
        self.counts = COUNTS.get((where.variant, where.engine))
        if where.variant == "SQLAlchemy-Continuum":
            _version_licenses()
            self.counts = "SELECT count(*) FROM licenses_version"
        make_tables(where)
        self.database = Database(where.url)
        self._open.callback(self.database.close)
        if where.variant == "indelible":
            log = f"sqlite:///{where.folder}/audit.db"
            self._open.enter_context(Audit(self.database.engine, log, map=MAP)).watch(baseline=False)
        else:
            watch(where)

    def _write(self, work: Callable[[Any], object]) -> Write:
        def write() -> None:
            with self.database.writing() as db:
                work(db)
                db.commit()

        return write

    def insert(self, number: int) -> Write:
        given = row(f"a{number:06d}")
        return self._write(lambda db: db.add(License(**given)))

    def update(self, number: int) -> Write:
        return self._write(lambda db: setattr(db.get(License, seeded(number)), "product", "Changed"))

    def insert_objects(self, number: int) -> Write:
        given = rows(f"b{number}")
        return self._write(lambda db: db.add_all([License(**each) for each in given]))

    def update_objects(self, number: int) -> Write:
        def rename(db: Any) -> None:
            for each in db.scalars(select(License).where(License.id.startswith(SEED))):
                each.product = f"Product {number}"

        return self._write(rename)

    def insert_select(self, number: int) -> Write:
        statement = text(INSERT_SELECT.format(prefix=f"d{number}"))
        return self._write(lambda db: db.execute(statement))

    def update_rows(self, number: int) -> Write:
        statement = update(License).where(License.id >= SEED, License.id < f"{SEED}~").values(product=f"Bulk {number}")
        return self._write(lambda db: db.execute(statement, execution_options=NO_SYNC))

    def executemany(self, number: int) -> Write:
        given = rows(f"e{number}")
        return self._write(lambda db: db.execute(insert(License), given))

    def recorded(self) -> int:
        if self.counts is None:
            return 0
        with self.database.reading() as db:
            return int(db.scalar(text(self.counts)) or 0)

    def close(self) -> None:
        self._open.close()


def _version_licenses() -> None:
    import sqlalchemy_continuum

    sqlalchemy_continuum.make_versioned(user_cls=None)
    setattr(License, "__versioned__", {})  # noqa: B010 - how Continuum is told
    sqlalchemy_continuum.versioning_manager.pending_classes.append(License)
    configure_mappers()
