"""Who may not is told so, and the log is told, too."""

import asyncio

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from indelible.api import admission
from indelible.api.admission import Bucket
from indelible.log import Log
from indelible.upkeep import Upkeep
from tests.api.conftest import EVENT, Client
from tests.checking import check_signed

ASKED = [
    ("append", "POST", "/events"), ("read", "GET", "/events"), ("read", "GET", "/events/0"),
    ("read", "GET", "/checkpoint"), ("export", "GET", "/export"), ("export", "POST", "/exports"),
    ("manage", "GET", "/keys"), ("manage", "POST", "/keys"), ("manage", "POST", "/webhooks"),
    ("manage", "GET", "/coverage"), ("manage", "DELETE", "/keys/ik_0"),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "method", "path"), ASKED)
def test_each_operation_takes_its_scope_and_a_refusal_is_an_entry(
    api: Client, log: Log, scope: str, method: str, path: str
) -> None:
    client = api(*{"append", "read", "export", "manage"} - {scope})
    answer = client.request(method, path, json=EVENT if method == "POST" else None)
    assert (answer.status_code, answer.json()["title"]) == (403, "This key may not")
    entry = check_signed(log)[-1]
    assert (entry.action, entry.outcome, entry.metadata["scope"]) == ("API_ACCESS_DENIED", "denied", scope)
    assert entry.actor.type == "api_key"
    assert api(scope).request(method, path, json=EVENT if method == "POST" else None).status_code not in (401, 403)


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer ik_0_0", "Basic YTpi", "Bearer ik_" + "0" * 16 + "_" + "A" * 43]
)
def test_who_has_no_key_is_refused_and_told_how_to_get_one(api: Client, log: Log, header: str | None) -> None:
    client = api("read")
    del client.headers["authorization"]
    answer = client.get("/events", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="indelible"')
    assert "indelible keys add" in answer.json()["detail"]
    entry = check_signed(log)[-1]
    assert (entry.action, entry.actor.type, entry.outcome) == ("API_ACCESS_DENIED", "unknown", "denied")
    assert header is None or header.rpartition("_")[2] not in str(entry.metadata)


def test_who_goes_on_and_on_does_not_fill_the_log(
    api: Client, log: Log, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not told of one by one, the next entry tells by its number."""
    client = api("read")
    client.headers["authorization"] = "Bearer nothing"
    now = [0.0]
    monkeypatch.setattr("indelible.api.admission.time.monotonic", lambda: now[0])
    monkeypatch.setattr(upkeep.desk.keys, "find", lambda _: None)
    codes = {client.get("/events").status_code for _ in range(admission.REFUSALS + 20)}
    now[0] = 3.5
    codes.add(client.get("/events").status_code)
    assert codes == {401}
    told = [entry for entry in check_signed(log) if entry.action == "API_ACCESS_DENIED"]
    assert [entry.metadata.get("refused_before") for entry in told] == [None] * admission.REFUSALS + [20]


def test_a_key_that_asks_too_often_waits_and_another_does_not(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = api("read"), api("read")
    answer = first.get("/checkpoint")
    assert answer.headers["ratelimit"].startswith('"key";r=')
    assert answer.headers["ratelimit-policy"] == '"key";q=400;w=2'
    monkeypatch.setattr(Bucket, "take", lambda _, name: (name == _name(second), 0, 1.5))
    refused = first.get("/checkpoint")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert second.get("/checkpoint").status_code == 200


def _name(client: TestClient) -> str:
    return str(client.headers["authorization"]).removeprefix("Bearer ")[:19]


def test_a_request_is_under_way_until_its_answer_has_left(api: Client) -> None:
    client = api("export")
    others = api("export")

    async def ask() -> None:
        left = asyncio.Event()
        slow = [asyncio.create_task(export(client, left)) for _ in range(admission.AT_ONCE)]
        await asyncio.sleep(0.5)
        read = asyncio.Event()
        read.set()
        assert await export(client, read) == 429
        assert await export(others, read) == 200
        left.set()
        assert await asyncio.gather(*slow) == [200] * admission.AT_ONCE
        assert await export(client, read) == 200

    asyncio.run(ask())


async def export(client: TestClient, left: asyncio.Event) -> int:
    """The status of a download whose reader takes nothing before `left`."""
    started: list[int] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])
        await left.wait()

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
        "path": "/api/v1/export", "raw_path": b"/api/v1/export", "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("test", 80),
        "client": ("192.0.2.1", 1), "headers": [(b"authorization", client.headers["authorization"].encode())],
    }  # fmt: skip
    await client.app(scope, receive, send)
    return started[0]


def test_a_bucket_fills_again_and_forgets_who_has_not_asked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("indelible.api.admission.time.monotonic", lambda: now[0])
    bucket = Bucket(1, 2)
    assert [bucket.take("a")[0] for _ in range(3)] == [True, True, False]
    assert bucket.take("b")[0] is True
    now[0] = 1.0
    assert [bucket.take("a")[0] for _ in range(2)] == [True, False]
    for number in range(admission.FORGOTTEN + 5):
        bucket.take(f"{number}")
    assert len(bucket._left) <= admission.FORGOTTEN


def test_what_is_not_there_says_what_is(api: Client) -> None:
    client = api()
    assert client.get("/nothing").status_code == 404
    answer = client.delete("/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    answer = client.get("/export/x")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = client.delete("/export")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")  # of what is taken away there is no HEAD
    answer = client.post("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert (answer.json()["status"], set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    del client.headers["authorization"]
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
