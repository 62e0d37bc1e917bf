"""Revisions carry capture, in their own transaction; autogenerate does not see what is ours."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.ext.asyncio import create_async_engine

from indelible.capture.source import open_source
from indelible.errors import UsageError
from indelible.integrations.alembic import include_name, unwatch, watch

METADATA = sa.MetaData()
LICENSES = sa.Table("licenses", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("plan", sa.Text))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        (tmp_path / "app.db").touch()
        return f"sqlite:///{tmp_path}/app.db"
    return str(request.getfixturevalue("pg_url"))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    made = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    METADATA.create_all(made)
    with made.begin() as db:
        db.execute(LICENSES.insert(), [{"id": 1, "plan": "free"}])
    yield made
    made.dispose()


def operations(connection: sa.Connection) -> Operations:
    return Operations(MigrationContext.configure(connection))


def state(url: str) -> dict[str, str]:
    with closing(open_source(url)) as source:
        return {each.table: each.state for each in source.coverage()}


def test_a_revision_watches_what_it_made(engine: sa.Engine, url: str) -> None:
    with engine.begin() as db:
        op = operations(db)
        op.add_column("licenses", sa.Column("seats", sa.Integer()))
        watch(op, "licenses")
        db.execute(sa.text("UPDATE licenses SET seats = 3"))
    assert state(url) == {"licenses": "watched"}
    with closing(open_source(url)) as source, closing(source.outbox()) as outbox:
        told = [(r.operation, r.changes) for batch in outbox.batches() for r in batch.records]
    assert told[-1] == ("update", {"seats": {"old": None, "new": 3}})
    assert ("baseline", {"id": {"new": 1}, "plan": {"new": "free"}, "seats": {"new": None}}) in told


def test_a_revision_that_fails_watches_nothing(engine: sa.Engine, url: str) -> None:
    with pytest.raises(sa.exc.DatabaseError), engine.begin() as db:  # noqa: PT012 - the transaction is what is tried
        db.execute(sa.text("INSERT INTO licenses VALUES (2, 'pro')"))
        watch(operations(db))
        db.execute(sa.text("INSERT INTO nowhere VALUES (1)"))
    assert state(url) == {"licenses": "not covered"}


def test_going_back_ends_it(engine: sa.Engine, url: str) -> None:
    with engine.begin() as db:
        watch(operations(db))
    with engine.begin() as db:
        unwatch(operations(db), "licenses")
    assert state(url) == {"licenses": "not covered"}


def test_the_connection_is_afterwards_as_it_was(engine: sa.Engine) -> None:
    setting = "PRAGMA foreign_keys" if engine.dialect.name == "sqlite" else "SHOW search_path"
    with engine.begin() as db:
        before = db.execute(sa.text(setting)).fetchall()
        watch(operations(db))
        assert db.execute(sa.text(setting)).fetchall() == before
        assert db.execute(sa.select(LICENSES.c.plan)).scalars().all() == ["free"]


def test_autogenerate_does_not_see_what_is_ours(engine: sa.Engine) -> None:
    with engine.begin() as db:
        watch(operations(db))
    with engine.connect() as db:
        for schemas in (False, True):
            options = {"include_name": include_name, "include_schemas": schemas}
            assert compare_metadata(MigrationContext.configure(db, opts=options), METADATA) == []


def test_a_map_names_what_is_redacted(engine: sa.Engine, url: str, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text('[licenses]\nredact = ["plan"]\n')
    with engine.begin() as db:
        watch(operations(db), map=tmp_path / "audit.toml")
    with closing(open_source(url)) as source, closing(source.outbox()) as outbox:
        told = [r.changes for batch in outbox.batches() for r in batch.records if r.operation == "baseline"]
    assert told == [{"id": {"new": 1}, "plan": {"new": {"redacted": True}}}]


def test_offline_mode_is_refused(engine: sa.Engine) -> None:
    context = MigrationContext.configure(dialect=engine.dialect, opts={"as_sql": True})
    with pytest.raises(UsageError, match=r"Leave it out of --sql, and run: indelible watch"):
        watch(Operations(context))


@pytest.mark.parametrize("driver", ["sqlite+aiosqlite", "postgresql+psycopg", "postgresql+asyncpg"])
def test_an_asynchronous_engine_is_refused(request: pytest.FixtureRequest, tmp_path: Path, driver: str) -> None:
    name, _, _ = driver.partition("+")
    url = f"sqlite:///{tmp_path}/app.db" if name == "sqlite" else str(request.getfixturevalue("pg_url"))

    async def migrate() -> None:
        engine = create_async_engine(url.replace(name, driver, 1))
        try:
            async with engine.begin() as db:
                await db.run_sync(lambda connection: watch(operations(connection)))
        finally:
            await engine.dispose()

    with pytest.raises(UsageError, match="awaited, cannot watch inside its own transaction; psycopg and pysqlite can"):
        asyncio.run(migrate())
