"""Every type that PostgreSQL brings, and values at their edges."""

import math
from decimal import Decimal
from typing import Any

from tests.capture_torture.model import POSTGRES, Alter, Case, Expr, Remove, Save, Text, created, deleted, updated

EXTENSIONS = ("hstore", "citext", "ltree", "cube", "isn", "vector")
TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"', 'happy'); CREATE DOMAIN even AS integer CHECK (VALUE % 2 = 0); "
    "CREATE TYPE place AS (street text, n numeric); CREATE DOMAIN addresses AS place[]; "
)

# name: (type, one value as SQL, what it is, another as SQL, what that is)
T = Text
VALUES: dict[str, tuple[str, str, Any, str, Any]] = {
    "smallint": ("smallint", "-32768", -32768, "32767", 32767),
    "integer": ("integer", "-2147483648", -(2**31), "2147483647", 2**31 - 1),
    "bigint": ("bigint", "-9223372036854775808", -(2**63), "9223372036854775807", 2**63 - 1),
    "bigint-2^53": ("bigint", "9007199254740992", 2**53, "9007199254740993", 2**53 + 1),
    "numeric": ("numeric", "12.50", Decimal("12.50"), "-0.000001", Decimal("-0.000001")),
    "numeric-of-1000-digits": ("numeric", "9" * 1000, Decimal("9" * 1000), "0." + "1" * 999, Decimal("0." + "1" * 999)),
    "numeric-not-finite": ("numeric", "'NaN'", T("NaN"), "'-Infinity'", T("-Infinity")),
    "numeric-of-scale": ("numeric(20, 5)", "1", Decimal("1.00000"), "2.5", Decimal("2.50000")),
    "real": ("real", "0.1", T("0.1"), "3.4028235e38", T("3.4028235e+38")),
    "double": ("double precision", "0.1", 0.1, "1.7976931348623157e308", 1.7976931348623157e308),
    "double-smallest": ("double precision", "5e-324", 5e-324, "1e-300", 1e-300),
    "double-minus-zero": ("double precision", "'-0'", -0.0, "1", 1.0),
    "double-not-finite": ("double precision", "'NaN'", math.nan, "'Infinity'", math.inf),
    "double-minus-infinity": ("double precision", "'-Infinity'", -math.inf, "0", 0.0),
    "money": ("money", "'12.34'", T("$12.34"), "'-92233720368547758.08'", T("-$92,233,720,368,547,758.08")),
    "boolean": ("boolean", "true", True, "false", False),
    "text": ("text", "'Größe 🔑 \u202eabc\u2028'", "Größe 🔑 \u202eabc\u2028", "''", ""),
    "text-of-controls": ("text", r"E'a\nb\tc\\d\x01\x7f\r'", "a\nb\tc\\d\x01\x7f\r", "'\"'''", "\"'"),
    "text-like-null": ("text", "'NULL'", "NULL", "'null'", "null"),
    "text-like-json": ("text", "'{\"redacted\":true}'", '{"redacted":true}', "'[1,2'", "[1,2"),
    "text-of-a-megabyte": ("text", "repeat('x', 1000000)", "x" * 1000000, "repeat('y', 1000000)", "y" * 1000000),
    "text-hard-to-compress": (
        "text",
        "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3) i)",
        "c4ca4238a0b923820dcc509a6f75849bc81e728d9d4c2f636f067f89cc14862ceccbc87e4b5ce2fe28308fd9f2a7baf3",
        "'z'",
        "z",
    ),
    "varchar": ("varchar(5)", "'abc  '", "abc  ", "'abc'", "abc"),
    "char-of-5": ("char(5)", "'ab'", T("ab"), "'abcde'", T("abcde")),
    "char-quoted": ('"char"', "'a'", T("a"), "'b'", T("b")),
    "name": ("name", "'nm'", T("nm"), "'other'", T("other")),
    "citext": ("citext", "'Dana'", "Dana", "'Kim'", "Kim"),
    "bytea": ("bytea", r"'\x00ff5c27'", b"\x00\xff\\'", r"'\x'", b""),
    "bytea-of-a-megabyte": (
        "bytea",
        r"decode(repeat('00ff', 500000), 'hex')",
        b"\x00\xff" * 500000,
        r"'\x41'",
        b"A",
    ),
    "date": ("date", "'2026-11-20'", T("2026-11-20"), "'0001-01-01'", T("0001-01-01")),
    "date-infinity": ("date", "'infinity'", T("infinity"), "'-infinity'", T("-infinity")),
    "date-far": ("date", "'5874897-12-31'", T("5874897-12-31"), "'4713-01-01 BC'", T("4713-01-01 BC")),
    "time": ("time", "'23:59:59.999999'", T("23:59:59.999999"), "'00:00'", T("00:00:00")),
    "time-24": ("time", "'24:00'", T("24:00:00"), "'12:00'", T("12:00:00")),
    "timetz": ("timetz", "'12:00:00+05:45'", T("12:00:00+05:45"), "'12:00-15:59:59'", T("12:00:00-15:59:59")),
    "timestamp": (
        "timestamp",
        "'2026-11-20 09:14:03.5'",
        T("2026-11-20 09:14:03.5"),
        "'0001-01-01'",
        T("0001-01-01 00:00:00"),
    ),
    "timestamp-far": (
        "timestamp",
        "'294276-12-31 23:59:59.999999'",
        T("294276-12-31 23:59:59.999999"),
        "'4713-11-24 00:00 BC'",
        T("4713-11-24 00:00:00 BC"),
    ),
    "timestamptz": (
        "timestamptz",
        "'2026-11-20 09:14:03.512345+05:45'",
        T("2026-11-20 03:29:03.512345+00"),
        "'1970-01-01 00:00+00'",
        T("1970-01-01 00:00:00+00"),
    ),
    "timestamptz-far": (
        "timestamptz",
        "'294276-12-31 23:59+00'",
        T("294276-12-31 23:59:00+00"),
        "'0044-03-15 12:00+00 BC'",
        T("0044-03-15 12:00:00+00 BC"),
    ),
    "timestamptz-infinity": ("timestamptz", "'infinity'", T("infinity"), "'-infinity'", T("-infinity")),
    "interval": ("interval", "'3 days 04:05:06.789'", T("3 days 04:05:06.789"), "'0'", T("00:00:00")),
    "interval-of-months": (
        "interval",
        "'1 year 2 mons -3 days 04:05:06.789'",
        T("1 year 2 mons -3 days +04:05:06.789"),
        "'-178000000 years'",
        T("-178000000 years"),
    ),
    "interval-infinity": ("interval", "'infinity'", T("infinity"), "'0'", T("00:00:00")),
    "uuid": (
        "uuid",
        "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        T("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        "'00000000-0000-0000-0000-000000000000'",
        T("00000000-0000-0000-0000-000000000000"),
    ),
    "inet": ("inet", "'10.0.0.1'", T("10.0.0.1/32"), "'2001:db8::1'", T("2001:db8::1/128")),
    "inet-of-a-net": ("inet", "'10.0.0.1/8'", T("10.0.0.1/8"), "'::ffff:1.2.3.4'", T("::ffff:1.2.3.4/128")),
    "cidr": ("cidr", "'10.1/16'", T("10.1.0.0/16"), "'2001:db8::/32'", T("2001:db8::/32")),
    "macaddr": ("macaddr", "'08-00-2B-01-02-03'", T("08:00:2b:01:02:03"), "'ffffffffffff'", T("ff:ff:ff:ff:ff:ff")),
    "macaddr8": (
        "macaddr8",
        "'08:00:2b:01:02:03:04:05'",
        T("08:00:2b:01:02:03:04:05"),
        "'0000000000000000'",
        T("00:00:00:00:00:00:00:00"),
    ),
    "bit": ("bit(4)", "B'1010'", T("1010"), "B'0000'", T("0000")),
    "bit-varying": ("bit varying", "B'101'", T("101"), "B''", T("")),
    "json": ("json", """'{"a": 1}'""", T('{"a": 1}'), "'[]'", T("[]")),
    "json-as-written": (
        "json",
        """'{"b": 1,  "a": [1.0, null], "b": 2}'""",
        T('{"b": 1,  "a": [1.0, null], "b": 2}'),
        "'null'",
        T("null"),
    ),
    "json-with-nul": ("json", r"""'{"a": "\u0000"}'""", T(r'{"a": "\u0000"}'), "'1'", T("1")),
    "json-lone-surrogate": ("json", r"""'"\udc00 \ud800"'""", T(r'"\udc00 \ud800"'), "'1'", T("1")),
    "json-huge-number": ("json", "'1e999999'", T("1e999999"), "'-0'", T("-0")),
    "jsonb": (
        "jsonb",
        """'{"b": 1, "a": [1.5, null, "é"]}'""",
        T('{"a": [1.5, null, "é"], "b": 1}'),
        "'[]'",
        T("[]"),
    ),
    "jsonb-null": ("jsonb", "'null'", T("null"), "'1'", T("1")),
    "jsonb-large-number": (
        "jsonb",
        "'12345678901234567890.123456789'",
        T("12345678901234567890.123456789"),
        "'\"text\"'",
        T('"text"'),
    ),
    "array": ("integer[]", "'{1,NULL,3}'", T("{1,NULL,3}"), "'{}'", T("{}")),
    "array-of-text": (
        "text[]",
        """array['a,b', '"q"', 'NULL', NULL, '']""",
        T(r'{"a,b","\"q\"","NULL",NULL,""}'),
        "array['{}']",
        T('{"{}"}'),
    ),
    "array-nested": ("integer[]", "'{{1,2},{3,4}}'", T("{{1,2},{3,4}}"), "'{{5,6}}'", T("{{5,6}}")),
    "array-from-0": ("integer[]", "'[0:1]={5,6}'", T("[0:1]={5,6}"), "'{1}'", T("{1}")),
    "array-of-timestamptz": (
        "timestamptz[]",
        "array['2026-11-20 00:00+00'::timestamptz]",
        T('{"2026-11-20 00:00:00+00"}'),
        "'{}'",
        T("{}"),
    ),
    "array-of-bytea": ("bytea[]", r"array['\x00ff'::bytea]", T(r'{"\\x00ff"}'), "'{}'", T("{}")),
    "enum": ("mood", "'it''s \"ok\"'", T('it\'s "ok"'), "'happy'", T("happy")),
    "domain": ("even", "2", 2, "4", 4),
    "composite": (
        "place",
        "ROW('a \"b\", c', 1.50)::place",
        T('("a ""b"", c",1.50)'),
        "ROW(NULL, NULL)::place",
        T("(,)"),
    ),
    "array-of-composite": ("addresses", "array[ROW('x', 1)::place]", T('{"(x,1)"}'), "'{}'", T("{}")),
    "range": ("int4range", "'[1,5]'", T("[1,6)"), "'empty'", T("empty")),
    "range-open": ("numrange", "'(,2.50]'", T("(,2.50]"), "'[1,)'", T("[1,)")),
    "range-of-timestamptz": (
        "tstzrange",
        "'[2026-01-01 00:00+00,)'",
        T('["2026-01-01 00:00:00+00",)'),
        "'(,)'",
        T("(,)"),
    ),
    "multirange": ("int4multirange", "'{[1,2],[5,9)}'", T("{[1,3),[5,9)}"), "'{}'", T("{}")),
    "hstore": ("hstore", "'a=>1, b=>NULL'", T('"a"=>"1", "b"=>NULL'), "''", T("")),
    "ltree": ("ltree", "'a.b.c'", T("a.b.c"), "'a'", T("a")),
    "cube": ("cube", "'(1,2),(3,4)'", T("(1, 2),(3, 4)"), "'(0)'", T("(0)")),
    "isbn": ("isbn", "'0-306-40615-2'", T("0-306-40615-2"), "'080442957X'", T("0-8044-2957-X")),
    "vector": ("vector(3)", "'[1,2.5,3]'", T("[1,2.5,3]"), "'[0,0,0]'", T("[0,0,0]")),
    "tsvector": ("tsvector", "to_tsvector('simple', 'the cat sat')", T("'cat':2 'sat':3 'the':1"), "''", T("")),
    "tsquery": ("tsquery", "'cat & !rat'", T("'cat' & !'rat'"), "'a'", T("'a'")),
    "point": ("point", "'(1.5,-2)'", T("(1.5,-2)"), "'(NaN,Infinity)'", T("(NaN,Infinity)")),
    "line": ("line", "'{1,2,3}'", T("{1,2,3}"), "'{0,1,0}'", T("{0,1,0}")),
    "box": ("box", "'(0,0),(1,1)'", T("(1,1),(0,0)"), "'(2,2),(2,2)'", T("(2,2),(2,2)")),
    "path": ("path", "'[(0,0),(1,1)]'", T("[(0,0),(1,1)]"), "'((0,0),(1,1))'", T("((0,0),(1,1))")),
    "polygon": ("polygon", "'((0,0),(1,1),(1,0))'", T("((0,0),(1,1),(1,0))"), "'((5,5))'", T("((5,5))")),
    "circle": ("circle", "'<(0,0),2>'", T("<(0,0),2>"), "'<(1,1),0>'", T("<(1,1),0>")),
    "oid": ("oid", "4294967295", T("4294967295"), "0", T("0")),
    "regclass": ("regclass", "'pg_class'", T("pg_class"), "'pg_type'", T("pg_type")),
    "pg-lsn": ("pg_lsn", "'16/B374D848'", T("16/B374D848"), "'0/0'", T("0/0")),
    "xid8": ("xid8", "'18446744073709551615'", T("18446744073709551615"), "'1'", T("1")),
    "jsonpath": ("jsonpath", "'$.a[*] ? (@ > 1)'", T('$."a"[*]?(@ > 1)'), "'$'", T("$")),
    "tid": ("tid", "'(1,2)'", T("(1,2)"), "'(0,0)'", T("(0,0)")),
    "snapshot": ("pg_snapshot", "'10:20:10,14,15'", T("10:20:10,14,15"), "'1:1:'", T("1:1:")),
}


