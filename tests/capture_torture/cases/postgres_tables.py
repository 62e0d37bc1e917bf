"""Partitions, inheritance, schemas, roles and sessions: PostgreSQL."""

from collections.abc import Sequence

from tests.capture_torture.cases.basic import ROWS, T
from tests.capture_torture.model import POSTGRES, Case, Change, Fails, Statement, Text, created, deleted, updated

CLERK = "torture_clerk"  # may write the table, and nothing else
GRANT = f"GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {CLERK}"


def _case(  # noqa: PLR0917 - a case, laid out
    id_: str,
    promise: str,
    schema: str,
    run: Sequence[Statement],
    expected: Sequence[Change],
    setup: Sequence[str] = (),
    settings: Sequence[str] = (),
    roles: Sequence[str] = (),
) -> Case:
    return Case(
        id=id_,
        promise=promise,
        engines=POSTGRES,
        schema=schema,
        run=run,
        expected=expected,
        setup=setup,
        settings=settings,
        roles=roles,
    )


PARTED = (
    "CREATE TABLE p (id integer, k text, x text, PRIMARY KEY (id, k)) PARTITION BY LIST (k); "
    "CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b')"
)
PA, PB = {"id": 1, "k": "a", "x": "x"}, {"id": 2, "k": "b", "x": "y"}
PARTS = ("INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y')",)

PARTITIONS = (
    _case(
        "partition-by-root",
        "Writes through a partitioned table are recorded under its name.",
        PARTED,
        ("INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y')", "UPDATE p SET x = 'z'", "DELETE FROM p WHERE id = 1"),
        (
            created("p", **PA),
            created("p", **PB),
            updated("p", {"id": 1, "k": "a"}, x=("x", "z")),
            updated("p", {"id": 2, "k": "b"}, x=("y", "z")),
            deleted("p", id=1, k="a", x="z"),
        ),
    ),
    _case(
        "partition-directly",
        "Writes to a partition itself are recorded under the table's name.",
        PARTED,
        ("INSERT INTO p_a VALUES (1, 'a', 'x')", "UPDATE p_a SET x = 'z'", "DELETE FROM p_a"),
        (created("p", **PA), updated("p", {"id": 1, "k": "a"}, x=("x", "z")), deleted("p", id=1, k="a", x="z")),
    ),
    _case(
        "partition-row-moves",
        "A row that an update moves to another partition is deleted in one and created in the other.",
        PARTED,
        ("UPDATE p SET k = 'b' WHERE id = 1",),
        (deleted("p", **PA), created("p", id=1, k="b", x="x")),
        PARTS,
    ),
    _case(
        "partition-added-later",
        "A partition that was made after watching began is recorded.",
        PARTED,
        ("CREATE TABLE p_c PARTITION OF p FOR VALUES IN ('c')", "INSERT INTO p VALUES (3, 'c', 'z')"),
        (created("p", id=3, k="c", x="z"),),
    ),
    _case(
        "partition-detached-and-attached",
        "A partition that comes back is recorded again.",
        PARTED,
        (
            "ALTER TABLE p DETACH PARTITION p_a",
            "ALTER TABLE p ATTACH PARTITION p_a FOR VALUES IN ('a')",
            "UPDATE p SET x = 'z' WHERE id = 1",
        ),
        (updated("p", {"id": 1, "k": "a"}, x=("x", "z")),),
        PARTS,
    ),
    _case(
        "partition-of-a-partition",
        "Partitions within partitions are recorded under the root's name.",
        "CREATE TABLE p (id integer PRIMARY KEY, x text) PARTITION BY RANGE (id); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id); "
        "CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p DEFAULT",
        ("INSERT INTO p VALUES (1, 'a'), (500, 'b')", "UPDATE p11 SET x = 'c'", "DELETE FROM p1"),
        (
            created("p", id=1, x="a"),
            created("p", id=500, x="b"),
            updated("p", {"id": 1}, x=("a", "c")),
            deleted("p", id=1, x="c"),
        ),
    ),
    _case(
        "partition-truncated",
        "A partition that is emptied is recorded row by row.",
        PARTED,
        ("TRUNCATE p_a",),
        (deleted("p", **PA),),
        PARTS,
    ),
    _case(
        "partition-added-later-truncated",
        "A partition that was made after watching began and is emptied is recorded row by row.",
        PARTED,
        (
            "CREATE TABLE p_c PARTITION OF p FOR VALUES IN ('c')",
            "INSERT INTO p VALUES (3, 'c', 'z')",
            "TRUNCATE p_c",
        ),
        (created("p", id=3, k="c", x="z"), deleted("p", id=3, k="c", x="z")),
    ),
    _case(
        "partitions-truncated-by-root",
        "A partitioned table that is emptied is recorded row by row.",
        PARTED,
        ("TRUNCATE p",),
        (deleted("p", **PA), deleted("p", **PB)),
        PARTS,
    ),
    _case(
        "partition-upsert",
        "An upsert through the root is recorded.",
        PARTED,
        ("INSERT INTO p VALUES (1, 'a', 'new'), (3, 'a', 'c') ON CONFLICT (id, k) DO UPDATE SET x = excluded.x",),
        (updated("p", {"id": 1, "k": "a"}, x=("x", "new")), created("p", id=3, k="a", x="c")),
        PARTS,
    ),
    _case(
        "partition-with-columns-in-another-order",
        "A partition whose columns stand in another order is recorded by their names.",
        "CREATE TABLE p (id integer, k text, x text) PARTITION BY LIST (k); "
        "CREATE TABLE p_a (x text, gone integer, k text, id integer); ALTER TABLE p_a DROP gone; "
        "ALTER TABLE p ATTACH PARTITION p_a FOR VALUES IN ('a')",
        ("INSERT INTO p VALUES (1, 'a', 'x')", "UPDATE p SET x = 'y'"),
        (created("p", **PA), updated("p", {}, x=("x", "y"))),
    ),
)

