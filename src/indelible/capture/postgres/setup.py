"""What capture keeps in a database whatever its tables are: made once, and mended where somebody changed it."""

import hashlib
import logging

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow

from indelible.capture.postgres.names import SCHEMA, literal
from indelible.capture.postgres.sql import DDL, GUARD, SETUP, WATCH

logger = logging.getLogger(__name__)

MADE = "indelible " + hashlib.sha256((SETUP + GUARD + DDL).encode()).hexdigest()[:16]  # the comment of the schema


def set_up(db: Connection[DictRow]) -> None:
    """Nothing where nothing is amiss: making it locks the outbox, and every writer would wait for the oldest one."""
    if faults(db):
        db.execute(SETUP)
        db.execute(GUARD)
        _note_ddl(db)
        db.execute(f"COMMENT ON SCHEMA {SCHEMA} IS {literal(MADE)}")
    elif db.execute(WATCH["notes_ddl"]).fetchone() == {"notes": False}:
        _note_ddl(db)  # perhaps this role may


def faults(db: Connection[DictRow]) -> list[str]:
    """What is not as `set_up` left it, each as the beginning of a sentence."""
    there = db.execute("SELECT to_regclass('indelible.outbox') IS NOT NULL AS there").fetchone()
    if there == {"there": False}:
        return ["there is no outbox"]
    return [row["fault"] for row in db.execute(WATCH["faults"], {"made": MADE})]


def _note_ddl(db: Connection[DictRow]) -> None:
    """Where the role may: changes of the schema of watched tables are noted by the database itself."""
    try:
        with db.transaction():
            db.execute(DDL)
    except psycopg.errors.InsufficientPrivilege:
        logger.info("This role may not make event triggers, so changes of the schema are not noted as they happen.")
