"""An API key opens what it was made for, as long as it is good; nobody can read it anywhere afterwards."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from indelible.errors import NotFoundError, UsageError
from indelible.event import Actor
from indelible.keys import keys as module
from indelible.keys.keys import SCOPES, Keys
from indelible.log import Log
from indelible.work.announcements import By
from indelible.work.place import open_work
from indelible.work.promise import Work
from tests.checking import check_signed, refusing

DANA = By(actor=Actor(id="u1", name="Dana"))


@pytest.fixture
def log(log_url: str) -> Iterator[Log]:
    with Log.create(log_url) as made:
        yield made


@pytest.fixture
def work(log: Log, log_url: str) -> Iterator[Work]:  # noqa: ARG001 - work is beside a log that is there
    made = open_work(log_url)
    yield made
    made.close()


@pytest.fixture
def keys(log: Log, work: Work) -> Keys:
    return Keys(log, work)


def test_a_key_opens_what_it_was_made_for(keys: Keys, log: Log) -> None:
    key, text = keys.add(DANA, name="portal", scopes=["read", "append"], organization="acme")
    found = keys.find(text)
    assert found is not None
    assert (found.id, found.scopes, found.organization) == (key.id, "append,read", "acme")
    assert [found.may(scope) for scope in SCOPES] == [True, True, False, False]
    assert (found.actor.type, found.actor.id, found.actor.name) == ("api_key", key.id, "portal")
    assert found.used_at is not None
    (entry,) = check_signed(log)
    assert (entry.action, entry.entity.id, entry.actor.name) == ("API_KEY_ADDED", key.id, "Dana")


CHANGES: list[Callable[[str], str]] = [
    lambda text: text[:-1], lambda text: text[:-1] + "\0", str.upper, lambda text: f" {text}", lambda _: "",
    lambda text: text[:20], lambda text: text + "A", lambda text: text[:3] + "0" * 16 + text[19:],
    lambda text: text[:20] + "A" * 43,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_it_opens_nothing(keys: Keys, change: Callable[[str], str]) -> None:
    _, text = keys.add(DANA, name="portal", scopes=["read"])
    assert keys.find(change(text)) is None


def test_its_secret_is_nowhere(keys: Keys, log: Log, work: Work, tmp_path: Path) -> None:
    key, text = keys.add(DANA, name="portal", scopes=["read"])
    secret = text.removeprefix(f"{key.id}_")
    assert secret not in repr(keys.all()) + repr(check_signed(log))
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    with work.transaction() as statements:
        assert secret not in repr(statements.run("keys"))


def test_rotated_both_are_good_for_a_while(keys: Keys, log: Log) -> None:
    key, before = keys.add(DANA, name="portal", scopes=["read"])
    _, lost = keys.rotate(key.id, DANA)  # an answer that did not come
    _, after = keys.rotate(key.id, DANA)
    assert [keys.find(text) is not None for text in (before, lost, after)] == [True, True, True]
    _, newest = keys.rotate(key.id, DANA, timedelta())
    assert [keys.find(text) is not None for text in (before, lost, after, newest)] == [False, False, False, True]
    assert [entry.action for entry in check_signed(log)] == ["API_KEY_ADDED", *["API_KEY_ROTATED"] * 3]
    with pytest.raises(UsageError, match="overlap"):
        keys.rotate(key.id, DANA, timedelta(days=31))


def test_removed_it_opens_nothing_any_more_in_another_process_within_a_second(
    keys: Keys, log: Log, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Keys(log, work)
    key, text = keys.add(DANA, name="portal", scopes=["read"])
    assert other.find(text) is not None
    keys.remove(key.id, DANA)
    assert keys.find(text) is None
    monkeypatch.setattr(module, "REMEMBERED", 0.0)  # as after a second
    assert other.find(text) is None
    with pytest.raises(NotFoundError):
        keys.remove(key.id, DANA)


def test_of_another_organization_it_is_not_there(keys: Keys) -> None:
    acme = By(actor=DANA.actor, organization="acme")
    key, _ = keys.add(acme, name="theirs", scopes=["read"], organization="globex")
    assert key.organization == "acme"
    own, _ = keys.add(DANA, name="ours", scopes=["read"])
    assert [each.name for each in keys.all("acme")] == ["theirs"]
    for change in (keys.remove, keys.rotate):
        with pytest.raises(NotFoundError):
            change(own.id, acme)


@pytest.mark.parametrize("given", [{"name": "", "scopes": ["read"]}, {"name": "x" * 81, "scopes": ["read"]},
                                   {"name": "x", "scopes": []}, {"name": "x", "scopes": ["read", "root"]}])  # fmt: skip
def test_what_is_no_key_is_refused(keys: Keys, log: Log, given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        keys.add(DANA, **given)  # type: ignore[arg-type]  # that is the test
    assert check_signed(log) == []


def test_what_postgresql_cannot_keep_is_a_mistake_of_who_asks(pg_url: str) -> None:
    with Log.create(pg_url) as log, closing(open_work(pg_url)) as work:
        keys = Keys(log, work)
        with pytest.raises(UsageError, match=r"organization: it has a NUL \(U\+0000\) in it"):
            keys.add(DANA, name="portal", scopes=["read"], organization="ac\0me")
        assert keys.all() == []
        assert log.head().size == 0


def test_one_whose_entry_could_not_be_sealed_is_on_record_with_the_next(
    keys: Keys, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(log, monkeypatch):
        _, text = keys.add(DANA, name="first", scopes=["read"])
    assert keys.find(text) is not None  # told all the same: it could not be told again
    keys.add(DANA, name="second", scopes=["read"])
    assert [entry.entity.name for entry in check_signed(log)] == ["first", "second"]
