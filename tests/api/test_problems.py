"""Whoever is refused hears of all that is wrong, and where."""

import json
from typing import Any

import pytest

from indelible.log import Log
from tests.api.conftest import EVENT, Client

HOOK = {"url": "https://hooks.example.com/"}
DEEP = json.loads("[" * 600 + "]" * 600)


def told(answer: Any) -> list[str]:
    return [error.get("pointer", error.get("parameter")) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/keys", {"name": "", "scopes": [], "x": 1}, ["/name", "/scopes", "/x"]),
        ("/keys", {"name": " ", "scopes": ["export"], "organization": "b"}, ["/name", "/scopes", "/organization"]),
        ("/webhooks", {"url": "ftp://x", "contact": "bad", "filter": 5}, ["/url", "/filter", "/contact"]),
        ("/webhooks", {"url": "https://10.0.0.1/", "filter": "(("}, ["/url", "/filter"]),
        ("/webhooks", HOOK | {"filter": "since:7d"}, ["/filter"]),
        ("/exports", {"format": "xml", "columns": ["zzz"], "query": 5}, ["/format", "/columns/0", "/query"]),
        ("/exports", {"format": "json", "columns": ["seq"], "query": "a:b:"}, ["/query", "/columns"]),
        (
            "/views",
            {"name": "\t", "query": "((", "since": "zz", "until": "yy"},
            ["/query", "/since", "/until", "/name"],
        ),
        ("/views", {"name": "a", "since": "2026-01-02", "until": "2026-01-01"}, ["/until"]),
        ("/views", {"name": "a", "query": "until:2026-01-01", "since": "2026-01-02"}, ["/since"]),
    ],
)
def test_each_field_of_a_body_that_is_wrong_is_named(
    api: Client, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    client = api("manage", *(["export"] if path == "/exports" else []), organization="a")
    answer = client.post(path, json=body)
    assert (answer.status_code, sorted(told(answer))) == (422, sorted(pointers))


def test_a_webhook_is_changed_by_the_same_rules_and_a_filter_that_stays_is_not_asked(api: Client) -> None:
    client = api("manage")
    hook = client.post("/webhooks", json=HOOK).json()
    answer = client.put(f"/webhooks/{hook['id']}", json={"url": "https://10.0.0.1/", "filter": "(("})
    assert (answer.status_code, told(answer)) == (422, ["/url", "/filter"])
    assert client.put(f"/webhooks/{hook['id']}", json=HOOK).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "parameters"),
    [
        ("q=((&since=zzz&until=yyy&limit=0&cursor=zz", 400, ["q", "since", "until", "limit", "cursor"]),
        ("since=2026-01-02&until=2026-01-01", 422, ["until"]), ("q=until:2026-01-01&since=2026-01-02", 422, ["since"]),
        ("q=since:2026-01-02+until:2026-01-01", 400, ["q"]),
    ],
)  # fmt: skip
def test_each_parameter_that_is_wrong_is_named(api: Client, query: str, status: int, parameters: list[str]) -> None:
    answer = api("read").get(f"/events?{query}")
    assert (answer.status_code, told(answer)) == (status, parameters)


def test_columns_of_what_has_none_are_named(api: Client) -> None:
    assert told(api("export").get("/export?format=json&columns=seq")) == ["columns"]
    assert told(api("read").get("/entities/License/1?at=soon")) == ["at"]


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"a/b": 1, "c~d": 1}, ["/a~1b", "/c~0d"]), ({"actor": {"zz": 1}}, ["/actor/zz"]),
        ({"changes": {"f": {"new": 1}, "g/h": {"zz": 1}}}, ["/changes/g~1h/zz"]),
        ({"changes": {"a": 5}}, ["/changes/a"]), ({"changes": {"a": {"old_name": 1}}}, ["/changes/a/old_name"]),
        ({"changes": 5}, ["/changes"]),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, ["/occurred_at"]), ({"metadata": {"a": DEEP}}, ["/metadata"]),
        ({"changes": {"a": {"new": DEEP}}}, ["/changes"]),
    ],
)  # fmt: skip
def test_where_an_event_is_wrong_is_a_pointer_into_the_body(
    api: Client, log: Log, fields: dict[str, Any], pointers: list[str]
) -> None:
    client = api("append")
    assert told(client.post("/events", json=EVENT | fields)) == pointers
    several = client.post("/events", json={"events": [EVENT, EVENT | fields, EVENT, EVENT | fields]})
    assert told(several) == [f"/events/{place}{pointer}" for place in (1, 3) for pointer in pointers]
    assert log.head().size == 1  # the key's own entry


def test_of_several_events_the_one_that_fits_no_entry_is_named(api: Client) -> None:
    long = EVENT | {"reason": "x" * 10_000, "action": "A_B", "actor": {"id": "\x01" * 256, "name": "\x01" * 256}}
    long |= {"reason": "\x01" * 10_000, "entity": {"type": "x", "id": "\x01" * 1000}}
    answer = api("append").post("/events", json={"events": [EVENT, long]})
    assert (answer.status_code, told(answer)) == (422, ["/events/1"])
    assert told(api("append").post("/events", json=long)) == [""]
