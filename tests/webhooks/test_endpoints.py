"""Each thing that is done to an endpoint is an entry, and is done together with it or not at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from msgspec import structs

from indelible.errors import AddressError, LogError, NotFoundError, QueryError, RepeatedError, UsageError
from indelible.event import EPOCH, Actor, Entry, read
from indelible.log import Log
from indelible.webhooks.endpoint import Endpoint
from indelible.webhooks.endpoints import MOST_BEFORE
from indelible.webhooks.secret import Secrets, key_path
from indelible.webhooks.service import Webhooks
from indelible.work.announcements import By, settle
from indelible.work.place import open_work
from tests.checking import check_signed
from tests.webhooks.conftest import DANA, LOOPBACK, Hooked

URL = "https://hooks.example.com/services/T0/secret-path?token=s3cr3t"


def told(log: Log) -> list[Entry]:
    return check_signed(log)


def last(hooked: Hooked) -> tuple[str, str, Any]:
    entry = told(hooked.log)[-1]
    return entry.action, entry.operation, entry.changes


def test_adding_is_an_entry_that_shows_where_it_leads_and_no_more(hooked: Hooked) -> None:
    endpoint, _ = hooked.add(URL, filter="action:LICENSE_*", contact="ops@acme.test")
    (entry,) = told(hooked.log)
    assert (entry.action, entry.operation, entry.actor.email) == ("WEBHOOK_ADDED", "create", "dana@acme.test")
    assert (entry.entity.type, entry.entity.id, entry.entity.name) == (
        "Webhook", endpoint.id, "https://hooks.example.com/…"
    )  # fmt: skip
    assert entry.changes == {
        "url": {"new": "https://hooks.example.com/…"}, "filter": {"new": "action:LICENSE_*"},
        "contact": {"new": "ops@acme.test"}, "state": {"new": "active"},
    }  # fmt: skip
    assert b"s3cr3t" not in hooked.log.line(0)


def test_each_act_is_an_entry_with_what_changed(hooked: Hooked) -> None:
    endpoint, _ = hooked.add(URL)
    endpoints = hooked.webhooks.endpoints
    endpoints.pause(endpoint.id, DANA)
    assert last(hooked) == ("WEBHOOK_PAUSED", "update", {"state": {"old": "active", "new": "paused"}})
    endpoints.resume(endpoint.id, DANA)
    assert last(hooked) == ("WEBHOOK_RESUMED", "update", {"state": {"old": "paused", "new": "active"}})
    endpoints.change(endpoint.id, DANA, url="https://x.test", filter="dana", contact=None)
    assert last(hooked)[2] == {
        "url": {"old": "https://hooks.example.com/…", "new": "https://x.test"}, "filter": {"old": None, "new": "dana"}
    }  # fmt: skip
    endpoints.change(endpoint.id, DANA, url="https://x.test/a", filter="dana", contact=None)
    endpoints.change(endpoint.id, DANA, url="https://x.test/b", filter="dana", contact=None)
    assert last(hooked)[2] == {"url": {"old": "https://x.test/…", "new": "https://x.test/…"}}
    _, secret = endpoints.rotate(endpoint.id, DANA)
    assert last(hooked)[2] == {"secret": {"old": {"redacted": True}, "new": {"redacted": True}}}
    assert secret.shared[6:].encode() not in b"".join(line for _, _, line in hooked.log.leaves(0, 100))
    endpoints.remove(endpoint.id, DANA)
    assert last(hooked)[:2] == ("WEBHOOK_REMOVED", "delete")
    assert endpoints.all() == []


def test_a_filter_that_would_be_refused_today_goes_on_as_it_was(hooked: Hooked) -> None:
    endpoint, _ = hooked.add(URL)
    with pytest.raises(QueryError, match="OR joins no terms"):
        hooked.webhooks.endpoints.change(endpoint.id, DANA, url=URL, filter="dana OR kim", contact=None)
    with hooked.work.transaction() as statements:
        statements.run("change_endpoint", **structs.asdict(structs.replace(endpoint, filter="dana OR kim")))
    changed = hooked.webhooks.endpoints.change(
        endpoint.id, DANA, url=URL, filter="dana OR kim", contact="ops@acme.test"
    )
    assert (changed.filter, changed.contact) == ("dana OR kim", "ops@acme.test")
    changed.match()


def test_what_changes_nothing_is_no_entry(hooked: Hooked) -> None:
    endpoint, _ = hooked.add(URL)
    hooked.webhooks.endpoints.resume(endpoint.id, DANA)
    hooked.webhooks.endpoints.change(endpoint.id, DANA, url=URL, filter="", contact=None)
    assert len(told(hooked.log)) == 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"url": "ftp://x"}, AddressError), ({"filter": "foo:1"}, QueryError), ({"filter": "since:7d"}, QueryError),
        ({"contact": "nobody"}, UsageError), ({"url": "https://10.0.0.1/"}, AddressError),
        ({"url": "http://example.com/"}, AddressError), ({"url": "https://[::1]/"}, AddressError),
        ({"url": f"https://{'a' * 64}.example.com/"}, AddressError), ({"url": "https://a..b/"}, AddressError),
        ({"url": f"https://{'a.' * 126}test/"}, AddressError), ({"organization": "x" * 257}, UsageError),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_and_nothing_is_added(
    hooked: Hooked, fields: dict[str, Any], error: type[Exception]
) -> None:
    with mock.patch.object(hooked.webhooks.endpoints, "_allowed", ()), pytest.raises(error):
        hooked.add(**({"url": URL} | fields))
    assert hooked.webhooks.endpoints.all() == []
    assert hooked.log.head().size == 0


ACTS: list[Callable[[Webhooks, str, By], object]] = [
    lambda webhooks, id_, by: webhooks.endpoints.get(id_, by.organization),
    lambda webhooks, id_, by: webhooks.endpoints.pause(id_, by),
    lambda webhooks, id_, by: webhooks.endpoints.rotate(id_, by),
    lambda webhooks, id_, by: webhooks.endpoints.remove(id_, by),
    lambda webhooks, id_, by: webhooks.endpoints.change(id_, by, url=URL, filter="", contact=None),
    lambda webhooks, id_, by: webhooks.test(id_, by),
    lambda webhooks, id_, by: webhooks.replay_failed(id_, by),
    lambda webhooks, id_, by: webhooks.replay_range(id_, 0, 9, by),
    lambda webhooks, id_, by: webhooks.replay(id_, "m", by),
]


def test_an_organization_sees_its_own_endpoints_and_no_others(hooked: Hooked) -> None:
    theirs = By(actor=Actor(id="kim"), organization="org_a")
    ours, _ = hooked.add(URL)
    own, _ = hooked.webhooks.endpoints.add(URL, theirs, organization="org_b")
    assert own.organization == "org_a", "whatever they ask for"
    assert [each.id for each in hooked.webhooks.endpoints.all("org_a")] == [own.id]
    for act in ACTS:
        with pytest.raises(NotFoundError):
            act(hooked.webhooks, ours.id, theirs)
    assert [entry.organization and entry.organization.id for entry in told(hooked.log)] == [None, "org_a"]


def test_after_a_rotation_both_secrets_sign_for_as_long_as_they_were_asked_to(hooked: Hooked) -> None:
    endpoint, old = hooked.add(URL)
    rotated, new = hooked.webhooks.endpoints.rotate(endpoint.id, DANA, timedelta(hours=2))
    (end,) = rotated.before(datetime.now(UTC)).values()
    assert signing(hooked, rotated, end - 1) == [new.shared, old.shared]
    assert signing(hooked, rotated, end) == [new.shared]
    at_once, newest = hooked.webhooks.endpoints.rotate(endpoint.id, DANA, timedelta(0))
    assert signing(hooked, at_once, end - 1) == [newest.shared]
    with pytest.raises(UsageError, match="30 days"):
        hooked.webhooks.endpoints.rotate(endpoint.id, DANA, timedelta(days=31))


def test_rotated_again_the_secrets_before_sign_each_for_its_own_time(hooked: Hooked) -> None:
    endpoint, first = hooked.add(URL)
    _, second = hooked.webhooks.endpoints.rotate(endpoint.id, DANA, timedelta(hours=24))
    rotated, third = hooked.webhooks.endpoints.rotate(endpoint.id, DANA, timedelta(hours=2))
    longer, shorter = rotated.before(datetime.now(UTC)).values()
    assert signing(hooked, rotated, shorter - 1) == [third.shared, second.shared, first.shared]
    assert signing(hooked, rotated, shorter) == [third.shared, first.shared]
    assert signing(hooked, rotated, longer) == [third.shared]
    for _ in range(9):
        rotated, _ = hooked.webhooks.endpoints.rotate(endpoint.id, DANA)
    assert len(signing(hooked, rotated, shorter - 1)) == 1 + MOST_BEFORE  # in one header


def signing(hooked: Hooked, endpoint: Endpoint, at: int) -> list[str]:
    """The secrets that sign at a moment, in microseconds since 1970."""
    now = EPOCH + timedelta(microseconds=at)
    return [each.shared for each in hooked.webhooks.endpoints.secrets(endpoint, now)]


def test_where_the_log_takes_nothing_the_entry_comes_later(hooked: Hooked) -> None:
    """The append fails: the endpoint is there, its entry waits, and whoever settles next brings it."""
    with mock.patch.object(Log, "appending", side_effect=LogError("the disk is full")), suppress(LogError):
        hooked.add(URL)
    assert len(hooked.webhooks.endpoints.all()) == 1
    assert hooked.log.head().size == 0
    assert settle(hooked.work, hooked.log) == 1
    assert [entry.action for entry in told(hooked.log)] == ["WEBHOOK_ADDED"]
    assert settle(hooked.work, hooked.log) == 0


def test_where_it_was_sealed_but_not_forgotten_it_is_not_sealed_twice(hooked: Hooked) -> None:
    """Killed between the two: the log knows it by its id."""
    with mock.patch.object(Log, "sign", side_effect=LogError("lost")), suppress(LogError):
        hooked.add(URL)
    assert hooked.log.head().size == 1
    assert settle(hooked.work, hooked.log) == 0
    assert [entry.action for entry in told(hooked.log)] == ["WEBHOOK_ADDED"]


def test_where_the_work_takes_nothing_nothing_is_done(hooked: Hooked) -> None:
    hooked.work.close()
    with pytest.raises(LogError, match="closed here already"):
        hooked.add(URL)
    assert hooked.log.head().size == 0
    again = open_work(hooked.log_url)
    with again.transaction() as statements:
        assert statements.run("endpoints") == []
        assert statements.run("announcements") == []
    again.close()


def test_no_message_shows_a_secret(hooked: Hooked) -> None:
    endpoint, secret = hooked.add(URL)
    assert "s3cr3t" not in endpoint.name
    assert secret.shared not in repr(Secrets(b"k" * 32).of(endpoint.id, 1))
    assert [read(line).entity.name for _, _, line in hooked.log.leaves(0, 9)] == ["https://hooks.example.com/…"]


def test_a_form_that_reaches_two_servers_at_once_adds_one_webhook(hooked: Hooked) -> None:
    work = open_work(hooked.log_url)
    secrets = Secrets.kept(key_path(hooked.log.store.key_path), work)
    other = Webhooks(hooked.log, work, secrets, allowed=LOOPBACK, pages="")
    together = Barrier(2)

    def added(webhooks: Webhooks) -> str:
        together.wait()
        try:
            return webhooks.endpoints.add("https://hooks.example.com/", DANA, once="a form")[0].id
        except RepeatedError as error:
            return error.id

    with ThreadPoolExecutor() as threads:
        ids = set(threads.map(added, (hooked.webhooks, other)))
    work.close()
    assert {each.id for each in hooked.webhooks.endpoints.all()} == ids
    assert len(ids) == 1
    assert [entry.action for entry in check_signed(hooked.log)] == ["WEBHOOK_ADDED"]
    elsewhere = hooked.webhooks.endpoints.add("https://hooks.example.com/", By(actor=DANA.actor, organization="acme"),
                                              once="a form")  # fmt: skip
    assert elsewhere[0].id not in ids