def _schema(type_: str) -> str:
    extension = "".join(
        f"CREATE EXTENSION {name}; " for name in EXTENSIONS if name in type_ or (name, type_) == ("isn", "isbn")
    )
    types = TYPES if type_ in ("mood", "even", "place", "addresses") else ""
    return f"{extension}{types}CREATE TABLE t (id integer PRIMARY KEY, x {type_})"


def _value(name: str, told: tuple[str, str, Any, str, Any]) -> Case:
    type_, one_sql, one, other_sql, other = told
    first, second = (Expr(f"({sql})::{type_}") for sql in (one_sql, other_sql))
    return Case(
        id=f"type-{name}",
        promise="Made, changed, emptied, changed and deleted: the value is recorded as it is.",
        engines=POSTGRES,
        schema=_schema(type_),
        run=(
            Save("t", {"id": 1, "x": first}),
            Alter("t", {"id": 1}, {"x": second}),
            Alter("t", {"id": 1}, {"x": None}),
            Alter("t", {"id": 1}, {"x": first}),
            Remove("t", {"id": 1}),
            Save("t", {"id": 2, "x": first}),  # these two stay: whoever wrote them wrote the right values
            Save("t", {"id": 3, "x": second}),
        ),
        expected=(
            created("t", id=1, x=one),
            updated("t", {"id": 1}, x=(one, other)),
            updated("t", {"id": 1}, x=(other, None)),
            updated("t", {"id": 1}, x=(None, one)),
            deleted("t", id=1, x=one),
            created("t", id=2, x=one),
            created("t", id=3, x=other),
        ),
    )


