"""What programs send is recorded as they sent it: once, all of it or nothing; and each answer proves it."""

import json
import threading
from typing import Any

import pytest

from indelible.log import Log
from indelible.merkle.tlog_proof import TlogProof
from indelible.values import DEPTH
from tests.api.conftest import EVENT, Client
from tests.attacks import cut
from tests.checking import check_signed
from tests.packing import PACK
from tests.shell import shell

FULL: dict[str, Any] = EVENT | {
    "operation": "update", "occurred_at": "2026-11-20T09:14:03.512345Z",
    "id": "0192f3c1-7c1e-7b7a-9d0e-3f0c5b1a2e44", "reason": "Onboarding", "metadata": {"a": [1]},
    "actor": {"type": "user", "id": "u_42", "name": "Dana Lee", "email": "dana@acme.test"},
    "organization": {"id": "org_7", "name": "Acme"}, "outcome": "success",
    "changes": {"assignee_id": {"old": None, "new": "u_77", "new_name": "Kim"}},
    "context": {"source": "portal", "ip": "203.0.113.9"},
}  # fmt: skip


def test_one_event_is_recorded_and_its_answer_proves_it(api: Client, log: Log) -> None:
    answer = api("append").post("/events", json=EVENT)
    assert answer.status_code == 201
    (placed,) = answer.json()["events"]
    proof = TlogProof.parse(placed["proof"])
    proof.verify(proof.extra or b"", log.keys)
    entry = check_signed(log)[-1]
    assert (entry.seq, str(entry.id)) == (placed["seq"], placed["id"])
    assert (entry.action, entry.operation, entry.outcome) == ("LICENSE_ASSIGNED", "act", "success")
    assert (entry.actor.type, entry.actor.name, entry.context.source) == ("api_key", "portal", "api")
    assert entry.metadata == {"api_key": entry.actor.id}


def test_all_that_is_sent_stands_in_the_entry(api: Client, log: Log) -> None:
    api("append").post("/events", json=FULL)
    entry = json.loads(log.line(1))
    assert {key: entry[key] for key in FULL if key != "metadata"} == {k: v for k, v in FULL.items() if k != "metadata"}
    assert entry["metadata"]["a"] == [1]


def test_where_a_part_of_the_context_is_sent_the_source_is_filled_in(api: Client, log: Log) -> None:
    api("append").post("/events", json=EVENT | {"context": {"ip": "203.0.113.9"}})
    assert (check_signed(log)[-1].context.source, log.entry(1).context.ip) == ("api", "203.0.113.9")


def test_a_thousand_are_recorded_in_their_order_or_none_of_them(api: Client, log: Log) -> None:
    client = api("append")
    events = [EVENT | {"reason": f"{number}"} for number in range(1000)]
    answer = client.post("/events", json={"events": events})
    assert [each["seq"] for each in answer.json()["events"]] == list(range(1, 1001))
    assert "proof" not in answer.json()["events"][0]
    assert [log.entry(seq).reason for seq in (1, 500, 1000)] == ["0", "499", "999"]
    wrong: list[Any] = [EVENT, EVENT | {"action": "no"}, EVENT | {"nose": 1}, EVENT, EVENT | {"entity": {"type": "x"}}]
    answer = client.post("/events", json={"events": wrong})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/events/1/action",
        "/events/2/nose",
        "/events/4/entity",
    ]
    several = client.post(
        "/events", json={"action": "no", "entity": {"type": "x"}, "outcome": "maybe", "nose": 1}
    ).json()
    assert [error["pointer"] for error in several["errors"]] == ["/action", "/entity", "/outcome", "/nose"]
    assert several["detail"] == "Expected `str` of the form ENTITY_PASTVERB, as LICENSE_ASSIGNED."
    assert [error["pointer"] for error in client.post("/events", json={}).json()["errors"]] == ["/action", "/entity"]
    assert client.post("/events", json={"events": [EVENT] * 1001}).json()["errors"][0]["pointer"] == "/events"
    assert log.head().size == 1001


