"""Schemas, roles and sessions: PostgreSQL."""

from tests.capture_torture.cases import postgres_partitions
from tests.capture_torture.cases.laid_out import on_postgres
from tests.capture_torture.cases.tables import ROWS, T
from tests.capture_torture.model import Case, Fails, Text, created, deleted, updated

CLERK = "torture_clerk"  # may write the table, and nothing else
GRANT = f"GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {CLERK}"


SECURED = f"{T}; {GRANT}; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY low ON t TO {CLERK} USING (n < 3)"
AS_CLERK = (f"SET ROLE {CLERK}",)
ROLES = (
    on_postgres(
        "role-with-rights-on-the-table-alone",
        "A role that may write the table and nothing else is recorded, and its write does not fail.",
        f"{T}; {GRANT}",
        ("INSERT INTO t VALUES (9, 'z', 9)", "UPDATE t SET x = 'q' WHERE id = 1", "DELETE FROM t WHERE id = 2"),
        (
            created("t", id=9, x="z", n=9),
            updated("t", {"id": 1}, x=("a", "q")),
            deleted("t", id=2, x="b", n=2),
        ),
        ROWS,
        AS_CLERK,
        (CLERK,),
    ),
    on_postgres(
        "role-without-select",
        "A role that may insert but not read is recorded.",
        f"{T}; GRANT INSERT ON t TO {CLERK}",
        ("INSERT INTO t VALUES (9, 'z', 9)",),
        (created("t", id=9, x="z", n=9),),
        (),
        AS_CLERK,
        (CLERK,),
    ),
    on_postgres(
        "row-level-security",
        "Under row-level security what the role could write is recorded, and nothing of what it could not.",
        SECURED,
        ("UPDATE t SET x = 'q'", "DELETE FROM t WHERE id = 3", Fails("INSERT INTO t VALUES (9, 'z', 9)")),
        (updated("t", {"id": 1}, x=("a", "q")), updated("t", {"id": 2}, x=("b", "q"))),
        ROWS,
        AS_CLERK,
        (CLERK,),
    ),
    on_postgres(
        "row-level-security-forced-truncate",
        "A TRUNCATE by a role that row-level security shows no row is recorded row by row.",
        f"{T}; GRANT TRUNCATE ON t TO {CLERK}; ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        ("TRUNCATE t",),
        tuple(deleted("t", id=i, x=x, n=i) for i, x in ((1, "a"), (2, "b"), (3, None))),
        ROWS,
        AS_CLERK,
        (CLERK,),
    ),
    on_postgres(
        "security-definer",
        "What a function writes with its owner's rights is recorded.",
        f"{T}; CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER AS "
        f"$$ INSERT INTO t VALUES (1, 'a', 1) $$; GRANT EXECUTE ON FUNCTION f() TO {CLERK}",
        ("SELECT f()",),
        (created("t", id=1, x="a", n=1),),
        (),
        AS_CLERK,
        (CLERK,),
    ),
    on_postgres(
        "replication-role-replica",
        "A session that switches ordinary triggers off is recorded.",
        T,
        ("INSERT INTO t VALUES (9, 'z', 9)", "UPDATE t SET x = 'q' WHERE id = 1", "DELETE FROM t WHERE id = 2"),
        (
            created("t", id=9, x="z", n=9),
            updated("t", {"id": 1}, x=("a", "q")),
            deleted("t", id=2, x="b", n=2),
        ),
        ROWS,
        ("SET session_replication_role = replica",),
    ),
    on_postgres(
        "replication-role-replica-truncate",
        "A TRUNCATE in a session that switches ordinary triggers off is recorded.",
        T,
        ("TRUNCATE t",),
        tuple(deleted("t", id=i, x=x, n=i) for i, x in ((1, "a"), (2, "b"), (3, None))),
        ROWS,
        ("SET session_replication_role = replica",),
    ),
)

