"""PostgreSQL itself refuses to change the log, whoever asks: owner, writer, reader, a superuser as a replica."""

from collections.abc import Iterator

import psycopg
import pytest

from indelible.errors import LogError
from indelible.event import Entity
from indelible.log import Log
from indelible.search.page import find
from indelible.search.query import Query
from indelible.verify import verify_log
from tests.checking import check_signed
from tests.store.test_log import happened

TABLES = (
    "log", "property", "leaf", "node", "head", "checkpoint", "organization_checkpoint", "cosignature",
    "attachment",
    "action", "operation", "source", "entity_type", "actor", "organization", "entity", "entry",
)  # fmt: skip
ENTRY = "log_id, seq, at, action_id, operation_id, source_id, entity_type_id, entity_id, actor_id, organization_id, id"
OTHER_ENTRY = ENTRY.removesuffix(", id").removeprefix("log_id, seq, ")
REFUSED = [
    *(f"DELETE FROM {table}" for table in TABLES if table != "attachment"),
    *(f"TRUNCATE {table} CASCADE" for table in TABLES),
    *(f"UPDATE {table} SET log_id = log_id" for table in TABLES if table != "log"),
    "UPDATE entity SET type_id = 99",
    "UPDATE entity SET key = ''",
    "UPDATE organization SET id = id + 9",
    "UPDATE leaf SET line = '' WHERE seq = 1",
    "UPDATE leaf SET line = '' WHERE false",
    "DELETE FROM leaf WHERE seq = 99",
    "UPDATE head SET size = size - 1",
    "UPDATE head SET root = ''",
    "UPDATE head SET log_id = 9, size = size + 1",
    "MERGE INTO leaf USING (SELECT 1 AS seq) s ON leaf.seq = s.seq WHEN MATCHED THEN DELETE",
    "INSERT INTO leaf SELECT * FROM leaf WHERE seq = 1",
    "INSERT INTO leaf SELECT * FROM leaf WHERE seq = 1 ON CONFLICT (log_id, seq) DO UPDATE SET line = ''",
    "INSERT INTO leaf SELECT log_id, seq + 301, hash, line FROM leaf WHERE seq = 1",
    "INSERT INTO leaf SELECT log_id, -1, hash, line FROM leaf WHERE seq = 1",
    "INSERT INTO leaf SELECT 9, 0, hash, line FROM leaf WHERE seq = 1",
    "INSERT INTO leaf SELECT log_id, 301 + 2 * seq, hash, line FROM leaf WHERE seq < 2",
    "INSERT INTO leaf SELECT log_id, 301, hash, decode(repeat('00', 65536), 'hex') FROM leaf WHERE seq = 1",
    "INSERT INTO leaf SELECT log_id, 301, ''::bytea, line FROM leaf WHERE seq = 1",
    f"INSERT INTO entry ({ENTRY}) SELECT log_id, 301, {OTHER_ENTRY}, id FROM entry WHERE seq = 1",
    f"INSERT INTO entry ({ENTRY}) SELECT log_id, 302, {OTHER_ENTRY}, gen_random_uuid() FROM entry WHERE seq = 1",
    f"INSERT INTO entry ({ENTRY}) SELECT log_id, 1, {OTHER_ENTRY}, gen_random_uuid() FROM entry WHERE seq = 1",
    "INSERT INTO node SELECT * FROM node",
    "INSERT INTO node SELECT log_id, 1, 2, hash FROM node",
    "INSERT INTO node SELECT log_id, 2, 1, hash FROM node",
    "INSERT INTO checkpoint SELECT log_id, size, 'x' FROM checkpoint",
    "INSERT INTO checkpoint SELECT log_id, 1, 'x' FROM checkpoint",
    "INSERT INTO organization_checkpoint SELECT log_id, organization, log_size, 'x' FROM organization_checkpoint",
    "INSERT INTO organization_checkpoint SELECT log_id, organization, 1, 'x' FROM organization_checkpoint",
    "INSERT INTO property SELECT * FROM property",
    "INSERT INTO head SELECT * FROM head",
    "INSERT INTO attachment SELECT log_id, hash, nonce, '' FROM attachment",
    "INSERT INTO attachment SELECT * FROM attachment ON CONFLICT (log_id, hash) DO UPDATE SET value = ''",
]  # fmt: skip
ROLES = {
    "owner": "",
    "replica": "SET session_replication_role = replica",
    "writer": "SET ROLE indelible_writer",
    "reader": "SET ROLE indelible_reader",
    "tenant": "SET ROLE indelible_tenant",
}


