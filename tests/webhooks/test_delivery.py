"""What is signed is delivered, once where all is well, and at last where it is not; nothing waits for anything else."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from indelible.event import Entity, Organization, micros
from indelible.log import Log
from indelible.merkle.tlog_proof import TlogProof
from indelible.webhooks import lane
from indelible.webhooks.deliveries import Health
from indelible.webhooks.endpoint import Endpoint
from indelible.work.place import open_work
from tests.checking import check_signed
from tests.shell import shell
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA, Hooked, messages, until
from tests.webhooks.receiver import Answer, Receiver, receiving

pytestmark = pytest.mark.usefixtures("soon")


def test_every_entry_arrives_signed_proved_and_in_moments(hooked: Hooked, receiver: Receiver) -> None:
    _, secret = hooked.add(receiver.url)
    hooked.deliver()
    receiver.wait(1)
    latencies = []
    for number in range(40):
        hooked.log.append([happened(reason=str(number))])
        committed = time.time()
        latencies.append(receiver.wait(number + 2)[-1].at - committed)
    for got in receiver.got:
        told = Webhook(secret.shared).verify(got.body, got.headers)
        line = hooked.log.line(told["data"]["seq"])
        TlogProof.parse(told["proof"]).verify(line, hooked.log.keys)
        assert got.headers["content-type"] == "application/json"
        assert got.message == f"msg_{told['data']['id'].replace('-', '')}"
    assert [json.loads(got.body)["data"]["seq"] for got in receiver.got] == list(range(41))
    assert sorted(latencies)[37] < 0.25  # the promise itself; here it is a hundredth of that


def test_a_filter_and_an_organization_let_through_what_fits(hooked: Hooked, receiver: Receiver) -> None:
    hooked.add(receiver.url, filter="action:LICENSE_* -user:kim", organization="acme")
    hooked.deliver()
    acme, other = Organization("acme", "Acme"), Organization("other")
    hooked.log.append([
        happened(organization=acme), happened(organization=other), happened(),
        happened(action="USER_INVITED", organization=acme),
        happened(organization=acme, entity=Entity("License", "last")),
    ])  # fmt: skip
    receiver.wait(2)
    time.sleep(0.2)
    assert [json.loads(got.body)["data"]["seq"] for got in receiver.got] == [1, 5]


@pytest.mark.parametrize("kind", ["answer", "reset", "hang", "dribble"])
def test_what_fails_is_tried_again_with_the_same_id(hooked: Hooked, receiver: Receiver, kind: str) -> None:
    _, secret = hooked.add(receiver.url, filter="entity:License")
    tries: list[str] = []

    def behave(_number: int, message: str) -> Answer:
        tries.append(message)
        return Answer(503, kind=kind) if tries.count(message) <= 2 else Answer()

    receiver.behave = behave
    hooked.deliver(seconds=0.3)
    hooked.log.append([happened() for _ in range(5)])
    taken = receiver.wait(5)
    assert sorted(tries) == sorted([got.message for got in taken] * 3)
    for got in taken:
        Webhook(secret.shared).verify(got.body, got.headers)


def test_gone_switches_the_endpoint_off_and_tells_its_owners_once(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License", contact="ops@acme.test")
    receiver.behave = lambda _n, _m: Answer(410)
    hooked.deliver()
    hooked.log.append([happened() for _ in range(30)])
    until(lambda: hooked.webhooks.endpoints.get(endpoint.id).state == "disabled")
    until(lambda: hooked.log.signed_size() == 32)
    entry = check_signed(hooked.log)[-1]
    assert entry.action == "WEBHOOK_DISABLED"
    assert (entry.actor.type, entry.reason) == ("system", "It answered 410: nobody wants this any more.")
    with hooked.work.transaction() as statements:
        ((_, recipient, subject, *_),) = statements.run("due_letters", now=2**62)
    assert (recipient, subject) == ("ops@acme.test", f"Webhook switched off: {endpoint.name}")
    count = len(receiver.got)
    hooked.log.append([happened()])
    time.sleep(0.3)
    assert len(receiver.got) == count
    receiver.behave = lambda _n, _m: Answer()
    hooked.webhooks.endpoints.resume(endpoint.id, DANA)
    until(lambda: {got.message for got in receiver.taken()} == messages(hooked, "License"))


def test_after_five_days_of_failure_it_is_switched_off(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    receiver.behave = lambda _n, _m: Answer(500)
    long_ago = micros(datetime.now(UTC) - timedelta(days=5))
    hooked.webhooks.deliveries.write([], {}, {endpoint.id: Health(long_ago + 60_000_000, 0)})
    deliverer = hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: len(receiver.got) >= 2)
    assert hooked.webhooks.endpoints.get(endpoint.id).state == "active"
    deliverer.stop()
    hooked.webhooks.deliveries.write([], {}, {endpoint.id: Health(long_ago - 1, 0)})
    hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: hooked.webhooks.endpoints.get(endpoint.id).state == "disabled")
    assert "five days" in str(hooked.webhooks.endpoints.get(endpoint.id).reason)


def test_one_success_begins_the_count_anew(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    hooked.webhooks.deliveries.write([], {}, {endpoint.id: Health(1, 0)})
    hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: hooked.webhooks.endpoints.get(endpoint.id).failing_since is None)
    assert hooked.webhooks.endpoints.get(endpoint.id).state == "active"


def test_a_receiver_that_asks_for_time_is_left_alone_for_that_long(hooked: Hooked, receiver: Receiver) -> None:
    hooked.add(receiver.url, filter="entity:License")
    receiver.behave = lambda number, _m: Answer(429, "Retry-After: 1\r\n") if number == 0 else Answer()
    hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: receiver.got)
    hooked.log.append([happened() for _ in range(3)])
    receiver.wait(4)
    assert min(got.at for got in receiver.got[1:]) - receiver.got[0].at > 0.9


def test_who_asks_for_time_is_left_alone_after_a_restart_too(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    receiver.behave = lambda _n, _m: Answer(503, "Retry-After: 600\r\n")
    deliverer = hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: hooked.states(endpoint))
    deliverer.stop()
    receiver.behave = lambda _n, _m: Answer()
    hooked.webhooks.endpoints.pause(endpoint.id, DANA)
    hooked.webhooks.endpoints.resume(endpoint.id, DANA)
    hooked.deliver()
    hooked.log.append([happened()])
    time.sleep(0.5)
    assert len(receiver.got) == 1
    with receiving() as other:
        hooked.webhooks.endpoints.change(endpoint.id, DANA, url=other.url, filter="entity:License", contact=None)
        other.wait(1)  # it asked for nothing


def test_an_answer_is_read_up_to_64_kb_and_kept_up_to_2(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    receiver.behave = lambda _n, _m: Answer(body=b"a" * 3_000_000)
    hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: hooked.states(endpoint) == {"delivered": 1})
    (attempt,) = hooked.webhooks.deliveries.attempts(endpoint.id)
    assert attempt.answer == b"a" * 2048


def test_paused_nothing_is_sent_and_resumed_nothing_is_missing(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    hooked.deliver()
    hooked.log.append([happened()])
    receiver.wait(1)
    hooked.webhooks.endpoints.pause(endpoint.id, DANA)
    time.sleep(1.3)
    hooked.log.append([happened() for _ in range(3)])
    time.sleep(0.3)
    assert len(receiver.got) == 1
    hooked.webhooks.endpoints.resume(endpoint.id, DANA)
    receiver.wait(4)
    assert {got.message for got in receiver.got} == messages(hooked, "License")


def test_where_it_leads_and_what_it_asks_for_can_be_changed_meanwhile(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, old = hooked.add(receiver.url, filter="entity:Nothing")
    hooked.deliver()
    with receiving() as other:
        hooked.webhooks.endpoints.change(endpoint.id, DANA, url=other.url, filter="entity:License", contact=None)
        _, new = hooked.webhooks.endpoints.rotate(endpoint.id, DANA)
        time.sleep(1.3)
        hooked.log.append([happened()])
        (got,) = other.wait(1)
        for secret in (old, new):
            Webhook(secret.shared).verify(got.body, got.headers)
    assert receiver.got == []


def test_what_was_not_delivered_is_delivered_after_a_restart_and_nothing_twice(
    hooked: Hooked, receiver: Receiver
) -> None:
    hooked.add(receiver.url, filter="entity:License")
    first = hooked.deliver()
    hooked.log.append([happened() for _ in range(20)])
    receiver.wait(20)
    first.stop()
    hooked.log.append([happened() for _ in range(600)])
    hooked.deliver()
    receiver.wait(620)
    time.sleep(0.2)
    assert len(receiver.got) == 620
    assert {got.message for got in receiver.got} == messages(hooked, "License")


def test_of_two_servers_one_delivers_and_the_other_takes_over(hooked: Hooked, receiver: Receiver) -> None:
    hooked.add(receiver.url, filter="entity:License")
    first = hooked.deliver()
    hooked.deliver()
    hooked.log.append([happened() for _ in range(50)])
    receiver.wait(50)
    first.stop()
    hooked.log.append([happened() for _ in range(50)])
    receiver.wait(100)
    time.sleep(0.3)
    assert len(receiver.got) == 100


def test_another_process_appends_and_it_is_heard_of(hooked: Hooked, receiver: Receiver) -> None:
    hooked.add(receiver.url, filter="entity:License")
    hooked.deliver()
    time.sleep(0.3)
    with Log.open(hooked.log_url) as other:
        other.append([happened()])
        committed = time.time()
    (got,) = receiver.wait(1)
    assert got.at - committed < 0.25


def test_an_endpoint_that_hangs_keeps_nobody_else_waiting(hooked: Hooked, receiver: Receiver) -> None:
    with receiving(Receiver(lambda _n, _m: Answer(kind="hang"))) as hanging:
        hooked.add(hanging.url, filter="entity:License")
        hooked.add(receiver.url, filter="entity:License")
        hooked.deliver(seconds=30.0)
        hooked.log.append([happened() for _ in range(100)])
        committed = time.time()
        assert receiver.wait(100)[-1].at - committed < 5
        assert len(hanging.got) == lane.WIDTH


def test_what_is_not_what_was_signed_is_not_sent(hooked: Hooked, receiver: Receiver) -> None:
    """A line that was altered in the store cannot be proved: it waits, and says why."""
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    hooked.log.append([happened() for _ in range(3)])
    with shell(hooked.log, hooked.log_url) as db:
        db.disarm()
        db.run("UPDATE leaf SET line = ? WHERE seq = 2", hooked.log.line(2).replace(b"dana", b"kims"))
    hooked.deliver()
    receiver.wait(2)
    until(lambda: hooked.states(endpoint).get("waiting") or hooked.states(endpoint).get("set aside"))
    assert len(receiver.got) == 2
    attempts = [each for each in hooked.webhooks.deliveries.attempts(endpoint.id) if each.failure]
    assert "entry 2 is not in the tree" in str(attempts[0].failure)
    assert hooked.webhooks.endpoints.get(endpoint.id).failing_since is None, "it is none of the receiver's doing"


def test_endpoints_are_read_by_another_process(hooked: Hooked) -> None:
    endpoint, _ = hooked.add("https://hooks.example.com/")
    other = open_work(hooked.log_url)
    with other.transaction() as statements:
        (row,) = statements.run("endpoints")
    other.close()
    assert Endpoint(**dict(zip(Endpoint.__struct_fields__, row, strict=True))) == endpoint
