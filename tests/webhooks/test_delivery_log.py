"""What is written down of deliveries: each attempt, what was set aside, and what a full disk leaves undone."""

import time
from unittest import mock

import pytest
from standardwebhooks import Webhook

from indelible.errors import LogError, NotFoundError
from indelible.event import Entity
from indelible.webhooks import ledger
from indelible.webhooks.deliveries import Deliveries
from tests.checking import check_signed
from tests.store.test_log import happened
from tests.webhooks.conftest import DANA, Hooked, failing, messages, until
from tests.webhooks.receiver import Answer, Receiver

pytestmark = pytest.mark.usefixtures("soon")


def test_the_delivery_log_tells_each_attempt_and_its_request_can_be_made_again(
    hooked: Hooked, receiver: Receiver
) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    receiver.behave = failing(2)
    hooked.deliver()
    hooked.log.append([happened()])
    receiver.wait(1)
    until(lambda: hooked.states(endpoint) == {"delivered": 1})
    hooked.log.append([happened()])  # the newest checkpoint is another one since
    attempts = hooked.webhooks.deliveries.attempts_of(endpoint.id, receiver.got[0].message)
    assert [(each.status, each.failure) for each in attempts] == [
        (200, None), (500, "answered 500"), (500, "answered 500")
    ]  # fmt: skip
    for attempt, got in zip(attempts[::-1], receiver.got, strict=False):
        assert hooked.webhooks.body(attempt, 1) == got.body
        assert attempt.answer == b"thank you"
        assert 0 < attempt.took < 10_000_000


def test_after_the_last_attempt_it_is_set_aside_and_the_lane_goes_on(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    poison = happened()
    receiver.behave = lambda _n, message: Answer(400) if message == f"msg_{poison.id.hex}" else Answer()
    hooked.deliver()
    hooked.log.append([happened(), poison, happened()])
    until(lambda: hooked.states(endpoint) == {"delivered": 2, "set aside": 1})
    hooked.log.append([happened()])
    until(lambda: hooked.states(endpoint) == {"delivered": 3, "set aside": 1})
    assert sum(got.message == f"msg_{poison.id.hex}" for got in receiver.got) == 10
    receiver.behave = lambda _n, _m: Answer()
    assert hooked.webhooks.replay_failed(endpoint.id, DANA) == 1
    until(lambda: hooked.states(endpoint) == {"delivered": 4})
    assert check_signed(hooked.log)[-1].action == "WEBHOOK_REPLAYED"


def test_a_range_is_replayed_as_far_as_it_fits_and_was_reached(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License/lic_9")
    hooked.log.append([happened(entity=Entity("License", "lic_9" if number % 2 else "x")) for number in range(20)])
    hooked.deliver()
    receiver.wait(10)
    until(lambda: hooked.webhooks.endpoints.get(endpoint.id).cursor == 21)
    assert hooked.webhooks.replay_range(endpoint.id, 5, 2**62, DANA) == 8
    receiver.wait(18)
    time.sleep(0.2)
    assert len(receiver.got) == 18
    one = receiver.got[0].message
    assert hooked.webhooks.replay(endpoint.id, one, DANA) == 1
    assert receiver.wait(19)[-1].message == one
    with pytest.raises(NotFoundError, match="no delivery 'msg_0'"):
        hooked.webhooks.replay(endpoint.id, "msg_0", DANA)


def test_a_test_event_is_sent_at_once_and_its_answer_told(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, secret = hooked.add(receiver.url)
    attempt = hooked.webhooks.test(endpoint.id, DANA)
    assert (attempt.status, attempt.failure, attempt.answer) == (200, None, b"thank you")
    (got,) = receiver.got
    told = Webhook(secret.shared).verify(got.body, got.headers)
    assert (told["type"], told["data"]) == ("webhook.tested", {"endpoint": endpoint.id})
    assert check_signed(hooked.log)[-1].action == "WEBHOOK_TESTED"
    receiver.behave = lambda _n, _m: Answer(500)
    assert hooked.webhooks.test(endpoint.id, DANA).failure == "answered 500"
    assert hooked.webhooks.replay_failed(endpoint.id, DANA) == 0, "a test is not an entry"


def test_while_nothing_can_be_written_down_nothing_is_lost(hooked: Hooked, receiver: Receiver) -> None:
    """The disk is full for a while: the cursor stays, and the results are written when it is not."""
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    write, full = Deliveries.write, [True]

    def fails(self: Deliveries, *arguments: object) -> None:
        if full[0]:
            raise LogError("the disk is full")
        write(self, *arguments)  # type: ignore[arg-type]

    with mock.patch.object(Deliveries, "write", fails):
        hooked.deliver()
        hooked.log.append([happened() for _ in range(30)])
        receiver.wait(30)
        time.sleep(0.3)
        assert hooked.webhooks.endpoints.get(endpoint.id).cursor == 0
        full[0] = False
        until(lambda: hooked.states(endpoint) == {"delivered": 30})
    assert len(receiver.got) == 30


def test_a_server_whose_disk_is_full_can_be_stopped(hooked: Hooked, receiver: Receiver) -> None:
    hooked.add(receiver.url, filter="entity:License")
    with (
        mock.patch.object(Deliveries, "write", side_effect=LogError("the disk is full")),
        mock.patch.object(ledger, "MOST", 5),
    ):
        deliverer = hooked.deliver()
        hooked.log.append([happened() for _ in range(50)])
        receiver.wait(5)
        began = time.monotonic()
        deliverer.stop()
        assert time.monotonic() - began < 5
    hooked.deliver()
    until(lambda: {got.message for got in receiver.taken()} == messages(hooked, "License"))


def test_what_was_written_down_but_reported_as_failed_is_delivered_once(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    write, failed = Deliveries.write, [0]

    def done_but_failed(self: Deliveries, *arguments: object) -> None:
        write(self, *arguments)  # type: ignore[arg-type]
        if failed[0] < 2:
            failed[0] += 1
            raise LogError("the connection was lost")

    with mock.patch.object(Deliveries, "write", done_but_failed):
        hooked.deliver()
        hooked.log.append([happened() for _ in range(30)])
        receiver.wait(30)
        until(lambda: hooked.states(endpoint) == {"delivered": 30})
        until(lambda: hooked.webhooks.endpoints.get(endpoint.id).cursor == 31)
        until(lambda: failed == [2])
        time.sleep(1.5)  # until it is written again
    assert len(receiver.got) == 30
    assert len(hooked.webhooks.deliveries.attempts(endpoint.id, limit=1000)) == 30


def test_work_is_pruned_of_what_arrived_long_ago_alone(hooked: Hooked, receiver: Receiver) -> None:
    endpoint, _ = hooked.add(receiver.url, filter="entity:License")
    receiver.behave = lambda number, _m: Answer(500) if number == 0 else Answer()
    hooked.deliver()
    hooked.log.append([happened()])
    until(lambda: hooked.states(endpoint) == {"delivered": 1})
    hooked.webhooks.deliveries.enroll(endpoint.id, [("msg_waits", 1)], 2**60)
    hooked.webhooks.deliveries.forget(2**61)
    assert hooked.states(endpoint) == {"waiting": 1}
    assert hooked.webhooks.deliveries.attempts(endpoint.id) == []
    hooked.webhooks.endpoints.remove(endpoint.id, DANA)
    hooked.webhooks.deliveries.enroll(endpoint.id, [("msg_late", 1)], 2**60)  # it was under way
    hooked.webhooks.deliveries.forget(0)
    assert hooked.states(endpoint) == {}