HIJACK = (
    f"{T}; {GRANT}; CREATE SCHEMA evil AUTHORIZATION {CLERK}; "
    "CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$; "
    "CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'epoch'::timestamptz $$; "
    "CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$; "
    f"GRANT ALL ON SCHEMA evil TO {CLERK}"
)
PLACES = (
    on_postgres(
        "another-schema",
        "A table outside the first schema is recorded.",
        "CREATE SCHEMA sales; CREATE TABLE sales.orders (id integer PRIMARY KEY, x text)",
        ("INSERT INTO sales.orders VALUES (1, 'a')", "UPDATE sales.orders SET x = 'b'", "DELETE FROM sales.orders"),
        (
            created("sales.orders", id=1, x="a"),
            updated("sales.orders", {"id": 1}, x=("a", "b")),
            deleted("sales.orders", id=1, x="b"),
        ),
    ),
    on_postgres(
        "twins-in-two-schemas",
        "Two tables of one name in two schemas stay two tables.",
        "CREATE SCHEMA sales; CREATE TABLE sales.t (id integer PRIMARY KEY, y text); "
        "CREATE TABLE t (id integer PRIMARY KEY, x text)",
        ("INSERT INTO sales.t VALUES (1, 'a')", "INSERT INTO t VALUES (1, 'b')"),
        (created("sales.t", id=1, y="a"), created("t", id=1, x="b")),
    ),
    on_postgres(
        "empty-search-path",
        "A session that looks in no schema is recorded.",
        T,
        ("INSERT INTO public.t VALUES (1, 'a', 1)",),
        (created("t", id=1, x="a", n=1),),
        (),
        ("SET search_path = ''",),
    ),
    on_postgres(
        "type-of-another-schema",
        "A type that the session does not see is recorded.",
        "CREATE SCHEMA types; CREATE TYPE types.mood AS ENUM ('sad', 'ok'); "
        "CREATE TABLE t (id integer PRIMARY KEY, x types.mood)",
        ("INSERT INTO public.t VALUES (1, 'ok')", "UPDATE public.t SET x = 'sad'"),
        (created("t", id=1, x="ok"), updated("t", {"id": 1}, x=("ok", "sad"))),
        (),
        ("SET search_path = ''",),
    ),
    on_postgres(
        "hijacked-search-path",
        "A session that puts functions of its own before the system's changes nothing in the record.",
        HIJACK,
        ("INSERT INTO public.t VALUES (1, 'a', 1)",),
        (created("t", id=1, x="a", n=1),),
        (),
        (f"SET ROLE {CLERK}", "SET search_path = evil, pg_catalog, public"),
        (CLERK,),
    ),
    on_postgres(
        "temporary-twin",
        "A temporary table of the same name is another table.",
        T,
        ("CREATE TEMP TABLE t (id integer)", "INSERT INTO t VALUES (5)", "INSERT INTO public.t VALUES (1, 'a', 1)"),
        (created("t", id=1, x="a", n=1),),
    ),
    on_postgres(
        "unlogged",
        "An unlogged table is recorded.",
        "CREATE UNLOGGED TABLE t (id integer PRIMARY KEY, x text)",
        ("INSERT INTO t VALUES (1, 'a')",),
        (created("t", id=1, x="a"),),
    ),
    on_postgres(
        "dropped-column",
        "A table that once had another column is recorded as it is.",
        "CREATE TABLE t (gone integer, id integer PRIMARY KEY, gone2 text, x text); "
        "ALTER TABLE t DROP gone, DROP gone2; ALTER TABLE t ADD y text DEFAULT 'y'",
        ("INSERT INTO t (id, x) VALUES (1, 'a')", "UPDATE t SET y = 'z'"),
        (created("t", id=1, x="a", y="y"), updated("t", {"id": 1}, y=("y", "z"))),
    ),
    on_postgres(
        "identity-always",
        "An identity that nobody may write is recorded.",
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)",
        ("INSERT INTO t (x) VALUES ('a')", "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (9, 'b')"),
        (created("t", id=1, x="a"), created("t", id=9, x="b")),
    ),
    on_postgres(
        "no-columns",
        "A table with a generated column and nothing that was given is recorded.",
        "CREATE TABLE t (x integer GENERATED ALWAYS AS (1) STORED)",
        ("INSERT INTO t DEFAULT VALUES",),
        (created("t", x=1),),
    ),
    on_postgres(
        "1600-columns",
        "The widest table there can be is recorded, and its write does not fail.",
        "CREATE TABLE t (id integer PRIMARY KEY, " + ", ".join(f"c{i} smallint" for i in range(1599)) + ")",
        ("INSERT INTO t (id, c1598) VALUES (1, 5)", "UPDATE t SET c1598 = 6"),
        (
            created("t", id=1, **{f"c{i}": 5 if i == 1598 else None for i in range(1599)}),
            updated("t", {"id": 1}, c1598=(5, 6)),
        ),
    ),
    on_postgres(
        "large-value-unchanged",
        "A large value stored apart is not recorded as changed when another column is.",
        T,
        ("UPDATE t SET n = 2",),
        (updated("t", {"id": 1}, n=(1, 2)),),
        ("INSERT INTO t VALUES (1, repeat('x', 1000000), 1)",),
    ),
)

