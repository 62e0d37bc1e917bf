"""The portal's tables with its models' constraints and indexes, and the rows that are there before."""

from contextlib import closing
from pathlib import Path

import psycopg

from benchmarks.cost.rows import MAP, SEED, rows
from benchmarks.cost.subject import Where
from indelible.actions import ActionMap
from indelible.capture.source import open_source
from portal.database import Database
from portal.models import Base, License, Organization

JSONB_TRIGGER = Path(__file__).with_name("jsonb_trigger.sql")


def make_tables(where: Where) -> None:
    database = Database(where.url)
    Base.metadata.create_all(database.engine)
    with database.writing() as db:
        db.add(Organization(id="org_1", name="Acme"))
        db.flush()
        db.add_all([License(**row) for row in rows(SEED)])
        db.commit()
    database.close()


def watch(where: Where) -> None:
    """Capture that needs nothing of the host."""
    if where.variant == "indelible":
        with closing(open_source(where.source)) as source:
            source.watch(None, ActionMap.load(MAP), strict=False, baseline=False)
    elif where.variant == "jsonb trigger":
        with psycopg.connect(where.database) as db:
            db.execute(JSONB_TRIGGER.read_bytes())