def test_what_was_sent_and_not_answered_can_be_sent_again(api: Client, log: Log) -> None:
    client, again = api("append"), {"Idempotency-Key": "order 66"}
    first = client.post("/events", json={"events": [EVENT, EVENT]}, headers=again)
    second = client.post("/events", json={"events": [EVENT, EVENT]}, headers=again)
    assert (first.status_code, second.status_code) == (201, 200)
    assert [each["seq"] for each in second.json()["events"]] == [1, 2]
    assert [each["new"] for each in second.json()["events"]] == [False, False]
    assert api("append").post("/events", json=EVENT, headers=again).status_code == 201  # another key's are others
    assert client.post("/events", json=FULL).status_code == 201
    assert client.post("/events", json=FULL).status_code == 200
    size = log.head().size
    for other in (
        [EVENT, EVENT | {"reason": "x"}],
        [EVENT] * 3,
        [EVENT],
        [EVENT | {"occurred_at": "2026-11-20T09:14:03Z"}],
    ):
        answer = client.post("/events", json={"events": other}, headers=again)
        assert (answer.status_code, answer.json()["title"]) == (409, "Another event has this id")
    new_and_taken = [EVENT, FULL | {"reason": "another"}]
    assert client.post("/events", json={"events": new_and_taken}).status_code == 409
    assert log.head().size == size  # all, or none
    assert len([entry for entry in check_signed(log) if entry.action == "LICENSE_ASSIGNED"]) == 4


def test_an_event_with_an_id_is_known_by_that_alone_whatever_key_comes_with_it(api: Client, log: Log) -> None:
    client = api("append")
    sent = [{"Idempotency-Key": "a"}, {"Idempotency-Key": "b"}, {}]
    for body in (FULL, {"events": [FULL]}):
        codes = [client.post("/events", json=body, headers=headers).status_code for headers in sent]
        assert codes == [201 if body is FULL else 200, 200, 200]
    other = FULL | {"reason": "another"}
    assert [client.post("/events", json=other, headers=headers).status_code for headers in sent] == [409] * 3
    assert len([entry for entry in check_signed(log) if entry.action == "LICENSE_ASSIGNED"]) == 1


def test_a_key_is_for_events_without_ids(api: Client, log: Log) -> None:
    client, key = api("append"), {"Idempotency-Key": "order 66"}
    ids = [f"0192f3c1-7c1e-7b7a-9d0e-3f0c5b1a2e{number}" for number in (10, 11)]
    codes = [client.post("/events", json=EVENT | {"id": each}, headers=key).status_code for each in ids]
    assert codes == [201, 201]  # ids of their own: other events
    assert client.post("/events", json={"events": [EVENT, EVENT | {"id": ids[0]}]}, headers=key).status_code == 201
    size = log.head().size
    other = {"events": [EVENT, EVENT | {"id": ids[1]}]}
    assert client.post("/events", json=other, headers=key).status_code == 409
    assert log.head().size == size


