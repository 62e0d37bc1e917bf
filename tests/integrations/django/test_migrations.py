"""What migrations make is watched, from the moment it is there; and Django's own commands go on as before."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.writer import MigrationWriter
from django.test import Client

from indelible import Error
from indelible.integrations.django import Unwatch, Watch
from indelible.integrations.django.coverage import coverage
from tests.integrations.django.project.depot.models import Crate, Shelf
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site, postgres_settings, use, with_settings


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Nothing is migrated yet."""
    site = object.__new__(Site)
    site.folder, site.engine = tmp_path, request.param
    if request.param == "sqlite":
        site.database = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "app.db"}
    else:
        site.database = postgres_settings(request.getfixturevalue("postgres").database())
    use(site.database, tmp_path)
    yield site
    site.close()


def recorded(site: Site, *types: str) -> list[tuple[str, str]]:
    """What was done to them; what they held when watching began, or began anew under another name, is left out."""
    entries = [entry for entry in site.sealed() if entry.entity.type in types and entry.operation != "baseline"]
    return [(entry.action, entry.actor.id or entry.actor.type) for entry in entries]


def test_each_migration_s_writes_are_recorded_as_unknown_unless_claimed(empty: Site) -> None:
    call_command("migrate", verbosity=0)
    assert recorded(empty, "DepotBox", "Crate") == [  # a table whose model is no more has its own name
        ("DEPOT_BOX_CREATED", "unknown"),
        ("CRATE_UPDATED", "unknown"),
        ("CRATE_UPDATED", "depot.0005"),
    ]


def test_after_migrate_the_tables_of_all_models_are_watched(empty: Site) -> None:
    call_command("migrate", "depot", "0001", verbosity=0)
    call_command("migrate", verbosity=0)
    empty.sealed()
    Crate.objects.create(label="second")
    Product.objects.create(name="chair")
    assert recorded(empty, "Crate", "Product") == [("CRATE_CREATED", "unknown"), ("PRODUCT_CREATED", "unknown")]


def test_a_table_that_migrations_alter_is_not_recorded_once_more(empty: Site) -> None:
    """SQLite makes it anew each time: its triggers are gone until the migration commits, its rows are the same."""
    call_command("migrate", "auth", "0001", verbosity=0)  # makes permissions, whose table later ones alter
    call_command("migrate", verbosity=0)
    entries = [entry for entry in empty.sealed() if entry.entity.type == "Permission"]
    told = [entry.entity.id for entry in entries if entry.operation in ("create", "baseline")]
    assert len(told) == len(set(told)) > 1


def test_a_project_that_has_data_already_adopts_it(empty: Site) -> None:
    """Sessions and migrations are left out, and have rows too."""
    with with_settings(DATABASES=[]):
        call_command("migrate", verbosity=0)
        Product.objects.create(name="old")
        Client().get("/sign-in/", {"name": User.objects.create_user("dana").username})
    call_command("migrate", verbosity=0)
    Product.objects.filter(name="old").update(stock=1)
    assert recorded(empty, "Product")[-1] == ("PRODUCT_UPDATED", "unknown")
    assert all(each.clean for each in coverage("default"))


def test_with_watch_migrations_only_what_they_name_is_watched(empty: Site) -> None:
    with with_settings(WATCH="migrations"):
        call_command("migrate", verbosity=0)
        Crate.objects.create(label="second")
        Product.objects.create(name="chair")
        entries = recorded(empty, "DepotBox", "Crate", "Product")
    assert entries[0] == ("DEPOT_BOX_CREATED", "unknown")
    assert entries[-1] == ("CRATE_CREATED", "unknown")
    assert len(entries) == 4


def test_unwatch_ends_it(empty: Site) -> None:
    with with_settings(WATCH="migrations"):
        call_command("migrate", "auth", verbosity=0)
        call_command("migrate", "depot", "0004", verbosity=0)
        Shelf.objects.create(label="seen")
        call_command("migrate", "depot", verbosity=0)
        Shelf.objects.create(label="not seen")
    assert [entry.changes["label"]["new"] for entry in empty.sealed() if entry.entity.type == "Shelf"] == ["seen"]


def test_going_back_ends_it_too(empty: Site) -> None:
    with with_settings(WATCH="migrations"):
        call_command("migrate", "depot", "0004", verbosity=0)
        call_command("migrate", "depot", "0001", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO depot_box (label) VALUES ('not seen')")
        call_command("migrate", "depot", "0001", verbosity=0)
        empty.raw("INSERT INTO depot_box (label) VALUES ('still not seen')")
    labels = [entry.changes.get("label", {}).get("new") for entry in empty.sealed()]
    assert "first" in labels
    assert not {"not seen", "still not seen"} & set(labels)


def test_operations_change_no_model_and_write_themselves_down() -> None:
    for operation in (Watch("shop.Product", "depot.Crate"), Unwatch("shop.Product")):
        name, arguments, named = operation.deconstruct()
        assert (name, named) == (type(operation).__name__, {})
        assert tuple(arguments) == operation.models
        assert MigrationWriter.serialize(operation.models[0])[0] == repr(operation.models[0])
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())  # exits where models have changed


def test_a_map_that_names_what_is_not_there_ends_migrate(site: Site) -> None:
    path = site.folder / "audit.toml"
    path.write_text('[nowhere]\nentity = "Nothing"\n')
    with with_settings(MAP=path), pytest.raises(Error, match="'nowhere', which is not in the database"):
        call_command("migrate", verbosity=0)


def test_sqlmigrate_shows_and_installs_nothing(empty: Site) -> None:
    shown = StringIO()
    call_command("sqlmigrate", "depot", "0002", stdout=shown)
    assert "Watch depot.Box, depot.Shelf" in shown.getvalue()
    with connection.cursor() as cursor:
        assert connection.introspection.table_names(cursor) == []


@pytest.mark.parametrize("command", ["flush", "dumpdata", "inspectdb", "check", "showmigrations"])
def test_django_s_commands_go_on_as_before(site: Site, command: str) -> None:
    Product.objects.create(name="chair")
    shown = StringIO()
    options = {"interactive": False} if command == "flush" else {}
    call_command(command, stdout=shown, **options)
    if command == "flush":
        assert recorded(site, "Product") == [("PRODUCT_CREATED", "unknown"), ("PRODUCT_DELETED", "unknown")]
    if command == "dumpdata":
        assert '"chair"' in shown.getvalue()
        assert "indelible.entry" not in shown.getvalue()
    Product.objects.create(name="desk")
    assert recorded(site, "Product")[-1] == ("PRODUCT_CREATED", "unknown")


def test_a_test_database_is_made_watched_and_destroyed_and_has_a_log_of_its_own(site: Site) -> None:
    from indelible.integrations.django import auditing

    own = auditing.log_path()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0)
    try:
        made = connection.settings_dict["NAME"]
        assert made != name
        path = auditing.log_path()
        assert path is not None
        assert path.name == "test_audit.db"
        if site.engine == "postgresql":  # Django's test database on SQLite lives in memory, where nobody can look
            Product.objects.create(name="chair")
            auditing.audit().seal()
    finally:
        auditing.close()
        connection.creation.destroy_test_db(name, verbosity=0)
    connections.close_all()
    assert auditing.log_path() == own