# Values that PostgreSQL calls equal, and that people see are not the same.
ALIKE: dict[str, tuple[str, str, Any, str, Any]] = {
    "numeric-scale": ("numeric", "1.0", Decimal("1.0"), "1.00", Decimal("1.00")),
    "minus-zero": ("double precision", "0", 0.0, "'-0'", -0.0),
    "interval": ("interval", "'1 day'", T("1 day"), "'24:00'", T("24:00:00")),
    "interval-month": ("interval", "'1 mon'", T("1 mon"), "'30 days'", T("30 days")),
    "citext": ("citext", "'Dana'", "Dana", "'DANA'", "DANA"),
    "jsonb-scale": ("jsonb", "'1.0'", T("1.0"), "'1.00'", T("1.00")),
    "json-blanks": ("json", "'[1]'", T("[1]"), "'[ 1 ]'", T("[ 1 ]")),
    "array-of-numerics": ("numeric[]", "'{1.0}'", T("{1.0}"), "'{1.00}'", T("{1.00}")),
    "composite": ("place", "ROW('a', 1.0)::place", T("(a,1.0)"), "ROW('a', 1.00)::place", T("(a,1.00)")),
    "range": ("numrange", "'[1.0,2)'", T("[1.0,2)"), "'[1.00,2)'", T("[1.00,2)")),
    "polygon": (
        "polygon",
        "'((0,0),(1,1),(1,0))'",
        T("((0,0),(1,1),(1,0))"),
        "'((1,1),(1,0),(0,0))'",
        T("((1,1),(1,0),(0,0))"),
    ),
    "box-by-area": ("box", "'(1,1),(0,0)'", T("(1,1),(0,0)"), "'(3,3),(2,2)'", T("(3,3),(2,2)")),
    "circle-by-area": ("circle", "'<(0,0),2>'", T("<(0,0),2>"), "'<(5,5),2>'", T("<(5,5),2>")),
}