HEIRS = (
    "CREATE TABLE person (id integer PRIMARY KEY, name text); "
    "CREATE TABLE staff (salary integer, PRIMARY KEY (id)) INHERITS (person)"
)
INHERITANCE = (
    _case(
        "inheritance-update-through-the-parent",
        "A row of a child table that is changed through its parent is recorded as the child's.",
        HEIRS,
        ("UPDATE person SET name = 'z'",),
        (updated("person", {"id": 1}, name=("a", "z")), updated("staff", {"id": 2}, name=("b", "z"))),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
    _case(
        "inheritance-delete-through-the-parent",
        "A row of a child table that is deleted through its parent is recorded with the child's own columns.",
        HEIRS,
        ("DELETE FROM person",),
        (deleted("person", id=1, name="a"), deleted("staff", id=2, name="b", salary=100)),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
    _case(
        "inheritance-truncate-through-the-parent",
        "A TRUNCATE of the parent takes the child's rows; both are recorded.",
        HEIRS,
        ("TRUNCATE person",),
        (deleted("person", id=1, name="a"), deleted("staff", id=2, name="b", salary=100)),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
)

SECURED = f"{T}; {GRANT}; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY low ON t TO {CLERK} USING (n < 3)"
AS_CLERK = (f"SET ROLE {CLERK}",)
ROLES = (
    _case(
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
    _case(
        "role-without-select",
        "A role that may insert but not read is recorded.",
        f"{T}; GRANT INSERT ON t TO {CLERK}",
        ("INSERT INTO t VALUES (9, 'z', 9)",),
        (created("t", id=9, x="z", n=9),),
        (),
        AS_CLERK,
        (CLERK,),
    ),
    _case(
        "row-level-security",
        "Under row-level security what the role could write is recorded, and nothing of what it could not.",
        SECURED,
        ("UPDATE t SET x = 'q'", "DELETE FROM t WHERE id = 3", Fails("INSERT INTO t VALUES (9, 'z', 9)")),
        (updated("t", {"id": 1}, x=("a", "q")), updated("t", {"id": 2}, x=("b", "q"))),
        ROWS,
        AS_CLERK,
        (CLERK,),
    ),
    _case(
        "row-level-security-forced-truncate",
        "A TRUNCATE by a role that row-level security shows no row is recorded row by row.",
        f"{T}; GRANT TRUNCATE ON t TO {CLERK}; ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        ("TRUNCATE t",),
        tuple(deleted("t", id=i, x=x, n=i) for i, x in ((1, "a"), (2, "b"), (3, None))),
        ROWS,
        AS_CLERK,
        (CLERK,),
    ),
    _case(
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
    _case(
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
    _case(
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
    _case(
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
    _case(
        "twins-in-two-schemas",
        "Two tables of one name in two schemas stay two tables.",
        "CREATE SCHEMA sales; CREATE TABLE sales.t (id integer PRIMARY KEY, y text); "
        "CREATE TABLE t (id integer PRIMARY KEY, x text)",
        ("INSERT INTO sales.t VALUES (1, 'a')", "INSERT INTO t VALUES (1, 'b')"),
        (created("sales.t", id=1, y="a"), created("t", id=1, x="b")),
    ),
    _case(
        "empty-search-path",
        "A session that looks in no schema is recorded.",
        T,
        ("INSERT INTO public.t VALUES (1, 'a', 1)",),
        (created("t", id=1, x="a", n=1),),
        (),
        ("SET search_path = ''",),
    ),
    _case(
        "type-of-another-schema",
        "A type that the session does not see is recorded.",
        "CREATE SCHEMA types; CREATE TYPE types.mood AS ENUM ('sad', 'ok'); "
        "CREATE TABLE t (id integer PRIMARY KEY, x types.mood)",
        ("INSERT INTO public.t VALUES (1, 'ok')", "UPDATE public.t SET x = 'sad'"),
        (created("t", id=1, x="ok"), updated("t", {"id": 1}, x=("ok", "sad"))),
        (),
        ("SET search_path = ''",),
    ),
    _case(
        "hijacked-search-path",
        "A session that puts functions of its own before the system's changes nothing in the record.",
        HIJACK,
        ("INSERT INTO public.t VALUES (1, 'a', 1)",),
        (created("t", id=1, x="a", n=1),),
        (),
        (f"SET ROLE {CLERK}", "SET search_path = evil, pg_catalog, public"),
        (CLERK,),
    ),
    _case(
        "temporary-twin",
        "A temporary table of the same name is another table.",
        T,
        ("CREATE TEMP TABLE t (id integer)", "INSERT INTO t VALUES (5)", "INSERT INTO public.t VALUES (1, 'a', 1)"),
        (created("t", id=1, x="a", n=1),),
    ),
    _case(
        "unlogged",
        "An unlogged table is recorded.",
        "CREATE UNLOGGED TABLE t (id integer PRIMARY KEY, x text)",
        ("INSERT INTO t VALUES (1, 'a')",),
        (created("t", id=1, x="a"),),
    ),
    _case(
        "dropped-column",
        "A table that once had another column is recorded as it is.",
        "CREATE TABLE t (gone integer, id integer PRIMARY KEY, gone2 text, x text); "
        "ALTER TABLE t DROP gone, DROP gone2; ALTER TABLE t ADD y text DEFAULT 'y'",
        ("INSERT INTO t (id, x) VALUES (1, 'a')", "UPDATE t SET y = 'z'"),
        (created("t", id=1, x="a", y="y"), updated("t", {"id": 1}, y=("y", "z"))),
    ),
    _case(
        "identity-always",
        "An identity that nobody may write is recorded.",
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x text)",
        ("INSERT INTO t (x) VALUES ('a')", "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (9, 'b')"),
        (created("t", id=1, x="a"), created("t", id=9, x="b")),
    ),
    _case(
        "no-columns",
        "A table with a generated column and nothing that was given is recorded.",
        "CREATE TABLE t (x integer GENERATED ALWAYS AS (1) STORED)",
        ("INSERT INTO t DEFAULT VALUES",),
        (created("t", x=1),),
    ),
    _case(
        "1600-columns",
        "The widest table there can be is recorded, and its write does not fail.",
        "CREATE TABLE t (id integer PRIMARY KEY, " + ", ".join(f"c{i} smallint" for i in range(1599)) + ")",
        ("INSERT INTO t (id, c1598) VALUES (1, 5)", "UPDATE t SET c1598 = 6"),
        (
            created("t", id=1, **{f"c{i}": 5 if i == 1598 else None for i in range(1599)}),
            updated("t", {"id": 1}, c1598=(5, 6)),
        ),
    ),
    _case(
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
    return _case(
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
    *PARTITIONS,
    *INHERITANCE,
    *ROLES,
    *PLACES,
    *(_setting(name, setting) for name, setting in SETTINGS.items()),
)
