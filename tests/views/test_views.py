"""A search that is kept is there for whom it is kept, and nobody else; keeping it is an entry."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from indelible.errors import LogError, NotFoundError, QueryError, UsageError
from indelible.event import Actor
from indelible.log import Log
from indelible.views.views import Views
from indelible.work.announcements import By
from indelible.work.place import open_work
from tests.checking import check_signed, refusing

DANA, KIM, NOBODY = Actor(id="u1", name="Dana"), Actor(id="u2", name="Kim"), Actor(type="unknown")


@pytest.fixture
def log(log_url: str) -> Iterator[Log]:
    with Log.create(log_url) as made:
        yield made


@pytest.fixture
def views(log: Log, log_url: str) -> Iterator[Views]:
    work = open_work(log_url)
    yield Views(log, work)
    work.close()


def names(views: Views, actor: Actor, organization: str | None = None) -> list[str]:
    return [view.name for view in views.seen(actor, organization)]


def test_one_s_own_are_there_and_those_that_are_shared(views: Views, log: Log) -> None:
    views.add(By(actor=DANA), name="Deletions", query="operation:delete", since="7d")
    views.add(By(actor=KIM), name="By SQL", query="source:sql", shared=True)
    views.add(By(actor=KIM, organization="acme"), name="Acme's", query="", shared=True)
    assert names(views, DANA) == ["By SQL", "Deletions"]
    assert names(views, KIM) == ["By SQL"]
    assert names(views, DANA, "acme") == ["Acme's"]
    assert names(views, NOBODY, "globex") == []
    told = [(e.action, e.entity.name, e.actor.id, e.organization and e.organization.id) for e in check_signed(log)]
    assert told == [
        ("AUDIT_VIEW_SAVED", "Deletions", "u1", None),
        ("AUDIT_VIEW_SAVED", "By SQL", "u2", None),
        ("AUDIT_VIEW_SAVED", "Acme's", "u2", "acme"),
    ]


def test_one_of_them_is_seen_first(views: Views) -> None:
    for name in ("one", "two"):
        views.add(By(actor=DANA), name=name, query="", opens=True)
    views.add(By(actor=KIM), name="three", query="", shared=True, opens=True)
    first = views.first(DANA, None)
    assert first
    assert first.name == "two"
    assert views.first(NOBODY, None) is None


def test_in_each_organization_another_is_seen_first(views: Views) -> None:
    for organization in (None, "acme", "globex"):
        views.add(By(actor=DANA, organization=organization), name=f"in {organization}", query="", opens=True)
    for organization in (None, "acme", "globex"):
        first = views.first(DANA, organization)
        assert first
        assert first.name == f"in {organization}"


@pytest.mark.parametrize(
    "name", ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_a_name_may_be_of_any_script(views: Views, log: Log, name: str) -> None:
    """Of emoji that are joined, and of Persian, where a character that is not seen parts two letters."""
    assert views.add(By(actor=DANA), name=f" {name} ", query="").name == name
    assert check_signed(log)[-1].entity.name == name


@pytest.mark.parametrize(
    "name", ["", " ", "\u200d", "\u200c \u200d", "a\u202eb", "a\u2066b", "a\u200bb", "a\nb", "a" * 81]
)
def test_a_name_that_is_not_seen_or_not_what_it_seems_is_none(views: Views, name: str) -> None:
    with pytest.raises(UsageError, match="A view needs a name"):
        views.add(By(actor=DANA), name=name, query="")


def test_the_same_search_under_the_same_name_is_one_view(views: Views, log: Log, log_url: str) -> None:
    first = views.add(By(actor=DANA), name="one", query="dana", since="7d")
    assert views.add(By(actor=DANA), name="one", query="dana", since="7d") == first
    work = open_work(log_url)  # of another server
    assert Views(log, work).add(By(actor=DANA), name="one", query="dana", since="7d") == first
    work.close()
    assert [entry.action for entry in check_signed(log)] == ["AUDIT_VIEW_SAVED"]
    views.add(By(actor=DANA), name="one", query="dana", since="7d", opens=True, shared=True)
    (kept,) = views.seen(DANA, None)
    assert (kept.id, kept.opens, kept.shared, kept.created_at) == (first.id, 1, 1, first.created_at)
    views.add(By(actor=DANA), name="one", query="kim", since="7d")
    views.add(By(actor=DANA), name="two", query="dana", since="7d")
    views.add(By(actor=DANA), name="one", query="dana")
    views.add(By(actor=KIM), name="one", query="dana", since="7d")
    assert len(views.seen(DANA, None)) == 4


def test_what_others_share_leaves_room_for_one_s_own(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indelible.views.views.MOST", 2)
    for name in ("one", "two"):
        views.add(By(actor=KIM), name=name, query="", shared=True)
    for name in ("three", "four"):
        views.add(By(actor=DANA), name=name, query="")
    with pytest.raises(UsageError, match="You keep 2 views already"):
        views.add(By(actor=DANA), name="five", query="")


def test_who_may_remove_what(views: Views, log: Log) -> None:
    own = views.add(By(actor=DANA), name="own", query="")
    shared = views.add(By(actor=KIM), name="shared", query="", shared=True)
    for id_, by in ((own.id, KIM), (shared.id, DANA), ("vw_0", DANA)):
        with pytest.raises(NotFoundError):
            views.remove(id_, By(actor=by))
    with pytest.raises(NotFoundError):
        views.remove(own.id, By(actor=KIM), manages=True)  # a view of somebody's own is theirs
    with pytest.raises(NotFoundError):
        views.remove(shared.id, By(actor=KIM, organization="acme"), manages=True)
    views.remove(shared.id, By(actor=DANA), manages=True)
    views.remove(own.id, By(actor=DANA))
    assert names(views, DANA) == []
    assert [entry.action for entry in check_signed(log)][2:] == ["AUDIT_VIEW_REMOVED"] * 2


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb"])
def test_a_name_that_is_none_is_refused(views: Views, log: Log, name: str) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        views.add(By(actor=DANA), name=name, query="")
    assert check_signed(log) == []


def test_what_cannot_be_kept_is_refused(views: Views) -> None:
    with pytest.raises(QueryError):
        views.add(By(actor=DANA), name="x", query="nokey:1")
    with pytest.raises(UsageError, match="neither an id nor an e-mail"):
        views.add(By(actor=NOBODY), name="x", query="")
    assert names(views, DANA) == []


def test_a_view_whose_entry_could_not_be_sealed_is_told_of_by_the_next(
    views: Views, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(log, monkeypatch), suppress(LogError):
        views.add(By(actor=DANA), name="kept", query="")
    assert names(views, DANA) == ["kept"]
    views.add(By(actor=DANA), name="next", query="")
    assert [entry.entity.name for entry in check_signed(log)] == ["kept", "next"]


def test_entries_that_waited_are_sealed_in_the_order_in_which_it_happened(
    views: Views, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of one millisecond."""
    with monkeypatch.context() as patched:
        patched.setattr("indelible.views.views.settle", lambda *_: 0)
        for number in range(30):
            views.add(By(actor=DANA), name=f"view {number}", query="")
    views.add(By(actor=DANA), name="view 30", query="")
    assert [entry.entity.name for entry in check_signed(log)] == [f"view {number}" for number in range(31)]
