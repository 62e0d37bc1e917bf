"""`manage.py check` says what cannot work, before it does not."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connections

from tests.integrations.django.site import Site, with_settings


def ids(databases: list[str] | None = None) -> list[str]:
    return [str(message.id) for message in run_checks(databases=databases) if str(message.id).startswith("indelible.")]


def test_a_project_that_is_set_up_is_told_nothing(site: Site) -> None:
    assert ids(["default"]) == []


@pytest.mark.parametrize(
    ("indelible", "found"),
    [
        ({"LOGG": "sqlite:///audit.db"}, "E001"),
        ({"LOG": "mysql://log"}, "E001"),
        ({"DATABASES": "default"}, "E001"),
        ({"WATCH": "some"}, "E001"),
        ({"ACTOR": "nowhere.to.be.found"}, "E001"),
        ({"DATABASES": ["default", "other"]}, "E002"),
        ({"MAP": "no/such/file.toml"}, "E004"),
        ({"LOG": "sqlite:////no/such/folder/audit.db"}, "E005"),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error(sqlite_site: Site, indelible: dict[str, Any], found: str) -> None:
    with with_settings(**indelible):
        assert ids() == [f"indelible.{found}"]


def test_another_engine_is_an_error(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    assert ids() == ["indelible.E003"]


def test_a_log_without_its_key_is_an_error(sqlite_site: Site) -> None:
    (sqlite_site.folder / "audit.db.key").rename(sqlite_site.folder / "elsewhere")
    assert ids() == ["indelible.E005"]


def test_a_map_that_names_no_model_s_table_is_a_warning(sqlite_site: Site) -> None:
    path = Path(sqlite_site.folder / "audit.toml")
    path.write_text('[nowhere]\nentity = "Nothing"\n')
    with with_settings(MAP=path):
        assert ids() == ["indelible.W007"]


def test_a_project_without_the_middleware_or_in_another_order_is_warned(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    *others, ours = settings.MIDDLEWARE
    monkeypatch.setattr(settings, "MIDDLEWARE", others)
    assert ids() == ["indelible.W001"]
    monkeypatch.setattr(settings, "MIDDLEWARE", [ours, *others])
    assert ids() == ["indelible.W002"]


def test_a_table_that_is_not_covered_is_a_warning_where_databases_are_looked_at(site: Site) -> None:
    site.raw("CREATE TABLE forgotten (id integer PRIMARY KEY)")
    assert ids() == []
    assert ids(["default"]) == ["indelible.W005"]


def test_a_database_that_cannot_be_reached_is_a_warning(postgres_site: Site) -> None:
    postgres_site.reconnect(HOST="/no/such/folder")
    assert ids(["default"]) == ["indelible.W008"]


def test_a_database_in_memory_is_a_warning(sqlite_site: Site) -> None:
    sqlite_site.reconnect(NAME=":memory:")
    assert ids(["default"]) == ["indelible.W006"]


def test_a_database_that_is_still_to_be_made_is_no_matter(sqlite_site: Site) -> None:
    sqlite_site.reconnect(NAME=sqlite_site.folder / "later.db")
    assert ids(["default"]) == []
