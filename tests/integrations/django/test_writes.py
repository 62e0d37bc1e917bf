"""Whichever way Django writes, the write carries who acts; and nothing is left to whoever writes next."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from indelible import Actor, acting_as
from tests.integrations.django.project.shop.models import Bundle, Product, Tag
from tests.integrations.django.site import Site
from tests.world import told, who

DANA = Actor(id="u_1", name="Dana Lee", email="dana@acme.test")
KIM = Actor(id="u_2", name="Kim")


def make(name: str = "chair") -> Product:
    product: Product = Product.objects.create(name=name, price="9.50")
    return product


def save() -> None:
    Product(name="saved").save()


def bulk_create() -> None:
    made = Product.objects.bulk_create([Product(name=f"bulk {n}") for n in range(3)])
    assert all(product.pk for product in made)


def inherited() -> None:
    Bundle.objects.create(name="both tables", size=3)


def many_to_many() -> None:
    make("tagged").tags.set([Tag.objects.create(slug="new"), Tag.objects.create(slug="old")])


def queryset() -> None:
    make("changed")
    assert Product.objects.filter(name="changed").update(stock=2) == 1
    assert Product.objects.filter(name="changed").delete()[0] == 1


def bulk_update() -> None:
    product = make("to be updated")
    product.stock = 7
    Product.objects.bulk_update([product], ["stock"])


def upsert() -> None:
    Product.objects.update_or_create(name="upserted", defaults={"stock": 1})
    Product.objects.update_or_create(name="upserted", defaults={"stock": 2})
    Product.objects.bulk_create(
        [Product(name="upserted", stock=3)], update_conflicts=True, unique_fields=["name"], update_fields=["stock"]
    )


def raw() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO shop_product (name, price, stock) VALUES ('raw %', 1, 1)")
        assert cursor.rowcount == 1
        cursor.execute("UPDATE shop_product SET stock = %s WHERE name = %s", [5, "raw %"])
        assert cursor.rowcount == 1
        cursor.execute("UPDATE shop_product SET stock = 6 WHERE name LIKE %s RETURNING name, stock", ["raw%"])
        assert cursor.fetchall() == [("raw %", 6)]


def raw_many() -> None:
    with connection.cursor() as cursor:
        rows = [("many 1", 1), ("many 2", 2)]
        cursor.executemany("INSERT INTO shop_product (name, price, stock) VALUES (%s, 0, %s)", rows)
        assert cursor.rowcount == 2


def raw_comment() -> None:
    with connection.cursor() as cursor:
        cursor.execute("/* from a view */ INSERT INTO shop_product (name, price, stock) VALUES ('commented', 1, 1)")
        cursor.execute(
            "WITH n AS (SELECT 'with' AS name) INSERT INTO shop_product (name, price, stock) SELECT name, 1, 1 FROM n"
        )


def close() -> None:
    """That of the thread which runs this."""
    connection.close()


def asynchronous() -> None:
    async def write() -> None:
        product = await Product.objects.acreate(name="awaited")
        product.stock = 4
        await product.asave()
        await Product.objects.filter(pk=product.pk).adelete()
        await sync_to_async(close)()

    asyncio.run(write())


WAYS = [
    make, save, bulk_create, inherited, many_to_many, queryset, bulk_update, upsert, raw, raw_many, raw_comment,
    asynchronous,
]  # fmt: skip
Way = Callable[[], object]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_write_of_autocommit_mode_carries_who_acts(site: Site, way: Way) -> None:
    with acting_as(DANA):
        way()
    make("unclaimed")
    entries = site.sealed()
    assert len(entries) > 1
    assert who(entries) == ["u_1"] * (len(entries) - 1) + ["unknown"]


@pytest.mark.parametrize("way", [way for way in WAYS if way is not asynchronous], ids=lambda way: way.__name__)
def test_each_write_of_a_transaction_carries_who_acts(site: Site, way: Way) -> None:
    with acting_as(DANA), transaction.atomic():
        way()
    with transaction.atomic():
        make("unclaimed")
    entries = site.sealed()
    assert who(entries) == ["u_1"] * (len(entries) - 1) + ["unknown"]
    assert len({entry.context.transaction_id for entry in entries[:-1]}) == 1


def test_both_modes_record_the_same(site: Site) -> None:
    with acting_as(DANA):
        queryset()
    alone = site.sealed()
    with acting_as(DANA), transaction.atomic():
        queryset()
    together = site.sealed()
    assert [entry.changes.keys() for entry in alone] == [entry.changes.keys() for entry in together]
    assert len({entry.context.transaction_id for entry in alone}) == 3


def test_what_is_rolled_back_never_happened(site: Site) -> None:
    with acting_as(DANA), pytest.raises(ZeroDivisionError), transaction.atomic():
        make()
        _ = 1 // 0
    make("kept")
    assert who(site.sealed()) == ["unknown"]


def test_a_savepoint_that_is_rolled_back_leaves_the_rest_its_actor(site: Site) -> None:
    with transaction.atomic():
        with acting_as(KIM), pytest.raises(IntegrityError), transaction.atomic():
            make("one")
            make("one")
        with acting_as(DANA):
            make("two")
        with acting_as(KIM), transaction.atomic():
            make("three")
        make("four")
    entries = site.sealed()
    assert [entry.changes["name"]["new"] for entry in entries] == ["two", "three", "four"]
    assert who(entries) == ["u_1", "u_2", "unknown"]


def test_the_actor_may_change_within_a_transaction_and_within_a_savepoint(site: Site) -> None:
    with acting_as(DANA), transaction.atomic():
        make("one")
        with acting_as(KIM), pytest.raises(ZeroDivisionError), transaction.atomic():
            make("never")
            _ = 1 // 0
        make("two")
        with acting_as(KIM):
            Product.objects.update(stock=5)
        Product.objects.select_for_update().get(name="one").delete()
    assert who(site.sealed()) == ["u_1", "u_1", "u_2", "u_2", "u_1"]


def test_a_statement_that_fails_leaves_no_actor_behind(site: Site) -> None:
    with acting_as(DANA):
        make("taken")
        with pytest.raises(IntegrityError):
            make("taken")
    make("free")
    site.raw("UPDATE shop_product SET stock = 9")
    assert who(site.sealed()) == ["u_1", "unknown", "unknown", "unknown"]


def test_what_fails_halfway_leaves_what_it_would_leave_without_us(sqlite_site: Site) -> None:
    """Autocommit: SQLite commits each row of `executemany`, and what OR FAIL has done."""
    rows = [("one",), ("two",), ("one",), ("three",)]
    with acting_as(DANA), connection.cursor() as cursor:
        with pytest.raises(IntegrityError):
            cursor.executemany("INSERT INTO shop_product (name, price, stock) VALUES (%s, 0, 0)", rows)
        with pytest.raises(IntegrityError):
            cursor.execute("INSERT OR FAIL INTO shop_product (name, price, stock) VALUES ('five', 0, 0), ('one', 0, 0)")
    assert not connection.connection.in_transaction
    assert set(Product.objects.values_list("name", flat=True)) == {"one", "two", "five"}
    make("unclaimed")
    assert who(sqlite_site.sealed()) == ["u_1", "u_1", "u_1", "unknown"]


def test_a_commit_on_the_driver_leaves_the_next_writer_no_actor(sqlite_site: Site) -> None:
    with acting_as(DANA):
        connection.cursor().execute("BEGIN")
        make("one")
        connection.connection.commit()
    make("two")
    with transaction.atomic():
        make("three")
    assert who(sqlite_site.sealed()) == ["u_1", "unknown", "unknown"]


def test_a_constraint_that_is_deferred_is_held_against_a_single_write_too(site: Site) -> None:
    with acting_as(DANA), pytest.raises(IntegrityError):
        Product.objects.create(name="nobody's", owner_id=4711)
    assert not connection.in_atomic_block
    assert Product.objects.count() == 0
    make("free")
    assert who(site.sealed()) == ["unknown"]


def test_typed_transactions_leave_no_actor_behind(site: Site) -> None:
    with acting_as(DANA), connection.cursor() as cursor:
        cursor.execute("BEGIN")
        make("typed")
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")
        make("gone")
        cursor.execute("ROLLBACK")
        cursor.execute("BEGIN")
        make("typed again")
        cursor.execute("COMMIT")
    site.raw("UPDATE shop_product SET stock = 9")
    make("unclaimed")
    assert who(site.sealed()) == ["u_1", "u_1", "unknown", "unknown", "unknown"]


def test_a_comment_in_front_of_a_rollback_changes_nobody_s_name(site: Site) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        with acting_as(DANA):
            make("one")
        cursor.execute("SAVEPOINT s")
        with acting_as(KIM):
            make("gone")
            cursor.execute("/* app:shop */ ROLLBACK TO SAVEPOINT s")
            make("two")
    assert who(site.sealed()) == ["u_1", "u_2"]


@pytest.mark.parametrize(
    "sql",
    [
        "WITH n AS (SELECT replace(name, 'a', 'b') AS deleted FROM shop_product) SELECT count(*) FROM n",
        "EXPLAIN DELETE FROM shop_product",
    ],
)
def test_what_only_reads_waits_for_no_writer(sqlite_site: Site, sql: str) -> None:
    with closing(sqlite3.connect(sqlite_site.database["NAME"], isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL").fetchall()
        writer.execute("BEGIN IMMEDIATE")
        sqlite_site.reconnect(OPTIONS={"timeout": 0.1})
        with acting_as(DANA), connection.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.fetchall()


@pytest.mark.usefixtures("sqlite_site")
def test_a_pragma_runs_as_without_us() -> None:
    with acting_as(DANA), connection.cursor() as cursor:
        for mode in ("wal", "delete"):
            cursor.execute(f"PRAGMA journal_mode = {mode}")
            assert cursor.fetchall() == [(mode,)]


def test_rows_that_go_with_a_table_they_refer_to_are_deleted_by_whoever_drops_it(sqlite_site: Site) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE p (id integer PRIMARY KEY)")
        cursor.execute("CREATE TABLE k (p integer REFERENCES p ON DELETE CASCADE)")
        call_command("audit_watch", verbosity=0)
        cursor.execute("INSERT INTO p VALUES (1)")
        sqlite_site.sealed()
        with transaction.atomic():
            with acting_as(DANA):
                cursor.execute("INSERT INTO k VALUES (1)")
            with acting_as(KIM):
                cursor.execute("DROP TABLE p")
    created, deleted = sqlite_site.sealed()
    assert (who([created, deleted]), deleted.operation) == (["u_1", "u_2"], "delete")


def test_manual_transactions_carry_who_acts(site: Site) -> None:
    transaction.set_autocommit(False)
    try:
        with acting_as(DANA):
            make("first")
        with acting_as(KIM):
            make("second")
        transaction.commit()
        make("third")
        transaction.rollback()
        make("fourth")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert who(site.sealed()) == ["u_1", "u_2", "unknown"]


def test_the_wrappers_of_others_come_and_go(site: Site) -> None:
    """`execute_wrapper` takes away the last one, also where the connection opens inside it."""
    connection.close()
    seen: list[str] = []

    def wrapper(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        seen.append(sql)
        return execute(sql, params, many, context)

    with acting_as(DANA):
        with connection.execute_wrapper(wrapper):
            make("inside")
        make("outside")
    assert [sql for sql in seen if "shop_product" in sql and "INSERT" in sql]
    assert len(seen) == len([sql for sql in seen if "outside" not in sql])
    assert who(site.sealed()) == ["u_1", "u_1"]


def test_the_values_and_the_user_s_name_are_recorded(site: Site) -> None:
    with acting_as(DANA):
        user = User.objects.create_user("kim", "kim@acme.test", "secret")
        product = make()
        product.owner = user
        product.save()
    created, _, updated = site.sealed()
    assert (created.action, created.entity.type, created.entity.name) == ("USER_CREATED", "User", "kim")
    assert created.changes["password"] == {"new": {"redacted": True}}
    assert told([updated])[0][2]["owner_id"]["new_name"] == "kim"
    assert str(updated.changes["owner_id"]["new"]) == str(user.pk)
