"""The commands of manage.py: those of the command line, with the settings' log and databases."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indelible import Actor, acting_as
from indelible.event import read
from indelible.integrations.django import auditing
from indelible.store.sqlite.store import SQLiteStore
from tests.attacks import edit, lines
from tests.integrations.django.project.shop.models import Product
from tests.integrations.django.site import Site, with_settings
from tests.shell import FileShell


def said(command: str, *arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def filled(site: Site) -> Site:
    with acting_as(Actor(id="u_1", email="dana@acme.test")):
        Product.objects.create(name="chair")
    return site


def test_seal_search_export_and_verify_speak_of_the_settings_log(filled: Site) -> None:
    assert said("audit_seal") == "1\n"
    assert "PRODUCT_CREATED" in said("audit_search", "dana")
    assert read(said("audit_search", "dana", json=True).strip().encode()).actor.id == "u_1"
    assert said("audit_search", "nobody") == ""
    exported = said("audit_export", "action:PRODUCT_*")
    assert [read(line.encode()).action for line in exported.splitlines()] == ["PRODUCT_CREATED"]
    said("audit_export", output=filled.folder / "whole.jsonl")
    size = auditing.audit().log.head().size
    assert len((filled.folder / "whole.jsonl").read_bytes().splitlines()) == size
    assert said("audit_verify").startswith(f"ok {size} ")


def test_a_log_that_was_edited_ends_verify_with_3(filled: Site) -> None:
    said("audit_seal")
    auditing.close()
    with SQLiteStore(filled.folder / "audit.db") as store, FileShell(store) as db:
        db.disarm()
        edit(db, len(lines(db)) - 1)
    with pytest.raises(CommandError) as ended:
        said("audit_verify")
    assert ended.value.returncode == 3


def test_watch_and_coverage_name_every_table(site: Site) -> None:
    watched = said("audit_watch").split()
    assert {"shop_product", "shop_product_tags", "auth_user", "auth_user_groups"} <= set(watched)
    assert "django_session" not in watched
    told = said("audit_coverage")
    assert "excluded      django_session  What a browser's session holds" in told
    assert "watched       shop_product\n" in told


def test_a_table_that_is_not_covered_ends_coverage_with_3(site: Site) -> None:
    site.raw("CREATE TABLE forgotten (id integer PRIMARY KEY)")
    with pytest.raises(CommandError, match="1 tables are not covered") as ended:
        said("audit_coverage")
    assert ended.value.returncode == 3
    assert '"table":"forgotten","state":"not covered"' in caught_json(site)


def caught_json(_site: Site) -> str:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit_coverage", json=True, stdout=out)
    return out.getvalue()


def test_what_cannot_be_is_one_sentence_and_the_command_line_s_exit_code(site: Site) -> None:
    for command, arguments, code in (
        ("audit_search", ["colour:red"], 2),
        ("audit_search", ["--since=someday"], 2),
        ("audit_watch", ["--database=other"], 2),
        ("audit_verify", ["--key=no key"], 2),
    ):
        with pytest.raises(CommandError) as ended:
            said(command, *arguments)
        assert ended.value.returncode == code, command
    with with_settings(LOG=f"sqlite:///{site.folder}/elsewhere.db"), pytest.raises(CommandError) as ended:
        said("audit_search")
    assert ended.value.returncode == 4
