"""A request's writes are by whoever is signed in, and by nobody where nobody is."""

from unittest.mock import ANY

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from indelible import Actor, acting_as
from indelible.event import Entry
from tests.integrations.django.site import Site, with_settings


@pytest.fixture
def dana(site: Site) -> User:
    user = User.objects.create_user("dana", "dana@acme.test", "secret", first_name="Dana", last_name="Lee")
    site.sealed()
    return user


@pytest.fixture
def client(site: Site, dana: User) -> Client:
    """Signed in as Dana."""
    browser = Client(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Mosaic")
    browser.force_login(dana)
    site.sealed()
    return browser


def of_products(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.entity.type == "Product"]


@pytest.mark.parametrize("path", ["/write/", "/atomic/", "/async/"])
def test_a_write_is_by_the_signed_in_user(site: Site, client: Client, dana: User, path: str) -> None:
    answer = client.get(path, {"name": "chair"})
    entries = site.sealed()
    assert len(entries) == (1 if path == "/write/" else 2)
    for entry in entries:
        assert (entry.actor.id, entry.actor.name, entry.actor.email) == (str(dana.pk), "Dana Lee", "dana@acme.test")
        assert (entry.context.ip, entry.context.user_agent, entry.context.source) == ("192.0.2.7", "Mosaic", "django")
        assert entry.context.request_id == answer["X-Request-ID"]


@pytest.mark.parametrize("path", ["/write/", "/async/"])
def test_a_write_on_an_asynchronous_server_is_by_the_signed_in_user(site: Site, dana: User, path: str) -> None:
    async def visit() -> None:
        browser = AsyncClient()
        await browser.aforce_login(dana)
        await browser.get(path, {"name": "chair"})

    async_to_sync(visit)()
    assert {entry.actor.id for entry in of_products(site.sealed())} == {str(dana.pk)}


@pytest.mark.parametrize("path", ["/write/", "/atomic/"])
def test_a_visitor_s_write_is_attributed_to_nobody(site: Site, dana: User, path: str) -> None:
    Client(REMOTE_ADDR="192.0.2.8").get(path, {"name": "chair"})
    for entry in site.sealed():
        assert (entry.actor.type, entry.actor.id, entry.context.ip) == ("unknown", None, "192.0.2.8")


@pytest.mark.parametrize(("path", "expected"), [("/read/", [ANY]), ("/read-atomic/", ["BEGIN", ANY, ANY, "COMMIT"])])
def test_a_request_that_only_reads_asks_for_no_user(
    site: Site, client: Client, path: str, expected: list[object]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert [query["sql"] for query in queries] == expected


@pytest.fixture
def written_by_functions(postgres_site: Site) -> Site:
    insert = "INSERT INTO shop_product (name, price, stock) VALUES (n, 1, 1)"
    postgres_site.raw(f"CREATE FUNCTION put(n text) RETURNS integer LANGUAGE sql AS $$ {insert} RETURNING 1 $$")
    postgres_site.raw(f"CREATE PROCEDURE make(n text) LANGUAGE sql AS $$ {insert} $$")
    return postgres_site


@pytest.mark.parametrize("way", ["select", "call", "copy"])
@pytest.mark.parametrize("after", [{}, {"after": "imported"}])
def test_what_a_function_a_procedure_or_copy_writes_in_a_transaction_is_by_the_signed_in_user(
    written_by_functions: Site, way: str, after: dict[str, str]
) -> None:
    dana = User.objects.create_user("dana", "dana@acme.test", "secret")
    browser = Client()
    browser.force_login(dana)
    written_by_functions.sealed()
    browser.get("/raw/", {"way": way, "name": "chair", **after})
    entries = of_products(written_by_functions.sealed())
    assert [entry.actor.name for entry in entries] == ["importer"] * len(after) + ["dana"]


@pytest.mark.parametrize("way", ["select", "call", "copy"])
def test_watched_strictly_a_visitor_writes_by_no_function_either(written_by_functions: Site, way: str) -> None:
    with with_settings(STRICT=True):
        call_command("audit_watch", verbosity=0)
    with pytest.raises((DatabaseError, psycopg.DatabaseError), match="nobody is said to"):
        Client().get("/raw/", {"way": way, "name": "chair", "after": "imported"})


def test_signing_in_is_by_whoever_signs_in(site: Site, dana: User) -> None:
    Client().get("/sign-in/", {"name": "dana"})
    (entry,) = [entry for entry in site.sealed() if entry.entity.type == "User"]
    assert set(entry.changes) == {"last_login"}
    assert entry.actor.id == str(dana.pk)


def test_who_deletes_their_own_account_acts_until_they_are_signed_out(site: Site, client: Client, dana: User) -> None:
    client.get("/close-account/")
    deleted, *written = site.sealed()
    assert (deleted.operation, deleted.entity.id) == ("delete", str(dana.pk))
    assert [entry.actor.id for entry in (deleted, *written)] == [str(dana.pk), str(dana.pk), None]


def test_a_request_id_is_taken_over_and_a_strange_one_is_not(site: Site, client: Client) -> None:
    assert client.get("/read/", HTTP_X_REQUEST_ID="req-1")["X-Request-ID"] == "req-1"
    assert client.get("/read/", HTTP_X_REQUEST_ID="<script>")["X-Request-ID"] != "<script>"


def test_an_address_is_believed_of_named_proxies_only(site: Site, dana: User) -> None:
    def recorded(peer: str) -> str | None:
        Client(REMOTE_ADDR=peer).get("/write/", {"name": peer}, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.1")
        return site.sealed()[-1].context.ip

    with with_settings(TRUSTED_PROXIES=["10.0.0.0/8"]):
        assert recorded("10.0.0.1") == "198.51.100.1"
        assert recorded("192.0.2.1") == "192.0.2.1"


def test_what_is_said_in_a_view_wins_and_what_is_said_around_a_server_counts_for_nothing(
    site: Site, client: Client
) -> None:
    with acting_as(Actor(id="starts the server")):
        client.get("/write/", {"name": "chair"})
        client.get("/claimed/", {"name": "desk"})
    assert [entry.actor.name or entry.actor.id for entry in site.sealed()] == ["Dana Lee", "importer", "Dana Lee"]


@pytest.mark.parametrize("agent", ["Mosaic", "Mozill\xe9", "Zoë 李"])
def test_watched_strictly_no_header_makes_somebody_of_a_visitor(site: Site, client: Client, agent: str) -> None:
    with with_settings(STRICT=True):
        call_command("audit_watch", verbosity=0)
    site.sealed()
    with pytest.raises(DatabaseError, match="nobody is said to"):
        Client(HTTP_USER_AGENT=agent).get("/write/", {"name": "refused"})
    client.get("/write/", {"name": "chair"}, HTTP_USER_AGENT=agent)
    (entry,) = site.sealed()
    assert (entry.changes["name"]["new"], entry.actor.name) == ("chair", "Dana Lee")
    assert entry.context.user_agent == agent
