"""Programs manage what people manage on the pages, by the same rules."""

import pytest

from indelible.api.app import create_api
from indelible.exports.writing import Writer
from indelible.log import Log
from indelible.upkeep import Upkeep
from tests.api.conftest import Client
from tests.checking import check_signed
from tests.exports.test_exports import _Held
from tests.store.test_log import happened


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDELIBLE_WEBHOOK_ALLOW", "127.0.0.0/8")


def test_keys_are_made_shown_once_rotated_and_removed(api: Client, log: Log) -> None:
    client = api()
    made = client.post("/keys", json={"name": "siem", "scopes": ["read"], "organization": "acme"})
    assert made.status_code == 201
    key = made.json()
    assert key["key"].startswith(key["id"])
    listed = client.get("/keys").json()["keys"]
    assert [each["name"] for each in listed] == ["portal", "siem"]
    assert not any("key" in each for each in listed)
    assert client.post(f"/keys/{key['id']}/rotate?overlap=1").json()["key"] != key["key"]
    assert client.delete(f"/keys/{key['id']}").status_code == 204
    assert client.delete(f"/keys/{key['id']}").status_code == 404
    assert [e.action for e in check_signed(log)][1:] == ["API_KEY_ADDED", "API_KEY_ROTATED", "API_KEY_REMOVED"]
    assert check_signed(log)[-1].actor.type == "api_key"


def test_no_key_makes_one_that_may_more_than_itself(api: Client) -> None:
    client = api("manage", organization="acme")
    assert client.post("/keys", json={"name": "x", "scopes": ["read"]}).status_code == 422
    assert client.post("/keys", json={"name": "x", "scopes": ["manage"], "organization": "globex"}).status_code == 422
    made = client.post("/keys", json={"name": "x", "scopes": ["manage"]}).json()
    assert made["organization"] == "acme"
    assert {each["organization"] for each in client.get("/keys").json()["keys"]} == {"acme"}
    assert client.post("/keys", json={"name": "", "scopes": ["manage"]}).status_code == 422
    strong = api(organization="acme").post("/keys", json={"name": "y", "scopes": ["append", "read"]}).json()
    assert client.post(f"/keys/{strong['id']}/rotate").status_code == 422
    assert client.post("/keys", json={"name": "x", "scopes": "manage"}).json()["errors"][0]["pointer"] == "/scopes"


def test_a_webhook_is_added_changed_paused_and_removed(api: Client) -> None:
    client = api("manage")
    added = client.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "filter": "action:LICENSE_*"})
    assert added.status_code == 201
    hook = added.json()
    assert hook["secret"].startswith("whsec_")
    path = f"/webhooks/{hook['id']}"
    assert "secret" not in client.get(path).json()
    assert client.put(path, json={"url": "http://127.0.0.1:9/y", "organization": "acme"}).status_code == 422
    changed = client.put(path, json={"url": "http://127.0.0.1:9/y", "filter": ""})
    assert (changed.json()["url"], changed.json()["filter"]) == ("http://127.0.0.1:9/y", "")
    assert client.post(f"{path}/pause").json()["state"] == "paused"
    assert client.post(f"{path}/resume").json()["state"] == "active"
    assert client.post(f"{path}/rotate").json()["secret"] != hook["secret"]
    tried = client.post(f"{path}/test").json()
    assert (tried["delivered"], tried["status"]) == (False, None)
    assert api("manage", organization="acme").get(path).status_code == 404
    assert client.delete(path).status_code == 204
    assert client.get("/webhooks").json() == {"webhooks": []}
    own = api("manage", organization="acme")
    assert own.post("/webhooks", json={"url": "http://127.0.0.1:9/", "organization": "globex"}).status_code == 422
    for wrong in ({"url": "http://10.0.0.1/"}, {"url": "x"}, {"url": "http://127.0.0.1:9/", "filter": "nokey:1"}):
        assert client.post("/webhooks", json=wrong).status_code in (400, 422)


def test_a_view_is_kept_and_removed(api: Client) -> None:
    client = api()
    view = client.post("/views", json={"name": "Deletions", "query": "operation:delete", "shared": True})
    assert view.status_code == 201
    assert client.get("/views").json() == {"views": [view.json()]}
    assert api("read").get("/views").json()["views"] == [view.json()]
    assert client.delete(f"/views/{view.json()['id']}").status_code == 204
    assert client.delete(f"/views/{view.json()['id']}").status_code == 404


def test_an_export_is_asked_for_watched_and_taken(api: Client, log: Log, upkeep: Upkeep) -> None:
    log.append(happened() for _ in range(20))
    client = api("export")
    asked = client.post("/exports", json={"format": "csv", "columns": ["seq"], "query": "license"})
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    path = f"/exports/{asked.json()['id']}"
    assert client.get(f"{path}/file").json()["title"] == "It is not done yet"
    Writer(log, upkeep.desk.work, _Held()).run()
    assert (client.get(path).json()["state"], client.get(path).json()["entries"]) == ("done", 20)
    assert client.get(f"{path}/file").text.startswith("seq\r\n0\r\n")
    size = log.head().size
    assert client.head(f"{path}/file").status_code == 405
    assert client.head("/export").status_code == 405
    assert log.head().size == size  # nothing was taken
    assert client.get(f"{path}/file", headers={"Range": "bytes=0-2"}).content == b"seq"
    refused = client.get(f"{path}/file", headers={"Range": "bytes=999999-"})
    assert (refused.status_code, refused.headers["content-type"]) == (416, "application/problem+json")
    assert (refused.json()["status"], refused.headers["content-range"].startswith("bytes */")) == (416, True)
    refused = client.get(f"{path}/file", headers={"Range": "bytes=5-2"})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert api("export").get(path).status_code == 404  # another key's
    assert client.delete(path).status_code == 204
    assert client.get("/exports").json() == {"exports": []}


def test_tables_are_told_of_to_who_sees_every_organization(api: Client) -> None:
    assert api("manage").get("/coverage").json() == {"tables": []}
    assert api("manage", organization="acme").get("/coverage").status_code == 404


def test_where_the_keys_cannot_be_read_it_says_so_at_once(
    log: Log, log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indelible.errors import UsageError

    monkeypatch.setenv("INDELIBLE_WEBHOOK_KEY", "short")
    upkeep = Upkeep(log, log_url, [])
    with pytest.raises(UsageError, match="INDELIBLE_WEBHOOK_KEY"):
        create_api(log, upkeep)
    upkeep.close()


def test_what_is_too_long_for_an_entry_stops_nobody_else(api: Client) -> None:
    client = api()
    assert client.post("/keys", json={"name": "x", "scopes": ["read"], "organization": "x" * 70_000}).status_code == 422
    assert client.post("/views", json={"name": "after", "query": ""}).status_code == 201
    assert client.get("/keys").json()["keys"][-1]["name"] == "portal"
