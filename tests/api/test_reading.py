"""What programs find is what is in the log, byte for byte, for the organization of their key and no other."""

import json
from typing import Any

import pytest

from indelible.event import Actor, Entity, Organization
from indelible.log import Log
from indelible.merkle.checkpoint import Checkpoint
from indelible.merkle.tlog_proof import TlogProof
from tests.api.conftest import Client
from tests.checking import indexed
from tests.store.test_log import happened


@pytest.fixture
def filled(log: Log) -> Log:
    """Of two organizations, by turns; the license 1 was changed by both and belongs to neither."""
    log.append(
        happened(
            entity=Entity("License", f"lic/{number % 5}", f"Seat {number % 5}"), actor=Actor(id=f"u{number % 3}"),
            organization=Organization("acme" if number % 2 else "globex", "x"),
            changes={"n": {"old": number - 1, "new": number}},
        )
        for number in range(1200)
    )  # fmt: skip
    indexed(log)
    return log


def test_paging_gives_each_entry_once_in_either_direction(api: Client, filled: Log) -> None:
    client, seen, url = api("read"), list[int](), "/events?q=user:u1&limit=150"
    while url:
        answer = client.get(url)
        page = answer.json()
        assert (page["count"], page["exact"]) == (400, True)
        for entry in page["entries"]:
            assert json.loads(filled.line(entry["seq"])) == entry
        seen += [entry["seq"] for entry in page["entries"]]
        url = answer.links.get("next", {}).get("url", "").removeprefix("/api/v1")
        assert bool(url) == (page["next"] is not None)
    assert seen == [seq for seq in reversed(range(1200)) if seq % 3 == 1]
    back = client.get("/events", params={"q": "user:u1", "cursor": page["previous"], "limit": 2}).json()
    assert back["entries"][-1]["seq"] == page["entries"][0]["seq"] + 3


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("q=nokey:1", "q"), ("since=soon", "since"), ("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"),
        ("cursor=zzz", "cursor"), ("cursor=YjE%3D", None), ("nose=1", "nose"), ("q=a&q=b", "q"),
        ("q=" + "x" * 1001, "q"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_parameter(api: Client, query: str, parameter: str | None) -> None:
    answer = api("read").get(f"/events?{query}")
    if parameter is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_an_entry_is_its_line_and_is_asked_for_once(api: Client, filled: Log) -> None:
    client = api("read")
    answer = client.get("/events/7")
    assert answer.content == filled.line(7)
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("Authorization", "private, no-cache")
    again = client.get("/events/7", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    proof = TlogProof.parse(client.get("/events/7/proof").text)
    proof.verify(filled.line(7), filled.keys)
    for missing in ("/events/99999", "/events/99999/proof", f"/events/{2**53}"):
        assert client.get(missing).status_code == 404
    for wrong in ("/events/-1", "/events/x", "/events/٣"):
        assert client.get(wrong).status_code == 400


@pytest.mark.usefixtures("filled")
def test_a_key_of_one_organization_sees_nothing_of_another(api: Client) -> None:
    client = api("read", "export", organization="acme")
    assert {entry["organization"]["id"] for entry in client.get("/events?limit=500").json()["entries"]} == {"acme"}
    assert client.get("/events").json()["count"] == 601  # its key is an entry of it
    assert client.get("/events?q=org:globex").json() == {
        "entries": [], "count": 0, "exact": True, "next": None, "previous": None,
    }  # fmt: skip
    hidden, nowhere = client.get("/events/2"), client.get("/events/88888")
    assert (hidden.status_code, hidden.text.replace("2", "88888")) == (404, nowhere.text)
    assert client.get("/events/2/proof").status_code == 404
    told = client.get("/entities/License/lic/1").json()
    assert {entry["organization"]["id"] for entry in told["entries"]} == {"acme"}
    lines = client.get("/export?format=jsonl").text.splitlines()
    assert {json.loads(line)["organization"]["id"] for line in lines} == {"acme"}
    assert client.get("/consistency?from=1&to=2").status_code == 404
    note = client.get("/checkpoint").text
    assert note.split("\n")[0] == "audit.example/test/org/acme"
    assert note.split("\n")[1] == "602"


@pytest.mark.usefixtures("filled")
def test_a_thing_is_told_as_it_is_and_as_it_was(api: Client) -> None:
    client = api("read")
    told: dict[str, Any] = client.get("/entities/License/lic%2F1").json()
    assert (told["name"], told["there"], told["fields"]["n"]) == ("Seat 1", True, 1196)
    assert len(told["entries"]) == 240
    assert client.get("/entities/License/lic/1?after=1100").json()["entries"][0]["seq"] == 1101
    assert client.get("/entities/License/lic/1?at=2020-01-01").json()["there"] is False
    assert client.get("/entities/License/lic/1?at=soon").status_code == 400
    assert client.get("/entities/License/nothing").status_code == 404


def test_types_that_differ_in_a_slash_are_told_apart_by_its_escape(api: Client, log: Log) -> None:
    log.append([happened(entity=Entity(*each)) for each in (("a/b", "c"), ("a", "b/c"))])
    client = api("read")
    for path, type_, id_ in (("a%2Fb/c", "a/b", "c"), ("a/b%2Fc", "a", "b/c"), ("a/b/c", "a", "b/c")):
        told = client.get(f"/entities/{path}").json()
        assert (told["type"], told["id"], len(told["entries"])) == (type_, id_, 1)


def test_the_tree_is_seen_to_grow(api: Client, filled: Log) -> None:
    client = api("read")
    note = Checkpoint.open(client.get("/checkpoint").text, filled.verifier)
    assert note.size == filled.head().size
    assert client.get(f"/consistency?from=100&to={note.size}").text.count("\n") > 0
    for wrong in ("from=0&to=3", "from=9&to=3", "from=1&to=999999", ""):
        assert client.get(f"/consistency?{wrong}").status_code in (400, 404)


@pytest.mark.parametrize(
    ("form", "first"), [("csv", "seq,id"), ("jsonl", '{"v":1,"seq":0'), ("ocsf", '{"activity_id"')]
)
def test_what_is_taken_away_is_on_record(api: Client, filled: Log, form: str, first: str) -> None:
    answer = api("export").get("/export", params={"format": form, "q": "user:u1"})
    assert answer.text.startswith(first if form != "jsonl" else '{"v":1,"seq":1')
    entry = filled.entry(filled.head().size - 1)
    assert (entry.action, entry.actor.type) == ("AUDIT_EXPORTED", "api_key")
    assert entry.metadata == {"query": "user:u1", "format": form, "up_to_entry": 1200}


@pytest.mark.usefixtures("filled")
def test_columns_are_of_csv(api: Client) -> None:
    client = api("export")
    assert client.get("/export?format=csv&columns=seq,action&q=user:u1").text.startswith("seq,action\r\n1,")
    assert client.get("/export?format=json&columns=seq").status_code == 422
    assert client.get("/export?format=xls").status_code == 400
