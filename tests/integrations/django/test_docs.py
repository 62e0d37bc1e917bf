"""docs/django.md is code: each example runs, and every setting and command stands there."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands

from indelible.integrations.django.conf import Settings
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site
from tests.world import who

PAGE = (Path(__file__).parents[3] / "docs" / "django.md").read_text()
SETTINGS, ACTING, MIGRATION, ASGI = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(example: str, **names: Any) -> dict[str, Any]:
    exec(example, names)  # noqa: S102 - our own page
    return names


def test_the_lines_for_the_settings_are_those_of_the_test_project() -> None:
    ours, middleware = "indelible.integrations.django", "indelible.integrations.django.Middleware"
    apps = [app for app in settings.INSTALLED_APPS if app != ours]
    others = [each for each in settings.MIDDLEWARE if each != middleware]
    made = run(SETTINGS, INSTALLED_APPS=apps, MIDDLEWARE=others)
    assert (made["INSTALLED_APPS"], made["MIDDLEWARE"]) == (settings.INSTALLED_APPS, settings.MIDDLEWARE)
    assert Settings(**made["INDELIBLE"]).LOG == "sqlite:///audit.db"


def test_what_is_claimed_in_a_command_is_by_the_job(site: Site) -> None:
    run(ACTING, Product=Product)
    entries = site.sealed()
    assert who(entries) == ["import-products"] * 2
    assert entries[0].reason == "weekly import"


def test_the_migration_names_models(site: Site) -> None:
    (operation,) = run(MIGRATION)["Migration"].operations
    assert operation.names == [("shop", "product"), ("shop", "tag")]


def test_the_application_for_asgi_is_one(site: Site) -> None:
    assert callable(run(ASGI)["application"])


def test_every_setting_and_command_is_explained() -> None:
    for field in fields(Settings):
        assert f"`{field.name}`" in PAGE
    for name, app in get_commands().items():
        if app == "indelible.integrations.django":
            assert f"`{name}`" in PAGE
