"""Partitions and inheritance: PostgreSQL."""

from tests.capture_torture.cases.laid_out import on_postgres
from tests.capture_torture.model import created, deleted, updated

PARTED = (
    "CREATE TABLE p (id integer, k text, x text, PRIMARY KEY (id, k)) PARTITION BY LIST (k); "
    "CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a'); CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b')"
)
PA, PB = {"id": 1, "k": "a", "x": "x"}, {"id": 2, "k": "b", "x": "y"}
PARTS = ("INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y')",)

PARTITIONS = (
    on_postgres(
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
    on_postgres(
        "partition-directly",
        "Writes to a partition itself are recorded under the table's name.",
        PARTED,
        ("INSERT INTO p_a VALUES (1, 'a', 'x')", "UPDATE p_a SET x = 'z'", "DELETE FROM p_a"),
        (created("p", **PA), updated("p", {"id": 1, "k": "a"}, x=("x", "z")), deleted("p", id=1, k="a", x="z")),
    ),
    on_postgres(
        "partition-row-moves",
        "A row that an update moves to another partition is deleted in one and created in the other.",
        PARTED,
        ("UPDATE p SET k = 'b' WHERE id = 1",),
        (deleted("p", **PA), created("p", id=1, k="b", x="x")),
        PARTS,
    ),
    on_postgres(
        "partition-added-later",
        "A partition that was made after watching began is recorded.",
        PARTED,
        ("CREATE TABLE p_c PARTITION OF p FOR VALUES IN ('c')", "INSERT INTO p VALUES (3, 'c', 'z')"),
        (created("p", id=3, k="c", x="z"),),
    ),
    on_postgres(
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
    on_postgres(
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
    on_postgres(
        "partition-truncated",
        "A partition that is emptied is recorded row by row.",
        PARTED,
        ("TRUNCATE p_a",),
        (deleted("p", **PA),),
        PARTS,
    ),
    on_postgres(
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
    on_postgres(
        "partitions-truncated-by-root",
        "A partitioned table that is emptied is recorded row by row.",
        PARTED,
        ("TRUNCATE p",),
        (deleted("p", **PA), deleted("p", **PB)),
        PARTS,
    ),
    on_postgres(
        "partition-upsert",
        "An upsert through the root is recorded.",
        PARTED,
        ("INSERT INTO p VALUES (1, 'a', 'new'), (3, 'a', 'c') ON CONFLICT (id, k) DO UPDATE SET x = excluded.x",),
        (updated("p", {"id": 1, "k": "a"}, x=("x", "new")), created("p", id=3, k="a", x="c")),
        PARTS,
    ),
    on_postgres(
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
    on_postgres(
        "inheritance-update-through-the-parent",
        "A row of a child table that is changed through its parent is recorded as the child's.",
        HEIRS,
        ("UPDATE person SET name = 'z'",),
        (updated("person", {"id": 1}, name=("a", "z")), updated("staff", {"id": 2}, name=("b", "z"))),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
    on_postgres(
        "inheritance-delete-through-the-parent",
        "A row of a child table that is deleted through its parent is recorded with the child's own columns.",
        HEIRS,
        ("DELETE FROM person",),
        (deleted("person", id=1, name="a"), deleted("staff", id=2, name="b", salary=100)),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
    on_postgres(
        "inheritance-truncate-through-the-parent",
        "A TRUNCATE of the parent takes the child's rows; both are recorded.",
        HEIRS,
        ("TRUNCATE person",),
        (deleted("person", id=1, name="a"), deleted("staff", id=2, name="b", salary=100)),
        ("INSERT INTO person VALUES (1, 'a')", "INSERT INTO staff VALUES (2, 'b', 100)"),
    ),
)

CASES = (*PARTITIONS, *INHERITANCE)