def test_many_that_send_the_same_at_once_record_it_once(api: Client, log: Log) -> None:
    client, codes = api("append"), list[int]()

    def send() -> None:
        codes.append(client.post("/events", json=EVENT, headers={"Idempotency-Key": "k"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 7 + [201]
    assert len(check_signed(log)) == 2


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("action", "license", "/action"), ("action", "A" * 101, "/action"),
        ("entity", {"type": "", "id": "1"}, "/entity"), ("metadata", {"row": 1}, "/metadata/row"),
        ("occurred_at", "2026-11-20T09:14:03", "/occurred_at"), ("occurred_at", "yesterday", "/occurred_at"),
        ("actor", {"type": "god"}, "/actor/type"), ("outcome", "maybe", "/outcome"), ("id", "1", "/id"),
        ("changes", {"a": 1}, "/changes"), ("changes", {"a": {"before": 1}}, "/changes"),
        ("seq", 1, ""), ("reason", "x" * 70_000, "/reason"), ("actor", {"type": "database"}, "/actor/type"),
        ("actor", {"id": "x", "god": True}, "/actor"), ("organization", {"id": "x" * 257}, "/organization/id"),
        ("context", {"source": "sql"}, "/context/source"), ("metadata", {"api_key": "x"}, "/metadata/api_key"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_the_field(
    api: Client, log: Log, field: str, value: Any, pointer: str
) -> None:
    before = log.head().size
    answer = api("append").post("/events", json=EVENT | {field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert log.head().size == before + 1  # the key's own entry


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"events": []}', b"\xff", b"[" * 100_000, b'{"a":' * 100_000]
)
def test_what_is_no_body_is_refused(api: Client, body: bytes) -> None:
    answer = api("append").post("/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_numbers_that_readers_of_json_would_round_are_texts(api: Client, log: Log) -> None:
    body = json.dumps(
        EVENT | {"changes": {"n": {"old": 2**53 + 1, "new": [2**60, 1.5, True]}}, "metadata": {"n": 2**60}}
    )
    api("append").post("/events", content=body, headers={"Content-Type": "application/json"})
    assert log.entry(1).metadata["n"] == str(2**60)
    assert log.entry(1).changes == {"n": {"old": str(2**53 + 1), "new": [str(2**60), 1.5, True]}}


@pytest.mark.parametrize("coding", PACK)
def test_a_packed_body_is_unpacked_and_one_that_swells_is_refused(api: Client, coding: str) -> None:
    client, pack = api("append"), PACK[coding]
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    whole = pack(json.dumps(EVENT).encode())
    assert client.post("/events", content=whole, headers=headers).status_code == 201
    assert client.post("/events", content=pack(b" " * 2**25), headers=headers).status_code == 413
    for broken in (b"not packed", b"", whole[:-1], whole[:-6], whole + whole):
        assert client.post("/events", content=broken, headers=headers).status_code == 400


def test_a_body_of_another_kind_is_refused_with_what_is_taken(api: Client) -> None:
    client, headers = api("append"), {"Content-Type": "application/json"}
    answer = client.post("/events", content=b"{}", headers=headers | {"Content-Encoding": "br"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, zstd")
    assert client.post("/events", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post("/events", content=b" " * 2**25, headers=headers).status_code == 413


def test_a_log_that_was_cut_takes_no_event_and_acknowledges_none(api: Client, log: Log, log_url: str) -> None:
    client = api("append")
    client.post("/events", json={"events": [EVENT] * 3})
    with shell(log, log_url) as db:
        db.disarm()
        cut(db, 2)
    assert client.post("/events", json=EVENT).status_code == 503
    assert log.head().size == 2


def test_a_key_of_one_organization_records_for_that_alone(api: Client, log: Log) -> None:
    client = api("append", organization="acme")
    client.post("/events", json=EVENT)
    entry = log.entry(1)
    assert entry.organization is not None
    assert entry.organization.id == "acme"
    answer = client.post("/events", json=EVENT | {"organization": {"id": "globex"}})
    assert answer.json()["errors"][0]["pointer"] == "/organization/id"
    assert log.head().size == 2


def test_an_id_of_another_organization_s_event_tells_nothing_of_it(api: Client) -> None:
    theirs = EVENT | {"id": FULL["id"], "changes": {"secret": {"new": "B-SECRET"}}}
    assert api("append", organization="globex").post("/events", json=theirs).status_code == 201
    for tried in (theirs, EVENT | {"id": FULL["id"]}, EVENT | {"id": FULL["id"], "action": "USER_INVITED"}):
        answer = api("append", organization="acme").post("/events", json=tried)
        assert (answer.status_code, answer.json()["title"]) == (409, "Another event has this id")
        assert "SECRET" not in answer.text
        assert "eyJ" not in answer.text
        assert not any(character.isdigit() for character in answer.json()["detail"])


def test_what_is_set_aside_whole_says_by_which_key_it_came_all_the_same(api: Client, log: Log) -> None:
    wide = {f"column_{number:04}": {"new": "x" * 100} for number in range(900)}
    assert api("append").post("/events", json=EVENT | {"changes": wide, "actor": {"type": "system"}}).status_code == 201
    entry = log.entry(1)
    assert "set_aside" in entry.metadata
    assert entry.metadata["api_key"].startswith("ik_")


@pytest.mark.parametrize("depth", [49, 51, 100, 400, 500, 900, 5000, 20_000])
@pytest.mark.parametrize("field", ["changes", "metadata"])
def test_what_is_nested_deeply_is_recorded_or_refused(api: Client, log: Log, field: str, depth: int) -> None:
    value = "[" * depth + "]" * depth
    inner = f'{{"x": {{"new": {value}}}}}' if field == "changes" else f'{{"x": {value}}}'
    body = f'{{"action": "A_B", "entity": {{"type": "x", "id": "1"}}, "{field}": {inner}}}'
    answer = api("append").post("/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in ((201,) if depth < DEPTH else (400, 422)), "whatever Python it runs on"
    check_signed(log)


def test_events_of_which_one_is_no_json_are_refused(api: Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api("append").post("/events", content=b'{"events":[{"bad":1},{"action":"\xff"}]}', headers=headers)
    assert answer.status_code in (400, 422)
    answer = api("append").post("/events", json={"events": [EVENT], "z": 1})
    assert (answer.status_code, answer.json()["errors"] != []) == (422, True)
