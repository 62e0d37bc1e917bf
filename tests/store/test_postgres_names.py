"""A log asks PostgreSQL, and no schema that somebody has put in front of it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from indelible.errors import LogError
from indelible.log import Log
from tests.store.test_log import happened

FAKE = "CREATE FUNCTION fake.length(bytea) RETURNS int LANGUAGE sql AS 'SELECT 0'"


@pytest.fixture
def misled(pg_url: str) -> Iterator[str]:
    """A role, in whose path pg_catalog comes second."""
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("CREATE SCHEMA fake")
        db.execute(FAKE)
        db.execute("CREATE ROLE misled LOGIN SUPERUSER; ALTER ROLE misled SET search_path = fake, pg_catalog")
    parts = urlsplit(pg_url)
    yield parts._replace(netloc=f"misled@{parts.netloc.rpartition('@')[2]}").geturl()
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("DROP OWNED BY misled CASCADE; DROP ROLE misled")


def test_a_role_with_a_schema_before_postgresqls_own_is_refused_and_told_why(pg_url: str, misled: str) -> None:
    with pytest.raises(LogError, match=r"'fake' before pg_catalog.*Leave pg_catalog out"):
        Log.create(misled)
    with Log.create(pg_url) as log:
        log.append([happened()])
    with pytest.raises(LogError, match="'fake' before pg_catalog"):
        Log.open(misled)


@pytest.mark.parametrize("path", ["fake", "fake, public", "pg_catalog, fake", "''"])
def test_a_path_that_leaves_postgresqls_own_in_front_is_as_good_as_any(pg_url: str, misled: str, path: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute(f"ALTER ROLE misled SET search_path = {path}".encode())
    with Log.create(misled) as log:
        log.append([happened()])
        assert log.head().size == 1
