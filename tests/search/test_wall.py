"""What is one organization's is seen by that one alone, whatever a search, an index or a statement says."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from indelible.errors import LogError, NotFoundError, VerificationError
from indelible.event import Organization, read
from indelible.log import Log
from indelible.search.page import lines
from indelible.search.query import Query, parse
from indelible.search.wall import own, own_line
from indelible.store.postgres.store import PostgresStore
from tests.checking import on_sqlite
from tests.postgres import Server
from tests.store.test_log import happened
from tests.world import World

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ODD = "a\x00'\n\\ö"  # an id may be anything
OWNERS = [Organization("acme", "Acme"), Organization(ODD, "Acme"), None]
SQL_OF_ACME = "SELECT set_config('indelible.organization', encode(sha256('acme'), 'hex'), false)"


@pytest.fixture
def log(world: World) -> Log:
    """Nine entries: of one, of another, of none."""
    world.log.append(happened(organization=owner) for _ in range(3) for owner in OWNERS)
    return world.log


@pytest.mark.parametrize(("organization", "first"), [("acme", 0), (ODD, 1), ("Acme", None), ("", None)])
def test_a_store_gives_one_organization_no_line_of_another(log: Log, organization: str, first: int | None) -> None:
    found = [read(line).seq for line in log.store.lines(range(-1, 12), organization)]
    assert found == ([] if first is None else [first, first + 3, first + 6])
    assert len(log.store.lines(range(12))) == 9


def test_a_search_that_found_anothers_entry_shows_nothing(log: Log) -> None:
    assert len(own(log, [0, 3], "acme")) == 2
    for wanted in ([0, 1], [2]):
        with pytest.raises(VerificationError, match="not its own"):
            own(log, wanted, "acme")
    assert len(own(log, [0, 1, 2], None)) == 3


def test_a_copy_that_is_behind_is_no_alarm_and_cuts_nothing_short(log: Log) -> None:
    """What was found by one connection may not be there yet for another, where they lead to a replica."""
    for organization in ("acme", None):
        with pytest.raises(LogError, match="Ask again"):
            own(log, [0, 9], organization)
    for query in (Query(), parse("license", NOW)):
        with pytest.raises(LogError, match="Ask again"):
            list(lines(log, query, end=12))
    assert len(list(lines(log, Query()))) == 9


def test_anothers_entry_is_as_one_that_is_not_there(log: Log) -> None:
    told = set()
    for seq in (1, 2, 9, -1, 2**63, None):
        with pytest.raises(NotFoundError) as refused:
            own_line(log, seq, "acme")
        told.add(str(refused.value).replace(str(seq), "N").replace("of that number", "N"))
    assert told == {"There is no entry N to be seen here."}
    assert read(own_line(log, 3, "acme")).seq == 3
    assert read(own_line(log, 2, None)).seq == 2


def test_an_index_that_says_it_is_theirs_is_not_believed(file_world: World) -> None:
    """The line says whose it is."""
    file_world.log.append(happened(organization=owner) for _ in range(3) for owner in OWNERS)
    with on_sqlite(file_world.log).reading() as db:
        db.pragma("query_only", False)
        db.execute("DROP TRIGGER entry_refuses_update; UPDATE entry SET organization_id = 1")
    with pytest.raises(VerificationError, match="not its own"):
        own(file_world.log, [1], "acme")
    with pytest.raises(NotFoundError):
        own_line(file_world.log, 1, "acme")


@pytest.fixture
def tenant(server_log: Log, pg_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:  # noqa: ARG001 - it is there
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute("SET ROLE indelible_tenant")
        yield db


@pytest.fixture
def server_log(pg_url: str) -> Iterator[Log]:
    with Log.create(pg_url) as log:
        log.append(happened(organization=owner) for _ in range(3) for owner in OWNERS)
        yield log


def test_the_role_of_a_tenant_sees_one_view_and_there_what_it_said_it_is(
    tenant: psycopg.Connection[tuple[object, ...]],
) -> None:
    tables = [
        str(name)
        for (name,) in tenant.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'indelible_log'::regnamespace AND relkind IN ('r', 'v')"
        )
    ]
    for table in tables:
        if table != "own_leaf":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                tenant.execute(f"SELECT FROM indelible_log.{table}".encode())
    assert "leaf" in tables
    assert tenant.execute("SELECT seq FROM indelible_log.own_leaf").fetchall() == []
    tenant.execute(SQL_OF_ACME)
    assert tenant.execute("SELECT seq FROM indelible_log.own_leaf ORDER BY seq").fetchall() == [(0,), (3,), (6,)]


def test_no_function_in_a_query_sees_what_the_view_hides(tenant: psycopg.Connection[tuple[object, ...]]) -> None:
    """A cheap one would be asked first, of every row, were the view no barrier."""
    tenant.execute(
        "CREATE FUNCTION pg_temp.peek(bytea) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "$$ BEGIN RAISE NOTICE '%', convert_from($1, 'UTF8'); RETURN true; END $$"
    )
    seen = list[str]()
    tenant.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
    tenant.execute(SQL_OF_ACME)
    tenant.execute("SELECT seq FROM indelible_log.own_leaf WHERE pg_temp.peek(line)")
    assert [read(line.encode()).seq for line in seen] == [0, 3, 6]


@pytest.mark.parametrize("role", ["indelible_reader", "indelible_writer"])
def test_whoever_reads_for_an_organization_does_it_as_that_role(server_log: Log, pg_url: str, role: str) -> None:
    name = f"wall_{role}"
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}".encode())
    try:
        with Log.open(pg_url.replace("postgres@", f"{name}@"), sign=False) as opened:
            assert isinstance(opened.store, PostgresStore)
            assert opened.store._tenants.query(b"SELECT current_user", (), "acme") == [("indelible_tenant",)]
            assert opened.store.lines(range(9), "acme") == server_log.store.lines([0, 3, 6])
    finally:
        with psycopg.connect(pg_url, autocommit=True) as db:
            db.execute(f"DROP ROLE {name}".encode())


def test_whoever_may_not_give_the_role_away_reads_the_view_all_the_same(pg_url: str, postgres: Server) -> None:
    """The roles are the whole server's: the owner of this schema neither made this one nor looks after it."""
    Log.create(postgres.database()).close()  # there is the role
    with psycopg.connect(pg_url, autocommit=True) as db:
        ((name,),) = db.execute("SELECT current_database()").fetchall()
        db.execute("CREATE ROLE wall_owner LOGIN; CREATE ROLE wall_writer LOGIN IN ROLE indelible_writer")
        db.execute(f"GRANT CREATE ON DATABASE {name} TO wall_owner".encode())
    try:
        with Log.create(pg_url.replace("postgres@", "wall_owner@")) as log:
            log.append(happened(organization=owner) for owner in OWNERS)
            for user in ("wall_owner", "wall_writer", "postgres"):
                with Log.open(pg_url.replace("postgres@", f"{user}@"), sign=False) as opened:
                    assert len(own(opened, [0], "acme")) == 1
        with psycopg.connect(pg_url, autocommit=True) as db:
            db.execute("REVOKE SELECT ON indelible_log.own_leaf FROM indelible_tenant")
        with Log.open(pg_url, sign=False) as opened:
            assert len(own(opened, [0], "acme")) == 1
    finally:
        with psycopg.connect(pg_url, autocommit=True) as db:
            db.execute("REASSIGN OWNED BY wall_owner TO postgres; DROP OWNED BY wall_owner")
            db.execute("DROP ROLE wall_owner; DROP ROLE wall_writer")


LEFT = (
    b"SELECT current_user, coalesce(current_setting('indelible.organization', true), ''), "
    b"current_setting('default_transaction_read_only'), (SELECT count(*) FROM pg_prepared_statements)"
)


def test_nothing_of_a_question_stays_in_the_session(server_log: Log) -> None:
    """A pooler may give it to another client next, and that one's to us."""
    assert isinstance(server_log.store, PostgresStore)
    tenants = server_log.store._tenants
    for _ in range(7):  # psycopg prepares what is asked often
        assert len(server_log.store.lines(range(9), "acme")) == 3
        (idle,) = tenants._idle.queue
        assert idle.db.execute(LEFT).fetchall() == [("postgres", "", "off", 0)]
        idle.db.execute("SELECT set_config('indelible.organization', 'of another client', false)")
        assert len(server_log.store.lines(range(9), "acme")) == 3
        idle.db.execute("RESET indelible.organization")
