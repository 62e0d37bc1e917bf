"""Each entry is in one digest and in no other, of whom it concerns alone; each run is an entry."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest

from indelible.desk import Desk
from indelible.digests import contents, making
from indelible.digests.contents import collect
from indelible.digests.digests import TIMES
from indelible.errors import LogError, MalformedError, NotFoundError, QueryError, UsageError
from indelible.event import EPOCH, Actor, Entity, Organization, micros
from indelible.log import Log
from indelible.schedule.times import parse_times
from indelible.search.match import matching
from indelible.search.query import Query
from indelible.work.announcements import By, settle
from tests.checking import check_signed
from tests.digests.conftest import Post
from tests.store.test_log import happened

KIM = "kim@acme.test"


def add(post: Post, **fields: Any) -> Any:
    return post.desk.digests.add(post.by, **{"recipient": KIM, "frequency": "daily"} | fields)


def covered(post: Post) -> list[tuple[int, int, int]]:
    """(from, until, entries) of each that was sent."""
    sent = [entry.metadata for entry in check_signed(post.log) if entry.action == "DIGEST_SENT"]
    return [(each["from"], each["until"], each["entries"]) for each in sent]


def test_each_digest_begins_where_the_last_one_ended(post: Post) -> None:
    post.log.append([happened()])
    add(post)
    post.log.append([happened() for _ in range(3)])
    assert post.desk.digest_maker.make("daily") == "1 digest"
    post.log.append([happened() for _ in range(2)])
    assert post.desk.digest_maker.make("daily") == "1 digest"
    assert post.desk.digest_maker.make("weekly") is None
    # The entry of adding it, and the entry of sending it, are news to whoever gets it.
    assert covered(post) == [(1, 5, 4), (5, 8, 3)]
    assert post.letters() == [(KIM, "Audit log, daily: 4 entries"), (KIM, "Audit log, daily: 3 entries")]


def test_a_run_is_an_entry_by_the_system_with_its_job_and_schedule(post: Post) -> None:
    digest = add(post, frequency="weekly", name="Board", organization="acme")
    post.desk.digest_maker.make("weekly")
    entry = check_signed(post.log)[-1]
    assert (entry.action, entry.actor.type, entry.operation) == ("DIGEST_SENT", "system", "send")
    assert (entry.metadata["job"], entry.metadata["schedule"]) == ("digests-weekly", "weekly mon 06:00")
    assert (entry.entity.id, entry.entity.name) == (digest.id, "Board")
    assert entry.organization is not None
    assert entry.organization.id == "acme"


def test_a_saved_view_and_an_organization_hold(post: Post) -> None:
    add(post, query="action:LICENSE_*", organization="acme", name="Acme's")
    acme = Organization("acme")
    post.log.append([
        happened(organization=acme), happened(), happened(organization=Organization("other")),
        happened(organization=acme, action="USER_INVITED"), happened(organization=acme),
    ])  # fmt: skip
    post.desk.digest_maker.make("daily")
    assert covered(post) == [(0, 6, 2)]
    assert post.letters() == [(KIM, "Acme's: 2 entries")]


def test_an_organization_sees_its_own_digests_and_no_others(post: Post) -> None:
    theirs = By(actor=Actor(id="kim"), organization="org_a")
    ours = add(post)
    own = post.desk.digests.add(theirs, recipient=KIM, frequency="daily", organization="org_b")
    assert own.organization == "org_a"
    assert [each.id for each in post.desk.digests.all("org_a")] == [own.id]
    for act in (lambda: post.desk.digests.get(ours.id, "org_a"), lambda: post.desk.digests.remove(ours.id, theirs)):
        with pytest.raises(NotFoundError):
            act()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"recipient": ""}, UsageError), ({"recipient": "kim"}, UsageError), ({"frequency": "hourly"}, UsageError),
        ({"query": "foo:1"}, QueryError), ({"query": "since:7d"}, QueryError), ({"name": "a\nBcc: x"}, UsageError),
        ({"recipient": "a@b.test\nBcc: c@d.test"}, UsageError), ({"name": "x" * 121}, UsageError),
        ({"organization": "x" * 257}, UsageError),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_and_nothing_is_added(
    post: Post, fields: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        add(post, **fields)
    assert post.desk.digests.all() == []
    assert post.log.head().size == 0


@pytest.mark.parametrize(
    "recipient",
    [
        "@", "a@", "@b", "a@b@c", "a,b@c.test", "a@b.test, c@d.test", "a;b@c.test", "<a@c.test>", "Kim <a@c.test>",
        "(x)y@z.test", "a:b@c.test", '"a"@c.test', "-f@c.test", "a b@c.test", "a@c.test\\",
    ],
)  # fmt: skip
def test_a_digest_is_sent_to_one_address(post: Post, recipient: str) -> None:
    with pytest.raises(UsageError, match="is no e-mail address"):
        add(post, recipient=recipient)


@pytest.mark.parametrize("recipient", ["kim+audit@acme.test", "o'hara-x.y@a-b.test", "jürgen@bücher.test", "a@b"])
def test_addresses_of_any_letters_are_addresses(post: Post, recipient: str) -> None:
    assert add(post, recipient=recipient).recipient == recipient


@pytest.mark.parametrize(
    "name", ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_the_name_of_a_digest_may_be_of_any_script(post: Post, name: str) -> None:
    """Of emoji that are joined, and of Persian, where a character that is not seen parts two letters."""
    assert add(post, name=name).name == name


def test_a_name_of_a_digest_that_is_not_seen_is_none(post: Post) -> None:
    assert add(post, name=" \u200d").name == "Audit log, daily"
    for hidden in ("a\u202eb", "a\u2066b", "a\u200bb"):
        with pytest.raises(UsageError, match="all of them printable"):
            add(post, name=hidden)


def test_that_a_digest_takes_no_range_is_said_of_digests(post: Post) -> None:
    with pytest.raises(QueryError, match="A digest is of what came since the last one: it takes no since:"):
        add(post, query="since:7d")


def test_removing_and_unsubscribing_are_entries(post: Post) -> None:
    first, second = add(post), add(post)
    post.desk.digests.remove(first.id, post.by)
    with pytest.raises(MalformedError, match="leads nowhere"):
        post.desk.digests.unsubscribe(second.id, "0" * 32)
    post.desk.digests.unsubscribe(second.id, post.desk.digests.token(second.id))
    removed, gone = check_signed(post.log)[-2:]
    assert (removed.action, removed.actor.email) == ("DIGEST_REMOVED", "dana@acme.test")
    assert (gone.action, gone.actor.type, gone.actor.email) == ("DIGEST_UNSUBSCRIBED", "unknown", KIM)
    with pytest.raises(MalformedError):
        post.desk.digests.unsubscribe(second.id, post.desk.digests.token(second.id))
    assert post.desk.digest_maker.make("daily") is None


def test_who_gets_a_digest_no_more_gets_none_that_waits_to_be_sent(post: Post) -> None:
    removed, left, kept = (add(post, recipient=f"{name}@acme.test") for name in ("removed", "left", "kept"))
    post.desk.digest_maker.make("daily")
    assert len(post.letters()) == 3
    post.desk.digests.remove(removed.id, post.by)
    post.desk.digests.unsubscribe(left.id, post.desk.digests.token(left.id))
    assert [to for to, _ in post.letters()] == [kept.recipient]


def test_a_link_is_of_one_digest_alone(post: Post) -> None:
    first, second = add(post), add(post)
    assert not post.desk.digests.known(second.id, post.desk.digests.token(first.id))
    assert post.desk.digests.known(first.id, post.desk.digests.token(first.id))
    assert not post.desk.digests.known("dg_0", post.desk.digests.token("dg_0"))


def test_of_many_that_make_it_at_once_one_does(post: Post) -> None:
    add(post)
    desks = [Desk.open(post.log, post.log_url, "") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda desk: desk.digest_maker.make("daily"), desks))
    for desk in desks:
        desk.close()
    sent = covered(post)
    assert len(post.letters()) == len(sent) == sum(each is not None for each in made)
    for (_, until, _), (start, _, _) in pairwise(sent):
        assert start == until


def test_a_run_that_was_killed_as_it_ended_makes_no_second_one(post: Post) -> None:
    digest, now = add(post), datetime.now(UTC)
    due = parse_times(TIMES["daily"]).last(now)
    long_ago = {"covered_at": micros(due) - 1, "was_covered_at": digest.covered_at}
    with post.desk.work.transaction() as statements:
        statements.run("cover_digest", id=digest.id, cursor=digest.cursor, was=digest.cursor, **long_ago)
    post.desk.schedule_digests()
    scheduler = post.desk.scheduler
    scheduler.runs.known_since("digests-daily", EPOCH)
    (job,) = (each for each in scheduler.jobs if each.name == "digests-daily")
    assert scheduler.runs.claim(job.name, due, now)
    assert job.run() == "1 digest"
    scheduler.runs.interrupt(now)  # by the next server: nobody has written down that it ended
    scheduler.round()
    assert [(run.state, run.tries) for run in scheduler.runs.newest(job=job.name)] == [("idle", 2)]
    assert len(post.letters()) == len(covered(post)) == 1


def test_where_the_letter_cannot_be_written_nothing_is_covered(post: Post) -> None:
    add(post)
    with mock.patch.object(making, "write_letter", side_effect=LogError("full")), pytest.raises(LogError):
        post.desk.digest_maker.make("daily")
    assert (post.letters(), covered(post)) == ([], [])
    post.desk.digest_maker.make("daily")
    assert [start for start, _, _ in covered(post)] == [0]


def test_where_the_log_takes_nothing_the_letter_goes_and_the_entry_comes_later(post: Post) -> None:
    add(post)
    with mock.patch.object(Log, "appending", side_effect=LogError("full")), suppress(LogError):
        post.desk.digest_maker.make("daily")
    assert len(post.letters()) == 1
    assert settle(post.desk.work, post.log) == 1
    assert len(covered(post)) == 1


def test_what_is_worth_a_look_is_told_apart_and_counted(post: Post) -> None:
    post.log.append([
        happened(), happened(outcome="failure"), happened(operation="delete"), happened(actor=Actor.unknown()),
        happened(action="AUDIT_EXPORTED"), happened(actor=Actor(id="kim", email=KIM)),
    ])  # fmt: skip
    found = collect(post.log, matching(Query()), 0, 6)
    assert (found.total, found.notable_total, [entry.seq for entry in found.notable]) == (6, 4, [4, 3, 2, 1])
    assert found.actions == [("LICENSE_ASSIGNED", 5), ("AUDIT_EXPORTED", 1)]
    assert dict(found.actors) == {"dana": 4, "unknown": 1, KIM: 1}
    assert found.checkpoint == post.log.checkpoint()


def test_of_more_than_can_be_counted_it_says_so(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST", 10)
    post.log.append([happened(entity=Entity("License", str(number))) for number in range(15)])
    found = collect(post.log, matching(Query()), 0, 15)
    assert (found.total, found.capped) == (10, True)