SETTINGS = {
    "time-zone": "TimeZone = 'Asia/Kathmandu'",
    "time-zone-odd": "TimeZone = 'Australia/Lord_Howe'",
    "time-zone-of-its-own": "TimeZone = '<XX>-03:17'",
    "date-style-german": "DateStyle = 'German, DMY'",
    "date-style-sql": "DateStyle = 'SQL, MDY'",
    "interval-style": "IntervalStyle = 'sql_standard'",
    "interval-style-iso": "IntervalStyle = 'iso_8601'",
    "bytea-escape": "bytea_output = 'escape'",
    "float-digits": "extra_float_digits = -15",
    "nonstandard-strings": "standard_conforming_strings = off",
    "latin1-client": "client_encoding = 'LATIN1'",
    "array-nulls-off": "array_nulls = off",
    "null-equals": "transform_null_equals = on",
    "row-security-off": "row_security = off",
    "jit": "jit_above_cost = 0",
    "generic-plans": "plan_cache_mode = force_generic_plan",
    "quote-everything": "quote_all_identifiers = on",
    "tiny-work-mem": "work_mem = '64kB'",
    "function-checks-off": "check_function_bodies = off",
    "xml-binary": "xmlbinary = 'hex'",
    "lc-monetary": "lc_monetary = 'C.UTF-8'",
}
TIMED = (
    "CREATE TABLE t (id integer PRIMARY KEY, at timestamptz, d date, i interval, b bytea, f double precision, m money, "
    "a text[])"
)


def _setting(name: str, setting: str) -> Case:
    return on_postgres(
        f"setting-{name}",
        "What a session sets for itself changes nothing in the record.",
        TIMED,
        (
            """INSERT INTO t VALUES (1, timestamptz '2026-11-20 09:14:03.512345+00', date '2026-11-20',
            make_interval(months => 14, days => 3, secs => 1.5), decode('00ff5c', 'hex'), 0.1 + 0.2::float8,
            12.34::money, array['a', NULL])""",
            "UPDATE t SET at = at + make_interval(days => 1), f = 1e300",
        ),
        (
            created(
                "t",
                id=1,
                at=Text("2026-11-20 09:14:03.512345+00"),
                d=Text("2026-11-20"),
                i=Text("1 year 2 mons 3 days 00:00:01.5"),
                b=b"\x00\xff\\",
                f=0.30000000000000004,
                m=Text("$12.34"),
                a=Text("{a,NULL}"),
            ),
            updated(
                "t",
                {"id": 1},
                at=(Text("2026-11-20 09:14:03.512345+00"), Text("2026-11-21 09:14:03.512345+00")),
                f=(0.30000000000000004, 1e300),
            ),
        ),
        settings=(f"SET {setting}",),
    )


CASES = (
    *postgres_partitions.CASES,
    *ROLES,
    *PLACES,
    *(_setting(name, setting) for name, setting in SETTINGS.items()),
)
