"""However the project connects: its settings become our URL, and each way of sending statements carries who acts."""

from typing import Any

import pytest
from django.db import connection, connections, transaction

from indelible import Actor, acting_as
from indelible.errors import UsageError
from indelible.integrations.django.databases import source_url
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site, use
from tests.world import who

DANA = Actor(id="u_1", name="100% Dana 'Lee' \\ \u2603")
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (POSTGRES, "postgresql:///shop?"),
        (POSTGRES | {"USER": "da@na", "PASSWORD": "p:/w?"}, "postgresql://da%40na:p%3A%2Fw%3F@/shop?"),
        (POSTGRES | {"HOST": "db.test", "PORT": 5433}, "postgresql:///shop?host=db.test&port=5433"),
        (POSTGRES | {"HOST": "/var/run/pg"}, "postgresql:///shop?host=%2Fvar%2Frun%2Fpg"),
        (
            POSTGRES | {"OPTIONS": {"sslmode": "require", "pool": True, "isolation_level": 4, "assume_role": "owner"}},
            "postgresql:///shop?sslmode=require&options=-c%20role%3Downer",
        ),
        (POSTGRES | {"NAME": "", "OPTIONS": {"service": "shop"}}, "postgresql:///?service=shop"),
        (SQLITE | {"NAME": "/srv/app.db"}, "sqlite:////srv/app.db"),
        (SQLITE | {"NAME": "file:/srv/my%20app.db?mode=rw"}, "sqlite:////srv/my app.db"),
        (SQLITE | {"NAME": ":memory:"}, None),
        (SQLITE | {"NAME": "file:memorydb_default?mode=memory&cache=shared"}, None),
    ],
)
def test_the_settings_of_a_database_are_a_url(tmp_path: Any, settings: dict[str, Any], url: str | None) -> None:
    use(settings, tmp_path)
    assert source_url("default") == url


def test_an_engine_that_cannot_be_watched_is_refused(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "mysql")
    with pytest.raises(UsageError, match="'default' is mysql; SQLite and PostgreSQL can be watched"):
        source_url("default")


@pytest.mark.parametrize("options", [{"server_side_binding": True}, {"isolation_level": 3}, {"prepare_threshold": 0}])
def test_each_way_of_sending_statements_carries_who_acts(postgres_site: Site, options: dict[str, Any]) -> None:
    from psycopg import IsolationLevel

    if "isolation_level" in options:
        options = {"isolation_level": IsolationLevel.SERIALIZABLE}
    postgres_site.reconnect(OPTIONS=options)
    with acting_as(DANA):
        product = Product.objects.create(name="chair % %s")
        Product.objects.filter(pk=product.pk).update(stock=1)
        with transaction.atomic():
            Product.objects.filter(name__contains="%").update(stock=2)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE shop_product SET stock = 3 WHERE name LIKE %s RETURNING id", ["chair%"])
                assert cursor.fetchall() == [(product.pk,)]
        with connection.cursor() as cursor:
            rows = [(4, "chair % %s"), (5, "chair % %s")]
            cursor.executemany("UPDATE shop_product SET stock = %s WHERE name = %s", rows)
    Product.objects.update(stock=9)
    entries = postgres_site.sealed()
    assert who(entries) == ["u_1"] * 6 + ["unknown"]
    assert entries[0].actor.name == DANA.name
    assert Product.objects.get().stock == 9


def test_rows_that_are_streamed_are_read_while_others_are_written(site: Site) -> None:
    Product.objects.bulk_create([Product(name=f"number {n}") for n in range(10)])
    site.sealed()
    with acting_as(DANA), transaction.atomic():
        for product in Product.objects.order_by("pk").iterator(chunk_size=2):
            Product.objects.filter(pk=product.pk).update(stock=1)
    with acting_as(DANA), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT stock FROM shop_product")
        assert cursor.fetchall() == [(1,)] * 10
    assert who(site.sealed()) == ["u_1"] * 10


def test_a_connection_that_is_kept_leaks_nobody(site: Site) -> None:
    site.reconnect(CONN_MAX_AGE=None)
    with acting_as(DANA):
        Product.objects.create(name="chair")
    for each in connections.all():
        each.close_if_unusable_or_obsolete()
    assert connection.connection is not None
    Product.objects.update(stock=1)
    assert who(site.sealed()) == ["u_1", "unknown"]


def test_no_message_more_is_sent_than_without_us(postgres_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted on the driver: BEGIN with who acts, or the write with who acts, is one message as before."""
    import psycopg

    def sent() -> int:
        before = counted[0]
        Product.objects.create(name=f"chair {before}")
        with transaction.atomic():
            Product.objects.count()
            Product.objects.update(stock=1)
        return counted[0] - before

    counted = [0]
    original = psycopg.generators.execute

    def execute(pgconn: Any) -> Any:
        counted[0] += 1
        return (yield from original(pgconn))

    for module in (psycopg.generators, psycopg._cursor_base, psycopg._connection_base):
        monkeypatch.setattr(getattr(module, "generators", module), "execute", execute, raising=False)
        if hasattr(module, "execute"):
            monkeypatch.setattr(module, "execute", execute)
    connection.ensure_connection()
    unclaimed = sent()
    assert unclaimed >= 4
    with acting_as(DANA):
        assert sent() == unclaimed
