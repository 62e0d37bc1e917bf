"""SQLAlchemy: the actor travels inside the transaction, whoever writes: Session, Core or raw text.

How depends on the database; each dialect has a module of its own beside this one.
"""

from collections.abc import Callable

try:
    from sqlalchemy import Engine
except ModuleNotFoundError as error:
    raise ImportError(f"{error}. It needs more packages: pip install 'indelible[sqlalchemy]'") from error

from indelible.integrations import sqlalchemy_postgres, sqlalchemy_sqlite


def attach(engine: Engine, committed: Callable[[], None]) -> None:
    """Make every connection of `engine` carry the actor; call `committed` as a transaction that carried one commits."""
    dialect = sqlalchemy_sqlite if engine.dialect.name == "sqlite" else sqlalchemy_postgres
    dialect.attach(engine, committed)
