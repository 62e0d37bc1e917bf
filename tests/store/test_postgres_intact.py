"""`verify` finds what an owner did to what refuses, and to what an organization sees the log by."""

import psycopg
import pytest

from indelible.errors import VerificationError
from indelible.event import Organization
from indelible.log import Log
from indelible.verify import verify_log
from tests.store.test_log import happened

VIEW = """CREATE OR REPLACE VIEW own_leaf WITH (security_barrier) AS SELECT l.log_id, l.seq, {line} FROM leaf l
JOIN entry e USING (log_id, seq) JOIN organization o ON o.log_id = e.log_id AND o.id = e.organization_id
WHERE sha256(o.key) = decode(current_setting('indelible.organization', true), 'hex'){more}"""
OF = VIEW.format(line="l.line", more="").replace("FROM leaf", "FROM {}")
NOTHING = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
REFUSES = (
    "DROP TRIGGER refuses_update ON leaf; CREATE TRIGGER refuses_update BEFORE UPDATE {} EXECUTE FUNCTION refuse()"
)
STAYS = "DROP TRIGGER stays ON entity; CREATE TRIGGER stays BEFORE UPDATE OF log_id, id, type_id, key ON entity"
ON = "; ALTER TABLE {0} ENABLE ALWAYS TRIGGER {1}"
REFUSE = (
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS "
)
MORE = "CREATE TRIGGER more BEFORE INSERT ON attachment FOR EACH ROW EXECUTE FUNCTION nothing()"
CHANGES = {
    "a line shown as another": (VIEW.format(line="''::bytea AS line", more=""), "own_leaf"),
    "lines not shown": (VIEW.format(line="l.line", more=" AND l.seq <> 1"), "own_leaf"),
    "a table of the same name": ("CREATE TABLE public.leaf AS TABLE leaf; " + OF.format("public.leaf"), "own_leaf"),
    "a table whose name reads alike": (
        'CREATE TABLE public."indelible_log.leaf" AS TABLE leaf; ' + OF.format('public."indelible_log.leaf"'),
        "own_leaf",
    ),
    "a barrier less": ("ALTER VIEW own_leaf RESET (security_barrier)", "own_leaf"),
    "what refuses lets pass": (f"{REFUSE} 'BEGIN RETURN NEW; END'", "refuse"),
    "never": (REFUSES.format("ON leaf WHEN (false)") + ON.format("leaf", "refuses_update"), "refuses_update"),
    "of one column": (REFUSES.format("OF hash ON leaf") + ON.format("leaf", "refuses_update"), "refuses_update"),
    "by another function": (f"{NOTHING}{STAYS} EXECUTE FUNCTION nothing(){ON.format('entity', 'stays')}", "stays"),
    "not for replicas": ("ALTER TABLE leaf ENABLE TRIGGER in_order", "in_order"),
    "one more": (NOTHING + MORE, "more"),
    "a rule": ("CREATE RULE none AS ON INSERT TO cosignature DO INSTEAD NOTHING", "none"),
    "rows hidden": ("ALTER TABLE attachment ENABLE ROW LEVEL SECURITY", "indelible_log.attachment"),
    "no key": ("ALTER TABLE entry DROP CONSTRAINT entry_log_id_id_key", "entry_log_id_id_key"),
    "a view for a table": ("ALTER TABLE format RENAME TO x; CREATE VIEW format AS TABLE x", "indelible_log.format"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_as_it_was_made_is_found_and_named(pg_url: str, name: str) -> None:
    statements, said = CHANGES[name]
    with Log.create(pg_url) as log:
        log.append(happened(organization=Organization("acme")) for _ in range(3))
        verify_log(log, log.verifier)
        with psycopg.connect(pg_url, autocommit=True, options="-c search_path=indelible_log") as db:
            db.execute(statements.encode())
            with pytest.raises(VerificationError, match=rf"schema: {said}\b.* is not what the log was made with"):
                verify_log(log, log.verifier)


def test_an_entry_that_stands_in_the_index_twice_is_found(pg_url: str) -> None:
    with Log.create(pg_url) as log:
        log.append(happened(organization=Organization("acme")) for _ in range(3))
        with psycopg.connect(pg_url, autocommit=True, options="-c search_path=indelible_log") as db:
            db.execute("ALTER TABLE entry DISABLE TRIGGER ALL")
            db.execute("ALTER TABLE entry DROP CONSTRAINT entry_pkey, DROP CONSTRAINT entry_log_id_id_key")
            db.execute("INSERT INTO entry SELECT * FROM entry WHERE seq = 1")
        with pytest.raises(VerificationError, match="index: of entries from 0 on one is in the search index twice"):
            verify_log(log, log.verifier)


def test_a_server_that_quotes_every_name_has_changed_nothing(pg_url: str) -> None:
    """As the log is made, as it is looked at, or both."""
    with psycopg.connect(pg_url, autocommit=True) as db:
        quoting = f"ALTER DATABASE {db.info.dbname} SET quote_all_identifiers ="
        db.execute(f"{quoting} on".encode())
        with Log.create(pg_url) as log:
            assert log.store.altered() is None
        db.execute(f"{quoting} off".encode())
        with Log.open(pg_url) as log:
            assert log.store.altered() is None