def _alike(name: str, told: tuple[str, str, Any, str, Any]) -> Case:
    type_, one_sql, one, other_sql, other = told
    return Case(
        id=f"alike-{name}",
        promise="From one value to another that the database calls equal, and people do not, is a change.",
        engines=POSTGRES,
        schema=_schema(type_),
        setup=(f"INSERT INTO t VALUES (1, {one_sql})",),
        run=(f"UPDATE t SET x = {other_sql}",),
        expected=(updated("t", {"id": 1}, x=(one, other)),),
    )


SAME = {
    "json": ("json", "'[1,  2]'"),
    "point": ("point", "'(1,2)'"),
    "nan": ("double precision", "'NaN'"),
    "jsonb": ("jsonb", """'{"a": 1}'"""),
    "array-with-null": ("integer[]", "'{NULL}'"),
    "composite-of-nulls": ("place", "ROW(NULL, NULL)::place"),
    "txid-snapshot": ("txid_snapshot", "'1:1:'"),
}


def _same(name: str, type_: str, sql: str) -> Case:
    return Case(
        id=f"same-{name}",
        promise="An update to the same value is no change, whatever operators its type has or lacks.",
        engines=POSTGRES,
        schema=_schema(type_),
        setup=(f"INSERT INTO t VALUES (1, {sql})",),
        run=(f"UPDATE t SET x = {sql}", "UPDATE t SET x = x"),
        expected=(),
    )


ORDERED = Case(
    id="type-without-equality-beside-others",
    promise="A column whose type cannot be compared does not hide, or invent, a change beside it.",
    engines=POSTGRES,
    schema="CREATE TABLE t (id integer PRIMARY KEY, j json, p point, n integer)",
    setup=("INSERT INTO t VALUES (1, '[1]', '(1,2)', 1)",),
    run=("UPDATE t SET n = 2", "UPDATE t SET j = '[2]'", "UPDATE t SET p = '(1,3)'"),
    expected=(
        updated("t", {"id": 1}, n=(1, 2)),
        updated("t", {"id": 1}, j=(T("[1]"), T("[2]"))),
        updated("t", {"id": 1}, p=(T("(1,2)"), T("(1,3)"))),
    ),
)

CASES = (
    *(_value(name, value) for name, value in VALUES.items()),
    *(_alike(name, value) for name, value in ALIKE.items()),
    *(_same(name, *value) for name, value in SAME.items()),
    ORDERED,
)