@pytest.fixture
def log(pg_url: str) -> Iterator[Log]:
    """301 entries, one of them with a value beside the log."""
    with Log.create(pg_url, "audit.example/test") as log:
        log.append(happened(entity=Entity("License", f"{number}", "Pro")) for number in range(300))
        log.append([happened(changes={"x": {"new": "a" * 20_000}})])
        log.organization_checkpoint("acme")
        yield log


def content(db: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    return [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2".encode()).fetchall() for table in TABLES]


@pytest.mark.parametrize("role", ROLES)
def test_every_way_of_changing_the_log_is_refused(log: Log, pg_url: str, role: str) -> None:
    with psycopg.connect(pg_url, autocommit=True, options="-c search_path=indelible_log") as db:
        before = content(db)
        assert len(before[2]) == 301  # type: ignore[arg-type]  # rows
        if ROLES[role]:
            db.execute(ROLES[role].encode())
        for statement in REFUSED:
            with pytest.raises(psycopg.Error) as refused:
                db.execute(statement.encode())
            assert refused.value.sqlstate in ("P0001", "42501", "23505", "23514"), (statement, refused.value)
        db.execute("RESET ROLE")
        assert content(db) == before
    assert len(check_signed(log)) == 301


def test_a_value_beside_the_log_can_be_taken_out_and_every_proof_stays(log: Log, pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        assert db.execute("DELETE FROM indelible_log.attachment").rowcount == 1
    assert len(check_signed(log)) == 301


@pytest.fixture
def member(pg_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a login that is a member of one role alone."""
    name = f"test_{request.param}"
    with psycopg.connect(pg_url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN".encode())
        yield pg_url.replace("postgres@", f"{name}@")
        db.execute(f"DROP ROLE {name}".encode())


def grant(url: str, role: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"GRANT indelible_{role} TO test_{role}".encode())


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("member", ["writer"], indirect=True)
def test_a_writer_seals_signs_searches_and_verifies(pg_url: str, member: str) -> None:
    grant(pg_url, "writer")
    with Log.open(member) as opened:
        opened.append([happened(entity=Entity("License", "1", "Another name")), happened(entity=Entity("New", "1"))])
        assert find(opened, Query()).count == 303
        assert len(check_signed(opened)) == 303


@pytest.mark.parametrize("member", ["reader"], indirect=True)
def test_a_reader_searches_and_verifies_and_cannot_append(log: Log, pg_url: str, member: str) -> None:
    grant(pg_url, "reader")
    with Log.open(member) as opened:
        assert find(opened, Query()).count == 301
        assert verify_log(opened, log.verifier).size == 301
        with pytest.raises(LogError, match="GRANT indelible_writer TO"):
            opened.append([happened()])
    assert len(check_signed(log)) == 301


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("member", ["nobody"], indirect=True)
def test_whoever_is_in_no_role_is_told_what_to_ask_for(member: str) -> None:
    with pytest.raises(LogError, match="GRANT indelible_writer TO"):
        Log.open(member)


@pytest.mark.parametrize("member", ["maker"], indirect=True)
def test_an_owner_who_may_make_no_roles_makes_a_log_and_is_refused_like_anybody(pg_url: str, member: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as db:
        ((name,),) = db.execute("SELECT current_database()").fetchall()
        db.execute(f"GRANT CREATE ON DATABASE {name} TO test_maker".encode())
    try:
        with Log.create(member) as log:
            log.append([happened()])
            with psycopg.connect(member) as own, pytest.raises(psycopg.Error, match="DELETE of leaf is refused"):
                own.execute("DELETE FROM indelible_log.leaf")
            assert len(check_signed(log)) == 1
    finally:
        with psycopg.connect(pg_url, autocommit=True) as db:
            db.execute("REASSIGN OWNED BY test_maker TO postgres")
            db.execute("DROP OWNED BY test_maker")
